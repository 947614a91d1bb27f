"""What an event source mapping may be told, by the kind of its source, with AWS's words for what it may not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from lambent.domain.arns import Arn
from lambent.domain.mappings import EventSourceMapping
from lambent.patterns.events import PatternError, compile_pattern
from lambent.services.lambda_.errors import invalid, validation

STREAMS: Final = ("kinesis", "dynamodb")
SERVED: Final = ("sqs", *STREAMS)
UNSERVED: Final[Mapping[str, str]] = {
    "kafka": "Amazon MSK and self-managed Kafka",
    "mq": "Amazon MQ",
    "rds": "Amazon DocumentDB",
}
_POSITIONS: Final = ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")  # as AWS's message lists them
_FILTERS_MAX: Final = 10
_RECORD_AGE_S_MIN: Final = 60
_FIFO_BATCH_MAX: Final = 10
_POLLERS: Final = (2, 200, 10_000)  # of SQS: least and most of the minimum, most of the maximum
_STREAMS_ONLY: Final = (
    "ParallelizationFactor",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "TumblingWindowInSeconds",
    "DestinationConfig",
)
_QUEUES_ONLY: Final = ("ScalingConfig", "ProvisionedPollerConfig")
_OTHERS_ONLY: Final = (
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "LoggingConfig",
)


def source_kind(request: Mapping[str, Any]) -> str:
    """Return the service that a request's source belongs to."""
    if "SelfManagedEventSource" in request:
        if "SourceAccessConfigurations" not in request:
            raise invalid("Required 'sourceAccessConfigurations' parameter is missing.")
        return "kafka"
    arn = request.get("EventSourceArn")
    if not arn:
        raise invalid("Unrecognized event source.")
    service = Arn.parse(arn).service
    if service not in SERVED and service not in UNSERVED:
        raise invalid("Unrecognized event source.")
    return service


def check_starting_position(request: Mapping[str, Any], service: str) -> None:
    """Raise for a position that isn't one, or not one of this source."""
    position, moment = request.get("StartingPosition"), request.get("StartingPositionTimestamp")
    if position is not None and position not in _POSITIONS:
        raise validation(
            f"Value '{position}' at 'startingPosition' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(_POSITIONS)}]"
        )
    if service == "sqs":
        if position is not None or moment is not None:
            raise invalid("StartingPosition is not valid for SQS event sources.")
        return
    if position is None:
        raise invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
        )
    if service == "dynamodb" and position == "AT_TIMESTAMP":
        raise invalid(f"Unsupported starting position for arn type: {request['EventSourceArn']}")
    if position != "AT_TIMESTAMP" and moment is not None:
        raise invalid("Timestamp only valid with StartingPosition AT_TIMESTAMP")
    if position == "AT_TIMESTAMP" and moment is None:
        raise invalid("Timestamp must be specified with StartingPosition AT_TIMESTAMP")
    if isinstance(moment, datetime) and moment.timestamp() < 0:
        raise invalid("Received Exception while reading from provided stream. class java.lang.Long can not be converted to a Timestamp")


def check_supported(request: Mapping[str, Any], service: str) -> None:
    """Raise for settings that this kind of source doesn't have."""
    if "OnSuccess" in (request.get("DestinationConfig") or {}):
        raise invalid("Unsupported DestinationConfig parameter for given event source mapping type.")
    unsupported = (*(_STREAMS_ONLY if service == "sqs" else _QUEUES_ONLY), *_OTHERS_ONLY)
    for name in unsupported:
        value = request.get(name)
        if value is not None and value != {} and value != {"OnFailure": {}}:
            raise invalid(f"Unsupported {name} parameter for given event source mapping type.")


