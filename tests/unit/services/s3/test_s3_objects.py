from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from typing import Any

import pytest

from lambent.domain.caller import Caller
from lambent.domain.documents import is_kept
from lambent.domain.http import BytesStream


async def test_an_object_comes_back_as_it_was_put(s3: Any, bucket: str) -> None:
    put = await s3("PutObject", Bucket=bucket, Key="a/b.txt", Body=BytesStream(b"hello"), ContentType="text/plain", Metadata={"Who": "me"})
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    got = await s3("GetObject", Bucket=bucket, Key="a/b.txt")
    assert (got["Body"], got["ContentLength"], got["ContentType"], got["Metadata"]) == (b"hello", 5, "text/plain", {"who": "me"})
    head = await s3("HeadObject", Bucket=bucket, Key="a/b.txt")
    assert head["ETag"] == put["ETag"] and "Body" not in head


async def test_what_is_not_there(s3: Any, bucket: str) -> None:
    error = await s3.error("GetObject", Bucket=bucket, Key="x")
    assert (error.code, error.status, error.members) == ("NoSuchKey", 404, {"Key": "x"})
    error = await s3.error("PutObject", Bucket="nowhere", Key="x", Body=b"")
    assert (error.code, error.status, error.members) == ("NoSuchBucket", 404, {"BucketName": "nowhere"})
    assert await s3("DeleteObject", Bucket=bucket, Key="x") == {}


@pytest.mark.parametrize(
    ("text", "body", "content_range"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=0-1,4-5", b"0123456789", None),
        ("bytes=5-2", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
        (f"bytes=0-{'9' * 5000}", b"0123456789", None),
    ],
)
async def test_ranges(s3: Any, bucket: str, text: str, body: bytes, content_range: str | None) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"0123456789")
    got = await s3("GetObject", Bucket=bucket, Key="k", Range=text)
    assert (got["Body"], got.get("ContentRange"), got.get("$status")) == (body, content_range, 206 if content_range else None)


async def test_a_range_outside_the_object_is_refused(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"0123456789")
    error = await s3.error("GetObject", Bucket=bucket, Key="k", Range="bytes=10-")
    assert (error.code, error.status, error.members["ActualObjectSize"]) == ("InvalidRange", 416, "10")


async def test_conditional_reads(s3: Any, bucket: str) -> None:
    etag = (await s3("PutObject", Bucket=bucket, Key="k", Body=b"x"))["ETag"]
    assert (await s3("GetObject", Bucket=bucket, Key="k", IfMatch=etag))["Body"] == b"x"
    assert (await s3.error("GetObject", Bucket=bucket, Key="k", IfMatch='"other"')).status == 412
    unchanged = await s3.error("GetObject", Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert (unchanged.status, unchanged.headers["etag"]) == (304, etag)
    modified = (await s3("HeadObject", Bucket=bucket, Key="k"))["LastModified"]
    assert (await s3.error("HeadObject", Bucket=bucket, Key="k", IfModifiedSince=modified)).status == 304
    assert (await s3("HeadObject", Bucket=bucket, Key="k", IfUnmodifiedSince=modified))["ETag"] == etag


async def test_conditional_writes(s3: Any, bucket: str) -> None:
    first = await s3("PutObject", Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")).code == "PreconditionFailed"
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"3", IfMatch=first["ETag"])
    assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"4", IfMatch=first["ETag"])).status == 412
    assert (await s3.error("PutObject", Bucket=bucket, Key="none", Body=b"4", IfMatch=first["ETag"])).code == "NoSuchKey"


async def test_one_of_many_racing_creators_wins(s3: Any, bucket: str) -> None:
    puts = [s3("PutObject", Bucket=bucket, Key="k", Body=b"%d" % each, IfNoneMatch="*") for each in range(20)]
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert sum(isinstance(each, dict) for each in results) == 1


