from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

KEY = bytes(range(32))
CUSTOMER = {
    "SSECustomerAlgorithm": "AES256",
    "SSECustomerKey": base64.b64encode(KEY).decode(),
    "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(KEY).digest()).decode(),
}


async def test_the_default_of_the_bucket(s3: Any, bucket: str) -> None:
    assert (await s3("PutObject", Bucket=bucket, Key="k", Body=b"x"))["ServerSideEncryption"] == "AES256"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "1234"}, "BucketKeyEnabled": True}
    await s3("PutBucketEncryption", Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    put = await s3("PutObject", Bucket=bucket, Key="k", Body=b"x")
    assert (put["ServerSideEncryption"], put["BucketKeyEnabled"]) == ("aws:kms", True)
    assert put["SSEKMSKeyId"] == "arn:aws:kms:us-east-1:111111111111:key/1234"
    assert (await s3("HeadObject", Bucket=bucket, Key="k"))["SSEKMSKeyId"] == put["SSEKMSKeyId"]


async def test_keys_of_customers(s3: Any, bucket: str) -> None:
    put = await s3("PutObject", Bucket=bucket, Key="k", Body=b"x", **CUSTOMER)
    assert "ServerSideEncryption" not in put and put["SSECustomerKeyMD5"] == CUSTOMER["SSECustomerKeyMD5"]
    assert (await s3("GetObject", Bucket=bucket, Key="k", **CUSTOMER))["Body"] == b"x"
    assert (await s3.error("GetObject", Bucket=bucket, Key="k")).code == "InvalidRequest"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ServerSideEncryption": "rot13"}, "InvalidArgument"),
        ({"SSEKMSKeyId": "x"}, "InvalidArgument"),
        ({"ServerSideEncryption": "AES256", "SSEKMSKeyId": "x"}, "InvalidArgument"),
        ({**CUSTOMER, "SSECustomerAlgorithm": "DES"}, "InvalidEncryptionAlgorithmError"),
        ({**CUSTOMER, "SSECustomerKeyMD5": "x"}, "InvalidArgument"),
        ({"SSECustomerAlgorithm": "AES256"}, "InvalidArgument"),
        ({"SSECustomerKey": CUSTOMER["SSECustomerKey"]}, "InvalidArgument"),
    ],
)
async def test_what_is_refused(s3: Any, bucket: str, params: dict[str, str], code: str) -> None:
    assert (await s3.error("PutObject", Bucket=bucket, Key="k", Body=b"x", **params)).code == code


async def test_archives(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x", StorageClass="DEEP_ARCHIVE")
    assert (await s3.error("GetObject", Bucket=bucket, Key="k")).members == {"StorageClass": "DEEP_ARCHIVE"}
    assert (await s3.error("CopyObject", Bucket=bucket, Key="c", CopySource=f"{bucket}/k")).code == "ObjectNotInActiveTierError"
    assert await s3("RestoreObject", Bucket=bucket, Key="k", RestoreRequest={"Days": 1}) == {"$status": 202}
    assert await s3("RestoreObject", Bucket=bucket, Key="k", RestoreRequest={"Days": 1}) == {"$status": 200}
    assert (await s3("GetObject", Bucket=bucket, Key="k"))["Body"] == b"x"
    await s3.clock.advance(3 * 86_400)
    assert (await s3.error("GetObject", Bucket=bucket, Key="k")).code == "InvalidObjectState"
