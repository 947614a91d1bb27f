from __future__ import annotations

import json
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


async def test_an_account_has_names_of_its_own_in_a_region(s3: Any) -> None:
    own = f"logs-{s3.caller.account_id}-us-east-1-an"
    assert (await s3.error("CreateBucket", Bucket=own)).code == "MissingNamespaceHeader"
    assert (await s3.error("CreateBucket", Bucket=own, BucketNamespace="global")).code == "InvalidNamespaceHeader"
    for other in ("logs", "logs-222222222222-us-east-1-an", f"logs-{s3.caller.account_id}-eu-west-1-an"):
        error = await s3.error("CreateBucket", Bucket=other, BucketNamespace="account-regional")
        assert error.code == "InvalidNamespaceHeader" and f"-{s3.caller.account_id}-us-east-1-an" in error.message
    created = await s3("CreateBucket", Bucket=own, BucketNamespace="account-regional")
    assert created["BucketArn"] == f"arn:aws:s3:::{own}"
    await s3("CreateBucket", Bucket="shared", BucketNamespace="global")


async def test_arns_are_in_the_partition_of_the_region(s3: Any) -> None:
    s3.region = "cn-north-1"
    created = await s3("CreateBucket", Bucket="china", CreateBucketConfiguration={"LocationConstraint": "cn-north-1"})
    assert created["BucketArn"] == "arn:aws-cn:s3:::china"
    allowed = {"Effect": "Allow", "Principal": {"AWS": s3.caller.account_id}, "Action": "s3:GetObject"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": {**allowed, "Resource": "arn:aws-cn:s3:::china/*"}})
    await s3("PutBucketPolicy", Bucket="china", Policy=policy)
    foreign = await s3.error("PutBucketPolicy", Bucket="china", Policy=policy.replace("aws-cn", "aws"))
    assert (foreign.code, foreign.message) == ("MalformedPolicy", "Policy has invalid resource")


@pytest.mark.parametrize("noun", ["Analytics", "Inventory", "Metrics", "IntelligentTiering"])
async def test_a_configuration_has_the_id_that_it_is_put_under(s3: Any, bucket: str, noun: str) -> None:
    error = await s3.error(f"PutBucket{noun}Configuration", Bucket=bucket, Id="a", **{f"{noun}Configuration": {"Id": "b"}})
    assert (error.code, error.status) == ("IdMismatch", 400)
