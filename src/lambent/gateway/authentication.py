"""Who is calling: the signature is checked against what the identities know of its access key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from lambent.base.clock import Clock
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, ByteStream, HttpRequest
from lambent.gateway.limits import read_bounded
from lambent.gateway.refusals import Doubt, refusal
from lambent.signing import (
    ChunkSigner,
    Credential,
    Fault,
    SignatureRefused,
    check_time,
    credential_of,
    decode,
    is_chunked,
    query_pairs,
    signed_body_sha256,
    verify,
)

_PROTOCOL = "rest-json"  #: in whose manner a raw handler's refusals are worded
_CHECKSUM_TRAILER: Final = "x-amz-checksum-"
_OF_THE_SIGNATURE: Final = frozenset(
    f"x-amz-{each}" for each in ("algorithm", "credential", "date", "expires", "signedheaders", "signature", "security-token")
)


class Identity(msgspec.Struct, frozen=True):
    """What is known of an access key."""

    caller: Caller
    secret: str | None = None  #: ``None``: the key is believed without proof (a root of this machine's own)
    session_token: str = ""
    expires: float | None = None  #: seconds since 1970
    begun_by: str | None = None
    """The key of a function's role by which the session was begun, over however many roles in between; the key itself for that one."""


class Identities(Protocol):
    """Knows access keys."""

    def find(self, access_key_id: str) -> Identity | None:
        """Return what is known of the key, ``None`` when it isn't known. Reads no disk."""
        ...

    def trusts(self, request: HttpRequest) -> bool:
        """Return whether a key without a secret is believed in this request."""
        ...


class Claim(msgspec.Struct, frozen=True):
    """A signed request on its way to be believed."""

    request: HttpRequest  #: as the client sent it
    bucket: str  #: that its host named
    credential: Credential
    identity: Identity
    body_sha256: str | None  #: as it was signed; ``None``: known when the body was read


class Authenticator:
    """Checks claims at the gateway's time."""

    def __init__(self, identities: Identities, clock: Clock) -> None:
        self._identities = identities
        self._clock = clock

    def claim(self, request: HttpRequest, bucket: str, credential: Credential, service: str, protocol: str) -> Claim:
        """Return the claim when the head holds. Raises ``AwsError`` in the service's manner."""
        inside = request.environment_key
        identity = self._identities.find(credential.terms.access_key_id)
        # An environment speaks for its own role, and for those that this one has assumed.
        if identity is None or (inside is not None and inside != identity.begun_by):
            raise refusal(Doubt.UNKNOWN_KEY, service, protocol)
        if identity.expires is not None and identity.expires <= self._clock.now():
            raise refusal(Doubt.EXPIRED_TOKEN, service, protocol)
        if identity.secret is None:
            self._trust(request, credential, service, protocol)
        elif not hmac.compare_digest(identity.session_token.encode(), credential.session_token.encode()):
            raise refusal(Doubt.WRONG_TOKEN, service, protocol)
        body_sha256 = signed_body_sha256(request, credential)
        claim = Claim(request, bucket, credential, identity, body_sha256)
        if body_sha256 is not None:
            self._verify(claim, body_sha256, service, protocol)
        return claim

    def check_body(self, claim: Claim, body: bytes, service: str, protocol: str) -> None:
        """Check the signature over a body that was read, where it covers the body itself."""
        if claim.body_sha256 is None and claim.identity.secret is not None:
            self._verify(claim, hashlib.sha256(body).hexdigest(), service, protocol)

    async def sealed(self, claim: Claim, stream: ByteStream, bytes_max: int, service: str, protocol: str) -> ByteStream:
        """Return a body that is to be streamed, once the signature holds: where it covers the body itself, the body is read first.

        S3 has its hash declared instead, or refuses.
        """
        if claim.body_sha256 is not None or claim.identity.secret is None:
            return stream
        if service == "s3":
            raise AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400)
        body = await read_bounded(stream, bytes_max, service)
        self.check_body(claim, body, service, protocol)
        return BytesStream(body)

    def _trust(self, request: HttpRequest, credential: Credential, service: str, protocol: str) -> None:
        """Return when a key is believed without proof. It isn't asked for the right time either, except where the URL itself has an end."""
        if not self._identities.trusts(request):
            raise refusal(Doubt.FOREIGN_PAGE, service, protocol)
        if credential.presigned:
            try:
                check_time(credential, self._clock.now())
            except SignatureRefused as refused:
                if refused.fault is Fault.EXPIRED:
                    raise refusal(refused, service, protocol) from None

    def _verify(self, claim: Claim, body_sha256: str, service: str, protocol: str) -> None:
        secret = claim.identity.secret
        if secret is None:
            return
        try:
            verify(claim.request, claim.credential, secret, now=self._clock.now(), body_sha256=body_sha256, bucket=claim.bucket)
        except SignatureRefused as refused:
            raise refusal(refused, service, protocol) from None


