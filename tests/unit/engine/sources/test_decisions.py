"""The pure parts of event sources: answers, filters, shapes, retries, windows, shards, checkpoints, scaling."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.unit.engine.sources.kit import mapping, record

from lambent.domain.arns import Arn
from lambent.engine.sources import windows
from lambent.engine.sources.answers import WholeBatch, failed_items, window_state
from lambent.engine.sources.checkpoints import Tracker, Window
from lambent.engine.sources.filters import filter_of
from lambent.engine.sources.records import dynamodb_record, envelope, kinesis_record, queue_message
from lambent.engine.sources.retries import Attempt, after_error, after_partial, aged, backoff_s
from lambent.engine.sources.scaling import START, Scaling
from lambent.engine.sources.shards import Shard, readable

QUEUE = Arn.parse("arn:aws:sqs:eu-west-1:123456789012:q")


@pytest.mark.parametrize("payload", [b"", b"null", b'""', b"{}", b"[]", b'{"batchItemFailures": []}', b'{"batchItemFailures": null}'])
def test_answers_that_mean_success(payload: bytes) -> None:
    assert failed_items(payload, {"a"}) == frozenset()


@pytest.mark.parametrize(
    "payload",
    [
        b"not json",
        b'"text"',
        b"[1]",
        b"7",
        b'{"batchItemFailures": "a"}',
        b'{"batchItemFailures": [{"itemIdentifier": ""}]}',
        b'{"batchItemFailures": [{"itemIdentifier": null}]}',
        b'{"batchItemFailures": [{"other": "a"}]}',
        b'{"batchItemFailures": [{"itemIdentifier": "unknown"}]}',
        b'{"batchItemFailures": ["a"]}',
    ],
)
def test_answers_that_cannot_be_understood_fail_the_batch(payload: bytes) -> None:
    assert failed_items(payload, {"a"}) == WholeBatch()


def test_items_that_failed() -> None:
    payload = b'{"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}, {"itemIdentifier": "a"}]}'
    assert failed_items(payload, {"a", "b", "c"}) == {"a", "c"}


def test_a_messages_record() -> None:
    message = queue_message(
        {
            "MessageId": "m",
            "ReceiptHandle": "r",
            "Body": "ü",
            "MD5OfBody": "5",
            "MD5OfMessageAttributes": "6",
            "Attributes": {"SentTimestamp": "1", "AWSTraceHeader": "Root=1"},
            "MessageAttributes": {
                "text": {"DataType": "String", "StringValue": "x"},
                "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
            },
        },
        QUEUE,
    )
    assert json.loads(message.data) == {
        "messageId": "m",
        "receiptHandle": "r",
        "body": "ü",
        "attributes": {"SentTimestamp": "1", "AWSTraceHeader": "Root=1"},
        "messageAttributes": {
            "text": {"stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "bytes": {"binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfBody": "5",
        "md5OfMessageAttributes": "6",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:q",
        "awsRegion": "eu-west-1",
    }
    assert message.trace_header == "Root=1"
    bare = {"MessageId": "m", "ReceiptHandle": "r", "Body": "b"}
    assert "md5OfMessageAttributes" not in queue_message(bare, QUEUE).event
    assert queue_message(bare, QUEUE, tells_absence=True).event["md5OfMessageAttributes"] is None


def test_a_kinesis_records_shape() -> None:
    raw = {"SequenceNumber": "49", "PartitionKey": "p", "Data": b"hello", "ApproximateArrivalTimestamp": datetime(2026, 1, 1, tzinfo=UTC)}
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
    assert json.loads(kinesis_record(raw, arn, "shardId-000000000000", "arn:aws:iam::123456789012:role/r").data) == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "p",
            "sequenceNumber": "49",
            "data": "aGVsbG8=",
            "approximateArrivalTimestamp": 1767225600.0,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": "shardId-000000000000:49",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/r",
        "awsRegion": "us-east-1",
        "eventSourceARN": arn,
    }


def test_a_table_streams_records_shape() -> None:
    raw = {
        "eventID": "e",
        "eventName": "REMOVE",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 1, 1, tzinfo=UTC),
            "Keys": {"k": {"B": b"\x01"}},
            "OldImage": {"s": {"BS": [b"\x02"]}},
            "SequenceNumber": "7",
            "SizeBytes": 3,
            "StreamViewType": "OLD_IMAGE",
        },
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
    }
    found = dynamodb_record(raw, "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/x")
    assert json.loads(found.data) == {
        "eventID": "e",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1767225600.0,
            "Keys": {"k": {"B": "AQ=="}},
            "OldImage": {"s": {"BS": ["Ag=="]}},
            "SequenceNumber": "7",
            "SizeBytes": 3,
            "StreamViewType": "OLD_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/x",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
    }
    assert b'"ApproximateCreationDateTime":1767225600.0,' in found.data
    assert (found.sequence, found.partition) == ("7", '{"k": {"B": "AQ=="}}')


def message(body: str) -> dict[str, Any]:
    return {"messageId": "m", "body": body, "attributes": {}}


@pytest.mark.parametrize(
    ("pattern", "body", "passes"),
    [
        ({"body": {"a": [1]}}, '{"a": 1}', True),
        ({"body": {"a": [1]}}, '{"a": 2}', False),
        ({"body": {"a": [1]}}, "text", False),
        ({"body": ["text"]}, "text", True),
        ({"body": ["text"]}, '{"a": 1}', False),
        ({"body": {"a": [{"numeric": [">", 5]}]}}, '{"a": 6}', True),
        ({"body": {"a": [{"anything-but": ["x"]}]}}, '{"a": "x"}', False),
        ({"messageId": ["m"]}, "whatever", True),
    ],
)
def test_filters_of_messages(pattern: Any, body: str, passes: bool) -> None:
    assert filter_of("sqs", [json.dumps(pattern)])(message(body)) is passes


def test_filters_of_streams() -> None:
    kinesis = {"kinesis": {"partitionKey": "1", "data": "eyJhIjogMX0="}, "eventName": "aws:kinesis:record"}
    assert filter_of("kinesis", ['{"data": {"a": [1]}}'])(kinesis)
    assert filter_of("kinesis", ['{"partitionKey": ["1"]}'])(kinesis)
    assert not filter_of("kinesis", ['{"data": {"a": [2]}}'])(kinesis)
    assert not filter_of("kinesis", ['{"data": {"a": [1]}}'])({"kinesis": {"partitionKey": "1", "data": "/w=="}})
    table = {"eventName": "INSERT", "dynamodb": {"NewImage": {"price": {"N": "5"}}}}
    assert filter_of("dynamodb", ['{"eventName": ["REMOVE"]}', '{"dynamodb": {"NewImage": {"price": {"N": ["5"]}}}}'])(table)
    assert not filter_of("dynamodb", ['{"eventName": ["REMOVE"]}'])(table)
    assert filter_of("dynamodb", None)(table)


def test_a_batch_is_tried_again_until_its_tries_are_used_up() -> None:
    attempt = Attempt((record(1), record(2)))
    once = after_error(attempt, mapping(retries=1)).ahead[0]
    assert (once.records, once.errors) == (attempt.records, 1)
    step = after_error(once, mapping(retries=1))
    assert step.ahead == ()
    assert step.given_up == Attempt(attempt.records, 2)
    assert after_error(Attempt(attempt.records, 10_000), mapping(retries=-1)).given_up is None
    assert after_error(attempt, mapping(retries=0)).given_up == Attempt(attempt.records, 1)


def test_bisecting_ends_at_the_record_that_fails_and_does_not_count_as_a_try() -> None:
    records = tuple(record(number) for number in range(10))
    bad, handled, given_up, ahead = records[6], [], [], [Attempt(records)]
    invocations = 0
    while ahead:
        attempt = ahead.pop(0)
        invocations += 1
        if bad not in attempt.records:
            handled += attempt.records
            continue
        step = after_error(attempt, mapping(retries=2, bisects=True))
        given_up += [step.given_up] if step.given_up else []
        ahead[:0] = step.ahead
    assert [each.sequence for each in handled] == [each.sequence for each in records if each is not bad]
    assert given_up == [Attempt((bad,), 3)]
    assert invocations <= 12


def test_a_reported_failure_goes_on_from_the_first() -> None:
    records = tuple(record(number) for number in range(5))
    handled, step = after_partial(Attempt(records, 1), [3, 1], mapping(retries=1))
    assert handled == records[:1]
    assert step.ahead == (Attempt(records[1:]),)  # its tries are counted anew, for something was handled
    handled, step = after_partial(step.ahead[0], [0], mapping(retries=1))
    assert (handled, step.ahead) == ((), (Attempt(records[1:], 1),))
    handled, step = after_partial(step.ahead[0], [0], mapping(retries=1))
    assert (handled, step.given_up) == ((), Attempt(records[1:], 2))


def test_records_that_are_too_old_are_given_up() -> None:
    records = tuple(record(number, arrived=1000.0 + number * 10) for number in range(5))
    step = aged(Attempt(records), mapping(record_age_s=60), 86_400, 1085.0)
    assert step.given_up == Attempt(records[:3])
    assert step.ahead == (Attempt(records[3:]),)
    assert aged(Attempt(records), mapping(), 86_400, 1085.0).given_up is None
    assert aged(Attempt(records), mapping(), 86_400, 100_000.0).ahead == ()


def test_pauses_grow_up_to_a_minute() -> None:
    pauses = [backoff_s(errors) for errors in range(1, 20)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.5
    assert pauses[-1] == 60.0


def test_windows_are_aligned_and_end_when_nothing_of_them_can_come() -> None:
    assert windows.start_of(119.9, 30) == 90.0
    window = Window(90.0)
    assert not windows.is_over(window, 30, 200.0, None, at_tip=False)
    assert not windows.is_over(window, 30, 119.0, None, at_tip=True)
    assert windows.is_over(window, 30, 120.0, None, at_tip=True)
    assert windows.is_over(window, 30, 95.0, record(1, arrived=120.0), at_tip=False)
    assert not windows.is_over(window, 30, 500.0, record(1, arrived=119.0), at_tip=True)
    records = [record(number, arrived=float(arrived)) for number, arrived in enumerate([90, 119, 120, 151])]
    assert [windows.of_one_window(records[start:], 30) for start in (0, 2, 3)] == [2, 1, 1]


def test_a_windows_event() -> None:
    event = json.loads(
        windows.event([record(1)], Window(1595851620.0, b'{"n":1}'), 60, shard_id="s", source_arn="arn", final=True, early=False)
    )
    assert event.pop("Records") == [record(1).event]
    assert event == {
        "window": {"start": "2020-07-27T12:07:00Z", "end": "2020-07-27T12:08:00Z"},
        "state": {"n": 1},
        "shardId": "s",
        "eventSourceARN": "arn",
        "isFinalInvokeForWindow": True,
        "isWindowTerminatedEarly": False,
    }
    assert [window_state(each) for each in (b'{"state": {"n": 2}}', b"{}", b"", b"no", b"[]")] == [{"n": 2}, {}, {}, {}, {}]


def test_an_envelope_is_json() -> None:
    assert json.loads(envelope([])) == {"Records": []}
    assert json.loads(envelope([b"1", b"2"], more=[3])) == {"Records": [1, 2], "more": [3]}


def test_children_wait_for_their_parents() -> None:
    shards = [Shard("a", closed=True), Shard("b", ("a",)), Shard("c", ("a",)), Shard("m", ("b", "c")), Shard("orphan", ("trimmed",))]
    assert readable(shards, set()) == ["a", "orphan"]
    assert readable(shards, {"a"}) == ["b", "c", "orphan"]
    assert readable(shards, {"a", "b"}) == ["c", "orphan"]
    assert readable(shards, {"a", "b", "c", "orphan"}) == ["m"]


@pytest.mark.parametrize("seed", range(20))
def test_a_checkpoint_never_passes_a_record_that_was_not_dealt_with(seed: int) -> None:
    rng, tracker = random.Random(seed), Tracker()
    read: list[str] = []
    done: set[str] = set()
    for number in range(300):
        if rng.random() < 0.5:
            read.append(str(number))
            tracker.read(str(number))
        elif len(done) < len(read):
            one = rng.choice([each for each in read if each not in done])
            done.add(one)
            tracker.done([one])
        first_open = next((place for place, each in enumerate(read) if each not in done), len(read))
        assert tracker.sequence == (read[first_open - 1] if first_open else ""), f"seed {seed}"
        assert len(tracker) == len(read) - first_open


def test_a_queues_concurrency_grows_by_300_a_minute_while_it_is_behind() -> None:
    scaling, now = Scaling(1_250, 10_000), 100.0
    assert scaling.limit == START
    for _ in range(61):
        scaling.saturated(now)
        now += 1.0
    assert scaling.limit == START + 300
    for _ in range(400):
        scaling.saturated(now)
        now += 1.0
    assert scaling.limit == 1_250
    for _ in range(100):
        scaling.throttled(now)  # many are refused at the same time
    assert scaling.limit == 625
    scaling.idle()
    assert scaling.limit == START
    assert Scaling(2, 100).limit == 2
    for _ in range(20):
        now += 1.0
        scaling.throttled(now)
    assert scaling.limit == 1


def test_provisioned_pollers_begin_with_the_least_and_end_with_the_most_of_ten_batches_each() -> None:
    scaling, now = Scaling(1_250, 10_000, (20, 100)), 100.0
    assert scaling.limit == 200
    for _ in range(31):
        scaling.saturated(now)
        now += 1.0
    assert 699 <= scaling.limit <= 700  # 1,000 more a minute
    for _ in range(60):
        scaling.saturated(now)
        now += 1.0
    assert scaling.limit == 1_000
    scaling.idle()
    assert scaling.limit == 200
    assert Scaling(1_250, 1_000, (200, 2_000)).limit == 1_000  # more would only be refused


def test_a_mapping_survives_storage() -> None:
    one = mapping(filters=("{}",), pollers=(2, 3), starting_at=1.5)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=type(one)) == one
