"""A bucket's configurations that S3 keeps and gives back: one table says how each is named on the wire and what its absence means."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3 import access, drafts, errors
from lambent.services.s3.context import S3
from lambent.services.s3.state import Bucket

operations: Operations[S3] = Operations()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of configuration."""

    name: str  #: in the bucket's document
    noun: str  #: in the operations' names: ``PutBucket<noun>``
    member: str  #: of the put's request
    missing: tuple[str, str] | None = None  #: the code and message of a get without one; without it the answer is ``default``
    default: Mapping[str, Any] | None = None
    wrapped: bool = False  #: whether the get's answer has the member too, rather than what is in it
    prefix: str = "Bucket"  #: of the noun
    deletes: str = ""  #: the delete operation's name, where it isn't ``Delete<prefix><noun>``; ``-`` where there is none
    check: Callable[[Any], None] | None = None


def _check_cors(configuration: Mapping[str, Any]) -> None:
    rules = configuration.get("CORSRules", [])
    if not 0 < len(rules) <= 100:
        raise errors.malformed_xml()
    for method in (each for rule in rules for each in rule["AllowedMethods"]):
        if method not in ("GET", "PUT", "HEAD", "POST", "DELETE"):
            raise errors.invalid_request(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
    for origin in (each for rule in rules for each in rule["AllowedOrigins"]):
        if origin.count("*") > 1:
            raise errors.invalid_request(f'AllowedOrigin "{origin}" can not have more than one wildcard.')


def _check_lifecycle(configuration: Mapping[str, Any]) -> None:
    rules = configuration.get("Rules", [])
    if not 0 < len(rules) <= 1000:
        raise errors.malformed_xml()
    names = [each["ID"] for each in rules if each.get("ID")]
    if len(set(names)) < len(names):
        raise errors.invalid_argument("Rule ID must be unique. Found same ID for more than one rule")
    if any(each.get("Status") not in ("Enabled", "Disabled") for each in rules):
        raise errors.malformed_xml()


def _check_tags(tagging: Mapping[str, Any]) -> None:
    drafts.tags_of_set(tagging.get("TagSet", []), 50)


def _check_website(website: Mapping[str, Any]) -> None:
    if "RedirectAllRequestsTo" not in website and not website.get("IndexDocument", {}).get("Suffix"):
        raise errors.invalid_argument(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty", "IndexDocument", "null"
        )


KINDS = (
    Kind(
        "cors",
        "Cors",
        "CORSConfiguration",
        ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        check=_check_cors,
    ),
    Kind(
        "lifecycle",
        "LifecycleConfiguration",
        "LifecycleConfiguration",
        ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
        deletes="DeleteBucketLifecycle",
        check=_check_lifecycle,
    ),
    Kind(
        "encryption",
        "Encryption",
        "ServerSideEncryptionConfiguration",
        default={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]},
        wrapped=True,
    ),
    Kind(
        "ownership",
        "OwnershipControls",
        "OwnershipControls",
        ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
        wrapped=True,
    ),
    Kind(
        "website",
        "Website",
        "WebsiteConfiguration",
        ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
        check=_check_website,
    ),
    Kind("tagging", "Tagging", "Tagging", ("NoSuchTagSet", "The TagSet does not exist"), check=_check_tags),
    Kind(
        "public_access_block",
        "PublicAccessBlock",
        "PublicAccessBlockConfiguration",
        ("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
        wrapped=True,
        prefix="",
    ),
    Kind(
        "replication",
        "Replication",
        "ReplicationConfiguration",
        ("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
        wrapped=True,
    ),
    Kind("logging", "Logging", "BucketLoggingStatus", default={}, deletes="-"),
    Kind("request_payment", "RequestPayment", "RequestPaymentConfiguration", default={"Payer": "BucketOwner"}, deletes="-"),
    Kind("accelerate", "AccelerateConfiguration", "AccelerateConfiguration", default={}, deletes="-"),
)


def _missing(kind: Kind, bucket: Bucket) -> AwsError:
    code, message = kind.missing or ("", "")
    return AwsError(code, message, 404, members={"BucketName": bucket.name})


def _getter(kind: Kind) -> Callable[[S3, Call, Any], Awaitable[Mapping[str, Any]]]:
    async def get(s3: S3, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        bucket = (await s3.bucket(call)).value
        value = bucket.configurations.get(kind.name, kind.default)
        if value is None:
            raise _missing(kind, bucket)
        return {kind.member: value} if kind.wrapped else value

    return get


def _putter(kind: Kind) -> Callable[[S3, Call, Any], Awaitable[None]]:
    async def put(s3: S3, call: Call, request: Mapping[str, Any]) -> None:
        value = request.get(kind.member)
        if value is None:
            raise errors.malformed_xml()
        if kind.check is not None:
            kind.check(value)
        await s3.configure(call, kind.name, value)

    return put


def _deleter(kind: Kind) -> Callable[[S3, Call, Any], Awaitable[None]]:
    async def delete(s3: S3, call: Call, request: Mapping[str, Any]) -> None:
        await s3.configure(call, kind.name, None)

    return delete


def _register() -> None:
    for kind in KINDS:
        noun = kind.prefix + kind.noun
        operations.serves(f"Get{noun}")(_getter(kind))
        operations.serves(f"Put{noun}")(_putter(kind))
        if kind.deletes != "-":
            operations.serves(kind.deletes or f"Delete{noun}")(_deleter(kind))


_register()


@operations.serves("PutBucketPolicy")
async def put_bucket_policy(s3: S3, call: Call, request: Mapping[str, Any]) -> None:
    """Keep a bucket policy that is one."""
    bucket = (await s3.bucket(call)).value
    try:
        policy = json.loads(request["Policy"])
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        raise AwsError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'", 400)
    problem = access.policy_problem(policy, bucket.arn)
    if problem:
        raise AwsError("MalformedPolicy", problem, 400)
    await s3.configure(call, "policy", request["Policy"])


@operations.serves("GetBucketPolicy")
async def get_bucket_policy(s3: S3, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the policy's text as it was put."""
    bucket = (await s3.bucket(call)).value
    if "policy" not in bucket.configurations:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404, members={"BucketName": bucket.name})
    return {"Policy": bucket.configurations["policy"]}


@operations.serves("DeleteBucketPolicy")
async def delete_bucket_policy(s3: S3, call: Call, request: Mapping[str, Any]) -> None:
    """Forget the policy."""
    await s3.configure(call, "policy", None)


@operations.serves("GetBucketPolicyStatus")
async def get_bucket_policy_status(s3: S3, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say whether the policy lets everybody in."""
    bucket = (await s3.bucket(call)).value
    if "policy" not in bucket.configurations:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404, members={"BucketName": bucket.name})
    return {"PolicyStatus": {"IsPublic": access.is_public(bucket)}}


@operations.serves("PutBucketVersioning")
async def put_bucket_versioning(s3: S3, call: Call, request: Mapping[str, Any]) -> None:
    """Enable versioning, or suspend it."""
    wanted = request["VersioningConfiguration"]
    status = wanted.get("Status")
    if status not in ("Enabled", "Suspended"):
        raise AwsError("IllegalVersioningConfigurationException", "The Versioning element must be specified", 400)

    def change(bucket: Bucket) -> Bucket:
        if bucket.object_lock and status == "Suspended":
            text = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
            raise AwsError("InvalidBucketState", text, 409)
        return msgspec.structs.replace(bucket, versioning=status, mfa_delete=wanted.get("MFADelete", ""))

    await s3.change_bucket(call, change)


@operations.serves("GetBucketVersioning")
async def get_bucket_versioning(s3: S3, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the versioning's state; nothing when it never was enabled."""
    bucket = (await s3.bucket(call)).value
    answer = {"Status": bucket.versioning, "MFADelete": bucket.mfa_delete}
    return {name: value for name, value in answer.items() if value}
