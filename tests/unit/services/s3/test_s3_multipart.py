from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from typing import Any

import pytest

from lambent.domain.documents import is_kept
from lambent.services.s3.state import PARTS

MB5 = 5 * 1024 * 1024
FIRST, LAST = b"a" * MB5, b"tail"


async def begin(s3: Any, bucket: str, **more: Any) -> dict[str, str]:
    upload = await s3("CreateMultipartUpload", Bucket=bucket, Key="big", **more)
    return {"Bucket": bucket, "Key": "big", "UploadId": upload["UploadId"]}


async def two_parts(s3: Any, upload: dict[str, str], **more: Any) -> list[dict[str, Any]]:
    parts = []
    for number, body in ((2, LAST), (1, FIRST)):
        put = await s3("UploadPart", **upload, PartNumber=number, Body=body, **more)
        checks = {name: value for name, value in put.items() if name.startswith("Checksum")}
        parts.insert(0, {"PartNumber": number, "ETag": put["ETag"], **checks})
    return parts


async def test_an_object_from_parts(s3: Any, bucket: str) -> None:
    upload = await begin(s3, bucket, ContentType="image/png", Metadata={"a": "b"})
    parts = await two_parts(s3, upload)
    listed = await s3("ListParts", **upload)
    assert [(each["PartNumber"], each["Size"]) for each in listed["Parts"]] == [(1, MB5), (2, 4)]
    assert [each["Key"] for each in (await s3("ListMultipartUploads", Bucket=bucket))["Uploads"]] == ["big"]
    done = await s3("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts})
    digests = hashlib.md5(FIRST).digest() + hashlib.md5(LAST).digest()
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    got = await s3("GetObject", Bucket=bucket, Key="big")
    assert got["Body"] == FIRST + LAST and got["ContentType"] == "image/png"
    got = await s3("GetObject", Bucket=bucket, Key="big", Range=f"bytes={MB5 - 1}-{MB5}")
    assert got["Body"] == b"at"
    got = await s3("GetObject", Bucket=bucket, Key="big", PartNumber=2)
    assert (got["Body"], got["PartsCount"], got["$status"]) == (b"tail", 2, 206)
    assert (await s3("ListMultipartUploads", Bucket=bucket))["Uploads"] == []
    again = await s3("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts})
    assert again["ETag"] == done["ETag"]
    attributes = await s3("GetObjectAttributes", Bucket=bucket, Key="big", ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert (attributes["ObjectSize"], attributes["ObjectParts"]["TotalPartsCount"]) == (MB5 + 4, 2)


async def test_parts_that_do_not_fit(s3: Any, bucket: str) -> None:
    upload = await begin(s3, bucket)
    first, last = await two_parts(s3, upload)
    small = await s3("UploadPart", **upload, PartNumber=3, Body=b"x")
    third = {"PartNumber": 3, "ETag": small["ETag"]}
    cases = {
        "InvalidPartOrder": [last, first],
        "InvalidPart": [first, {**last, "ETag": "0" * 32}],
        "EntityTooSmall": [first, last, third],
        "MalformedXML": [],
    }
    for code, parts in cases.items():
        assert (await s3.error("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts})).code == code
    assert (await s3.error("UploadPart", **upload, PartNumber=10_001, Body=b"x")).code == "InvalidArgument"
    assert (await s3.error("UploadPart", **{**upload, "UploadId": "none"}, PartNumber=1, Body=b"x")).code == "NoSuchUpload"


async def test_blobs_of_parts_are_kept_and_let_go(s3: Any, bucket: str) -> None:
    store, digest = s3.platform.store, hashlib.sha256(LAST).hexdigest()
    upload = await begin(s3, bucket)
    await two_parts(s3, upload)
    assert await is_kept(store, digest)
    await s3("AbortMultipartUpload", **upload)
    assert not await is_kept(store, digest)
    assert (await s3.error("ListParts", **upload)).code == "NoSuchUpload"
    upload = await begin(s3, bucket)
    parts = await two_parts(s3, upload)
    await s3("UploadPart", **upload, PartNumber=9, Body=b"unused")
    await s3("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts})
    assert await is_kept(store, digest) and not await is_kept(store, hashlib.sha256(b"unused").hexdigest())
    await s3("DeleteObject", Bucket=bucket, Key="big")
    assert not await is_kept(store, digest)


@pytest.mark.parametrize("kind", ["FULL_OBJECT", "COMPOSITE"])
async def test_checksums_over_parts(s3: Any, bucket: str, kind: str) -> None:
    upload = await begin(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType=kind)
    parts = await two_parts(s3, upload, ChecksumAlgorithm="CRC32")
    done = await s3("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts})
    crcs = [zlib.crc32(each).to_bytes(4, "big") for each in (FIRST, LAST)]
    whole = {
        "FULL_OBJECT": base64.b64encode(zlib.crc32(FIRST + LAST).to_bytes(4, "big")).decode(),
        "COMPOSITE": base64.b64encode(zlib.crc32(b"".join(crcs)).to_bytes(4, "big")).decode() + "-2",
    }
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (whole[kind], kind)
    attributes = await s3("GetObjectAttributes", Bucket=bucket, Key="big", ObjectAttributes=["Checksum"])
    assert attributes["Checksum"] == {"ChecksumCRC32": whole[kind].removesuffix("-2"), "ChecksumType": kind}


async def test_a_part_from_an_object(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="source", Body=b"0123456789")
    upload = await begin(s3, bucket)
    made = await s3("UploadPartCopy", **upload, PartNumber=1, CopySource="pictures/source", CopySourceRange="bytes=2-4")
    parts = [{"PartNumber": 1, "ETag": made["CopyPartResult"]["ETag"]}]
    await s3("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts})
    assert (await s3("GetObject", Bucket=bucket, Key="big"))["Body"] == b"234"
    wrong = {"PartNumber": 1, "CopySource": "pictures/source", "CopySourceRange": "bytes=2-40"}
    upload = await begin(s3, bucket)
    assert (await s3.error("UploadPartCopy", **upload, **wrong)).code == "InvalidArgument"


async def test_parts_that_come_while_an_upload_ends(s3: Any, bucket: str) -> None:
    """Whatever comes first: no part is left behind, and the object is whole."""
    for ending in ("CompleteMultipartUpload", "AbortMultipartUpload"):
        upload = await begin(s3, bucket)
        first = await s3("UploadPart", **upload, PartNumber=1, Body=b"x")
        more = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": first["ETag"]}]}} if ending.startswith("C") else {}
        late = [s3("UploadPart", **upload, PartNumber=number, Body=b"late") for number in range(2, 8)]
        results = await asyncio.gather(s3(ending, **upload, **more), *late, return_exceptions=True)
        assert not isinstance(results[0], BaseException), results[0]
        assert all(isinstance(each, dict) or each.code == "NoSuchUpload" for each in results[1:])
        assert await PARTS.range(s3.platform.store, (upload["UploadId"],)) == []
        assert not await is_kept(s3.platform.store, hashlib.sha256(b"late").hexdigest())
    assert (await s3("GetObject", Bucket=bucket, Key="big"))["Body"] == b"x"


async def test_copies(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="a b", Body=b"x", Metadata={"m": "1"}, Tagging="t=1", ContentType="text/plain")
    await s3("CopyObject", Bucket=bucket, Key="copy", CopySource="/pictures/a%20b")
    got = await s3("GetObject", Bucket=bucket, Key="copy")
    assert (got["Body"], got["Metadata"], got["TagCount"], got["ContentType"]) == (b"x", {"m": "1"}, 1, "text/plain")
    changed = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE", "Metadata": {"n": "2"}, "Tagging": "u=2&v=3"}
    await s3("CopyObject", Bucket=bucket, Key="copy", CopySource="pictures/copy", **changed)
    got = await s3("GetObject", Bucket=bucket, Key="copy")
    assert (got["Metadata"], got["TagCount"], got["ContentType"]) == ({"n": "2"}, 2, "binary/octet-stream")
    assert (await s3.error("CopyObject", Bucket=bucket, Key="copy", CopySource="pictures/copy")).code == "InvalidRequest"
    assert (await s3.error("CopyObject", Bucket=bucket, Key="x", CopySource="pictures/none")).code == "NoSuchKey"
    refused = await s3.error("CopyObject", Bucket=bucket, Key="x", CopySource="pictures/copy", CopySourceIfMatch='"no"')
    assert refused.code == "PreconditionFailed"
    await s3("DeleteObject", Bucket=bucket, Key="a b")
    await s3("DeleteObject", Bucket=bucket, Key="copy")
    assert not await is_kept(s3.platform.store, hashlib.sha256(b"x").hexdigest())


@pytest.mark.parametrize("marker", ["abc", "99999999999999", "-1"])
async def test_part_markers_that_are_no_numbers(s3: Any, bucket: str, marker: str) -> None:
    upload = await begin(s3, bucket)
    assert (await s3.error("ListParts", **upload, PartNumberMarker=marker)).code == "InvalidArgument"
    assert (await s3("ListParts", **upload, PartNumberMarker=""))["Parts"] == []
