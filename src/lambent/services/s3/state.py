"""S3's documents: buckets, versions of objects, and multipart uploads.

The current version of a key is in one table and its older versions in another, so that a listing reads what it shows, and so that a
write to a key is decided against one document whose version it names (compare and swap).
"""

from __future__ import annotations

from typing import Any

import msgspec

from lambent.domain.arns import partition_of
from lambent.domain.documents import Table

NULL_VERSION = "null"


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket; names are unique over all accounts."""

    name: str
    account_id: str
    region: str
    created: float  #: seconds since 1970
    versioning: str = ""  #: ``""`` (never enabled), ``Enabled`` or ``Suspended``
    mfa_delete: str = ""
    object_lock: bool = False
    configurations: dict[str, Any] = {}  #: by kind (``cors``, ``policy``, ``notification`` …), as the request gave them

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:{partition_of(self.region)}:s3:::{self.name}"


class Checksum(msgspec.Struct, frozen=True):
    """A checksum that S3 keeps with an object or a part."""

    algorithm: str  #: ``CRC32``, ``CRC32C``, ``CRC64NVME``, ``SHA1``, ``SHA256`` …
    value: str  #: base64; with ``-<parts>`` behind it when it is composite
    type: str = "FULL_OBJECT"  #: or ``COMPOSITE``


class Piece(msgspec.Struct, frozen=True):
    """A run of an object's bytes: the whole of it, or one part of a multipart upload."""

    digest: str  #: the blob's
    size: int  #: bytes
    keeper: str  #: who keeps the blob: see ``domain.documents.keep``
    number: int = 0  #: the part's number; 0 for an object that came in one piece
    checksum: Checksum | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an object, or a delete marker."""

    version_id: str = NULL_VERSION
    sequence: int = 0  #: grows with each version of a key
    modified: float = 0.0  #: seconds since 1970
    delete_marker: bool = False
    owner: str = ""  #: the account that wrote it
    size: int = 0  #: bytes
    etag: str = ""  #: without quotes
    pieces: tuple[Piece, ...] = ()
    headers: dict[str, str] = {}  #: by member name: ``ContentType``, ``CacheControl``, ``Expires`` …
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    storage_class: str = "STANDARD"
    checksum: Checksum | None = None
    encryption: dict[str, Any] = {}  #: ``ServerSideEncryption``, ``SSEKMSKeyId``, ``SSECustomerAlgorithm``, ``SSECustomerKeyMD5`` …
    acl: dict[str, Any] | None = None
    retention: dict[str, Any] = {}
    legal_hold: str = ""
    restored_until: float = 0.0  #: of an archived object: until when its bytes can be read

    @property
    def multipart(self) -> bool:
        """Whether the object came in parts."""
        return bool(self.pieces) and self.pieces[0].number > 0


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A multipart upload that was begun; ``draft`` becomes the object."""

    upload_id: str
    initiated: float
    initiator: str  #: an ARN
    draft: Version
    checksum_algorithm: str = ""
    checksum_type: str = ""
    base: int = 0  #: the sequence of what was current when the upload began; 0 for nothing


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an upload that isn't complete yet."""

    piece: Piece
    etag: str
    modified: float


BUCKETS = Table("s3.buckets", Bucket)  #: (name,)
OWNED = Table("s3.owned", str)  #: (account id, name) → region
CURRENT = Table("s3.current", Version)  #: (bucket, key)
OLDER = Table("s3.older", Version)  #: (bucket, key, -sequence): newest first
UPLOADS = Table("s3.uploads", Upload)  #: (bucket, key, upload id)
PARTS = Table("s3.parts", Part)  #: (upload id, number)
