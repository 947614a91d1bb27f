"""Inputs from plain JSON documents."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lambent.wire.documents import UnknownOperation, find_operation, read_input


def test_names_are_the_java_sdks() -> None:
    assert find_operation("sqs", "sendMessage") == ("sqs", "SendMessage")
    assert find_operation("eventbridge", "putEvents") == ("events", "PutEvents")
    assert find_operation("dynamodb", "putItem") == ("dynamodb", "PutItem")
    for service, action in (("nothing", "x"), ("sqs", "fly")):
        with pytest.raises(UnknownOperation):
            find_operation(service, action)


def test_values_take_the_models_types() -> None:
    document = {"Entries": [{"Source": "s", "Time": "2026-01-01T00:00:00Z"}, {"Time": 0}]}
    assert read_input("events", "PutEvents", document) == {
        "Entries": [{"Source": "s", "Time": datetime(2026, 1, 1, tzinfo=UTC)}, {"Time": datetime(1970, 1, 1, tzinfo=UTC)}]
    }
    item = {"TableName": "t", "Item": {"id": {"S": "x"}, "data": {"B": "bytes"}}}
    assert read_input("dynamodb", "PutItem", item) == {"TableName": "t", "Item": {"id": {"S": "x"}, "data": {"B": b"bytes"}}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "an object was expected"),
        ({"QueueUrl": "u"}, "MessageBody is missing"),
        ({"QueueUrl": "u", "MessageBody": {}}, "a string was expected"),
        ({"QueueUrl": "u", "MessageBody": "m", "Colour": "red"}, "there is no member Colour"),
        ({"QueueUrl": "u", "MessageBody": "m", "MessageAttributes": []}, "an object was expected"),
    ],
)
def test_what_does_not_fit_is_said(document: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_input("sqs", "SendMessage", document)
