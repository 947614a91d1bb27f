"""``aws-chunked`` bodies: ``STREAMING-AWS4-HMAC-SHA256-PAYLOAD``, ``…-TRAILER`` and ``STREAMING-UNSIGNED-PAYLOAD-TRAILER``.

``<hex size>[;chunk-signature=<hex>]\\r\\n<data>\\r\\n`` …, a chunk of size 0, trailing headers, an empty line. Data is given on as it
comes, at constant memory; a wrong signature is raised at the end of its chunk, before the iteration ends, so that nobody keeps the body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from enum import Enum

from lambent.domain.errors import AwsError
from lambent.domain.http import ByteStream, HttpRequest
from lambent.signing.canonical import EMPTY_SHA256, signing_key
from lambent.signing.credential import Credential

_LINE_BYTES_MAX = 8_192
_TRAILERS_MAX = 32


class ChunkSigner:
    """The chain of chunk signatures: each covers the one before; the first one before is the request's own."""

    def __init__(self, credential: Credential, secret: str) -> None:
        self._key = signing_key(secret, credential.terms.date, credential.terms.region, credential.terms.service)
        self._terms = f"{credential.timestamp}\n{credential.terms.scope}"
        self._previous = credential.signature

    def chunk(self, sha256: str) -> str:
        """Return the next chunk's signature, for data of this hash."""
        return self._next(f"AWS4-HMAC-SHA256-PAYLOAD\n{self._terms}\n{self._previous}\n{EMPTY_SHA256}\n{sha256}")

    def trailer(self, lines: bytes) -> str:
        """Return the signature of the trailing headers, each ``name:value\\n``."""
        return self._next(f"AWS4-HMAC-SHA256-TRAILER\n{self._terms}\n{self._previous}\n{hashlib.sha256(lines).hexdigest()}")

    def _next(self, text: str) -> str:
        self._previous = hmac.digest(self._key, text.encode(), "sha256").hex()
        return self._previous


class _State(Enum):
    SIZE = 1
    DATA = 2
    DATA_END = 3
    TRAILER = 4
    DONE = 5


class ChunkDecoder:
    """Takes bytes as they arrive and returns data; no I/O."""

    def __init__(self, signer: ChunkSigner | None = None, *, signed_trailer: bool = False) -> None:
        self.trailers: dict[str, str] = {}
        self._signer = signer
        self._signed_trailer = signed_trailer
        self._state = _State.SIZE
        self._buffer = bytearray()
        self._left = 0
        self._hash = hashlib.sha256()
        self._signature = ""
        self._trailer_lines = b""

    @property
    def done(self) -> bool:
        """Whether the end of the body was seen."""
        return self._state is _State.DONE

    def feed(self, data: bytes) -> list[bytes]:
        """Return the decoded data that ``data`` completes. Raises ``AwsError`` for what isn't aws-chunked or isn't signed rightly."""
        self._buffer += data
        out: list[bytes] = []
        while self._step(out):
            pass
        return out

    def end(self) -> None:
        """Take note that nothing more comes; raises ``AwsError`` when the body isn't complete."""
        if self._state is _State.TRAILER and not self._buffer.strip(b"\r\n"):
            self._finish()  # some clients leave out the last empty line
        if self._state is not _State.DONE:
            raise AwsError("IncompleteBody", "The request body terminated unexpectedly")

    def _step(self, out: list[bytes]) -> bool:
        """Make one step; ``False`` when more bytes are needed."""
        if self._state is _State.DATA:
            return self._data(out)
        if self._state is _State.DONE:
            return False
        line = self._line()
        if line is None:
            return False
        if self._state is _State.SIZE:
            self._size(line)
        elif self._state is _State.DATA_END:
            if line:
                raise _malformed()
            self._state = _State.SIZE
        else:
            self._trailer(line)
        return True

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n", 0, _LINE_BYTES_MAX)
        if end < 0:
            if len(self._buffer) >= _LINE_BYTES_MAX:
                raise _malformed()
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        return line

    def _size(self, line: bytes) -> None:
        size, _, extension = line.partition(b";")
        try:
            self._left = int(size, 16)
        except ValueError:
            raise _malformed() from None
        if self._left < 0:
            raise _malformed()
        self._signature = extension.removeprefix(b"chunk-signature=").decode("latin-1").strip()
        self._hash = hashlib.sha256()
        if self._left:
            self._state = _State.DATA
        else:
            self._check_chunk()
            self._state = _State.TRAILER

    def _data(self, out: list[bytes]) -> bool:
        if not self._buffer:
            return False
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        if self._signer:
            self._hash.update(piece)
        if not self._left:
            self._check_chunk()
            self._state = _State.DATA_END
        out.append(piece)
        return True

    def _check_chunk(self) -> None:
        if self._signer:
            _check(self._signer.chunk(self._hash.hexdigest()), self._signature)

    def _trailer(self, line: bytes) -> None:
        if not line:
            # The signed trailer has an empty line before its signature in some clients; the body ends with the next one.
            if not self._awaits_signature:
                self._finish()
            return
        name, colon, value = line.partition(b":")
        if not colon or len(self.trailers) >= _TRAILERS_MAX:
            raise AwsError(
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform to our published schema.",
            )
        key, text = name.decode("latin-1").strip().lower(), value.decode("latin-1").strip()
        if key == "x-amz-trailer-signature":
            self._check_trailer(text)
            return
        self._trailer_lines += f"{key}:{text}\n".encode()
        self.trailers[key] = text

    @property
    def _awaits_signature(self) -> bool:
        return self._signed_trailer and self._signer is not None

    def _check_trailer(self, given: str) -> None:
        if self._awaits_signature and self._signer:
            _check(self._signer.trailer(self._trailer_lines), given)
            self._signed_trailer = False

    def _finish(self) -> None:
        if self._awaits_signature:
            raise _mismatch()
        self._state = _State.DONE