async def test_digests_are_checked(s3: Any, bucket: str) -> None:
    good = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x", ContentMD5=good)
    assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"y", ContentMD5=good)).code == "BadDigest"
    assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"y", ContentMD5="nonsense")).code == "InvalidDigest"
    crc = base64.b64encode(zlib.crc32(b"x").to_bytes(4, "big")).decode()
    put = await s3("PutObject", Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32=crc)
    assert put["ChecksumCRC32"] == crc
    assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"y", ChecksumCRC32=crc)).code == "BadDigest"
    assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"y", ChecksumCRC32="AA==")).code == "InvalidRequest"
    assert (await s3("GetObject", Bucket=bucket, Key="k", ChecksumMode="ENABLED"))["ChecksumCRC32"] == crc


async def test_checksums_in_trailers_are_checked(s3: Any, bucket: str) -> None:
    crc = base64.b64encode(zlib.crc32(b"x").to_bytes(4, "big")).decode()
    for hint in ({"ChecksumAlgorithm": "CRC32"}, {}):
        body = BytesStream(b"x", {"x-amz-checksum-crc32": crc})
        assert (await s3("PutObject", Bucket=bucket, Key="k", Body=body, **hint))["ChecksumCRC32"] == crc
        body = BytesStream(b"y", {"x-amz-checksum-crc32": crc})
        assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=body, **hint)).code == "BadDigest"


async def test_blobs_are_let_go_with_the_objects(s3: Any, bucket: str) -> None:
    store = s3.platform.store
    digest = hashlib.sha256(b"x").hexdigest()
    await s3("PutObject", Bucket=bucket, Key="1", Body=b"x")
    await s3("PutObject", Bucket=bucket, Key="2", Body=b"x")
    await s3("DeleteObject", Bucket=bucket, Key="1")
    assert await is_kept(store, digest)
    await s3("PutObject", Bucket=bucket, Key="2", Body=b"other")
    assert not await is_kept(store, digest)


async def test_response_headers_may_be_overridden(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x", CacheControl="no-store")
    got = await s3("GetObject", Bucket=bucket, Key="k", ResponseContentType="text/css", ResponseCacheControl="max-age=1")
    assert (got["ContentType"], got["CacheControl"]) == ("text/css", "max-age=1")


async def test_a_batch_of_deletes(s3: Any, bucket: str) -> None:
    for key in "abc":
        await s3("PutObject", Bucket=bucket, Key=key, Body=b"x")
    answer = await s3("DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "zz"}]})
    assert answer == {"Deleted": [{"Key": "a"}, {"Key": "zz"}]}
    assert await s3("DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True}) == {}
    assert (await s3.error("DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "b"}] * 1001})).code == "MalformedXML"


async def test_other_accounts_and_strangers_are_kept_out(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x")
    for caller in (Caller.root("222222222222"), Caller.anonymous()):
        error = await s3.error("GetObject", caller, Bucket=bucket, Key="k")
        assert (error.code, error.status) == ("AccessDenied", 403)


async def test_keys_and_metadata_have_limits(s3: Any, bucket: str) -> None:
    assert (await s3.error("PutObject", Bucket=bucket, Key="k" * 1025, Body=b"")).code == "KeyTooLongError"
    assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"", Metadata={"a": "x" * 2048})).code == "MetadataTooLarge"


async def test_an_empty_object(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k")
    assert (await s3("GetObject", Bucket=bucket, Key="k"))["Body"] == b""
    assert (await s3.error("GetObject", Bucket=bucket, Key="k", Range="bytes=0-1")).code == "InvalidRange"


async def test_checksums_that_are_not_served_are_not_passed_over(s3: Any, bucket: str) -> None:
    for params in ({"ChecksumXXHASH64": "AAAAAAAAAAA="}, {"ChecksumAlgorithm": "XXHASH3"}):
        error = await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"x", **params)
        assert error.code == "InvalidRequest" and "unsupported" in error.message
