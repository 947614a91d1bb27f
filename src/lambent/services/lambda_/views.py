"""Lambda's documents as its API shows them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lambent.domain.functions import runtime_version_arn
from lambent.domain.mappings import EventSourceMapping
from lambent.services.lambda_.catalogue import Entry, log_group
from lambent.services.lambda_.names import LATEST, function_arn
from lambent.services.lambda_.state import Alias, Configuration, EventConfig, LayerVersion, Version

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        AliasConfiguration,
        EventSourceMappingConfiguration,
        FunctionConfiguration,
        FunctionEventInvokeConfig,
    )


def timestamp(seconds: float) -> str:
    """Return a time as Lambda writes it: ``2026-01-31T12:00:00.123+0000``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def code_sha256(digest: str) -> str:
    """Return a blob's digest as ``CodeSha256``: base64."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


def function_configuration(entry: Entry, version: Version, *, shown_as: str | None = None, listed: bool = False) -> FunctionConfiguration:
    """Return a version's configuration.

    ``shown_as`` is the qualifier that its ARN shows: empty for none, an alias's name, or by default the version's own number.
    ``listed``: as ``ListFunctions`` gives it, without its state.
    """
    config = version.configuration
    shown: FunctionConfiguration = {
        "FunctionName": entry.key[2],
        "FunctionArn": function_arn(entry.key, version.version if shown_as is None else shown_as),
        "Runtime": config.runtime,
        "Role": config.role,
        "Handler": config.handler,
        "CodeSize": config.code_size,
        "Description": config.description,
        "Timeout": config.timeout_s,
        "MemorySize": config.memory_mb,
        "LastModified": timestamp(version.last_modified),
        "CodeSha256": code_sha256(config.code_digest),
        "Version": version.version,
        "TracingConfig": {"Mode": config.tracing_mode},
        "RevisionId": version.revision_id,
        "PackageType": "Zip",
        "Architectures": [config.architecture],
        "EphemeralStorage": {"Size": config.ephemeral_storage_mb},
        "SnapStart": {"ApplyOn": config.snap_start, "OptimizationStatus": _optimised(config, version)},
        "LoggingConfig": _logging(entry, version),
    }
    _add_optional(shown, config)
    if not listed:
        _add_state(shown, version)
        shown["RuntimeVersionConfig"] = {"RuntimeVersionArn": runtime_version_arn(entry.key[1], config.runtime)}
    return shown


def with_caveat(shown: FunctionConfiguration, caveat: str) -> FunctionConfiguration:
    """Return a configuration that says, where AWS tells of troubles with a runtime's version, that another runtime serves it."""
    if caveat:
        shown["RuntimeVersionConfig"]["Error"] = {"ErrorCode": "RuntimeStandIn", "Message": caveat}
    return shown


def _optimised(config: Configuration, version: Version) -> str:
    return "On" if config.snap_start == "PublishedVersions" and version.version != LATEST else "Off"


def _logging(entry: Entry, version: Version) -> Any:
    config = version.configuration
    shown = {"LogFormat": config.log_format, "LogGroup": log_group(entry.key[2], version)}
    if config.log_format == "JSON":
        shown |= {"ApplicationLogLevel": config.log_application_level, "SystemLogLevel": config.log_system_level}
    return shown


def _add_optional(shown: FunctionConfiguration, config: Configuration) -> None:
    """Add what AWS leaves out when it isn't set."""
    if config.environment is not None:
        shown["Environment"] = {"Variables": config.environment}
    if config.kms_key_arn:
        shown["KMSKeyArn"] = config.kms_key_arn
    if config.dead_letter_arn:
        shown["DeadLetterConfig"] = {"TargetArn": config.dead_letter_arn}
    if config.tenant_isolation:
        shown["TenancyConfig"] = {"TenantIsolationMode": config.tenant_isolation}
    if config.layers:
        shown["Layers"] = [{"Arn": layer.arn, "CodeSize": layer.size} for layer in config.layers]
    if config.vpc is not None:
        vpc: Any = config.vpc
        shown["VpcConfig"] = vpc
    if config.file_systems:
        systems: Any = list(config.file_systems)
        shown["FileSystemConfigs"] = systems


def _add_state(shown: FunctionConfiguration, version: Version) -> None:
    shown["State"] = version.state
    if version.state_reason:
        shown["StateReason"] = version.state_reason
        shown["StateReasonCode"] = version.state_reason_code
    if version.update_status:
        shown["LastUpdateStatus"] = version.update_status
    if version.update_reason:
        shown["LastUpdateStatusReason"] = version.update_reason
        shown["LastUpdateStatusReasonCode"] = version.update_reason_code


