"""The variables that a function's process sees, as documented under "Defined runtime environment variables"."""

from __future__ import annotations

from typing import Final, Protocol

from lambent.domain.functions import FunctionVersion

PATH: Final = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
LIBRARY_PATH: Final = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"


class RoleCredentials(Protocol):
    """Issues temporary credentials of execution roles."""

    async def role_credentials(self, role_arn: str, function: FunctionVersion) -> tuple[str, str, str]:
        """Return access key id, secret access key and session token. Raises ``AwsError`` when Lambda may not assume the role."""
        ...


def variables(
    function: FunctionVersion,
    credentials: tuple[str, str, str],
    *,
    log_stream: str,
    endpoint_url: str,
    initialization_type: str = "on-demand",
) -> dict[str, str]:
    """Return the whole environment of the process: what a function may override, its own variables, then what it may not override."""
    access_key_id, secret, token = credentials
    merged = {
        "PATH": PATH,
        "LD_LIBRARY_PATH": LIBRARY_PATH,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    }
    merged.update(function.environment)
    merged.update(
        {
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.environment.get("AWS_DEFAULT_REGION", function.region),
            "AWS_ACCESS_KEY_ID": access_key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logging.group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": function.handler,
        }
    )
    if function.runtime and not function.runtime.startswith("provided"):
        merged["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{function.runtime}"
    if function.logging.format == "JSON":
        merged["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        if function.logging.application_level:
            merged["AWS_LAMBDA_LOG_LEVEL"] = function.logging.application_level
    return merged
