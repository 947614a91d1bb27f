"""Listings of objects and of their versions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.documents import Found, Table
from lambent.domain.service import Operations
from lambent.services.s3 import errors, paging, versions
from lambent.services.s3.acl import owner
from lambent.services.s3.context import S3, instant
from lambent.services.s3.state import CURRENT, NULL_VERSION, OLDER, Version

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import ListObjectsRequest, ListObjectsV2Request, ListObjectVersionsRequest

operations: Operations[S3] = Operations()

_BATCH = 500


async def _scan(s3: S3, table: Table[Version], bucket: str, start: str) -> AsyncIterator[Found[Version]]:
    """Give the table's documents of the bucket in key order, from ``start`` on."""
    page = await table.range(s3.platform.store, (bucket,), start=(bucket, start), limit=_BATCH)
    while page:
        for each in page:
            yield each
        if len(page) < _BATCH:
            return
        page = await table.range(s3.platform.store, (bucket,), after=page[-1].key, limit=_BATCH)


async def _page(s3: S3, bucket: str, request: Mapping[str, Any], after: str) -> paging.Page[Version]:
    async def objects(start: str) -> AsyncIterator[tuple[str, Version]]:
        async for each in _scan(s3, CURRENT, bucket, start):
            if not each.value.delete_marker:
                yield str(each.key[1]), each.value

    limit = paging.limit_of(request.get("MaxKeys"))
    return await paging.page_of(objects, request.get("Prefix", ""), request.get("Delimiter", ""), after, limit)


def _common(bucket: str, request: Mapping[str, Any], page: paging.Page[Any]) -> dict[str, Any]:
    """Return the members that all three listings have."""
    encode = paging.encoder(request.get("EncodingType"))
    answer: dict[str, Any] = {
        "Name": bucket,
        "Prefix": encode(request.get("Prefix", "")),
        "MaxKeys": page.limit if request.get("MaxKeys") is None else min(request["MaxKeys"], paging.KEYS_MAX),
        "IsTruncated": page.truncated,
        "CommonPrefixes": [{"Prefix": encode(each)} for each in page.prefixes],
    }
    if request.get("Delimiter"):
        answer["Delimiter"] = encode(request["Delimiter"])
    if request.get("EncodingType"):
        answer["EncodingType"] = request["EncodingType"]
    return answer


def _contents(page: paging.Page[Version], request: Mapping[str, Any], *, with_owner: bool) -> list[dict[str, Any]]:
    encode = paging.encoder(request.get("EncodingType"))
    return [_item(encode(key), version, with_owner=with_owner) for key, version in page.entries]


def _item(key: str, version: Version, *, with_owner: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "Key": key,
        "LastModified": instant(version.modified),
        "ETag": f'"{version.etag}"',
        "Size": version.size,
        "StorageClass": version.storage_class,
    }
    if version.checksum is not None:
        item |= {"ChecksumAlgorithm": [version.checksum.algorithm], "ChecksumType": version.checksum.type}
    return {**item, "Owner": owner(version.owner)} if with_owner else item


@operations.serves("ListObjects")
async def list_objects(s3: S3, call: Call, request: ListObjectsRequest) -> Mapping[str, Any]:
    """List objects, the first manner: pages follow a marker."""
    bucket = (await s3.bucket(call)).value.name
    marker = request.get("Marker", "")
    page = await _page(s3, bucket, call.params, marker)
    encode = paging.encoder(request.get("EncodingType"))
    answer = _common(bucket, call.params, page)
    answer |= {"Marker": encode(marker), "Contents": _contents(page, call.params, with_owner=True)}
    if page.truncated and request.get("Delimiter"):
        answer["NextMarker"] = encode(page.last)
    return answer


