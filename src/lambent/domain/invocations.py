"""An invocation, its outcome, and the port behind which it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum
from typing import Protocol, runtime_checkable

import msgspec

from lambent.domain.functions import FunctionVersion


class Invocation(msgspec.Struct, frozen=True):
    """One event for one function version."""

    request_id: str
    payload: bytes  #: JSON
    invoked_arn: str
    client_context: str = ""  #: JSON, decoded from base64
    trace_header: str = ""  #: ``X-Amzn-Trace-Id``
    log_tail: bool = False  #: the caller wants the last 4 KB of the log
    streamed: bool = False  #: the caller takes the response in pieces (InvokeWithResponseStream)
    tenant_id: str = ""
    log_awaited: bool = False  #: the result's ``logged`` is wanted


class FunctionError(Enum):
    """What ``X-Amz-Function-Error`` says."""

    UNHANDLED = "Unhandled"


class InvocationResult(msgspec.Struct, frozen=True):
    """How an invocation ended. An error of the function is a result too; only Lambda's own errors are raised."""

    payload: bytes | AsyncIterator[bytes]
    executed_version: str
    function_error: FunctionError | None = None
    log_tail: bytes = b""  #: the last 4 KB, not yet base64
    content_type: str = "application/json"  #: of a streamed response
    duration_ms: float = 0.0
    billed_ms: int = 0
    init_ms: float | None = None  #: when this invocation paid for a cold start
    memory_used_mb: int = 0
    logged: Callable[[], Awaitable[None]] | None = None
    """Returns when what the invocation logged is with the log service, or that fails; only when it was asked for. Equal ones of several
    results need only be awaited once."""


@runtime_checkable
class LoggedStream(Protocol):
    """A streamed payload that knows, once it has ended, what was logged meanwhile."""

    log_tail: bytes  #: the last 4 KB, when the caller wanted them


class Invoker(Protocol):
    """Runs an invocation in an environment: admission → idle environment or a new one → result."""

    async def invoke(self, function: FunctionVersion, invocation: Invocation) -> InvocationResult:
        """Return the outcome. Raises ``AwsError``: ``TooManyRequestsException`` with its reason, runtime not available, …"""
        ...


class EventQueue(Protocol):
    """Takes asynchronous invocations."""

    async def submit(self, function: FunctionVersion, qualifier: str, invocation: Invocation) -> None:
        """Commit the event for later delivery; durable on return. At delivery the qualifier is resolved anew."""
        ...
