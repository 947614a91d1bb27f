"""The error documents that Lambda itself writes when a runtime could not."""

from __future__ import annotations

import json
import signal

EXIT_ERROR = "Runtime.ExitError"
RESPONSE_TOO_LARGE = "Function.ResponseSizeTooLarge"
INVALID_ENTRYPOINT = "Runtime.InvalidEntrypoint"

_SIGNALS = {
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
    signal.SIGTERM: "terminated",
    signal.SIGINT: "interrupt",
    signal.SIGHUP: "hangup",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGQUIT: "quit",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGXFSZ: "file size limit exceeded",
}  # as Go prints them, since Lambda's supervisor is written in Go


def describe(status: int) -> str:
    """Return Lambda's words for an exit status (negative: a signal)."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    try:
        name = _SIGNALS.get(signal.Signals(-status), f"signal {-status}")
    except ValueError:
        name = f"signal {-status}"
    return f"Runtime exited with error: signal: {name}"


def document(error_type: str, message: str, request_id: str = "") -> bytes:
    """Return an error document whose message is prefixed with the request, when there is one."""
    text = f"RequestId: {request_id} Error: {message}" if request_id else f"Error: {message}"
    return json.dumps({"errorType": error_type, "errorMessage": text}, separators=(",", ":")).encode()


def too_large(limit: int) -> bytes:
    """Return the document for a response above ``limit`` bytes."""
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return json.dumps({"errorType": RESPONSE_TOO_LARGE, "errorMessage": message}, separators=(",", ":")).encode()
