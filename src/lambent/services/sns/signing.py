"""Signatures of messages: an RSA key of this server's own, kept in the store, and its certificate, served at ``SigningCertURL``.

Follows "Verifying the signatures of Amazon SNS messages": SHA-1 for ``SignatureVersion`` 1, SHA-256 for 2, over the message's fields in
the order of their names. The key and its self-signed certificate are made when first wanted, and the library is loaded then: that takes
a tenth of a second, which not every start should.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.base.clock import Clock
from lambent.domain.documents import Table
from lambent.domain.errors import Conflict
from lambent.domain.http import HttpRequest, HttpResponse
from lambent.domain.storage import ABSENT, Store
from lambent.services.sns.stamps import base64_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_KEY: Final = ("signing",)
_YEARS: Final = 10
_PREFIX: Final = "/SimpleNotificationService-"
_FIELDS: Final = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Keys(msgspec.Struct, frozen=True):
    """The key that signs, as PEM, and its certificate."""

    private: bytes
    certificate: bytes

    @property
    def path(self) -> str:
        """The path of the certificate's URL."""
        return f"{_PREFIX}{hashlib.sha256(self.certificate).hexdigest()[:32]}.pem"


KEYS: Table[Keys] = Table("sns.signing", Keys)


def canonical(fields: Mapping[str, str]) -> bytes:
    """Return what is signed of a message."""
    return "".join(f"{name}\n{fields[name]}\n" for name in _FIELDS if name in fields).encode()


def new_keys(now: float, host: str) -> Keys:
    """Make a key and its certificate. Takes a tenth of a second."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + timedelta(days=365 * _YEARS))
    )
    names = x509.SubjectAlternativeName([x509.DNSName(each) for each in ("sns.amazonaws.com", host.partition(":")[0])])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return Keys(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), certificate.public_bytes(Encoding.PEM))


def _private_key(pem: bytes) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    found = load_pem_private_key(pem, None)
    if not isinstance(found, rsa.RSAPrivateKey):
        raise TypeError("the signing key in the store is not an RSA key")
    return found


def _signatures(private: RSAPrivateKey, wanted: Sequence[tuple[bytes, str]]) -> list[str]:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    algorithms = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - what version 1 is
    return [base64_text(private.sign(data, padding.PKCS1v15(), algorithms[version])) for data, version in wanted]


class Signer:
    """Signs messages and serves the certificate: a raw handler."""

    def __init__(self, store: Store, clock: Clock, public_host: str) -> None:
        self._store = store
        self._clock = clock
        self._public_host = public_host
        self._lock = asyncio.Lock()
        self._waiting: list[tuple[bytes, str, asyncio.Future[str]]] = []
        self._signing: asyncio.Task[None] | None = None
        self._keys: Keys | None = None
        self._private: RSAPrivateKey | None = None

    async def sign(self, fields: Mapping[str, str], version: str) -> str:
        """Return the signature in base64. Made in a thread, since half a millisecond of arithmetic must not hold up others, and together
        with whatever else waits for one, since a thread's turn costs a tenth of that."""
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((canonical(fields), version, done))
        if self._signing is None or self._signing.done():
            self._signing = asyncio.create_task(self._sign_all(), name="sns signatures")
        return await done

    async def _sign_all(self) -> None:
        batch: list[tuple[bytes, str, asyncio.Future[str]]] = []
        try:
            private = await self._key()
            while self._waiting:
                batch, self._waiting = self._waiting, []
                signatures = await asyncio.to_thread(_signatures, private, [(data, version) for data, version, _ in batch])
                for (_, _, done), signature in zip(batch, signatures, strict=True):
                    if not done.done():
                        done.set_result(signature)
        except Exception as error:  # noqa: BLE001 - whoever waits for a signature gets it
            for _, _, done in (*batch, *self._waiting):
                if not done.done():
                    done.set_exception(error)
            self._waiting = []

    async def certificate_url(self) -> str:
        """Return where the certificate is."""
        return f"http://{self._public_host}{(await self._ready()).path}"

    def claims(self, request: HttpRequest) -> bool:
        """Return whether a certificate is asked for."""
        return request.raw_path.startswith(_PREFIX)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Give the certificate."""
        keys = await self._ready()
        if request.raw_path != keys.path:
            return HttpResponse(404)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(405, {"allow": "GET, HEAD"})
        return HttpResponse(200, {"content-type": "application/x-pem-file"}, keys.certificate)

    async def _key(self) -> RSAPrivateKey:
        if self._private is None:
            self._private = await asyncio.to_thread(_private_key, (await self._ready()).private)
        return self._private

    async def _ready(self) -> Keys:
        if self._keys is None:
            async with self._lock:
                self._keys = self._keys or await self._load()
        return self._keys

    async def _load(self) -> Keys:
        found = await KEYS.get(self._store, _KEY)
        if found is not None:
            return found.value
        keys = await asyncio.to_thread(new_keys, self._clock.now(), self._public_host)
        try:
            await self._store.commit([KEYS.put(_KEY, keys, ABSENT)])
        except Conflict:
            return await self._load()
        return keys
