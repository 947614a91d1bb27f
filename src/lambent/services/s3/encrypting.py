"""How an object is said to be encrypted. Kept and given back; the disk's own encryption is the operator's. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, Final

from lambent.domain.errors import AwsError
from lambent.services.s3 import errors
from lambent.services.s3.state import Bucket, Version

_CUSTOMER: Final = "Requests specifying Server Side Encryption with Customer provided keys must provide"


def of_request(bucket: Bucket, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the encryption that a write asks for, or the bucket's default."""
    customer = customer_key(params)
    if customer:
        return customer
    algorithm, key_id = params.get("ServerSideEncryption"), params.get("SSEKMSKeyId")
    bucket_key = params.get("BucketKeyEnabled")
    if algorithm is None and key_id:
        text = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
        raise errors.invalid_argument(text, "x-amz-server-side-encryption", "null")
    if algorithm not in (None, "AES256", "aws:kms", "aws:kms:dsse"):
        raise errors.invalid_argument("The encryption method specified is not supported", "x-amz-server-side-encryption", algorithm)
    if key_id and algorithm == "AES256":
        raise errors.invalid_argument("AES256 is not compatible with a KMS key id", "x-amz-server-side-encryption-aws-kms-key-id", key_id)
    if algorithm is None:
        rule = (bucket.configurations.get("encryption", {}).get("Rules") or [{}])[0]
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        algorithm, key_id = default.get("SSEAlgorithm", "AES256"), default.get("KMSMasterKeyID")
        bucket_key = rule.get("BucketKeyEnabled") if bucket_key is None else bucket_key
    if algorithm == "AES256":
        return {"ServerSideEncryption": "AES256"}
    found = {"ServerSideEncryption": algorithm, "SSEKMSKeyId": key_arn(bucket, key_id)}
    return {**found, "BucketKeyEnabled": True} if bucket_key else found


def key_arn(bucket: Bucket, key_id: str | None) -> str:
    """Return the ARN of a KMS key; without an id, of the account's own key for S3."""
    if key_id and key_id.startswith("arn:"):
        return key_id
    if not key_id:
        key_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"alias/aws/s3:{bucket.account_id}:{bucket.region}"))
    resource = key_id if key_id.startswith("alias/") else f"key/{key_id}"
    return f"arn:aws:kms:{bucket.region}:{bucket.account_id}:{resource}"


def customer_key(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return what is kept of a key that the customer brings, which is never the key; nothing when none is brought."""
    algorithm, key, md5 = (params.get(f"{prefix}SSECustomer{each}") for each in ("Algorithm", "Key", "KeyMD5"))
    if not (algorithm or key or md5):
        return {}
    if algorithm not in (None, "AES256"):
        text = "The Encryption request you specified is not valid. Supported value: AES256."
        raise AwsError("InvalidEncryptionAlgorithmError", text, 400)
    if not algorithm:
        raise errors.invalid_argument(f"{_CUSTOMER} a valid encryption algorithm.", "x-amz-server-side-encryption", "null")
    if not key:
        raise errors.invalid_argument(f"{_CUSTOMER} an appropriate secret key.", "x-amz-server-side-encryption", "null")
    if not md5:
        text = f"{_CUSTOMER} the client calculated MD5 of the secret key."
        raise errors.invalid_argument(text, "x-amz-server-side-encryption", "null")
    secret = _decoded(key)
    if len(secret) != 32:
        raise errors.invalid_argument("The secret key was invalid for the specified algorithm.", "x-amz-server-side-encryption", "null")
    if base64.b64encode(hashlib.md5(secret, usedforsecurity=False).digest()).decode() != md5:
        text = "The calculated MD5 hash of the key did not match the hash that was provided."
        raise errors.invalid_argument(text, "x-amz-server-side-encryption", "null")
    return {"SSECustomerAlgorithm": algorithm, "SSECustomerKeyMD5": md5}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def check_customer_key(params: Mapping[str, Any], version: Version, prefix: str = "") -> None:
    """Raise unless a read brings the customer's key with which the object was written."""
    wanted = version.encryption.get("SSECustomerKeyMD5")
    given = customer_key(params, prefix).get("SSECustomerKeyMD5")
    if wanted and not given:
        text = (
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
        )
        raise errors.invalid_request(text)
    if wanted != given:
        if wanted is None:
            raise errors.invalid_request("The encryption parameters are not applicable to this object.")
        raise errors.access_denied()