class SignedReader:
    """``ReadSigned`` for raw handlers."""

    def __init__(self, identities: Identities, clock: Clock) -> None:
        self._authenticator = Authenticator(identities, clock)

    async def __call__(self, request: HttpRequest, service: str, bytes_max: int, *, signed: bool) -> tuple[Caller, bytes]:
        """Return the caller and the body; see ``ReadSigned``."""
        if not signed:
            return Caller.anonymous(), await read_bounded(request.body, bytes_max, service)
        try:
            credential = credential_of(request)
        except SignatureRefused as refused:
            raise refusal(refused, service, _PROTOCOL) from None
        if credential is None:
            raise refusal(Doubt.UNSIGNED, service, _PROTOCOL)
        claim = self._authenticator.claim(request, "", credential, service, _PROTOCOL)
        body = await read_bounded(plain_body(request, claim).body, bytes_max, service)
        self._authenticator.check_body(claim, body, service, _PROTOCOL)
        return claim.identity.caller, body


def with_signed_query(request: HttpRequest, claim: Claim | None) -> HttpRequest:
    """Return the request with the ``x-amz-`` headers that a presigned URL carries in its query, as version 2 has them."""
    if claim is None or not claim.credential.presigned or claim.credential.terms.service != "s3":
        return request
    carried = {name.lower(): value for name, value in query_pairs(request.query) if name.lower().startswith("x-amz-")}
    headers = {name: value for name, value in carried.items() if name not in _OF_THE_SIGNATURE}
    return replace(request, headers={**headers, **request.headers}) if headers else request


def plain_body(request: HttpRequest, claim: Claim | None) -> HttpRequest:
    """Return the request with the body that is meant: out of its ``aws-chunked`` frames, and checked against its declared hash."""
    if is_chunked(request):
        signer = None
        if claim is not None and claim.identity.secret is not None:
            signer = ChunkSigner(claim.credential, claim.identity.secret)
        stream = decode(request, signer)
        encoding = ",".join(
            part for each in request.headers.get("content-encoding", "").split(",") if (part := each.strip()) != "aws-chunked"
        )
        headers = {name: value for name, value in request.headers.items() if name not in {"content-encoding", "content-length"}}
        if encoding:
            headers["content-encoding"] = encoding
        announced = request.headers.get("x-amz-trailer", "")
        if announced.startswith(_CHECKSUM_TRAILER):
            # Whoever reads the body must know from its first byte on which checksum its trailer will bring.
            headers.setdefault("x-amz-sdk-checksum-algorithm", announced.removeprefix(_CHECKSUM_TRAILER).upper())
        if stream.length is not None:
            headers["content-length"] = str(stream.length)
        return replace(request, headers=headers, body=stream)
    declared = request.headers.get("x-amz-content-sha256", "")
    if len(declared) == 64:
        return replace(request, body=_Hashed(request.body, declared.lower()))
    return request


class _Hashed:
    """A body that must have the hash that was declared for it."""

    def __init__(self, source: ByteStream, sha256: str) -> None:
        self.length = source.length
        self._source = source
        self._sha256 = sha256

    @property
    def trailers(self) -> Mapping[str, str]:
        """The source's trailers."""
        return self._source.trailers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the bytes; ``XAmzContentSHA256Mismatch`` at the end when they aren't what was declared."""
        found = hashlib.sha256()
        async for data in self._source:
            found.update(data)
            yield data
        if found.hexdigest() != self._sha256:
            raise AwsError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                400,
                members={"ClientComputedContentSHA256": self._sha256, "S3ComputedContentSHA256": found.hexdigest()},
            )
