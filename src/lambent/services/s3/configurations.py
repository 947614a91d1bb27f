"""A bucket's configurations that S3 keeps and gives back: one table says how each is named on the wire and what its absence means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3 import configchecks, errors, lifecycles
from lambent.services.s3.context import S3
from lambent.services.s3.state import BUCKETS, Bucket

operations: Operations[S3] = Operations()

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Kind(msgspec.Struct, frozen=True):
    """A kind of configuration."""

    name: str  #: in the bucket's document
    noun: str  #: in the operations' names: ``PutBucket<noun>``
    member: str  #: of the put's request
    missing: tuple[str, str] | None = None  #: the code and message of a get without one; without it the answer is ``default``
    default: Mapping[str, Any] | None = None
    wrapped: bool = False  #: whether the get's answer has the member too, rather than what is in it
    prefix: str = "Bucket"  #: of the noun
    deletes: str = ""  #: the delete operation's name, where it isn't ``Delete<prefix><noun>``; ``-`` where there is none
    check: Callable[[Bucket, Any], None] | None = None
    status: int = 200  #: of the put's answer


KINDS = (
    Kind(
        "cors",
        "Cors",
        "CORSConfiguration",
        ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        check=configchecks.cors,
    ),
    Kind(
        "lifecycle",
        "LifecycleConfiguration",
        "LifecycleConfiguration",
        ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
        deletes="DeleteBucketLifecycle",
        check=lifecycles.check,
    ),
    Kind(
        "encryption",
        "Encryption",
        "ServerSideEncryptionConfiguration",
        default={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]},
        wrapped=True,
        check=configchecks.encryption,
    ),
    Kind(
        "ownership",
        "OwnershipControls",
        "OwnershipControls",
        ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
        wrapped=True,
        check=configchecks.ownership,
    ),
    Kind(
        "website",
        "Website",
        "WebsiteConfiguration",
        ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
        check=configchecks.website,
    ),
    Kind("tagging", "Tagging", "Tagging", ("NoSuchTagSet", "The TagSet does not exist"), check=configchecks.tagging, status=204),
    Kind(
        "public_access_block",
        "PublicAccessBlock",
        "PublicAccessBlockConfiguration",
        ("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
        wrapped=True,
        prefix="",
        check=configchecks.public_access_block,
    ),
    Kind(
        "replication",
        "Replication",
        "ReplicationConfiguration",
        ("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
        wrapped=True,
        check=configchecks.replication,
    ),
    Kind("logging", "Logging", "BucketLoggingStatus", default={}, deletes="-"),
    Kind(
        "request_payment",
        "RequestPayment",
        "RequestPaymentConfiguration",
        default={"Payer": "BucketOwner"},
        deletes="-",
        check=configchecks.request_payment,
    ),
    Kind("accelerate", "AccelerateConfiguration", "AccelerateConfiguration", default={}, deletes="-", check=configchecks.accelerate),
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
        if kind.name == "lifecycle":
            return {"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K", **value}
        return {kind.member: value} if kind.wrapped else value

    return get


def _putter(kind: Kind) -> Callable[[S3, Call, Any], Awaitable[Mapping[str, Any]]]:
    async def put(s3: S3, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        bucket = (await s3.bucket(call)).value
        value = request.get(kind.member)
        if value is None:
            raise errors.malformed_xml()
        if kind.check is not None:
            kind.check(bucket, value)
        await _see_to_others(s3, bucket, kind, value)
        await s3.configure(call, kind.name, _completed(s3, bucket, kind, value))
        return {"$status": kind.status}

    return put


async def _see_to_others(s3: S3, bucket: Bucket, kind: Kind, value: Mapping[str, Any]) -> None:
    """Check what a configuration says about other buckets."""
    if kind.name == "logging" and value.get("LoggingEnabled"):
        name = value["LoggingEnabled"].get("TargetBucket", "")
        target = await BUCKETS.get(s3.platform.store, (name,))
        if target is None or target.value.account_id != bucket.account_id:
            text = "The target bucket for logging does not exist"
            raise AwsError("InvalidTargetBucketForLogging", text, 400, members={"TargetBucket": name})
        if target.value.region != bucket.region:
            members = {"TargetBucketLocation": target.value.region}
            raise AwsError("CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ", 403, members=members)
    if kind.name == "replication":
        for rule in value["Rules"]:
            target = await BUCKETS.get(s3.platform.store, (rule["Destination"]["Bucket"].rpartition(":")[2],))
            if target is None or target.value.versioning != "Enabled":
                raise errors.invalid_request("Destination bucket must have versioning enabled.")


def _completed(s3: S3, bucket: Bucket, kind: Kind, value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the configuration as it is kept; ``None`` for one that says nothing."""
    match kind.name:
        case "lifecycle":
            return lifecycles.with_ids(value, [s3.platform.ids.uuid() for _ in value["Rules"]])
        case "replication":
            rules = [{**each, "ID": each.get("ID") or s3.platform.ids.uuid()} for each in value["Rules"]]
            return {**value, "Rules": rules}
        case "tagging":
            return value if value.get("TagSet") else None
        case "accelerate":
            # What never was switched on can't be suspended.
            return None if value["Status"] == "Suspended" and kind.name not in bucket.configurations else value
        case "public_access_block":
            return {**dict.fromkeys(_BLOCKS, False), **value}
        case "encryption":
            return {"Rules": [{"BucketKeyEnabled": False, **each} for each in value["Rules"]]}
        case _:
            return value


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


@operations.serves("PutBucketVersioning")
async def put_bucket_versioning(s3: S3, call: Call, request: Mapping[str, Any]) -> None:
    """Enable versioning, or suspend it."""
    wanted = request["VersioningConfiguration"]
    status = wanted.get("Status")
    if status not in (None, "Enabled", "Suspended"):
        raise errors.malformed_xml()
    if status is None:
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
