from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

DAY = 86_400


@pytest.fixture
async def locked(s3: Any) -> str:
    await s3("CreateBucket", Bucket="vault", ObjectLockEnabledForBucket=True)
    return "vault"


def in_days(s3: Any, days: float) -> datetime:
    return datetime.fromtimestamp(s3.clock.now(), UTC) + timedelta(days=days)


async def test_governance_can_be_bypassed_and_ends(s3: Any, locked: str) -> None:
    retention = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": in_days(s3, 1)}
    put = await s3("PutObject", Bucket=locked, Key="k", Body=b"x", **retention)
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    error = await s3.error("DeleteObject", **version)
    assert (error.code, error.message) == ("AccessDenied", "Access Denied because object protected by object lock.")
    head = await s3("HeadObject", Bucket=locked, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", retention["ObjectLockRetainUntilDate"])
    assert (await s3("DeleteObject", Bucket=locked, Key="k"))["DeleteMarker"] is True
    batch = await s3("DeleteObjects", Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": put["VersionId"]}]})
    assert [each["Code"] for each in batch["Errors"]] == ["AccessDenied"]
    await s3.clock.advance(DAY + 1)
    assert await s3("DeleteObject", **version) == {"VersionId": put["VersionId"]}
    put = await s3("PutObject", Bucket=locked, Key="k", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=in_days(s3, 1))
    await s3("DeleteObject", **{**version, "VersionId": put["VersionId"]}, BypassGovernanceRetention=True)


async def test_compliance_only_grows(s3: Any, locked: str) -> None:
    put = await s3("PutObject", Bucket=locked, Key="k", Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=in_days(s3, 2))
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    assert (await s3.error("DeleteObject", **version, BypassGovernanceRetention=True)).status == 403
    for weaker in (
        {"Mode": "COMPLIANCE", "RetainUntilDate": in_days(s3, 1)},
        {"Mode": "GOVERNANCE", "RetainUntilDate": in_days(s3, 3)},
        {},
    ):
        error = await s3.error("PutObjectRetention", **version, Retention=weaker, BypassGovernanceRetention=True)
        assert error.code == "AccessDenied", weaker
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": in_days(s3, 3)}
    await s3("PutObjectRetention", **version, Retention=longer)
    assert (await s3("GetObjectRetention", **version))["Retention"] == longer


async def test_legal_hold(s3: Any, locked: str) -> None:
    put = await s3("PutObject", Bucket=locked, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON")
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    assert (await s3("GetObjectLegalHold", **version))["LegalHold"] == {"Status": "ON"}
    assert (await s3.error("DeleteObject", **version, BypassGovernanceRetention=True)).status == 403
    await s3("PutObjectLegalHold", **version, LegalHold={"Status": "OFF"})
    await s3("DeleteObject", **version)


async def test_the_default_retention(s3: Any, locked: str) -> None:
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
    await s3("PutObjectLockConfiguration", Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})
    await s3("PutObject", Bucket=locked, Key="k", Body=b"x")
    assert (await s3("GetObjectRetention", Bucket=locked, Key="k"))["Retention"] == {
        "Mode": "GOVERNANCE",
        "RetainUntilDate": in_days(s3, 3),
    }


async def test_what_is_refused(s3: Any, bucket: str, locked: str) -> None:
    soon = in_days(s3, 1)
    for params, code in (
        ({"Bucket": bucket, "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": soon}, "InvalidRequest"),
        ({"Bucket": locked, "ObjectLockMode": "GOVERNANCE"}, "InvalidArgument"),
        ({"Bucket": locked, "ObjectLockMode": "WHATEVER", "ObjectLockRetainUntilDate": soon}, "InvalidArgument"),
        ({"Bucket": locked, "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": in_days(s3, -1)}, "InvalidArgument"),
        ({"Bucket": locked, "ObjectLockLegalHoldStatus": "MAYBE"}, "InvalidArgument"),
    ):
        assert (await s3.error("PutObject", Key="k", Body=b"x", **params)).code == code, params
    await s3("PutObject", Bucket=locked, Key="k", Body=b"x")
    assert (await s3.error("GetObjectRetention", Bucket=locked, Key="k")).code == "NoSuchObjectLockConfiguration"
    error = await s3.error("GetObjectLockConfiguration", Bucket=bucket)
    assert (error.code, error.status) == ("ObjectLockConfigurationNotFoundError", 404)
    for wrong in ({}, {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}}}):
        assert (await s3.error("PutObjectLockConfiguration", Bucket=locked, ObjectLockConfiguration=wrong)).code == "MalformedXML"
    suspend = {"Bucket": locked, "VersioningConfiguration": {"Status": "Suspended"}}
    assert (await s3.error("PutBucketVersioning", **suspend)).code == "InvalidBucketState"
    assert (await s3.error("DeleteObject", Bucket=bucket, Key="k", BypassGovernanceRetention=True)).code == "InvalidArgument"
