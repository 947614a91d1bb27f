"""A version's configuration from a request: what is checked, with AWS's words, and how an update changes it. Pure."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from lambent.domain.environments import RuntimeStatus
from lambent.domain.quotas import Quotas
from lambent.services.lambda_.errors import invalid, validation
from lambent.services.lambda_.state import Configuration, Layer

_log = logging.getLogger(__name__)

RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
SNAP_START_STORAGE_MB_MAX = 512
SNAP_START_RUNTIMES = ("java11", "java17", "java21", "java25", "python3.12", "python3.13", "python3.14", "dotnet8", "dotnet10")


RUNTIMES = (
    *("nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x", "java25", "python3.10"),
    *("python3.11", "java21", "ruby3.3", "ruby3.4", "ruby3.2", "python3.8", "python3.9", "java17", "nodejs16.x", "dotnet10", "dotnet8"),
    *("java11", "dotnet6", "nodejs18.x", "provided.al2", "java8.al2"),
)
"""The runtimes that AWS lets functions be created with, in the order of its own message."""


def check_runtime(runtime: str, known: Sequence[RuntimeStatus]) -> str:
    """Return the caveat when another runtime serves this one.

    Raises ``InvalidParameterValueException`` for a runtime that AWS doesn't have, or that this machine hasn't.
    """
    status = next((each for each in known if each.runtime == runtime), None)
    if status is None:
        names = ", ".join(RUNTIMES)
        raise invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{names}] or be a valid ARN"
        )
    if runtime not in RUNTIMES:
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if not status.available:
        raise invalid(f"The runtime {runtime} is not available on this machine. {status.remedy}".strip())
    if status.caveat:
        _log.warning("%s", status.caveat)
    return status.caveat


def _check_handler(config: Configuration) -> None:
    if not config.handler and not config.runtime.startswith("provided"):
        raise invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")


def check_limits(config: Configuration, quotas: Quotas) -> None:
    """Raise for numbers out of AWS's ranges, for too large an environment and for reserved variables."""
    if config.timeout_s > quotas.timeout_s_max:
        raise validation(
            f"Value '{config.timeout_s}' at 'timeout' failed to satisfy constraint: "
            f"Member must have value less than or equal to {quotas.timeout_s_max}"
        )
    if config.memory_mb > quotas.memory_mb_max:
        raise invalid(
            f"'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to {quotas.memory_mb_max}"
        )
    if config.memory_mb < quotas.memory_mb_min:
        raise invalid(
            f"'MemorySize' value failed to satisfy constraint: Member must have value greater than or equal to {quotas.memory_mb_min}"
        )
    if not quotas.ephemeral_storage_mb_min <= config.ephemeral_storage_mb <= quotas.ephemeral_storage_mb_max:
        raise validation(
            f"Value '{config.ephemeral_storage_mb}' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value "
            f"between {quotas.ephemeral_storage_mb_min} and {quotas.ephemeral_storage_mb_max}"
        )
    _check_environment(config.environment or {}, quotas)
    if config.code_unzipped + sum(layer.unzipped for layer in config.layers) > quotas.code_unzipped_bytes_max:
        raise invalid(f"Function code combined with layers exceeds the maximum allowed size of {quotas.code_unzipped_bytes_max} bytes.")
    _check_snap_start(config)
    _check_handler(config)


def _check_snap_start(config: Configuration) -> None:
    """Raise for what SnapStart can't do, in AWS's words for all of it."""
    if config.snap_start != "PublishedVersions":
        return
    what = ""
    if config.runtime not in SNAP_START_RUNTIMES:
        what = config.runtime
    elif config.ephemeral_storage_mb > SNAP_START_STORAGE_MB_MAX:
        what = f"Ephemeral storage of more than {SNAP_START_STORAGE_MB_MAX} MB"
    elif config.file_systems:
        what = "EFS"
    elif config.tenant_isolation:
        what = "Tenant isolation"
    if what:
        raise invalid(f"{what} is not supported for SnapStart enabled functions.")


