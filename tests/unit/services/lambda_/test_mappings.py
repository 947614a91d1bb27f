"""Event source mappings: their life, their settings, and what AWS refuses in which words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.services.lambda_.conftest import ACCOUNT, Bench

from lambent.domain.errors import AwsError
from lambent.domain.mappings import DISABLED, ENABLED

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
FIFO = f"{QUEUE}.fifo"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t/stream/2026-01-01T00:00:00.000"
INVALID = "InvalidParameterValueException"


@pytest.fixture
async def mapped(bench: Bench) -> Bench:
    bench.s3.answers = {
        "GetQueueUrl": {"QueueUrl": "http://localhost/q"},
        "GetQueueAttributes": {"Attributes": {"VisibilityTimeout": "30"}},
        "DescribeStream": {"StreamDescription": {}},
    }
    await bench.create()
    return bench


async def create(bench: Bench, arn: str = QUEUE, **params: Any) -> dict[str, Any]:
    if arn in (STREAM, TABLE):
        params = {"StartingPosition": "LATEST"} | params
    return await bench.call("CreateEventSourceMapping", FunctionName="f", EventSourceArn=arn, **params)


async def refused(bench: Bench, code: str, text: str, arn: str = QUEUE, **params: Any) -> None:
    if arn in (STREAM, TABLE):
        params = {"StartingPosition": "LATEST"} | params
    params = {"FunctionName": "f", "EventSourceArn": arn, **params}
    await bench.refused("CreateEventSourceMapping", code, text, **{key: value for key, value in params.items() if value is not None})


async def reach(bench: Bench, state: str = ENABLED) -> None:
    """Play the data plane."""
    for mapping in await bench.mappings.mappings():
        await bench.mappings.reached(mapping, state)


async def test_a_queues_mapping_as_aws_shows_it(mapped: Bench) -> None:
    shown = await create(mapped)
    uuid = shown["UUID"]
    assert shown == {
        "UUID": uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:event-source-mapping:{uuid}",
        "EventSourceArn": QUEUE,
        "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f",
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "LastModified": datetime.fromtimestamp(mapped.clock.now(), UTC),
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    }
    acting = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/f@lambda_function"
    assert {call.caller.arn for call in mapped.s3.calls if call.operation != "GetQueueUrl"} == {acting}
    assert {(call.operation, call.caller.arn) for call in mapped.roles.asked} == {
        (operation, acting) for operation in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    }


@pytest.mark.parametrize("arn", [STREAM, TABLE])
async def test_a_streams_mapping_as_aws_shows_it(mapped: Bench, arn: str) -> None:
    shown = await create(mapped, arn)
    expected = {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "LATEST",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }
    assert {name: shown[name] for name in expected} == expected


async def test_states_from_creation_to_the_end(mapped: Bench) -> None:
    uuid = (await create(mapped))["UUID"]
    await reach(mapped)
    assert (await mapped.call("GetEventSourceMapping", UUID=uuid))["State"] == "Enabled"
    assert (await mapped.call("UpdateEventSourceMapping", UUID=uuid, BatchSize=5))["State"] == "Updating"
    await reach(mapped)
    assert (await mapped.call("UpdateEventSourceMapping", UUID=uuid, Enabled=False))["State"] == "Disabling"
    await reach(mapped, DISABLED)
    assert (await mapped.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True))["State"] == "Enabling"
    await reach(mapped)
    got = await mapped.call("GetEventSourceMapping", UUID=uuid)
    assert (got["State"], got["BatchSize"]) == ("Enabled", 5)
    assert (await mapped.call("DeleteEventSourceMapping", UUID=uuid))["State"] == "Deleting"
    await mapped.refused("UpdateEventSourceMapping", "ResourceInUseException", "Cannot update the event source mapping", UUID=uuid)
    (mapping,) = await mapped.mappings.mappings()
    await mapped.mappings.gone(mapping)
    await mapped.refused("GetEventSourceMapping", "ResourceNotFoundException", "The resource you requested does not exist.", UUID=uuid)
    assert await mapped.call("ListEventSourceMappings") == {"EventSourceMappings": []}


async def test_a_state_of_an_older_generation_is_not_noted(mapped: Bench) -> None:
    uuid = (await create(mapped))["UUID"]
    await reach(mapped)
    (old,) = await mapped.mappings.mappings()
    await mapped.call("UpdateEventSourceMapping", UUID=uuid, BatchSize=5)
    await mapped.mappings.reached(old, ENABLED)
    assert (await mapped.call("GetEventSourceMapping", UUID=uuid))["State"] == "Updating"


async def test_a_change_while_another_is_under_way_is_refused(mapped: Bench) -> None:
    uuid = (await create(mapped))["UUID"]
    deleting = asyncio.create_task(
        mapped.refused("DeleteEventSourceMapping", "ResourceInUseException", "Cannot delete the event source mapping", UUID=uuid)
    )
    await mapped.clock.advance(3)
    await deleting


async def test_mappings_are_listed_by_source_and_function(mapped: Bench) -> None:
    await mapped.create("g")
    await create(mapped)
    await create(mapped, STREAM)
    await mapped.call("CreateEventSourceMapping", FunctionName="g", EventSourceArn=QUEUE)

    async def listed(**params: Any) -> list[str]:
        found = (await mapped.call("ListEventSourceMappings", **params))["EventSourceMappings"]
        return sorted(each["EventSourceArn"].rpartition(":")[2] + each["FunctionArn"][-1] for each in found)

    assert await listed() == ["qf", "qg", "stream/sf"]
    assert await listed(EventSourceArn=QUEUE) == ["qf", "qg"]
    assert await listed(FunctionName="f") == ["qf", "stream/sf"]
    assert await listed(FunctionName=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:g", EventSourceArn=QUEUE) == ["qg"]
    first = await mapped.call("ListEventSourceMappings", MaxItems=2)
    second = await mapped.call("ListEventSourceMappings", MaxItems=2, Marker=first["NextMarker"])
    assert len({each["UUID"] for each in [*first["EventSourceMappings"], *second["EventSourceMappings"]]}) == 3


async def test_tags_are_kept(mapped: Bench) -> None:
    arn = (await create(mapped, Tags={"a": "1"}))["EventSourceMappingArn"]
    await mapped.call("TagResource", Resource=arn, Tags={"b": "2"})
    assert await mapped.call("ListTags", Resource=arn) == {"Tags": {"a": "1", "b": "2"}}
    await mapped.call("UntagResource", Resource=arn, TagKeys=["a"])
    assert await mapped.call("ListTags", Resource=arn) == {"Tags": {"b": "2"}}
    await mapped.refused("ListTags", "ResourceNotFoundException", Resource=arn[:-4] + "0000")


async def test_mappings_survive_a_restart(mapped: Bench) -> None:
    shown = await create(mapped, BatchSize=7, FilterCriteria={"Filters": [{"Pattern": '{"body":["x"]}'}]})
    await reach(mapped)
    mapped.mappings.__init__(mapped.store)  # type: ignore[misc]
    got = await mapped.call("GetEventSourceMapping", UUID=shown["UUID"])
    assert got == {**shown, "State": "Enabled"}


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"EventSourceArn": None}, INVALID, "Unrecognized event source."),
        ({"EventSourceArn": "arn:aws:iam::123456789012:user/x"}, INVALID, "Unrecognized event source."),
        ({"EventSourceArn": None, "SelfManagedEventSource": {}}, INVALID, "Required 'sourceAccessConfigurations' parameter is missing."),
        ({"FunctionName": "nobody"}, INVALID, "Function does not exist"),
        ({"StartingPosition": "0"}, "ValidationException", "enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"),
        ({"StartingPosition": "LATEST"}, INVALID, "StartingPosition is not valid for SQS event sources."),
        ({"BatchSize": 11}, INVALID, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"),
        ({"EventSourceArn": FIFO, "MaximumBatchingWindowInSeconds": 1}, INVALID, "Batching window is not supported for FIFO queues"),
        ({"EventSourceArn": FIFO, "BatchSize": 11}, INVALID, "Batch size must not exceed 10 for FIFO queues"),
        ({"ParallelizationFactor": 2}, INVALID, "Unsupported ParallelizationFactor parameter"),
        ({"DestinationConfig": {"OnSuccess": {}}}, INVALID, "Unsupported DestinationConfig parameter for given event source mapping type."),
        ({"FilterCriteria": {"Filters": [{"Pattern": "no"}]}}, INVALID, "Invalid filter pattern definition."),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"a": "b"}'}]}}, INVALID, "Invalid filter pattern definition."),
        ({"FilterCriteria": {"Filters": [{}]}}, INVALID, "Invalid filter pattern definition."),
        ({"Tags": {"aws:x": "1"}}, INVALID, "aws:"),
    ],
)
async def test_what_a_queues_mapping_may_not_be(mapped: Bench, params: dict[str, Any], code: str, text: str) -> None:
    await refused(mapped, code, text, **{"arn": params.pop("EventSourceArn", QUEUE), **params})


@pytest.mark.parametrize(
    ("arn", "params", "code", "text"),
    [
        (STREAM, {"StartingPosition": None}, INVALID, "Value null at 'startingPosition'"),
        (STREAM, {"StartingPositionTimestamp": datetime(2026, 1, 1, tzinfo=UTC)}, INVALID, "Timestamp only valid with"),
        (TABLE, {"StartingPosition": "AT_TIMESTAMP"}, INVALID, "Unsupported starting position for arn type: arn:aws:dynamodb"),
        (STREAM, {"ScalingConfig": {"MaximumConcurrency": 2}}, INVALID, "Unsupported ScalingConfig parameter"),
        (STREAM, {"MaximumRecordAgeInSeconds": 59}, INVALID, "MaximumRecordAgeInSeconds"),
        (STREAM, {"DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:iam::{ACCOUNT}:role/r"}}}, INVALID, "is invalid"),
        ("arn:aws:kafka:us-east-1:123456789012:cluster/c/1", {}, "NotImplemented", "Kafka"),
        ("arn:aws:mq:us-east-1:123456789012:broker:b", {}, "NotImplemented", "Amazon MQ"),
        ("arn:aws:rds:us-east-1:123456789012:cluster:c", {}, "NotImplemented", "DocumentDB"),
    ],
)
async def test_what_a_streams_mapping_may_not_be(mapped: Bench, arn: str, params: dict[str, Any], code: str, text: str) -> None:
    await refused(mapped, code, text, arn, **params)


async def test_a_source_must_be_there_and_be_readable_for_the_function(mapped: Bench) -> None:
    answers = mapped.s3.answers
    await refused_with(mapped, QUEUE, "GetQueueUrl", AwsError("AWS.SimpleQueueService.NonExistentQueue", "no"), "Error occurred while")
    await refused_with(
        mapped, QUEUE, "GetQueueUrl", AwsError("AccessDenied", "no", 403), "does not have permissions to call ReceiveMessage"
    )
    for operation in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        mapped.roles.denied = {("sqs", operation)}
        await refused(mapped, INVALID, f"The function execution role does not have permissions to call {operation} on SQS")
    mapped.roles.denied = {("kinesis", "GetRecords"), ("dynamodbstreams", "GetShardIterator")}
    await refused(mapped, INVALID, "GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your stream in IAM.", STREAM)
    await refused(mapped, INVALID, "GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.", TABLE)
    mapped.roles.denied = {("sns", "Publish")}
    told = {"OnFailure": {"Destination": f"arn:aws:sns:us-east-1:{ACCOUNT}:t"}}
    text = "The function execution role does not have permissions to call Publish on SNS"
    await refused(mapped, INVALID, text, STREAM, DestinationConfig=told)
    mapped.roles.denied = set()
    await refused_with(mapped, STREAM, "DescribeStream", AwsError("ResourceNotFoundException", "no"), f"Stream not found: {STREAM}")
    await refused_with(mapped, TABLE, "DescribeStream", AwsError("AccessDeniedException", "no"), "Cannot access stream")
    answers["GetQueueAttributes"] = {"Attributes": {"VisibilityTimeout": "2"}}
    await refused(mapped, INVALID, "Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds")


async def refused_with(bench: Bench, arn: str, operation: str, error: AwsError, text: str) -> None:
    before, bench.s3.answers[operation] = bench.s3.answers[operation], error
    await refused(bench, INVALID, text, arn)
    bench.s3.answers[operation] = before


async def test_one_mapping_for_each_source_and_function(mapped: Bench) -> None:
    uuid = (await create(mapped))["UUID"]
    text = f'An event source mapping with SQS arn (" {QUEUE} ") and function (" f ") already exists. Please update or delete'
    await refused(mapped, "ResourceConflictException", f"{text} the existing mapping with UUID {uuid}")
    await create(mapped, STREAM)
    text = f'The event source arn (" {STREAM} ") and function (" f ") provided mapping already exists.'
    await refused(mapped, "ResourceConflictException", text, STREAM)


async def test_provisioned_pollers(mapped: Bench) -> None:
    await refused(mapped, INVALID, "MinimumPollers should be between", ProvisionedPollerConfig={"MinimumPollers": 5, "MaximumPollers": 3})
    both = {"ProvisionedPollerConfig": {"MinimumPollers": 5}, "ScalingConfig": {"MaximumConcurrency": 5}}
    await refused(mapped, INVALID, "does not support maximum concurrency", **both)
    shown = await create(mapped, ProvisionedPollerConfig={"MinimumPollers": 5})
    assert shown["ProvisionedPollerConfig"] == {"MinimumPollers": 5, "MaximumPollers": 200}
    await reach(mapped)
    changed = await mapped.call("UpdateEventSourceMapping", UUID=shown["UUID"], ProvisionedPollerConfig={})
    assert "ProvisionedPollerConfig" not in changed


async def test_an_update_leaves_what_it_does_not_name_and_takes_away_what_is_empty(mapped: Bench) -> None:
    target = f"arn:aws:sqs:us-east-1:{ACCOUNT}:failed"
    shown = await create(
        mapped,
        STREAM,
        DestinationConfig={"OnFailure": {"Destination": target}},
        FilterCriteria={"Filters": [{"Pattern": '{"data":{"a":[1]}}'}]},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRetryAttempts=3,
    )
    await reach(mapped)
    changed = await mapped.call("UpdateEventSourceMapping", UUID=shown["UUID"], ParallelizationFactor=4)
    different = {"LastModified", "State", "ParallelizationFactor"}
    assert {key for key in shown if shown[key] != changed[key]} <= different
    await reach(mapped)
    emptied = await mapped.call(
        "UpdateEventSourceMapping",
        UUID=shown["UUID"],
        DestinationConfig={"OnFailure": {}},
        FilterCriteria={"Filters": []},
        FunctionResponseTypes=[],
    )
    assert emptied["DestinationConfig"] == {"OnFailure": {}}
    assert "FilterCriteria" not in emptied
    assert emptied["FunctionResponseTypes"] == []
    assert emptied["MaximumRetryAttempts"] == 3


async def test_a_mapping_that_is_made_disabled_is_so_at_once(mapped: Bench) -> None:
    shown = await create(mapped, Enabled=False)
    assert shown["State"] == "Disabled"
    assert (await mapped.call("UpdateEventSourceMapping", UUID=shown["UUID"], Enabled=True))["State"] == "Enabling"