class DecodedStream:
    """An ``aws-chunked`` body as the plain body that it carries: a ``ByteStream``."""

    def __init__(self, source: ByteStream, decoder: ChunkDecoder, length: int | None) -> None:
        self.length = length
        self._source = source
        self._decoder = decoder

    @property
    def trailers(self) -> Mapping[str, str]:
        """The trailing headers; complete when the iteration has ended."""
        return self._decoder.trailers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the decoded data. Raises ``AwsError`` for a wrong signature, a broken frame or another length than declared."""
        received = 0
        async for data in self._source:
            for piece in self._decoder.feed(data):
                received += len(piece)
                if self.length is not None and received > self.length:
                    raise _incomplete()
                yield piece
        self._decoder.end()
        if self.length is not None and received != self.length:
            raise _incomplete()


def is_chunked(request: HttpRequest) -> bool:
    """Return whether the body is ``aws-chunked``."""
    if request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        return True
    return "aws-chunked" in request.headers.get("content-encoding", "") and "x-amz-decoded-content-length" in request.headers


def decode(request: HttpRequest, signer: ChunkSigner | None) -> DecodedStream:
    """Return the plain body of an ``aws-chunked`` request. Without a ``signer`` chunk signatures are not checked."""
    kind = request.headers.get("x-amz-content-sha256", "")
    declared = request.headers.get("x-amz-decoded-content-length")
    if declared is not None and not declared.isdecimal():
        raise AwsError("InvalidArgument", "x-amz-decoded-content-length is not a number")
    checked = signer if kind.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") else None
    decoder = ChunkDecoder(checked, signed_trailer=kind.endswith("-TRAILER"))
    return DecodedStream(request.body, decoder, None if declared is None else int(declared))


def _check(expected: str, given: str) -> None:
    if not hmac.compare_digest(expected.encode(), given.encode("latin-1", "replace")):
        raise _mismatch()


def _mismatch() -> AwsError:
    text = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    return AwsError("SignatureDoesNotMatch", text, 403)


def _malformed() -> AwsError:
    return AwsError("InvalidRequest", "The body is not a valid aws-chunked body.")


def _incomplete() -> AwsError:
    return AwsError("IncompleteBody", "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header")
