"""Copies of objects: no byte is read, the copy keeps the same blobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.domain.storage import Blobs
from lambent.services.s3 import archives, checksums, conditions, drafts, encrypting, errors, names, objects, versions, writing
from lambent.services.s3.context import S3, instant
from lambent.services.s3.state import Bucket, Checksum, Version

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import CopyObjectRequest

operations: Operations[S3] = Operations()


def source_of(text: str) -> tuple[str, str, str]:
    """Return bucket, key and version id that a ``CopySource`` names: ``[/]bucket/key[?versionId=…]``, percent-encoded, or an access
    point's ARN, which isn't served."""
    path, _, query = text.partition("?versionId=")
    bucket, slash, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not slash or not key:
        raise errors.invalid_argument("Invalid copy source object key", "x-amz-copy-source", text)
    version_id = parse_qs(f"versionId={query}").get("versionId", [""])[0] if query else ""
    return bucket, key, version_id


async def open_source(s3: S3, call: Call) -> tuple[Bucket, Version, str, str]:
    """Return the source's bucket, version, key and the version id that was asked for, the copy's conditions checked."""
    name, key, version_id = source_of(call.params["CopySource"])
    reading = replace(call, operation="GetObject", params={"Bucket": name, "Key": key})
    bucket = (await s3.bucket(reading, name)).value
    expected = call.params.get("ExpectedSourceBucketOwner")
    if expected and expected != bucket.account_id:
        raise errors.access_denied()
    try:
        found, _ = await writing.readable(s3, name, key, version_id)
    except AwsError as error:
        if error.code != "MethodNotAllowed":
            raise
        text = "The source of a copy request may not specifically refer to a delete marker by version id."
        raise errors.invalid_request(text) from None
    if archives.is_archived(found.value, s3.platform.clock.now()):
        raise archives.not_active()
    encrypting.check_customer_key(call.params, found.value, "CopySource")
    conditions.check_read(call.params, found.value, s3.platform.clock.now(), "CopySource")
    return bucket, found.value, key, version_id


@operations.serves("CopyObject")
async def copy_object(s3: S3, call: Call, request: CopyObjectRequest) -> Mapping[str, Any]:
    """Copy an object, with its metadata and tags or with new ones."""
    bucket = (await s3.bucket(call)).value
    names.check_key(request["Key"], s3.platform.quotas.key_bytes_max)
    source_bucket, source, source_key, source_version = await open_source(s3, call)
    if source.size > s3.platform.quotas.put_bytes_max:
        text = f"The specified copy source is larger than the maximum allowable size for a copy source: {s3.platform.quotas.put_bytes_max}"
        raise errors.invalid_request(text)
    _check_directives(call)
    onto_itself = (source_bucket.name, source_key) == (bucket.name, request["Key"]) and not source_version
    draft = await _draft(s3, call, bucket, source)
    encrypted_anew = draft.encryption != source.encryption or "encryption" in bucket.configurations
    if onto_itself and not encrypted_anew and not _changes_anything(call.params):
        text = (
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, "
            "storage class, website redirect location or encryption attributes."
        )
        raise errors.invalid_request(text)
    version = await writing.put_version(s3, call, (bucket, request["Key"]), draft, "ObjectCreated:Copy", tuple(versions.kept(draft)))
    result = {"ETag": f'"{version.etag}"', "LastModified": instant(version.modified), **checksums.members(version.checksum)}
    answer: dict[str, Any] = {"CopyObjectResult": result, **objects.common(bucket, request["Key"], version)}
    if source_bucket.versioning:
        answer["CopySourceVersionId"] = source.version_id
    return answer


def _check_directives(call: Call) -> None:
    for member in ("MetadataDirective", "TaggingDirective"):
        if call.params.get(member, "COPY") not in ("COPY", "REPLACE"):
            text = "Unknown metadata directive." if member == "MetadataDirective" else "Unknown tagging directive."
            raise errors.invalid_argument(text, f"x-amz-{member.removesuffix('Directive').lower()}-directive", call.params[member])


def _changes_anything(params: Mapping[str, Any]) -> bool:
    changing = ("StorageClass", "ServerSideEncryption", "WebsiteRedirectLocation", "SSECustomerAlgorithm", "ChecksumAlgorithm")
    return params.get("MetadataDirective") == "REPLACE" or any(params.get(each) for each in changing)


async def _draft(s3: S3, call: Call, bucket: Bucket, source: Version) -> Version:
    """Return the copy to be: the source's bytes in blobs that the copy keeps too."""
    wanted = drafts.draft_of(bucket, call, s3.platform.quotas.metadata_bytes_max, s3.platform.clock.now())
    changes: dict[str, Any] = {}
    if call.params.get("MetadataDirective", "COPY") == "COPY":
        redirect = {name: value for name, value in wanted.headers.items() if name == "WebsiteRedirectLocation"}
        kept = {name: value for name, value in source.headers.items() if name != "WebsiteRedirectLocation"}
        changes |= {"headers": {**kept, **redirect}, "metadata": source.metadata}
    if call.params.get("TaggingDirective", "COPY") == "COPY":
        changes["tags"] = source.tags
    etag, checksum = source.etag, await _checksum(s3, call, source)
    if source.multipart:
        etag = await _md5(s3, source)
    keeper = s3.platform.ids.hex(32)
    pieces = tuple(
        msgspec.structs.replace(each, keeper=f"s3:{keeper}:{index}", number=0, checksum=None) for index, each in enumerate(source.pieces)
    )
    return msgspec.structs.replace(wanted, size=source.size, etag=etag, pieces=pieces, checksum=checksum, **changes)


async def _checksum(s3: S3, call: Call, source: Version) -> Checksum | None:
    """Return the copy's checksum: of the whole object, in the algorithm that was asked for or that the source has."""
    algorithm = call.params.get("ChecksumAlgorithm") or (source.checksum.algorithm if source.checksum else "")
    if not algorithm:
        return None
    if source.checksum is not None and source.checksum.algorithm == algorithm and source.checksum.type == "FULL_OBJECT":
        return source.checksum
    return Checksum(algorithm, checksums.text(await _digest(s3, source, checksums.hasher(algorithm))))


async def _md5(s3: S3, source: Version) -> str:
    return (await _digest(s3, source, checksums.hasher("MD5"))).hex()


async def _digest(s3: S3, source: Version, hasher: checksums.Hasher) -> bytes:
    async for chunk in objects.stream(s3.platform.blobs, source, 0, source.size):
        hasher.update(chunk)
    return hasher.digest()


class PieceStream:
    """A range of an object as a ``ByteStream``."""

    def __init__(self, blobs: Blobs, version: Version, start: int, end: int) -> None:
        self._chunks = objects.stream(blobs, version, start, end)
        self.length: int | None = end - start
        self.trailers: Mapping[str, str] = {}

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the bytes."""
        return self._chunks
