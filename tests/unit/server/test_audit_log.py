"""What the audit log keeps, and how much of it."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import msgspec
import pytest

from lambent.base.clock import VirtualClock
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.server.audit import AuditLog
from lambent.server.rotating import RotatingFile


def call(operation: str, host: str = "") -> Call:
    return Call("sqs", operation, {}, Caller.root(), "us-east-1", "000000000000", "r", host=host)


def test_a_pollers_polls_are_noted_only_when_they_fail(tmp_path: Path) -> None:
    audit = AuditLog(VirtualClock(), RotatingFile(tmp_path / "audit.jsonl", bytes_max=1 << 20, files_max=2))
    audit.record(call("ReceiveMessage"), None)
    assert list(audit.latest) == []
    audit.record(call("ReceiveMessage"), "AccessDenied")
    audit.record(call("ReceiveMessage", "localhost:4566"), None)
    audit.record(call("DeleteMessageBatch"), None)
    audit.flush()
    assert [each.error_code for each in audit.latest] == ["AccessDenied", None, None]
    assert len((tmp_path / "audit.jsonl").read_text().splitlines()) == 3


def test_what_the_disk_refuses_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    audit = AuditLog(VirtualClock(), RotatingFile(tmp_path / "missing" / "audit.jsonl", bytes_max=1 << 20, files_max=2))
    audit.record(call("DeleteMessageBatch"), None)
    audit.flush()
    assert audit.dropped == 1
    assert "could not be written" in caplog.text
    (tmp_path / "missing").mkdir()
    audit.record(call("DeleteMessageBatch"), None)
    audit.flush()
    assert len((tmp_path / "missing" / "audit.jsonl").read_text().splitlines()) == 1


def test_a_record_says_who_did_what_and_keeps_nothing_of_the_payload(tmp_path: Path) -> None:
    audit = AuditLog(VirtualClock(), RotatingFile(tmp_path / "audit.jsonl", bytes_max=1 << 20, files_max=2))
    payload = Payload()
    watched = weakref.ref(payload)
    caller = Caller.root("123456789012", "AKID")
    made = Call("lambda", "Invoke", {"Payload": payload}, caller, "eu-west-1", "1", "r", source_ip="10.0.0.1", user_agent="ua")
    audit.record(made, "Throttling")
    del made, payload
    gc.collect()
    assert watched() is None
    (record,) = audit.latest
    expected = {
        "time": VirtualClock().now(),
        "request_id": "r",
        "service": "lambda",
        "operation": "Invoke",
        "region": "eu-west-1",
        "caller": "arn:aws:iam::123456789012:root",
        "access_key_id": "AKID",
        "source_ip": "10.0.0.1",
        "user_agent": "ua",
        "error_code": "Throttling",
    }
    assert msgspec.structs.asdict(record) == expected
    audit.flush()
    assert msgspec.json.decode((tmp_path / "audit.jsonl").read_bytes()) == expected


class Payload:
    """One that can be watched."""
