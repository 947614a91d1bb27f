"""Objects as a whole: put, get, head, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.domain.storage import Blobs
from lambent.services.s3 import archives, checksums, conditions, drafts, encrypting, errors, lifecycles, names, paging, versions, writing
from lambent.services.s3.conditions import Span
from lambent.services.s3.context import S3, instant
from lambent.services.s3.intake import Arrived, check_length_given, take_in
from lambent.services.s3.state import CURRENT, Bucket, Piece, Version

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import (
        DeleteObjectRequest,
        DeleteObjectsRequest,
        GetObjectAttributesRequest,
        GetObjectRequest,
        HeadObjectRequest,
        PutObjectRequest,
    )

operations: Operations[S3] = Operations()

DELETES_MAX = 1000
"""Keys in one DeleteObjects."""


@operations.serves("PutObject")
async def put_object(s3: S3, call: Call, request: PutObjectRequest) -> Mapping[str, Any]:
    """Store an object: the bytes first, then the version, its blob and its notifications in one commit."""
    bucket = (await s3.bucket(call)).value
    quotas = s3.platform.quotas
    names.check_key(request["Key"], quotas.key_bytes_max)
    check_length_given(call)
    draft = drafts.draft_of(bucket, call, quotas.metadata_bytes_max, s3.platform.clock.now())
    if "IfNoneMatch" in request or "IfMatch" in request:
        await _check_early(s3, call, bucket)
    arrived = await take_in(s3.platform.blobs, call.params, quotas.put_bytes_max, checksums.DEFAULT)
    draft = whole(draft, arrived, s3.platform.ids.hex(32))
    event = str(call.params.get("$event") or "ObjectCreated:Put")
    version = await writing.put_version(s3, call, (bucket, request["Key"]), draft, event, tuple(versions.kept(draft)))
    return written(bucket, request["Key"], version)


async def _check_early(s3: S3, call: Call, bucket: Bucket) -> None:
    """Refuse a conditional write that can't succeed before its body is read."""
    found = await CURRENT.get(s3.platform.store, (bucket.name, call.params["Key"]))
    conditions.check_write(call.params, call.params["Key"], None if found is None else found.value)


def whole(draft: Version, arrived: Arrived, keeper: str) -> Version:
    """Return the draft with the bytes that arrived, in one piece."""
    pieces = (Piece(arrived.digest, arrived.size, f"s3:{keeper}"),) if arrived.size else ()
    changes = {"size": arrived.size, "etag": arrived.md5.hex(), "pieces": pieces, "checksum": arrived.checksum}
    return msgspec.structs.replace(draft, **changes)


def written(bucket: Bucket, key: str, version: Version) -> dict[str, Any]:
    """Return the members that answers to writes have in common."""
    answer: dict[str, Any] = {"ETag": f'"{version.etag}"', **common(bucket, key, version), **checksums.members(version.checksum)}
    return answer


def common(bucket: Bucket, key: str, version: Version) -> dict[str, Any]:
    """Return what every answer says of a version that was just written."""
    answer = dict(version.encryption)
    if bucket.versioning == "Enabled":
        answer["VersionId"] = version.version_id
    expiration = lifecycles.expiration_of(bucket, key, version)
    return {**answer, "Expiration": expiration} if expiration else answer


@operations.serves("GetObject")
async def get_object(s3: S3, call: Call, request: GetObjectRequest) -> Mapping[str, Any]:
    """Give an object or a range of it, as a stream."""
    bucket, version, span = await _selected(s3, call, reading=True)
    answer = _described(bucket, version, span, call.params)
    return {**answer, "Body": stream(s3.platform.blobs, version, span.start, span.end)}


@operations.serves("HeadObject")
async def head_object(s3: S3, call: Call, request: HeadObjectRequest) -> Mapping[str, Any]:
    """Describe an object without its bytes."""
    bucket, version, span = await _selected(s3, call, reading=False)
    return _described(bucket, version, span, call.params)


