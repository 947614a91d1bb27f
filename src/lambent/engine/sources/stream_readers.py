"""Kinesis and DynamoDB Streams through ``Cloud``: shards, iterators and records, in one shape for both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec

from lambent.domain.arns import Arn
from lambent.engine.sources.records import StreamRecord, dynamodb_record, kinesis_record
from lambent.engine.sources.running import Reader
from lambent.engine.sources.shards import Shard

LIMIT: Final = 1000  # records of a page: DynamoDB's largest
DAY_S: Final = 86_400.0


class Page(msgspec.Struct, frozen=True):
    """Records that were read from a shard."""

    records: list[StreamRecord]
    following: str | None  #: the next iterator; ``None``: the shard is closed and was read to its end
    behind_ms: int = 0


class Position(msgspec.Struct, frozen=True):
    """Where reading begins: after a record, at a time, at the newest, or at the oldest."""

    kind: str  #: ``AFTER_SEQUENCE_NUMBER``, ``AT_TIMESTAMP``, ``LATEST`` or ``TRIM_HORIZON``
    sequence: str = ""
    at: float | None = None


class StreamReader(Protocol):
    """A stream."""

    retention_s: float  #: how long records stay

    async def shards(self) -> list[Shard]:
        """Return all shards there are."""
        ...

    async def iterator(self, shard_id: str, position: Position) -> str:
        """Return an iterator; positions that the service doesn't have become the nearest before."""
        ...

    async def read(self, iterator: str, shard_id: str, limit: int) -> Page:
        """Return the next records."""
        ...


class KinesisReader:
    """A Kinesis stream."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._arn = str(reader.source).partition("/consumer/")[0]
        self._name = {"StreamARN": self._arn}
        self.retention_s = DAY_S

    async def shards(self) -> list[Shard]:
        """Return all shards, page by page."""
        found: list[Shard] = []
        more: dict[str, Any] = {}
        while True:
            answer = (await self._reader.call("kinesis", "DescribeStream", {**self._name, **more}))["StreamDescription"]
            self.retention_s = float(answer.get("RetentionPeriodHours") or 24) * 3600
            for each in answer["Shards"]:
                parents = tuple(each[name] for name in ("ParentShardId", "AdjacentParentShardId") if each.get(name))
                found.append(Shard(each["ShardId"], parents, _is_closed(each)))
            if not answer.get("HasMoreShards"):
                return found
            more = {"ExclusiveStartShardId": found[-1].shard_id}

    async def iterator(self, shard_id: str, position: Position) -> str:
        """Return an iterator."""
        params: dict[str, Any] = {**self._name, "ShardId": shard_id, "ShardIteratorType": position.kind}
        if position.sequence:
            params["StartingSequenceNumber"] = position.sequence
        if position.at is not None:
            params["Timestamp"] = datetime.fromtimestamp(position.at, UTC)
        return str((await self._reader.call("kinesis", "GetShardIterator", params))["ShardIterator"])

    async def read(self, iterator: str, shard_id: str, limit: int) -> Page:
        """Return the next records."""
        answer = await self._reader.call("kinesis", "GetRecords", {"ShardIterator": iterator, "Limit": limit, "StreamARN": self._arn})
        role_arn = (await self._reader.function()).version.role_arn
        records = [kinesis_record(each, str(self._reader.source), shard_id, role_arn) for each in answer["Records"]]
        return Page(records, answer.get("NextShardIterator") or None, int(answer.get("MillisBehindLatest") or 0))


class DynamoDbReader:
    """A table's stream."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._arn = str(reader.source)
        self.retention_s = DAY_S

    async def shards(self) -> list[Shard]:
        """Return all shards, page by page."""
        found: list[Shard] = []
        params: dict[str, Any] = {"StreamArn": self._arn}
        while True:
            answer = (await self._reader.call("dynamodbstreams", "DescribeStream", params))["StreamDescription"]
            for each in answer.get("Shards") or ():
                parents = (each["ParentShardId"],) if each.get("ParentShardId") else ()
                found.append(Shard(each["ShardId"], parents, _is_closed(each)))
            if not answer.get("LastEvaluatedShardId"):
                return found
            params["ExclusiveStartShardId"] = answer["LastEvaluatedShardId"]

    async def iterator(self, shard_id: str, position: Position) -> str:
        """Return an iterator; there is none for a time, so that reading begins with the oldest record."""
        kind = "TRIM_HORIZON" if position.kind == "AT_TIMESTAMP" else position.kind
        params: dict[str, Any] = {"StreamArn": self._arn, "ShardId": shard_id, "ShardIteratorType": kind}
        if position.sequence:
            params["SequenceNumber"] = position.sequence
        return str((await self._reader.call("dynamodbstreams", "GetShardIterator", params))["ShardIterator"])

    async def read(self, iterator: str, shard_id: str, limit: int) -> Page:
        """Return the next records."""
        answer = await self._reader.call("dynamodbstreams", "GetRecords", {"ShardIterator": iterator, "Limit": limit})
        records = [dynamodb_record(each, self._arn) for each in answer.get("Records") or ()]
        return Page(records, answer.get("NextShardIterator") or None)


def stream_reader(reader: Reader) -> StreamReader:
    """Return the stream that a mapping reads."""
    return KinesisReader(reader) if Arn.parse(str(reader.source)).service == "kinesis" else DynamoDbReader(reader)


def _is_closed(shard: Mapping[str, Any]) -> bool:
    return bool((shard.get("SequenceNumberRange") or {}).get("EndingSequenceNumber"))