def _check_environment(variables: Mapping[str, str], quotas: Quotas) -> None:
    reserved = sorted(RESERVED_VARIABLES & variables.keys())
    prefix = "Lambda was unable to configure your environment variables because the environment variables you have provided"
    if reserved:
        raise invalid(
            f"{prefix} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > quotas.environment_bytes_max:
        kilobytes = quotas.environment_bytes_max // 1024
        raise invalid(f"{prefix} exceeded the {kilobytes}KB limit. String measured: {measured}")


def refuse_unserved(request: Mapping[str, Any]) -> None:
    """Raise for what AWS has and this server hasn't: container images and durable or managed-instance functions."""
    if request.get("PackageType", "Zip") != "Zip" or request.get("ImageConfig") or request.get("Code", request).get("ImageUri"):
        raise invalid("Lambent does not serve container image functions yet; deploy the function as a zip.")
    for member in (
        "CapacityProviderConfig",
        "DurableConfig",
        "RuntimeConfig",
        "AcceleratorConfig",
    ):
        if request.get(member):
            raise invalid(f"Lambent does not serve {member} yet.")


_Change = Callable[[Any], Mapping[str, Any]]
_CHANGES: dict[str, _Change] = {
    "Runtime": lambda value: {"runtime": value},
    "Role": lambda value: {"role": value},
    "Handler": lambda value: {"handler": value},
    "Description": lambda value: {"description": value},
    "Timeout": lambda value: {"timeout_s": value},
    "MemorySize": lambda value: {"memory_mb": value},
    "Environment": lambda value: {"environment": dict(value.get("Variables") or {})},
    "KMSKeyArn": lambda value: {"kms_key_arn": value},
    "TracingConfig": lambda value: {"tracing_mode": value.get("Mode") or "PassThrough"},
    "DeadLetterConfig": lambda value: {} if value.get("TargetArn") is None else {"dead_letter_arn": value["TargetArn"]},
    "Architectures": lambda value: {"architecture": value[0]},
    "EphemeralStorage": lambda value: {"ephemeral_storage_mb": value["Size"]},
    "SnapStart": lambda value: {"snap_start": value.get("ApplyOn") or "None"},
    "TenancyConfig": lambda value: {"tenant_isolation": value["TenantIsolationMode"]},
    "FileSystemConfigs": lambda value: {"file_systems": tuple(value)},
}


def changed(
    config: Configuration, request: Mapping[str, Any], layers: tuple[Layer, ...] | None, vpc: dict[str, Any] | None = None
) -> Configuration:
    """Return the configuration with what the request gives; what it leaves out stays."""
    changes: dict[str, Any] = {}
    for member, change in _CHANGES.items():
        if request.get(member) is not None:
            changes |= change(request[member])
    if layers is not None:
        changes["layers"] = layers
    if vpc is not None:
        changes["vpc"] = vpc
    if request.get("LoggingConfig") is not None:
        changes |= _logging(config, request["LoggingConfig"])
    return msgspec.structs.replace(config, **changes)


def _logging(config: Configuration, value: Mapping[str, Any]) -> dict[str, Any]:
    log_format = value.get("LogFormat") or config.log_format
    application, system = value.get("ApplicationLogLevel"), value.get("SystemLogLevel")
    if log_format == "Text" and (application or system):
        raise invalid(
            'LogLevel is not supported when LogFormat is set to "Text". '
            'Remove LogLevel from your request or change the LogFormat to "JSON" and try again.'
        )
    json_format = log_format == "JSON"
    return {
        "log_format": log_format,
        "log_application_level": (application or config.log_application_level or "INFO") if json_format else "",
        "log_system_level": (system or config.log_system_level or "INFO") if json_format else "",
        "log_group": value.get("LogGroup") or config.log_group,
    }