def changes_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a request sets; what it leaves out is not among them."""
    changes: dict[str, Any] = {}
    for member, field in _FIELDS.items():
        if request.get(member) is not None:
            changes[field] = request[member]
    if request.get("FunctionResponseTypes") is not None:
        changes["reports_failures"] = "ReportBatchItemFailures" in request["FunctionResponseTypes"]
    if request.get("FilterCriteria") is not None:
        patterns = tuple(each.get("Pattern") or "" for each in request["FilterCriteria"].get("Filters") or ())
        check_filters(patterns)
        changes["filters"] = patterns or None
    if request.get("ScalingConfig") is not None:
        changes["concurrency_max"] = request["ScalingConfig"].get("MaximumConcurrency")
    if request.get("MetricsConfig") is not None:
        changes["metrics"] = tuple(request["MetricsConfig"].get("Metrics") or ()) or None
    if request.get("DestinationConfig") is not None:
        changes["on_failure_arn"] = _destination(request["DestinationConfig"])
    return changes


_FIELDS: Final = {
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "window_s",
    "KMSKeyArn": "kms_key_arn",
    "ParallelizationFactor": "parallelisation",
    "BisectBatchOnFunctionError": "bisects",
    "MaximumRetryAttempts": "retries",
    "MaximumRecordAgeInSeconds": "record_age_s",
    "TumblingWindowInSeconds": "tumbling_s",
    "Enabled": "enabled",
}


def pollers_of(request: Mapping[str, Any], old: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return the provisioned pollers that a request asks for; an empty configuration takes them away."""
    given = request.get("ProvisionedPollerConfig")
    if given is None:
        return old
    if given.get("PollerGroupName"):
        raise invalid("Unsupported PollerGroupName parameter for given event source mapping type.")
    if given.get("MinimumPollers") is None and given.get("MaximumPollers") is None:
        return None
    low, low_max, high_max = _POLLERS
    least = given.get("MinimumPollers") or (old[0] if old else low)
    most = given.get("MaximumPollers") or (old[1] if old else max(least, low_max))
    if not low <= least <= low_max or not least <= most <= high_max:
        raise invalid(
            f"MinimumPollers should be between [{low}, {low_max}] and MaximumPollers should be between [MinimumPollers, {high_max}]"
        )
    return least, most


def check_filters(patterns: tuple[str, ...]) -> None:
    """Raise for a filter that is no event pattern, or for too many."""
    if len(patterns) > _FILTERS_MAX:
        raise invalid(f"The number of filters in FilterCriteria must not exceed {_FILTERS_MAX}.")
    for pattern in patterns:
        try:
            compile_pattern(pattern)
        except PatternError:
            raise invalid("Invalid filter pattern definition.") from None


def _destination(config: Mapping[str, Any]) -> str:
    arn: str = (config.get("OnFailure") or {}).get("Destination") or ""
    if arn and (not arn.startswith("arn:") or Arn.parse(arn).service not in {"sqs", "sns", "s3"}):
        raise invalid(
            f"The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination={arn})) is invalid."
        )
    return arn


def check_whole(mapping: EventSourceMapping) -> None:
    """Raise for settings that don't go together."""
    fifo = mapping.source_arn.endswith(".fifo")
    if mapping.service == "sqs":
        if fifo and mapping.window_s:
            raise invalid("Batching window is not supported for FIFO queues")
        if fifo and mapping.batch_size > _FIFO_BATCH_MAX:
            raise invalid("Batch size must not exceed 10 for FIFO queues")
        if mapping.batch_size > _FIFO_BATCH_MAX and not mapping.window_s:
            raise invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
        if mapping.pollers is not None and mapping.concurrency_max is not None:
            raise invalid(
                "Provisioned mode for SQS ESM does not support maximum concurrency feature. "
                "Use MaximumPollers as the control mechanism and remove maximum concurrency."
            )
    elif mapping.record_age_s != -1 and mapping.record_age_s < _RECORD_AGE_S_MIN:
        raise invalid(f"MaximumRecordAgeInSeconds must be -1 (no limit), or at least {_RECORD_AGE_S_MIN}.")
