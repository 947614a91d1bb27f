"""The one way to call a service: authorised, observed, noted."""

from __future__ import annotations

import gc
import weakref

import pytest

from lambent.base.clock import VirtualClock
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.server.audit import AuditLog
from lambent.server.authoriser import AllowAll
from lambent.server.cloud import ServerCloud


class Upstream:
    """Answers every call, or fails."""

    failing: AwsError | None = None

    async def call(self, call: Call) -> Result:
        if self.failing is not None:
            raise self.failing
        return {"Operation": call.operation}


class Veil(AllowAll):
    """Lets nobody delete, and hides why things fail."""

    async def authorise(self, call: Call) -> None:
        if call.operation.startswith("Delete"):
            raise AwsError("AccessDenied", "no", 403)

    async def seen(self, call: Call, error: AwsError) -> AwsError:
        return AwsError("AccessDenied", "you may not know", 403) if error.code == "NoSuchEntity" else error


def call(operation: str, service: str = "iam", **params: object) -> Call:
    return Call(service, operation, params, Caller.root(), "us-east-1", "000000000000", "r")


async def test_observers_are_told_of_what_went_well_with_their_services() -> None:
    told: list[str] = []

    async def observe(call: Call, result: Result) -> None:
        told.append(f"{call.service}:{result['Operation']}")

    cloud = ServerCloud([], {"iam": Upstream(), "sqs": Upstream(), "sts": Upstream()}, AllowAll(), AuditLog(VirtualClock()))
    cloud.guard(Veil(), observe, ["iam", "sqs"])
    await cloud.call(call("GetRole"))
    await cloud.call(call("ListQueues", "sqs"))
    await cloud.call(call("AssumeRole", "sts"))
    with pytest.raises(AwsError, match="no"):
        await cloud.call(call("DeleteRole"))
    assert told == ["iam:GetRole", "sqs:ListQueues"]


async def test_a_caller_sees_of_an_error_what_it_may_and_so_does_the_audit_log() -> None:
    upstream, audit = Upstream(), AuditLog(VirtualClock())
    cloud = ServerCloud([], {"iam": upstream}, Veil(), audit)
    upstream.failing = AwsError("NoSuchEntity", "gone", 404)
    with pytest.raises(AwsError, match="you may not know"):
        await cloud.call(call("GetRole"))
    upstream.failing = AwsError("Throttling", "later", 400)
    with pytest.raises(AwsError, match="later"):
        await cloud.call(call("GetRole"))
    assert [each.error_code for each in audit.latest] == ["AccessDenied", "Throttling"]


async def test_an_error_does_not_keep_its_call() -> None:
    upstream = Upstream()
    upstream.failing = AwsError("NoSuchEntity", "there is no such role")
    cloud = ServerCloud([], {"iam": upstream}, AllowAll(), AuditLog(VirtualClock()))

    class Payload:
        """One that can be watched."""

    payload = Payload()
    watched = weakref.ref(payload)
    gc.disable()
    try:
        with pytest.raises(AwsError):
            await cloud.call(call("GetRole", payload=payload))
        upstream.failing = None
        del payload
        assert watched() is None
    finally:
        gc.enable()
