"""What a caller and the log are told of an environment's outcome, in AWS's words; pure."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from typing import Final

import msgspec

from lambent.domain.environments import Ending, Outcome

_SIGNALS: Final[Mapping[int, str]] = {
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
    signal.SIGQUIT: "quit",
    signal.SIGILL: "illegal instruction",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGTERM: "terminated",
}


class Failure(msgspec.Struct, frozen=True):
    """A function's error."""

    payload: bytes  #: the JSON that the caller gets
    status: str  #: in REPORT: ``error`` or ``timeout``
    error_type: str  #: in REPORT; empty when it isn't shown
    note: str = ""  #: what is logged before END


def how_it_exited(exit_status: int | None) -> str:
    """Return how a process ended, as Lambda words it: ``exit status 1``, ``signal: killed``; empty when it ended well."""
    if exit_status is None or exit_status == 0:
        return ""
    if exit_status > 0:
        return f"exit status {exit_status}"
    return f"signal: {_SIGNALS.get(-exit_status, f'signal {-exit_status}')}"


def _why_it_exited(outcome: Outcome, payload: bytes) -> str:
    """Return the reason in Lambda's words; a process that never began has its driver's."""
    if outcome.exit_status is None and payload:
        try:
            return str(json.loads(payload)["errorMessage"]).partition("Error: ")[2]
        except (ValueError, KeyError, TypeError):
            return payload.decode("utf-8", "replace")
    how = how_it_exited(outcome.exit_status)
    return f"Runtime exited with error: {how}" if how else "Runtime exited without providing a reason"


def failure(outcome: Outcome, payload: bytes, *, request_id: str, timeout_s: float, now_stamp: str) -> Failure:
    """Return what becomes of an outcome that isn't a success. ``payload`` is the document that the runtime reported."""
    if outcome.ending is Ending.TIMEOUT:
        text = f"Task timed out after {timeout_s:.2f} seconds"
        document = _document("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}")
        return Failure(document, "timeout", "", f"{now_stamp} {request_id} {text}\n")
    if outcome.ending is Ending.EXIT:
        error_type = "Runtime.OutOfMemory" if outcome.out_of_memory else (outcome.error_type or "Runtime.ExitError")
        message = f"RequestId: {request_id} Error: {_why_it_exited(outcome, payload)}"
        return Failure(_document(error_type, message), "error", error_type, f"{message}\n{error_type}")
    shown = outcome.error_type if outcome.error_type.startswith(("Runtime.", "Extension.", "Sandbox.")) else ""
    return Failure(payload or _document(outcome.error_type, ""), "error", shown)


def too_large(bytes_max: int) -> Failure:
    """Return the error of a response that is larger than Lambda passes on."""
    error_type = "Function.ResponseSizeTooLarge"
    document = _document(error_type, f"Response payload size exceeded maximum allowed payload size ({bytes_max} bytes).")
    return Failure(document, "error", error_type)


def _document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode()
