from __future__ import annotations

from typing import Any

import pytest

from lambent.domain.caller import Caller


async def test_names_are_unique_over_all_accounts(s3: Any, bucket: str) -> None:
    assert (await s3("CreateBucket", Bucket=bucket))["Location"] == "/pictures"
    error = await s3.error("CreateBucket", Caller.root("222222222222"), Bucket=bucket)
    assert (error.code, error.status) == ("BucketAlreadyExists", 409)
    s3.region = "eu-west-1"
    europe = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    await s3("CreateBucket", Bucket="europe", **europe)
    assert (await s3.error("CreateBucket", Bucket="europe", **europe)).code == "BucketAlreadyOwnedByYou"
    assert (await s3.error("CreateBucket", Bucket="other")).code == "IllegalLocationConstraintException"


@pytest.mark.parametrize("name", ["ab", "Upper", "a..b", "192.168.0.1", "-a-", "xn--abc", "a_b"])
async def test_bad_names(s3: Any, name: str) -> None:
    assert (await s3.error("CreateBucket", Bucket=name)).code == "InvalidBucketName"


async def test_buckets_are_listed_by_their_owner(s3: Any) -> None:
    for name in ("bbb", "aaa", "ccc"):
        await s3("CreateBucket", Bucket=name)
    await s3("CreateBucket", Caller.root("222222222222"), Bucket="theirs")
    page = await s3("ListBuckets", MaxBuckets=2)
    assert [each["Name"] for each in page["Buckets"]] == ["aaa", "bbb"]
    page = await s3("ListBuckets", MaxBuckets=2, ContinuationToken=page["ContinuationToken"])
    assert [each["Name"] for each in page["Buckets"]] == ["ccc"]


async def test_location_and_head(s3: Any, bucket: str) -> None:
    assert (await s3("HeadBucket", Bucket=bucket))["BucketRegion"] == "us-east-1"
    assert await s3("GetBucketLocation", Bucket=bucket) == {}
    assert (await s3.error("HeadBucket", Bucket="nowhere")).status == 404


async def test_only_an_empty_bucket_can_be_deleted(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x")
    assert (await s3.error("DeleteBucket", Bucket=bucket)).code == "BucketNotEmpty"
    await s3("DeleteObject", Bucket=bucket, Key="k")
    await s3("DeleteBucket", Bucket=bucket)
    assert (await s3.error("HeadBucket", Bucket=bucket)).code == "NoSuchBucket"
