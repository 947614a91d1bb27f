"""The variables that a function's process sees, as documented under "Defined runtime environment variables"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from lambent.domain.functions import FunctionVersion

PATH: Final = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
LIBRARY_PATH: Final = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"


class RoleSession(msgspec.Struct, frozen=True):
    """Temporary credentials of an execution role. They are valid already."""

    access_key_id: str
    secret: str
    token: str
    wait_kept: Callable[[], Awaitable[None]]  #: returns when they outlive the server; raises when they could not be kept


class RoleCredentials(Protocol):
    """Issues temporary credentials of execution roles."""

    def role_session(self, role_arn: str, function: FunctionVersion) -> RoleSession:
        """Return a session of the role for a function's environment. Raises ``AwsError`` when Lambda may not assume the role."""
        ...


def variables(
    function: FunctionVersion,
    session: RoleSession,
    *,
    log_stream: str,
    endpoint_url: str,
    initialization_type: str = "on-demand",
) -> dict[str, str]:
    """Return the whole environment of the process: what a function may override, its own variables, then what it may not override."""
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
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret,
            "AWS_SESSION_TOKEN": session.token,
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