@operations.serves("ListObjectsV2")
async def list_objects_v2(s3: S3, call: Call, request: ListObjectsV2Request) -> Mapping[str, Any]:
    """List objects, the second manner: pages follow an opaque token."""
    bucket = (await s3.bucket(call)).value.name
    token = request.get("ContinuationToken")
    if token == "":
        raise errors.invalid_argument("The continuation token provided is incorrect", "continuation-token", "")
    after = paging.key_of(token) if token is not None else request.get("StartAfter", "")
    page = await _page(s3, bucket, call.params, after)
    answer = _common(bucket, call.params, page)
    answer |= {
        "KeyCount": len(page.entries) + len(page.prefixes),
        "Contents": _contents(page, call.params, with_owner=bool(request.get("FetchOwner"))),
    }
    if token is not None:
        answer["ContinuationToken"] = token
    if request.get("StartAfter") and token is None:
        answer["StartAfter"] = paging.encoder(request.get("EncodingType"))(request["StartAfter"])
    if page.truncated:
        answer["NextContinuationToken"] = paging.token_of(page.last)
    return answer


@operations.serves("ListObjectVersions")
async def list_object_versions(s3: S3, call: Call, request: ListObjectVersionsRequest) -> Mapping[str, Any]:
    """List every version and delete marker, each key's newest first."""
    bucket = (await s3.bucket(call)).value.name
    key_marker, version_marker = request.get("KeyMarker", ""), request.get("VersionIdMarker", "")
    if version_marker and not key_marker:
        raise errors.invalid_argument("A version-id marker cannot be specified without a key marker.", "version-id-marker", version_marker)
    below = await _sequence_below(s3, bucket, key_marker, version_marker) if version_marker else 0
    limit = paging.limit_of(request.get("MaxKeys"))
    page = await _version_page(s3, bucket, call.params, (key_marker, below), limit)
    encode = paging.encoder(request.get("EncodingType"))
    answer = _common(bucket, call.params, page)
    answer |= {"KeyMarker": encode(key_marker), "VersionIdMarker": version_marker}
    items = [(key, version, latest) for key, (version, latest) in page.entries]
    answer["Versions"] = [_version_item(encode(key), each, latest) for key, each, latest in items if not each.delete_marker]
    answer["DeleteMarkers"] = [_marker_item(encode(key), each, latest) for key, each, latest in items if each.delete_marker]
    if page.truncated:
        answer["NextKeyMarker"] = encode(page.last)
        if page.entries and page.entries[-1][0] == page.last:
            answer["NextVersionIdMarker"] = page.entries[-1][1][0].version_id
    return answer


async def _version_page(
    s3: S3, bucket: str, request: Mapping[str, Any], marker: tuple[str, int], limit: int
) -> paging.Page[tuple[Version, bool]]:
    """Return the page behind the marker: behind its key, or behind one version of that key when a sequence is given with it."""
    key_marker, below = marker

    async def all_versions(start: str) -> AsyncIterator[tuple[str, tuple[Version, bool]]]:
        async for key, version, latest in _merged(s3, bucket, start):
            if key == key_marker and (not below or version.sequence >= below):
                continue
            yield key, (version, latest)

    return await paging.page_of(
        all_versions,
        request.get("Prefix", ""),
        request.get("Delimiter", ""),
        key_marker,
        limit,
        again=bool(below),
    )


async def _merged(s3: S3, bucket: str, start: str) -> AsyncIterator[tuple[str, Version, bool]]:
    """Give current and older versions in the order of their keys, the newest first."""
    older = aiter(_scan(s3, OLDER, bucket, start))
    waiting = await anext(older, None)
    async for each in _scan(s3, CURRENT, bucket, start):
        key = str(each.key[1])
        yield key, each.value, True
        while waiting is not None and str(waiting.key[1]) <= key:
            yield str(waiting.key[1]), waiting.value, False
            waiting = await anext(older, None)


async def _sequence_below(s3: S3, bucket: str, key: str, version_id: str) -> int:
    """Return the sequence of a version marker; what isn't there any more still tells it."""
    if version_id != NULL_VERSION:
        return versions.sequence_of(version_id)
    found, _ = await versions.find(s3.platform.store, bucket, key, version_id)
    return found.value.sequence


def _version_item(key: str, version: Version, latest: bool) -> dict[str, Any]:
    return {**_item(key, version, with_owner=True), "VersionId": version.version_id, "IsLatest": latest}


def _marker_item(key: str, version: Version, latest: bool) -> dict[str, Any]:
    return {
        "Key": key,
        "VersionId": version.version_id,
        "IsLatest": latest,
        "LastModified": instant(version.modified),
        "Owner": owner(version.owner),
    }
