"""Configurations of which a bucket has many, each with an id: analytics, inventory, metrics, intelligent tiering. Kept and given back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3.context import S3
from lambent.services.s3.state import Bucket

operations: Operations[S3] = Operations()

NOUNS = ("Analytics", "Inventory", "Metrics", "IntelligentTiering")
_PER_PAGE = 100
_EACH_MAX = 1000


def _missing() -> AwsError:
    return AwsError("NoSuchConfiguration", "The specified configuration does not exist.", 404)


def _kept(bucket: Bucket, noun: str) -> dict[str, Any]:
    found: dict[str, Any] = bucket.configurations.get(f"many.{noun}", {})
    return found


def _with(bucket: Bucket, noun: str, kept: Mapping[str, Any]) -> Bucket:
    return msgspec.structs.replace(bucket, configurations={**bucket.configurations, f"many.{noun}": dict(kept)})


def _putter(noun: str) -> Callable[[S3, Call, Any], Awaitable[None]]:
    async def put(s3: S3, call: Call, request: Mapping[str, Any]) -> None:
        configuration = request[f"{noun}Configuration"]
        if configuration.get("Id") != request["Id"]:
            raise AwsError("IdMismatch", "Document ID does not match the specified configuration ID.", 400)

        def change(bucket: Bucket) -> Bucket:
            kept = {**_kept(bucket, noun), request["Id"]: configuration}
            if len(kept) > _EACH_MAX:
                raise AwsError("TooManyConfigurations", "You have attempted to create more configurations than allowed.", 400)
            return _with(bucket, noun, kept)

        await s3.change_bucket(call, change)

    return put


def _getter(noun: str) -> Callable[[S3, Call, Any], Awaitable[Mapping[str, Any]]]:
    async def get(s3: S3, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = _kept((await s3.bucket(call)).value, noun)
        if request["Id"] not in kept:
            raise _missing()
        return {f"{noun}Configuration": kept[request["Id"]]}

    return get


def _deleter(noun: str) -> Callable[[S3, Call, Any], Awaitable[None]]:
    async def delete(s3: S3, call: Call, request: Mapping[str, Any]) -> None:
        def change(bucket: Bucket) -> Bucket:
            kept = _kept(bucket, noun)
            if request["Id"] not in kept:
                raise _missing()
            return _with(bucket, noun, {name: each for name, each in kept.items() if name != request["Id"]})

        await s3.change_bucket(call, change)

    return delete


def _lister(noun: str) -> Callable[[S3, Call, Any], Awaitable[Mapping[str, Any]]]:
    async def list_(s3: S3, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = _kept((await s3.bucket(call)).value, noun)
        token = request.get("ContinuationToken", "")
        rest = [name for name in sorted(kept) if name > token]
        page = rest[:_PER_PAGE]
        answer: dict[str, Any] = {"IsTruncated": len(rest) > len(page), f"{noun}ConfigurationList": [kept[name] for name in page]}
        if token:
            answer["ContinuationToken"] = token
        return answer | ({"NextContinuationToken": page[-1]} if len(rest) > len(page) else {})

    return list_


def _register() -> None:
    for noun in NOUNS:
        operations.serves(f"PutBucket{noun}Configuration")(_putter(noun))
        operations.serves(f"GetBucket{noun}Configuration")(_getter(noun))
        operations.serves(f"DeleteBucket{noun}Configuration")(_deleter(noun))
        operations.serves(f"ListBucket{noun}Configurations")(_lister(noun))


_register()
