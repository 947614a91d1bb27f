"""Queue attributes: what may be set, to what, and what AWS assumes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError
from lambent.services.sqs.errors import invalid_attribute, unknown_attribute

RANGES: Final = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1_024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
"""Smallest and largest value; bytes or seconds. AWS raised the largest message to 1 MiB in 2025."""

DEFAULTS: Final = {
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "KmsDataKeyReusePeriodSeconds": "300",
}
FIFO_DEFAULTS: Final = {"ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
_NUMBER: Final = Regex(r"[0-9]{1,9}")
_CHOICES: Final = {
    "ContentBasedDeduplication": ("true", "false"),
    "DeduplicationScope": ("messageGroup", "queue"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
    "FifoQueue": ("true", "false"),
    "SqsManagedSseEnabled": ("true", "false"),
}
_HIGH_THROUGHPUT: Final = ("DeduplicationScope", "FifoThroughputLimit")
_DOCUMENTS: Final = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")
SETTABLE: Final = frozenset({*RANGES, *_CHOICES, *_DOCUMENTS, "KmsMasterKeyId"})
COUNTS: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
_READ_ONLY: Final = (*COUNTS, "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn")
KNOWN: Final = frozenset({*SETTABLE, *_READ_ONLY, "All"})


def normal(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return attributes as AWS keeps them: it takes ``True`` for ``true``."""
    return {name: value.lower() if "true" in _CHOICES.get(name, ()) else value for name, value in attributes.items()}


def check(attributes: Mapping[str, str], *, fifo: bool) -> None:
    """Raise AWS's ``InvalidAttributeName`` or ``InvalidAttributeValue`` for what may not be set on such a queue."""
    for name, value in attributes.items():
        if name in _HIGH_THROUGHPUT and not fifo:
            raise AwsError("InvalidAttributeName", f"You can specify the {name} only when FifoQueue is set to true.")
        if name not in SETTABLE or (name in FIFO_DEFAULTS and not fifo):
            raise unknown_attribute(name)
        if name in RANGES and value != "":
            low, high = RANGES[name]
            if not (_NUMBER.fullmatch(value) and low <= int(value) <= high):
                raise invalid_attribute(name)
        if name in _CHOICES and value not in _CHOICES[name]:
            raise invalid_attribute(name)
    if attributes.get("Policy"):
        _check_policy(attributes["Policy"])
    if attributes.get("KmsMasterKeyId") and attributes.get("SqsManagedSseEnabled") == "true":
        raise AwsError(
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        )


def check_throughput(attributes: Mapping[str, str]) -> None:
    """Raise AWS's error when a queue's attributes, old and new together, ask for FIFO throughput that can't be."""
    if attributes.get("FifoThroughputLimit") == "perMessageGroupId" and attributes.get("DeduplicationScope") != "messageGroup":
        raise invalid_attribute(
            "FifoThroughputLimit", "perMessageGroupId is allowed only when the value for DeduplicationScope is messageGroup."
        )


def _check_policy(text: str) -> None:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    statements = document.get("Statement") if isinstance(document, dict) else None
    statements = statements if isinstance(statements, list) else [statements]
    if not statements or not all(isinstance(each, dict) and each.get("Effect") in {"Allow", "Deny"} for each in statements):
        raise invalid_attribute("Policy")
