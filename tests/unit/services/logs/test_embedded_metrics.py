"""The embedded metric format: which log events carry metrics, and which only look like it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.services.logs.embedded import AHEAD_MS_MAX, DATA_MAX, DIMENSIONS_MAX, OLD_MS_MAX, VALUES_MAX, measured

NOW = 1_700_000_000_000


def document(*, time_ms: Any = NOW, directive: dict[str, Any] | None = None, **members: Any) -> str:
    given = {"Namespace": "Pay", "Dimensions": [["service"]], "Metrics": [{"Name": "paid", "Unit": "Count"}], **(directive or {})}
    return json.dumps({"_aws": {"Timestamp": time_ms, "CloudWatchMetrics": [given]}, "service": "web", "paid": [1.0, 2], **members})


def test_metrics_are_taken_from_an_event() -> None:
    ((namespace, datum),) = measured(document() + "\n", NOW)
    assert namespace == "Pay"
    assert datum == {
        "MetricName": "paid",
        "Values": [1.0, 2.0],
        "Timestamp": NOW,
        "Unit": "Count",
        "StorageResolution": 60,
        "Dimensions": [{"Name": "service", "Value": "web"}],
    }


def test_each_set_of_dimensions_has_its_metric() -> None:
    directive = {"Dimensions": [["service"], ["service", "stage"], []], "Metrics": [{"Name": "ms", "StorageResolution": 1}]}
    data = [datum for _, datum in measured(document(directive=directive, ms=5, stage="prod"), NOW)]
    assert [[each["Name"] for each in datum.get("Dimensions", [])] for datum in data] == [["service"], ["service", "stage"], []]
    assert {(datum["Values"][0], datum["Unit"], datum["StorageResolution"]) for datum in data} == {(5.0, "None", 1)}


@pytest.mark.parametrize(
    "message",
    [
        "no JSON at all",
        'said "_aws" in passing',
        '["_aws"]',
        '{"a": "\\"_aws\\""}',
        '{"_aws": 1}',
        document(time_ms="now"),
        document(time_ms=NOW - OLD_MS_MAX),
        document(time_ms=NOW + AHEAD_MS_MAX),
        document(directive={"Namespace": 5}),
        document(paid="many"),
        document(paid=True),
        document(paid=[1, None]),
        document(paid=1e300),
        document(paid=[1] * (VALUES_MAX + 1)),
        document(paid=[]),
        document(service=7),
        document(directive={"Dimensions": [["absent"]]}),
        document(directive={"Dimensions": [["service"] * (DIMENSIONS_MAX + 1)]}),
        document() + " and more",
        '{"_aws": ' + "[" * 100_000,
        '{"_aws": "\ud800"}',
    ],
    ids=range(21),
)
def test_what_does_not_keep_to_the_format_is_a_mere_event(message: str) -> None:
    assert measured(message, NOW) == []


def test_an_event_carries_only_so_many_data() -> None:
    most = {"Dimensions": [[]] * DATA_MAX}
    assert len(measured(document(directive=most), NOW)) == DATA_MAX
    assert measured(document(directive={"Dimensions": [[]] * (DATA_MAX + 1)}), NOW) == []
    both = json.loads(document(directive=most))
    both["_aws"]["CloudWatchMetrics"] *= 2
    assert measured(json.dumps(both), NOW) == []
