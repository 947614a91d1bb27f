"""What the audit log keeps."""

from __future__ import annotations

from pathlib import Path

from lambent.base.clock import VirtualClock
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.server.cloud import AuditLog


def call(operation: str, host: str = "") -> Call:
    return Call("sqs", operation, {}, Caller.root(), "us-east-1", "000000000000", "r", host=host)


def test_a_pollers_polls_are_noted_only_when_they_fail(tmp_path: Path) -> None:
    audit = AuditLog(VirtualClock(), tmp_path / "audit.jsonl")
    audit.record(call("ReceiveMessage"), None)
    assert list(audit.latest) == []
    audit.record(call("ReceiveMessage"), "AccessDenied")
    audit.record(call("ReceiveMessage", "localhost:4566"), None)
    audit.record(call("DeleteMessageBatch"), None)
    audit.flush()
    assert [each.error_code for each in audit.latest] == ["AccessDenied", None, None]
    assert len((tmp_path / "audit.jsonl").read_text().splitlines()) == 3
