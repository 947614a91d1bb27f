"""A request's body on its way into a blob: digests are computed as the bytes pass and compared at the end, at constant memory."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, ByteStream
from lambent.domain.storage import Blobs
from lambent.services.s3 import checksums, errors
from lambent.services.s3.state import Checksum

_TRAILERS = {checksums.header(each): each for each in checksums.ALGORITHMS}


class Arrived(msgspec.Struct, frozen=True):
    """A body that is stored."""

    digest: str  #: the blob's
    size: int  #: bytes
    md5: bytes
    checksum: Checksum | None  #: in the algorithm that the client chose, else in the default one
    own: Checksum | None = None  #: in the default algorithm


class _Passing:
    """Iterates a body once; raises at its end when a digest that the client gave doesn't hold."""

    def __init__(self, body: ByteStream, params: Mapping[str, Any], size_max: int, default_algorithm: str, *, both: bool) -> None:
        self._body = body
        self._size_max = size_max
        self._md5_wanted = _content_md5(params.get("ContentMD5"))
        self._given = checksums.given(params)
        self._algorithm: str = (self._given[0] if self._given else params.get("ChecksumAlgorithm")) or default_algorithm
        self._own = default_algorithm if both else self._algorithm
        self._hashers = {each: checksums.hasher(each) for each in (self._algorithm, self._own) if each}
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0
        if body.length is not None and body.length > size_max:
            raise errors.too_large(body.length, size_max)

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    @property
    def checksum(self) -> Checksum | None:
        return self._checksum(self._algorithm)

    @property
    def own(self) -> Checksum | None:
        return self._checksum(self._own)

    def _checksum(self, algorithm: str) -> Checksum | None:
        return Checksum(algorithm, checksums.text(self._hashers[algorithm].digest())) if algorithm else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            self.size += len(chunk)
            if self.size > self._size_max:
                raise errors.too_large(self.size, self._size_max)
            self._md5.update(chunk)
            for each in self._hashers.values():
                each.update(chunk)
            yield chunk
        self._check()

    def _check(self) -> None:
        if self._body.length is not None and self.size != self._body.length:
            raise AwsError("IncompleteBody", "The request body terminated unexpectedly", 400)
        if self._md5_wanted is not None and self._md5_wanted != self.md5:
            members = {"ExpectedDigest": self._md5_wanted.hex(), "CalculatedDigest": checksums.text(self.md5)}
            raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400, members=members)
        found = self.checksum
        if found is None:
            return
        wanted = self._given[1] if self._given else self._body.trailers.get(checksums.header(self._algorithm))
        if wanted is not None and wanted != found.value:
            checksums.check_form(self._algorithm, wanted)
            raise bad_checksum(self._algorithm)


def bad_checksum(algorithm: str) -> AwsError:
    """Return the error for a checksum that doesn't hold."""
    return AwsError("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.", 400)


def _content_md5(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400, members={"Content-MD5": text})
    return digest


def stream_of(body: bytes | ByteStream | None) -> ByteStream:
    """Return a request's body as a stream, whatever it came as."""
    if body is None:
        return BytesStream(b"")
    return BytesStream(bytes(body)) if isinstance(body, bytes | bytearray) else body


def check_length_given(call: Call) -> None:
    """Raise ``MissingContentLength`` for a request from outside that doesn't say how long its body is."""
    body = call.params.get("Body")
    if call.host and "ContentLength" not in call.params and (body is None or getattr(body, "length", None) == 0):
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)


async def take_in(blobs: Blobs, params: Mapping[str, Any], size_max: int, default_algorithm: str, *, both: bool = False) -> Arrived:
    """Store the request's ``Body`` and return what was stored. Raises, leaving nothing behind, when a digest or the size is wrong.

    ``both`` computes the default checksum beside the one that the client chose.
    """
    body = stream_of(params.get("Body"))
    passing = _Passing(body, params, size_max, default_algorithm, both=both)
    blob = await blobs.put(aiter(passing))
    checksum = passing.checksum
    announced = next((name for name in _TRAILERS if name in body.trailers), None)
    if announced is not None and (checksum is None or _TRAILERS[announced] != checksum.algorithm):
        checksum = await _by_trailer(blobs, blob.digest, body.trailers, announced)
    return Arrived(blob.digest, blob.size, passing.md5, checksum, passing.own)


async def _by_trailer(blobs: Blobs, digest: str, trailers: Mapping[str, str], found: str) -> Checksum:
    """Check a checksum that nothing but the trailer announced, by reading the blob again."""
    hasher = checksums.hasher(_TRAILERS[found])
    async for chunk in blobs.read(digest):
        hasher.update(chunk)
    checksum = Checksum(_TRAILERS[found], checksums.text(hasher.digest()))
    if checksum.value != trailers[found]:
        raise bad_checksum(checksum.algorithm)
    return checksum
