from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.services.s3.conftest import ACCOUNT, Driver

from lambent.domain.caller import Caller
from lambent.policy.actions.s3 import action_of
from lambent.services.s3 import acl
from lambent.services.s3.policy_checks import policy_problem
from lambent.services.s3.service import build

OTHER = Caller.root("222222222222")
NOBODY = Caller.anonymous()
ARN = "arn:aws:s3:::pictures"


@pytest.fixture
async def shared(s3: Driver) -> str:
    """A bucket as before April 2023: with ACLs, open to the public."""
    s3.service = build(s3.platform, classic=True)
    s3.cloud.service = s3.service
    await s3("CreateBucket", Bucket="shared")
    return "shared"


async def test_new_buckets_are_closed(s3: Driver, bucket: str) -> None:
    assert (await s3("GetBucketOwnershipControls", Bucket=bucket))["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    for operation, params in (
        ("PutBucketAcl", {"ACL": "public-read"}),
        ("PutObject", {"Key": "k", "Body": b"x", "ACL": "private"}),
        ("PutObject", {"Key": "k", "Body": b"x", "GrantRead": f"uri={acl.ALL_USERS}"}),
    ):
        error = await s3.error(operation, Bucket=bucket, **params)
        assert (error.code, error.message, error.status) == ("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    error = await s3.error("CreateBucket", Bucket="other", ACL="public-read")
    assert error.code == "InvalidBucketAclWithObjectOwnership"
    for caller in (OTHER, NOBODY):
        assert (await s3.error("GetObject", caller, Bucket=bucket, Key="k")).code == "AccessDenied"
        assert (await s3.error("ListObjectsV2", caller, Bucket=bucket)).code == "AccessDenied"


async def test_lists_of_buckets(s3: Driver, shared: str) -> None:
    await s3("PutBucketAcl", Bucket=shared, ACL="public-read-write")
    assert [each["Permission"] for each in (await s3("GetBucketAcl", Bucket=shared))["Grants"]] == ["FULL_CONTROL", "READ", "WRITE"]
    await s3("PutObject", NOBODY, Bucket=shared, Key="theirs", Body=b"x")
    assert (await s3("ListObjectsV2", NOBODY, Bucket=shared))["KeyCount"] == 1
    assert (await s3.error("GetBucketAcl", NOBODY, Bucket=shared)).status == 403
    await s3("PutBucketAcl", Bucket=shared, GrantRead=f'id="{acl.canonical_id(OTHER.account_id)}"')
    assert (await s3("ListObjectsV2", OTHER, Bucket=shared))["KeyCount"] == 1
    assert (await s3.error("ListObjectsV2", NOBODY, Bucket=shared)).status == 403


async def test_lists_of_objects(s3: Driver, shared: str) -> None:
    await s3("PutObject", Bucket=shared, Key="k", Body=b"x")
    assert (await s3.error("GetObject", NOBODY, Bucket=shared, Key="k")).status == 403
    assert (await s3.error("GetObject", NOBODY, Bucket=shared, Key="missing")).status == 403
    await s3("PutObjectAcl", Bucket=shared, Key="k", ACL="public-read")
    assert (await s3("GetObject", NOBODY, Bucket=shared, Key="k"))["Body"] == b"x"
    await s3("PutPublicAccessBlock", Bucket=shared, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert (await s3.error("GetObject", NOBODY, Bucket=shared, Key="k")).status == 403


async def test_another_accounts_object_is_its_own(s3: Driver, shared: str) -> None:
    await s3("PutBucketAcl", Bucket=shared, ACL="public-read-write")
    await s3("PutObject", OTHER, Bucket=shared, Key="k", Body=b"x")
    assert (await s3.error("GetObject", Bucket=shared, Key="k")).status == 403
    await s3("PutObject", OTHER, Bucket=shared, Key="k", Body=b"x", ACL="bucket-owner-read")
    assert (await s3("GetObject", Bucket=shared, Key="k"))["Body"] == b"x"


@pytest.mark.parametrize(
    ("params", "code", "members"),
    [
        ({"ACL": "fake"}, "InvalidArgument", {"ArgumentName": "x-amz-acl", "ArgumentValue": "fake"}),
        ({"ACL": "private", "GrantRead": "id=x"}, "InvalidRequest", {}),
        ({"GrantWrite": 'fakekey="1"'}, "InvalidArgument", {"ArgumentName": "x-amz-grant-write", "ArgumentValue": 'fakekey="1"'}),
        ({"GrantReadACP": "fakekey=1"}, "InvalidArgument", {"ArgumentName": "x-amz-grant-read-acp", "ArgumentValue": "fakekey=1"}),
        ({"GrantRead": "id=wrong"}, "InvalidArgument", {"ArgumentName": "id", "ArgumentValue": "wrong"}),
        ({"GrantRead": "uri=http://fake"}, "InvalidArgument", {"ArgumentName": "uri", "ArgumentValue": "http://fake"}),
        ({}, "MissingSecurityHeader", {"MissingHeaderName": "x-amz-acl"}),
        ({"AccessControlPolicy": {}}, "MalformedACLError", {}),
        ({"ACL": "private", "AccessControlPolicy": {"Grants": []}}, "UnexpectedContent", {}),
    ],
)
async def test_lists_that_are_none(s3: Driver, shared: str, params: dict[str, Any], code: str, members: dict[str, str]) -> None:
    error = await s3.error("PutBucketAcl", Bucket=shared, **params)
    assert (error.code, error.members) == (code, members)


async def put_policy(s3: Driver, bucket: str, **statement: Any) -> None:
    await s3("DeletePublicAccessBlock", Bucket=bucket)
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*", **statement}]}
    await s3("PutBucketPolicy", Bucket=bucket, Policy=json.dumps(policy))


async def test_policies_let_in_and_keep_out(s3: Driver, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="open/k", Body=b"x")
    await put_policy(s3, bucket, Resource=f"{ARN}/open/*")
    assert (await s3("GetObject", NOBODY, Bucket=bucket, Key="open/k"))["Body"] == b"x"
    assert (await s3.error("GetObject", NOBODY, Bucket=bucket, Key="k")).status == 403
    await s3("PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert (await s3.error("GetObject", NOBODY, Bucket=bucket, Key="open/k")).status == 403
    await put_policy(
        s3,
        bucket,
        Principal={"AWS": OTHER.account_id},
        Condition={"StringEquals": {"s3:prefix": "in/"}},
        Action="s3:ListBucket",
        Resource=ARN,
    )
    assert (await s3("ListObjectsV2", OTHER, Bucket=bucket, Prefix="in/"))["KeyCount"] == 0
    assert (await s3.error("ListObjectsV2", OTHER, Bucket=bucket)).status == 403


async def test_buckets_that_demand_tls_can_be_used(s3: Driver, bucket: str) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [ARN, f"{ARN}/*"]}
    statement = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}  # the CDK's ``enforceSSL``
    await s3("PutBucketPolicy", Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x")
    assert (await s3("GetObject", Bucket=bucket, Key="k"))["ContentLength"] == 1


async def test_policies_by_tags(s3: Driver, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="open", Body=b"x", Tagging="access=public")
    await s3("PutObject", Bucket=bucket, Key="closed", Body=b"x")
    await put_policy(s3, bucket, Condition={"StringEquals": {"s3:ExistingObjectTag/access": "public"}})
    assert (await s3("GetObject", NOBODY, Bucket=bucket, Key="open"))["Body"] == b"x"
    assert (await s3.error("GetObject", NOBODY, Bucket=bucket, Key="closed")).status == 403
    asked = {"StringEquals": {"s3:RequestObjectTag/by": "guest"}}
    await put_policy(s3, bucket, Action="s3:PutObject", Condition=asked)
    await s3("PutObject", NOBODY, Bucket=bucket, Key="theirs", Body=b"x", Tagging="by=guest")
    assert (await s3.error("PutObject", NOBODY, Bucket=bucket, Key="theirs", Body=b"x")).status == 403


async def test_a_denied_root_can_still_mend_the_policy(s3: Driver, bucket: str) -> None:
    await put_policy(s3, bucket, Effect="Deny", Action="s3:*", Resource=[ARN, f"{ARN}/*"])
    error = await s3.error("ListObjectsV2", Bucket=bucket)
    assert error.status == 403 and "explicit deny" in error.message
    assert (await s3.error("GetBucketPolicy", OTHER, Bucket=bucket)).status == 403
    await s3("DeleteBucketPolicy", Bucket=bucket)
    await s3("ListObjectsV2", Bucket=bucket)
    assert s3.caller.account_id == ACCOUNT


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ({}, ""),
        ({"Effect": "allow"}, "Invalid effect: allow"),
        ({"Principal": "me"}, "Invalid principal in policy"),
        ({"Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"),
        ({"Condition": ["x"]}, "Invalid Condition type"),
        ({"Condition": {"StringEquals": "x"}}, "Invalid Condition type"),
        ({"Action": "ec2:Run"}, "Policy has invalid action"),
        ({"Action": "s3:ListBucket"}, "Action does not apply to any resource(s) in statement"),
        ({"Resource": ARN}, "Action does not apply to any resource(s) in statement"),
        ({"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [ARN, f"{ARN}/*"]}, ""),
    ],
)
def test_what_is_wrong_with_policies(statement: dict[str, Any], problem: str) -> None:
    good = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
    assert policy_problem({"Statement": {**good, **statement}}, ARN) == problem


@pytest.mark.parametrize(
    ("operation", "params", "action"),
    [
        ("HeadObject", {"VersionId": "v"}, "GetObjectVersion"),
        ("DeleteObject", {}, "DeleteObject"),
        ("GetObjectTagging", {"VersionId": "v"}, "GetObjectVersionTagging"),
        ("GetObjectRetention", {"VersionId": "v"}, "GetObjectRetention"),
        ("DeleteBucketLifecycle", {}, "PutLifecycleConfiguration"),
        ("GetBucketEncryption", {}, "GetEncryptionConfiguration"),
        ("ListBucketInventoryConfigurations", {}, "GetInventoryConfiguration"),
        ("GetPublicAccessBlock", {}, "GetBucketPublicAccessBlock"),
        ("PutBucketPolicy", {}, "PutBucketPolicy"),
    ],
)
def test_actions(operation: str, params: dict[str, str], action: str) -> None:
    assert action_of(operation, params) == action
