"""Invoke and its relatives, over an invoker that takes notes."""

import asyncio
import base64
import json

import pytest

from lambent.domain.caller import Caller
from lambent.domain.invocations import FunctionError, InvocationResult


async def test_a_result_with_its_log(bench):
    await bench.create()
    answer = await bench.call("Invoke", FunctionName="f", Payload=b'{"x": 1}', LogType="Tail")
    assert answer["StatusCode"] == 200
    assert answer["Payload"] == b'{"ok":true}'
    assert answer["ExecutedVersion"] == "$LATEST"
    assert base64.b64decode(answer["LogResult"]) == b"START\nEND\n"
    assert "FunctionError" not in answer
    function, invocation = bench.invoker.seen[0]
    assert (function.handler, invocation.payload) == ("app.handler", b'{"x": 1}')
    assert invocation.invoked_arn == "arn:aws:lambda:us-east-1:123456789012:function:f"


async def test_no_payload_is_an_empty_object_and_errors_are_results(bench):
    await bench.create()
    bench.invoker.result = InvocationResult(b'{"errorMessage":"no"}', "", FunctionError.UNHANDLED)
    answer = await bench.call("Invoke", FunctionName="f:$LATEST")
    assert answer["FunctionError"] == "Unhandled"
    assert bench.invoker.seen[0][1].payload == b"{}"
    assert bench.invoker.seen[0][1].invoked_arn.endswith(":f:$LATEST")


async def test_events_are_submitted_and_dry_runs_are_not(bench):
    await bench.create()
    assert (await bench.call("Invoke", FunctionName="f", InvocationType="DryRun"))["StatusCode"] == 204
    assert (await bench.call("Invoke", FunctionName="f", InvocationType="Event", Payload=b"[]"))["StatusCode"] == 202
    assert (await bench.call("InvokeAsync", FunctionName="f", InvokeArgs=b"{}"))["Status"] == 202
    assert [each[2].payload for each in bench.events.seen] == [b"[]", b"{}"]
    assert bench.invoker.seen == []


async def test_client_context(bench):
    await bench.create()
    context = json.dumps({"custom": {"a": "b"}})
    await bench.call("Invoke", FunctionName="f", ClientContext=base64.b64encode(context.encode()).decode())
    assert bench.invoker.seen[0][1].client_context == context
    await bench.refused("Invoke", "InvalidRequestContentException", "Base64", FunctionName="f", ClientContext="{}")
    await bench.refused("Invoke", "InvalidRequestContentException", "3583", FunctionName="f", ClientContext="a" * 3584)


async def test_payloads_are_json_of_a_limited_size(bench_with):
    bench = bench_with(sync_payload_bytes_max=20, event_payload_bytes_max=10)
    await bench.create()
    await bench.refused(
        "Invoke", "InvalidRequestContentException", "Could not parse request body into json", FunctionName="f", Payload=b"{x"
    )
    error = await bench.refused("Invoke", "RequestTooLargeException", FunctionName="f", Payload=b'"' + b"x" * 19 + b'"')
    assert (error.status, error.message) == (413, "Request must be smaller than 20 bytes for the InvokeFunction operation")
    await bench.refused("Invoke", "RequestTooLargeException", "10", FunctionName="f", Payload=b'"xxxxxxxxxx"', InvocationType="Event")


async def test_a_creation_under_way_is_waited_for(bench, zip_of):
    role = "arn:aws:iam::123456789012:role/worker"
    await bench.call("CreateFunction", FunctionName="f", Runtime="python3.12", Role=role, Handler="a.b", Code={"ZipFile": zip_of()})
    invoking = asyncio.ensure_future(bench.call("Invoke", FunctionName="f"))
    await bench.clock.settle()
    assert not invoking.done()
    await bench.settle()
    await bench.clock.advance(0.02)
    assert (await invoking)["StatusCode"] == 200


async def test_a_function_that_stays_pending_is_a_conflict(bench, zip_of):
    role = "arn:aws:iam::123456789012:role/worker"
    await bench.call("CreateFunction", FunctionName="f", Runtime="python3.12", Role=role, Handler="a.b", Code={"ZipFile": zip_of()})
    invoking = asyncio.ensure_future(bench.call("Invoke", FunctionName="f"))
    await bench.clock.advance(5)
    with pytest.raises(Exception, match=r"ResourceConflictException: .* state: Pending"):
        await invoking


async def test_streams_end_with_their_completion(bench):
    await bench.create()
    answer = await bench.call("InvokeWithResponseStream", FunctionName="f", LogType="Tail")
    events = [each async for each in answer["EventStream"]]
    assert events[0] == {"PayloadChunk": {"Payload": b'{"ok":true}'}}
    assert base64.b64decode(events[1]["InvokeComplete"]["LogResult"]) == b"START\nEND\n"
    assert bench.invoker.seen[0][1].streamed
    bench.invoker.result = InvocationResult(b'{"errorType":"KeyError"}', "", FunctionError.UNHANDLED)
    answer = await bench.call("InvokeWithResponseStream", FunctionName="f")
    assert [each async for each in answer["EventStream"]] == [
        {"InvokeComplete": {"ErrorCode": "KeyError", "ErrorDetails": '{"errorType":"KeyError"}'}}
    ]


async def test_services_and_other_accounts_need_the_functions_leave(bench):
    await bench.create()
    s3 = Caller.service("s3.amazonaws.com", "123456789012", "arn:aws:s3:::pictures")
    error = await bench.refused("Invoke", "AccessDeniedException", FunctionName="f", InvocationType="Event", caller=s3)
    assert error.status == 403
    stranger = Caller.root("999999999999")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    await bench.refused("Invoke", "AccessDeniedException", FunctionName=arn, caller=stranger)
    await bench.refused("GetFunction", "AccessDeniedException", FunctionName=arn, caller=stranger)


async def test_a_warm_resolve_reads_no_store(bench):
    await bench.create()
    await bench.catalogue.resolve("123456789012", "us-east-1", "f", "")
    bench.store.get = bench.store.range = None
    first = await bench.catalogue.resolve("123456789012", "us-east-1", "f", "")
    second = await bench.catalogue.resolve("123456789012", "us-east-1", "f", "")
    assert first.version is second.version


async def test_tenants_are_named_exactly_when_the_function_has_them(bench):
    tenancy = {"TenantIsolationMode": "PER_TENANT"}
    created = await bench.create("f", TenancyConfig=tenancy)
    assert created["TenancyConfig"] == tenancy
    await bench.call("Invoke", FunctionName="f", TenantId="blue")
    assert bench.invoker.seen[-1][1].tenant_id == "blue"
    await bench.call("Invoke", FunctionName="f", TenantId="red", InvocationType="Event")
    assert bench.events.seen[-1][2].tenant_id == "red"
    text = "is enabled with tenancy configuration. Add a valid tenant ID"
    for operation in ("Invoke", "InvokeWithResponseStream"):
        await bench.refused(operation, "InvalidParameterValueException", text, FunctionName="f")
    await bench.refused("InvokeAsync", "InvalidParameterValueException", text, FunctionName="f", InvokeArgs=b"{}")
    await bench.refused("CreateFunctionUrlConfig", "InvalidParameterValueException", "tenant", FunctionName="f", AuthType="NONE")
    await bench.create("g")
    text = "is not enabled with tenancy configuration. Remove the tenant ID"
    await bench.refused("Invoke", "InvalidParameterValueException", text, FunctionName="g", TenantId="blue")
