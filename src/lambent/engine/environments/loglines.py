"""Lambda's own lines in a function's log, as text and as JSON platform events; pure.

Follows "Lambda system logs" and the schema of the Telemetry API (``platform.initStart`` … ``platform.report``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

SYSTEM_LEVELS: Final[Mapping[str, int]] = {"DEBUG": 10, "INFO": 20, "WARN": 30}
APPLICATION_LEVELS: Final[Mapping[str, int]] = {
    "TRACE": 5,
    "DEBUG": 10,
    "INFO": 20,
    "WARN": 30,
    "WARNING": 30,
    "ERROR": 40,
    "FATAL": 50,
    "CRITICAL": 50,
}


def stamp(seconds: float) -> str:
    """Return the time as ``2024-03-13T18:56:24.046Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stream_name(version: str, now: float, hex32: str) -> str:
    """Return the log stream of an environment that starts at ``now``: ``YYYY/MM/DD/[version]hex32``."""
    return f"{datetime.fromtimestamp(now, UTC):%Y/%m/%d}/[{version}]{hex32}"


def whole_ms(duration_ms: float) -> int:
    """Return a duration rounded up to the millisecond, as it is billed."""
    return max(1, math.ceil(duration_ms))


def billed_ms(duration_ms: float, init_ms: float | None, restore_ms: float | None = None) -> int:
    """Return the billed duration, init and restore included, rounded up to the millisecond."""
    return max(1, math.ceil(duration_ms + (init_ms or 0.0) + (whole_ms(restore_ms) if restore_ms is not None else 0)))


class Start(msgspec.Struct, frozen=True, gc=False):
    """The START line."""

    request_id: str
    version: str

    def texts(self) -> tuple[str, ...]:
        """Return the line."""
        return (f"START RequestId: {self.request_id} Version: {self.version}\n",)


class Report(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How an invocation went: the END and REPORT lines."""

    request_id: str
    duration_ms: float
    billed_ms: int
    memory_mb: int
    memory_used_mb: int
    init_ms: float | None = None
    restore_ms: float | None = None
    status: str = "success"
    error_type: str = ""

    def texts(self) -> tuple[str, ...]:
        """Return the lines."""
        return f"END RequestId: {self.request_id}\n", f"{self._report()}\n"

    def _report(self) -> str:
        line = (
            f"REPORT RequestId: {self.request_id}\tDuration: {self.duration_ms:.2f} ms\tBilled Duration: {self.billed_ms} ms\t"
            f"Memory Size: {self.memory_mb} MB\tMax Memory Used: {self.memory_used_mb} MB\t"
        )
        if self.init_ms is not None:
            line += f"Init Duration: {self.init_ms:.2f} ms\t"
        if self.restore_ms is not None:
            line += f"Restore Duration: {self.restore_ms:.2f} ms\tBilled Restore Duration: {whole_ms(self.restore_ms)} ms\t"
        if self.status == "timeout" or self.error_type:  # an exception of the handler's alone isn't shown in text
            line += f"Status: {self.status}"
        if self.error_type:
            line += f"\tError Type: {self.error_type}"
        return line


def text_init_report(init_ms: float, phase: str, status: str, error_type: str) -> str:
    """Return the INIT_REPORT line, which Lambda writes when init did not go well, or went well for a snapshot."""
    line = f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
    return f"{line}\tError Type: {error_type}" if error_type else line


def text_restore_report(restore_ms: float, status: str, error_type: str) -> str:
    """Return the RESTORE_REPORT line; a good restore's has nothing but its duration."""
    line = f"RESTORE_REPORT Restore Duration: {restore_ms:.2f} ms"
    if status != "success":
        line += f"\tStatus: {status}"
    return f"{line}\tError Type: {error_type}" if error_type else line


def event(kind: str, now: float, record: Mapping[str, Any]) -> str:
    """Return a platform event as one line of JSON."""
    return json.dumps({"time": stamp(now), "type": f"platform.{kind}", "record": record}, separators=(",", ":"))


def event_level(kind: str, status: str) -> str:
    """Return the system log level of a platform event ("System log level event mapping")."""
    if status not in ("", "success"):
        return "WARN"
    return "DEBUG" if kind in ("initRuntimeDone", "initReport", "runtimeDone", "restoreRuntimeDone", "restoreReport") else "INFO"


def is_logged(level: str, threshold: str) -> bool:
    """Return whether a system event of this level passes the function's threshold (empty: INFO)."""
    return SYSTEM_LEVELS[level] >= SYSTEM_LEVELS.get(threshold or "INFO", 20)


def application_passes(line: bytes, threshold: str) -> bool:
    """Return whether a function's line passes its application log level: only JSON objects that name a level are ever held back."""
    if not threshold or not line.startswith(b"{") or b'"level"' not in line:
        return True
    try:
        level = json.loads(line).get("level")
    except (ValueError, AttributeError):
        return True
    rank = APPLICATION_LEVELS.get(level.upper()) if isinstance(level, str) else None
    return rank is None or rank >= APPLICATION_LEVELS.get(threshold, 20)