def alias_configuration(entry: Entry, alias: Alias) -> AliasConfiguration:
    """Return an alias."""
    shown: AliasConfiguration = {
        "AliasArn": function_arn(entry.key, alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return shown


def event_config(entry: Entry, qualifier: str, config: EventConfig) -> FunctionEventInvokeConfig:
    """Return an event invoke configuration."""
    shown: FunctionEventInvokeConfig = {
        "LastModified": datetime.fromtimestamp(config.last_modified, UTC),
        "FunctionArn": function_arn(entry.key, qualifier or LATEST),
    }
    if config.retries is not None:
        shown["MaximumRetryAttempts"] = config.retries
    if config.age_s_max is not None:
        shown["MaximumEventAgeInSeconds"] = config.age_s_max
    success: Any = {"Destination": config.on_success_arn} if config.on_success_arn else {}
    failure: Any = {"Destination": config.on_failure_arn} if config.on_failure_arn else {}
    shown["DestinationConfig"] = {"OnSuccess": success, "OnFailure": failure}
    return shown


def layer_version(arn: str, layer: LayerVersion) -> dict[str, Any]:
    """Return what all of a layer version's views share."""
    shown: dict[str, Any] = {
        "LayerVersionArn": arn,
        "Version": layer.version,
        "Description": layer.description,
        "CreatedDate": timestamp(layer.created),
    }
    if layer.runtimes is not None:
        shown["CompatibleRuntimes"] = list(layer.runtimes)
    if layer.architectures is not None:
        shown["CompatibleArchitectures"] = list(layer.architectures)
    if layer.license_info:
        shown["LicenseInfo"] = layer.license_info
    return shown


def listed_layer_version(arn: str, layer: LayerVersion) -> dict[str, Any]:
    """Return a layer version as lists give it: without a description that it hasn't."""
    shown = layer_version(arn, layer)
    if not layer.description:
        del shown["Description"]
    return shown


def mapping_configuration(mapping: EventSourceMapping) -> EventSourceMappingConfiguration:
    """Return an event source mapping; queues and streams show different things, as in AWS."""
    stream = mapping.service != "sqs"
    shown: EventSourceMappingConfiguration = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": mapping.arn,
        "EventSourceArn": mapping.source_arn,
        "FunctionArn": mapping.function_arn,
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": mapping.window_s,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if mapping.reports_failures else [],
        "LastModified": datetime.fromtimestamp(mapping.last_modified, UTC),
        "State": mapping.state,
        "StateTransitionReason": "User action" if stream else "USER_INITIATED",
    }
    if stream:
        _add_stream(shown, mapping)
    elif mapping.last_result.startswith("PROBLEM"):
        shown["LastProcessingResult"] = mapping.last_result
    if mapping.filters:
        shown["FilterCriteria"] = {"Filters": [{"Pattern": each} for each in mapping.filters]}
    if mapping.kms_key_arn:
        shown["KMSKeyArn"] = mapping.kms_key_arn
    if mapping.metrics:
        metrics: Any = list(mapping.metrics)
        shown["MetricsConfig"] = {"Metrics": metrics}
    if mapping.concurrency_max is not None:
        shown["ScalingConfig"] = {"MaximumConcurrency": mapping.concurrency_max}
    if mapping.pollers is not None:
        shown["ProvisionedPollerConfig"] = {"MinimumPollers": mapping.pollers[0], "MaximumPollers": mapping.pollers[1]}
    return shown


def _add_stream(shown: EventSourceMappingConfiguration, mapping: EventSourceMapping) -> None:
    position: Any = mapping.starting_position
    shown["StartingPosition"] = position
    if mapping.starting_at is not None:
        shown["StartingPositionTimestamp"] = datetime.fromtimestamp(mapping.starting_at, UTC)
    shown["ParallelizationFactor"] = mapping.parallelisation
    shown["BisectBatchOnFunctionError"] = mapping.bisects
    shown["MaximumRetryAttempts"] = mapping.retries
    shown["MaximumRecordAgeInSeconds"] = mapping.record_age_s
    shown["TumblingWindowInSeconds"] = mapping.tumbling_s
    shown["LastProcessingResult"] = mapping.last_result
    shown["DestinationConfig"] = {"OnFailure": {"Destination": mapping.on_failure_arn} if mapping.on_failure_arn else {}}