async def _selected(s3: S3, call: Call, *, reading: bool) -> tuple[Bucket, Version, Span]:
    """Return what a get (``reading``) or a head means, its conditions checked."""
    params = call.params
    bucket = (await s3.bucket(call)).value
    found, _ = await writing.readable(s3, bucket.name, params["Key"], params.get("VersionId", ""))
    version = found.value
    encrypting.check_customer_key(params, version)
    conditions.check_read(params, version, s3.platform.clock.now())
    if reading:
        archives.check_readable(version, s3.platform.clock.now())
    if params.get("PartNumber") is not None:
        if params.get("Range"):
            raise errors.invalid_request("Cannot specify both Range header and partNumber query parameter")
        return bucket, version, part_span(version, params["PartNumber"])
    return bucket, version, conditions.span_of(params.get("Range"), version.size)


def part_span(version: Version, number: int) -> Span:
    """Return the bytes of one part. ``InvalidPartNumber`` (416) when the object has no such part."""
    if not version.multipart and number == 1:
        return Span(0, version.size, partial=version.size > 0)
    start = 0
    for index, piece in enumerate(version.pieces, 1):
        if index == number and version.multipart:
            return Span(start, start + piece.size, partial=True)
        start += piece.size
    members = {"ActualPartCount": str(len(version.pieces)), "PartNumberRequested": str(number)}
    raise AwsError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416, members=members)


def _described(bucket: Bucket, version: Version, span: Span, params: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": instant(version.modified),
        "ContentLength": span.end - span.start,
        "ETag": f'"{version.etag}"',
        "ContentType": "binary/octet-stream",
        **version.headers,
        "Metadata": version.metadata,
        **version.encryption,
    }
    if bucket.versioning:
        answer["VersionId"] = version.version_id
    if version.storage_class != "STANDARD":
        answer["StorageClass"] = version.storage_class
    if version.restored_until:
        answer["Restore"] = archives.restore_text(version)
    expiration = "" if params.get("VersionId") else lifecycles.expiration_of(bucket, params["Key"], version)
    if expiration:
        answer["Expiration"] = expiration
    if version.tags:
        answer["TagCount"] = len(version.tags)
    if version.retention:
        answer |= {"ObjectLockMode": version.retention["Mode"], "ObjectLockRetainUntilDate": version.retention["RetainUntilDate"]}
    if version.legal_hold:
        answer["ObjectLockLegalHoldStatus"] = version.legal_hold
    whole = span.end - span.start == version.size
    if params.get("ChecksumMode") == "ENABLED" and (whole or params.get("PartNumber")):
        answer |= checksums.members(version.checksum)
    if params.get("PartNumber") is not None and version.multipart:
        answer["PartsCount"] = len(version.pieces)
    if span.partial:
        answer |= {"ContentRange": f"bytes {span.start}-{span.end - 1}/{version.size}", "$status": 206}
    overrides = {name.removeprefix("Response"): value for name, value in params.items() if name.startswith("Response")}
    return answer | overrides


async def stream(blobs: Blobs, version: Version, start: int, end: int) -> AsyncIterator[bytes]:
    """Give an object's bytes from ``start`` up to ``end``, piece after piece, at constant memory."""
    offset = 0
    for piece in version.pieces:
        first, last = max(start - offset, 0), min(end - offset, piece.size)
        if first < last:
            async for chunk in blobs.read(piece.digest, first, last):
                yield chunk
        offset += piece.size
        if offset >= end:
            return


@operations.serves("DeleteObject")
async def delete_object(s3: S3, call: Call, request: DeleteObjectRequest) -> Mapping[str, Any]:
    """Delete an object, or one of its versions; nothing happens when there is none."""
    bucket = (await s3.bucket(call)).value
    return await writing.delete_object(s3, call, bucket, request["Key"], request.get("VersionId", ""))


