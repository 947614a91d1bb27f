"""The record of a stream's batch that was given up, for the mapping's on-failure destination; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lambent.domain.arns import Arn
from lambent.domain.mappings import EventSourceMapping
from lambent.engine.delivery.messages import Dispatch
from lambent.engine.environments.loglines import stamp
from lambent.engine.sources.records import encode, envelope
from lambent.engine.sources.retries import Attempt, Discard
from lambent.engine.sources.running import Ran


def dispatch(
    mapping: EventSourceMapping,
    attempt: Attempt,
    why: Discard,
    ran: Ran | None,
    *,
    shard_id: str,
    role_arn: str,
    request_id: str,
    now: float,
) -> Dispatch:
    """Return what is sent: where the records lie in the stream, and in a bucket also the records themselves."""
    document = _document(mapping, attempt, why, ran, shard_id=shard_id, request_id=request_id, now=now)
    destination = Arn.parse(mapping.on_failure_arn)
    if destination.service == "s3":
        document["payload"] = envelope([each.data for each in attempt.records]).decode("utf-8", "surrogatepass")
    return Dispatch(
        account_id=mapping.account_id,
        region=mapping.region,
        function_name=mapping.function_name,
        function_arn=mapping.function_arn,
        role_arn=role_arn,
        target_arn=mapping.on_failure_arn,
        body=encode(document).decode("utf-8", "replace"),
        is_dead_letter=False,
        success=False,
        request_id=request_id,
        made=now,
        object_prefix=f"aws/lambda/{mapping.uuid}/{shard_id}",
    )


def _document(
    mapping: EventSourceMapping, attempt: Attempt, why: Discard, ran: Ran | None, *, shard_id: str, request_id: str, now: float
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": mapping.function_arn,
            "condition": why.value,
            "approximateInvokeCount": attempt.errors,
        },
    }
    if ran is not None:
        error = ran.result.function_error
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": ran.result.executed_version,
            "functionError": None if error is None else error.value,  # none: the function reported the records itself
        }
    first, last = attempt.records[0], attempt.records[-1]
    kinesis = mapping.service == "kinesis"
    arrival = stamp if kinesis else _whole_seconds
    document |= {
        "version": "1.0",
        "timestamp": stamp(now),
        "KinesisBatchInfo" if kinesis else "DDBStreamBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": arrival(first.arrived),
            "approximateArrivalOfLastRecord": arrival(last.arrived),
            "batchSize": len(attempt.records),
            "streamArn": mapping.source_arn,
        },
    }
    return document


def _whole_seconds(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
