"""Signatures of messages: an RSA key of this server's own, kept in the store, and its certificate, served at ``SigningCertURL``.

Follows "Verifying the signatures of Amazon SNS messages": SHA-1 for ``SignatureVersion`` 1, SHA-256 for 2, over the message's fields in
the order of their names. The key and its self-signed certificate are made when first wanted.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from lambent.base.clock import Clock
from lambent.domain.documents import Table
from lambent.domain.errors import Conflict
from lambent.domain.http import HttpRequest, HttpResponse
from lambent.domain.storage import ABSENT, Store
from lambent.services.sns.stamps import base64_text

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
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + timedelta(days=365 * _YEARS))
    )
    names = x509.SubjectAlternativeName([x509.DNSName(each) for each in ("sns.amazonaws.com", host.partition(":")[0])])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return Keys(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), certificate.public_bytes(Encoding.PEM))


class Signer:
    """Signs messages and serves the certificate: a raw handler."""

    def __init__(self, store: Store, clock: Clock, public_host: str) -> None:
        self._store = store
        self._clock = clock
        self._public_host = public_host
        self._lock = asyncio.Lock()
        self._keys: Keys | None = None
        self._private: rsa.RSAPrivateKey | None = None

    async def sign(self, fields: Mapping[str, str], version: str) -> str:
        """Return the signature in base64. In a thread: half a millisecond of arithmetic must not hold up others."""
        private = await self._private_key()
        algorithm: hashes.HashAlgorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - what version 1 is
        return base64_text(await asyncio.to_thread(private.sign, canonical(fields), padding.PKCS1v15(), algorithm))

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

    async def _private_key(self) -> rsa.RSAPrivateKey:
        if self._private is None:
            found = load_pem_private_key((await self._ready()).private, None)
            if not isinstance(found, rsa.RSAPrivateKey):
                raise TypeError("the signing key in the store is not an RSA key")
            self._private = found
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
