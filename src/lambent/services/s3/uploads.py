"""Listings of uploads that aren't complete, and of their parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.s3 import checksums, paging
from lambent.services.s3.acl import owner
from lambent.services.s3.context import S3, instant
from lambent.services.s3.multipart import open_upload, parts_of
from lambent.services.s3.state import UPLOADS, Upload

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import ListMultipartUploadsRequest, ListPartsRequest

operations: Operations[S3] = Operations()


@operations.serves("ListParts")
async def list_parts(s3: S3, call: Call, request: ListPartsRequest) -> Mapping[str, Any]:
    """List an upload's parts by number."""
    bucket, found = await open_upload(s3, call)
    upload = found.value
    limit = paging.limit_of(request.get("MaxParts"), "max-parts")
    marker = paging.natural(request.get("PartNumberMarker", 0), "part-number-marker")
    rest = [part.value for number, part in (await parts_of(s3, upload.upload_id)).items() if number > marker]
    shown = rest[:limit]
    parts = [
        {
            "PartNumber": each.piece.number,
            "LastModified": instant(each.modified),
            "ETag": f'"{each.etag}"',
            "Size": each.piece.size,
            **(checksums.members(each.piece.checksum, with_type=False) if upload.checksum_algorithm else {}),
        }
        for each in shown
    ]
    answer: dict[str, Any] = {
        "Bucket": bucket.name,
        "Key": request["Key"],
        "UploadId": upload.upload_id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].piece.number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(rest) > len(shown),
        "Parts": parts,
        "Initiator": owner(upload.initiator),
        "Owner": owner(upload.draft.owner),
        "StorageClass": upload.draft.storage_class,
    }
    if upload.checksum_algorithm:
        answer |= {"ChecksumAlgorithm": upload.checksum_algorithm, "ChecksumType": upload.checksum_type}
    return answer


@operations.serves("ListMultipartUploads")
async def list_multipart_uploads(s3: S3, call: Call, request: ListMultipartUploadsRequest) -> Mapping[str, Any]:
    """List the bucket's uploads by key, and by id within a key."""
    bucket = (await s3.bucket(call)).value.name
    key_marker, id_marker = request.get("KeyMarker", ""), request.get("UploadIdMarker", "") if request.get("KeyMarker") else ""

    async def uploads(start: str) -> AsyncIterator[tuple[str, Upload]]:
        page = await UPLOADS.range(s3.platform.store, (bucket,), start=(bucket, start))
        while page:
            for each in page:
                if each.key[1] != key_marker or (id_marker and each.value.upload_id > id_marker):
                    yield str(each.key[1]), each.value
            page = await UPLOADS.range(s3.platform.store, (bucket,), after=page[-1].key)

    limit = paging.limit_of(request.get("MaxUploads"), "max-uploads")
    page = await paging.page_of(uploads, request.get("Prefix", ""), request.get("Delimiter", ""), key_marker, limit, again=bool(id_marker))
    encode = paging.encoder(request.get("EncodingType"))
    answer: dict[str, Any] = {
        "Bucket": bucket,
        "KeyMarker": encode(key_marker),
        "UploadIdMarker": id_marker,
        "Prefix": encode(request.get("Prefix", "")),
        "MaxUploads": limit,
        "IsTruncated": page.truncated,
        "Uploads": [_item(encode(key), each) for key, each in page.entries],
        "CommonPrefixes": [{"Prefix": encode(each)} for each in page.prefixes],
    }
    if request.get("Delimiter"):
        answer["Delimiter"] = encode(request["Delimiter"])
    if request.get("EncodingType"):
        answer["EncodingType"] = request["EncodingType"]
    if page.truncated:
        last_id = page.entries[-1][1].upload_id if page.entries and page.entries[-1][0] == page.last else ""
        answer |= {"NextKeyMarker": encode(page.last), "NextUploadIdMarker": last_id}
    return answer


def _item(key: str, upload: Upload) -> dict[str, Any]:
    item = {
        "UploadId": upload.upload_id,
        "Key": key,
        "Initiated": instant(upload.initiated),
        "StorageClass": upload.draft.storage_class,
        "Owner": owner(upload.draft.owner),
        "Initiator": owner(upload.initiator),
    }
    return item | (
        {"ChecksumAlgorithm": upload.checksum_algorithm, "ChecksumType": upload.checksum_type} if upload.checksum_algorithm else {}
    )
