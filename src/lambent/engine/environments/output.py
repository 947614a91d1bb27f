"""What one environment logs: the function's lines and Lambda's own around them, into its stream and, when asked, into the log tail."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.base.clock import Clock
from lambent.domain.functions import FunctionVersion, runtime_version, runtime_version_arn
from lambent.engine.environments import loglines
from lambent.engine.environments.shipping import LogStream, Piece


class FunctionLog:
    """An environment's log. ``output`` is the sandbox's ``OutputSink``."""

    def __init__(
        self, function: FunctionVersion, stream: LogStream, clock: Clock, *, tail_bytes: int = 4096, initialization_type: str = "on-demand"
    ) -> None:
        self.stream_name = stream.name
        self._function = function
        self.stream = stream
        self._ship = stream.shipper.write
        self._clock = clock
        self.initialization_type = initialization_type
        self._json = function.logging.format == "JSON"
        self._threshold = function.logging.application_level if self._json else ""
        self._tail_bytes = tail_bytes
        self._tail: deque[bytes] | None = None
        self._tail_size = 0

    def output(self, data: bytes, framed: bool) -> None:
        """Take a line or record that the function wrote."""
        if self._threshold and not loglines.application_passes(data, self._threshold):
            return
        self._write(data + b"\n")

    def collect_tail(self) -> None:
        """Keep what is logged from now on for ``take_tail``."""
        self._tail = deque()
        self._tail_size = 0

    def take_tail(self) -> bytes:
        """Return the last bytes that were collected, and stop collecting."""
        tail = b"".join(self._tail or ())[-self._tail_bytes :]
        self._tail = None
        return tail

    def init_start(self, phase: str = "init") -> None:
        """Note that an init begins."""
        version, arn = runtime_version(self._function.runtime), runtime_version_arn(self._function.region, self._function.runtime)
        if not self._json:
            self._line(f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}")
            return
        record = {
            "initializationType": self.initialization_type,
            "phase": phase,
            "runtimeVersion": version,
            "runtimeVersionArn": arn,
            "functionName": self._function.name,
            "functionVersion": self._function.version,
        }
        self._event("initStart", record)

    def init_end(self, init_ms: float, phase: str, status: str, error_type: str = "", *, is_reported: bool = False) -> None:
        """Note how an init ended: ``success``, ``error`` or ``timeout``. In text a good init is in the invocation's REPORT, unless it
        ``is_reported`` by itself, as a snapshot's is."""
        if not self._json:
            if status != "success" or is_reported:
                self._line(loglines.text_init_report(init_ms, phase, status, error_type))
            return
        record: dict[str, Any] = {"initializationType": self.initialization_type, "phase": phase, "status": status}
        if error_type:
            record["errorType"] = error_type
        self._event("initRuntimeDone", record)
        self._event("initReport", {**record, "metrics": {"durationMs": round(init_ms, 3)}})

    def restore_start(self) -> None:
        """Note that an environment is being restored from a snapshot."""
        version, arn = runtime_version(self._function.runtime), runtime_version_arn(self._function.region, self._function.runtime)
        if not self._json:
            self._line(f"RESTORE_START Runtime Version: {version}\tRuntime Version ARN: {arn}")
            return
        record = {
            "initializationType": self.initialization_type,
            "runtimeVersion": version,
            "runtimeVersionArn": arn,
            "functionName": self._function.name,
            "functionVersion": self._function.version,
        }
        self._event("restoreStart", record)

    def restore_end(self, restore_ms: float, status: str, error_type: str = "") -> None:
        """Note how a restore ended: ``success``, ``error`` or ``timeout``."""
        if not self._json:
            self._line(loglines.text_restore_report(restore_ms, status, error_type))
            return
        record: dict[str, Any] = {"initializationType": self.initialization_type, "status": status}
        if error_type:
            record["errorType"] = error_type
        self._event("restoreRuntimeDone", record)
        self._event("restoreReport", {**record, "metrics": {"durationMs": round(restore_ms, 3)}})

    def start(self, request_id: str) -> None:
        """Note that an invocation begins."""
        if self._json:
            self._event("start", {"requestId": request_id, "version": self._function.version})
        else:
            self._write(loglines.Start(request_id, self._function.version))

    def note(self, text: str) -> None:
        """Note in text what ended an invocation: a timeout, an exit. JSON says so in ``platform.report``."""
        if not self._json:
            self._line(text)

    def end(self, report: loglines.Report) -> None:
        """Note that an invocation ended, and its report."""
        if not self._json:
            if report.error_type:  # may be long: worded now, it counts for what it is
                for each in report.texts():
                    self._write(each.encode())
            else:
                self._write(report)
            return
        metrics: dict[str, Any] = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.memory_used_mb,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        if report.restore_ms is not None:
            metrics["restoreDurationMs"] = round(report.restore_ms, 3)
            metrics["billedRestoreDurationMs"] = loglines.whole_ms(report.restore_ms)
        outcome = {"status": report.status, **({"errorType": report.error_type} if report.error_type else {})}
        durations = {"durationMs": metrics["durationMs"]}
        self._event("runtimeDone", {"requestId": report.request_id, **outcome, "metrics": durations})
        self._event("report", {"requestId": report.request_id, "metrics": metrics, **outcome})

    def _event(self, kind: str, record: Mapping[str, Any]) -> None:
        level = loglines.event_level(kind, str(record.get("status", "")))
        if loglines.is_logged(level, self._function.logging.system_level):
            self._line(loglines.event(kind, self._clock.now(), record))

    def _line(self, text: str) -> None:
        self._write(f"{text}\n".encode())

    def _write(self, piece: Piece) -> None:
        self._ship(self.stream, piece, int(self._clock.now() * 1000))
        if self._tail is not None:
            self._keep(self._tail, (piece,) if isinstance(piece, bytes) else [each.encode() for each in piece.texts()])

    def _keep(self, tail: deque[bytes], messages: Sequence[bytes]) -> None:
        tail.extend(messages)
        self._tail_size += sum(map(len, messages))
        while self._tail_size - len(tail[0]) >= self._tail_bytes:
            self._tail_size -= len(tail.popleft())