@operations.serves("DeleteObjects")
async def delete_objects(s3: S3, call: Call, request: DeleteObjectsRequest) -> Mapping[str, Any]:
    """Delete up to a thousand objects; each is allowed or not, and succeeds or fails, by itself."""
    bucket = (await s3.owned_bucket(call)).value
    wanted = request["Delete"].get("Objects", [])
    if not 0 < len(wanted) <= DELETES_MAX:
        raise errors.malformed_xml()
    bypass = request.get("BypassGovernanceRetention")
    if bypass is not None and not bucket.object_lock:
        raise writing.no_bypass()
    shared = {"Bucket": bucket.name} | ({} if bypass is None else {"BypassGovernanceRetention": bypass})
    deleted: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for each in wanted:
        key, version_id = each["Key"], each.get("VersionId", "")
        named = {"Key": key} | ({"VersionId": version_id} if version_id else {})
        params = {**shared, **named, **({"IfMatch": each["ETag"]} if "ETag" in each else {})}
        one = replace(call, operation="DeleteObject", params=params)
        try:
            deciding = None if s3.authoriser is None else s3.authoriser.authorise(one)
            if deciding is not None:
                await deciding
            await s3.admit(bucket, one)
            gone = await writing.delete_object(s3, one, bucket, key, version_id)
        except AwsError as error:
            reported = errors.no_such_version(key, version_id) if error.code == "InvalidArgument" else error
            failed.append({**named, "Code": reported.code, "Message": reported.message})
            continue
        marker = {"DeleteMarker": True, "DeleteMarkerVersionId": gone["VersionId"]} if gone.get("DeleteMarker") else {}
        deleted.append(named | marker)
    answer = {} if request["Delete"].get("Quiet") else {"Deleted": deleted}
    return {**answer, "Errors": failed} if failed else answer


@operations.serves("GetObjectAttributes")
async def get_object_attributes(s3: S3, call: Call, request: GetObjectAttributesRequest) -> Mapping[str, Any]:
    """Give those facts of an object that were asked for."""
    bucket = (await s3.bucket(call)).value
    found, _ = await writing.readable(s3, bucket.name, request["Key"], request.get("VersionId", ""))
    version, wanted = found.value, request["ObjectAttributes"]
    answer: dict[str, Any] = {"LastModified": instant(version.modified)}
    if bucket.versioning:
        answer["VersionId"] = version.version_id
    if "ETag" in wanted:
        answer["ETag"] = version.etag
    if "ObjectSize" in wanted:
        answer["ObjectSize"] = version.size
    if "StorageClass" in wanted:
        answer["StorageClass"] = version.storage_class
    if "Checksum" in wanted and version.checksum is not None:
        answer["Checksum"] = checksums.members(replace(version.checksum, value=version.checksum.value.partition("-")[0]))
    if "ObjectParts" in wanted and version.multipart and (version.checksum is None or version.checksum.type == "FULL_OBJECT"):
        answer["ObjectParts"] = {"TotalPartsCount": len(version.pieces)}
    elif "ObjectParts" in wanted and version.multipart:
        answer["ObjectParts"] = _parts(version, request.get("PartNumberMarker"), request.get("MaxParts", 1000))
    return answer


def _parts(version: Version, marker: int | str | None, limit: int) -> dict[str, Any]:
    after = paging.natural(marker or 0, "part-number-marker")
    rest = [(index, piece) for index, piece in enumerate(version.pieces, 1) if index > after]
    shown = rest[:limit]
    parts = [{"PartNumber": index, "Size": piece.size, **checksums.members(piece.checksum, with_type=False)} for index, piece in shown]
    return {
        "TotalPartsCount": len(version.pieces),
        "PartNumberMarker": after,
        "NextPartNumberMarker": shown[-1][0] if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(rest) > len(shown),
        "Parts": parts if version.checksum is not None else [],
    }
