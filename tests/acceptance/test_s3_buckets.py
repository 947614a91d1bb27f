"""Amazon S3's buckets: what is kept of their configurations, who may, what is locked; against a real server process."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from tests.acceptance.conftest import RunningServer
from tests.acceptance.test_s3_objects import http, refused


@pytest.fixture
def s3(server: RunningServer) -> Any:
    return server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"buckets-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def as_account(server: RunningServer, account_id: str = "") -> Any:
    """Return a client of another account; without one, of nobody."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, signature_version=None if account_id else UNSIGNED)
    session = boto3.Session(account_id or "x", "x", region_name="us-east-1")
    return session.client("s3", endpoint_url=server.url, config=config)


def test_names_and_places(s3: Any, bucket: str, server: RunningServer) -> None:
    assert bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert refused(as_account(server, "222222222222").create_bucket, Bucket=bucket) == (409, "BucketAlreadyExists")
    assert refused(s3.create_bucket, Bucket="Bad_Name") == (400, "InvalidBucketName")
    assert refused(s3.head_bucket, Bucket=f"no-{bucket}")[0] == 404
    s3.put_object(Bucket=bucket, Key="k")
    assert refused(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.list_objects_v2, Bucket=bucket) == (404, "NoSuchBucket")


RULE = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "old/"}, "Expiration": {"Days": 1}}
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]}
INVENTORY = {
    "Id": "i",
    "IsEnabled": True,
    "IncludedObjectVersions": "All",
    "Schedule": {"Frequency": "Daily"},
    "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::any", "Format": "CSV"}},
}
TIERING = {"Id": "t", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}


@pytest.mark.parametrize(
    ("noun", "member", "value", "missing"),
    [
        (
            "bucket_cors",
            "CORSConfiguration",
            {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
            "NoSuchCORSConfiguration",
        ),
        ("bucket_lifecycle_configuration", "LifecycleConfiguration", {"Rules": [RULE]}, "NoSuchLifecycleConfiguration"),
        ("bucket_website", "WebsiteConfiguration", WEBSITE, "NoSuchWebsiteConfiguration"),
        ("bucket_tagging", "Tagging", {"TagSet": [{"Key": "a", "Value": "b"}]}, "NoSuchTagSet"),
        ("bucket_encryption", "ServerSideEncryptionConfiguration", ENCRYPTION, ""),
        (
            "bucket_ownership_controls",
            "OwnershipControls",
            {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
            "OwnershipControlsNotFoundError",
        ),
        ("bucket_request_payment", "RequestPaymentConfiguration", {"Payer": "Requester"}, None),
        ("bucket_accelerate_configuration", "AccelerateConfiguration", {"Status": "Enabled"}, None),
        ("bucket_logging", "BucketLoggingStatus", {"LoggingEnabled": {"TargetBucket": "", "TargetPrefix": "log/"}}, None),
        (
            "public_access_block",
            "PublicAccessBlockConfiguration",
            dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True),
            "NoSuchPublicAccessBlockConfiguration",
        ),
    ],
)
def test_configurations(s3: Any, bucket: str, noun: str, member: str, value: dict[str, Any], missing: str | None) -> None:
    if noun == "bucket_logging":
        value = {"LoggingEnabled": {**value["LoggingEnabled"], "TargetBucket": bucket}}
    getattr(s3, f"put_{noun}")(Bucket=bucket, **{member: value})
    found = getattr(s3, f"get_{noun}")(Bucket=bucket)
    found = found.get(member, found)
    assert {name: found[name] for name in value} == value
    if missing is None:
        return
    getattr(s3, f"delete_{noun.removesuffix('_configuration') if 'lifecycle' in noun else noun}")(Bucket=bucket)
    if missing:
        assert refused(getattr(s3, f"get_{noun}"), Bucket=bucket) == (404, missing)


@pytest.mark.parametrize(
    ("noun", "value"),
    [
        ("analytics", {"Id": "a", "StorageClassAnalysis": {}}),
        ("metrics", {"Id": "m"}),
        ("inventory", INVENTORY),
        ("intelligent_tiering", TIERING),
    ],
)
def test_configurations_of_which_there_are_many(s3: Any, bucket: str, noun: str, value: dict[str, Any]) -> None:
    member = "".join(each.capitalize() for each in noun.split("_")) + "Configuration"
    one = {"Bucket": bucket, "Id": value["Id"]}
    getattr(s3, f"put_bucket_{noun}_configuration")(**one, **{member: value})
    assert getattr(s3, f"get_bucket_{noun}_configuration")(**one)[member] == value
    assert getattr(s3, f"list_bucket_{noun}_configurations")(Bucket=bucket)[f"{member}List"] == [value]
    getattr(s3, f"delete_bucket_{noun}_configuration")(**one)
    assert refused(getattr(s3, f"get_bucket_{noun}_configuration"), **one) == (404, "NoSuchConfiguration")


def test_replication_is_kept(s3: Any, bucket: str) -> None:
    rule = {"ID": "r", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"}}
    configuration = {"Role": "arn:aws:iam::000000000000:role/r", "Rules": [{**rule, "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"}}]}
    assert refused(s3.put_bucket_replication, Bucket=bucket, ReplicationConfiguration=configuration) == (400, "InvalidRequest")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)
    assert s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"] == configuration
    s3.delete_bucket_replication(Bucket=bucket)
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def policy(bucket: str, **statement: Any) -> str:
    given = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [given]})


def test_who_may(s3: Any, bucket: str, server: RunningServer) -> None:
    nobody, other = as_account(server), as_account(server, "222222222222")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for each in (nobody, other):
        assert refused(each.get_object, Bucket=bucket, Key="k") == (403, "AccessDenied")
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=policy(bucket)) == (403, "AccessDenied")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket))
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy(bucket)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    assert nobody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert http("GET", f"{server.url}/{bucket}/k")[2] == b"x"
    assert refused(nobody.list_objects_v2, Bucket=bucket) == (403, "AccessDenied")
    s3.delete_bucket_policy(Bucket=bucket)
    assert refused(nobody.get_object, Bucket=bucket, Key="k") == (403, "AccessDenied")


def test_lists(s3: Any, bucket: str, server: RunningServer) -> None:
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="private") == (400, "AccessControlListNotSupported")
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == (403, "AccessDenied")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert [each["Permission"] for each in s3.get_bucket_acl(Bucket=bucket)["Grants"]] == ["FULL_CONTROL", "READ"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    assert len(s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]) == 2
    nobody = as_account(server)
    assert nobody.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert nobody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_locks(s3: Any) -> None:
    vault = f"vault-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=vault, ObjectLockEnabledForBucket=True)
    rule: Mapping[str, Any] = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(Bucket=vault, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})
    assert s3.get_object_lock_configuration(Bucket=vault)["ObjectLockConfiguration"]["Rule"] == rule
    version = {"Bucket": vault, "Key": "k", "VersionId": s3.put_object(Bucket=vault, Key="k", Body=b"x")["VersionId"]}
    assert s3.get_object_retention(**version)["Retention"]["Mode"] == "GOVERNANCE"
    assert refused(s3.delete_object, **version) == (403, "AccessDenied")
    until = datetime.now(UTC) + timedelta(days=2)
    s3.put_object_retention(**version, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    s3.put_object_legal_hold(**version, LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(**version)["LegalHold"]["Status"] == "ON"
    assert refused(s3.delete_object, **version, BypassGovernanceRetention=True) == (403, "AccessDenied")
    s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    s3.delete_object(**version, BypassGovernanceRetention=True)
