"""Invoke, InvokeAsync and InvokeWithResponseStream."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.functions import ResolvedFunction
from lambent.domain.http import read_all
from lambent.domain.invocations import Invocation, InvocationResult, LoggedStream
from lambent.domain.service import Operations
from lambent.services.lambda_.access import check_invoke, is_local
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import function_not_found, invalid, invalid_content, request_too_large
from lambent.services.lambda_.json_faults import fault_of
from lambent.services.lambda_.names import LATEST, FunctionRef, function_arn

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        InvocationRequest,
        InvocationResponse,
        InvokeAsyncRequest,
        InvokeAsyncResponse,
        InvokeWithResponseStreamRequest,
        InvokeWithResponseStreamResponse,
    )

operations: Operations[Lambda] = Operations()
_check_json = msgspec.json.Decoder(msgspec.Raw).decode


@operations.serves("Invoke")
async def invoke(ctx: Lambda, call: Call, request: InvocationRequest) -> InvocationResponse:
    """Run a function and return its result, or queue the event, or only say whether it could run."""
    kind = request.get("InvocationType") or "RequestResponse"
    ref = ctx.ref(call, request["FunctionName"], request.get("Qualifier"))
    if not is_local(call, ref):
        await check_invoke(ctx, call, ref)
    resolved = ctx.catalogue.at_hand(ref.key, ref.qualifier) or await _resolve(ctx, ref)
    tenant = _tenant(resolved, request.get("TenantId"))
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b"", "ExecutedVersion": resolved.version.version}
    payload, is_event = request.get("Payload") or b"", kind == "Event"
    payload = _event(ctx, payload, is_async=is_event) if isinstance(payload, bytes) else await _payload(ctx, payload, is_async=is_event)
    context = _client_context(ctx, request["ClientContext"]) if "ClientContext" in request else ""
    tail = request.get("LogType") == "Tail" and kind == "RequestResponse"
    invocation = Invocation(call.request_id, payload, resolved.invoked_arn, context, call.trace_header, tail, tenant_id=tenant)
    if is_event:
        await ctx.events.submit(resolved.version, ref.qualifier, invocation)
        return {"StatusCode": 202, "Payload": b""}
    result = await ctx.invoker.invoke(resolved.version, invocation)
    returned = result.payload if isinstance(result.payload, bytes) else await read_all(result.payload)
    answer: InvocationResponse = {"StatusCode": 200, "ExecutedVersion": result.executed_version, "Payload": returned}
    if result.function_error is not None:
        answer["FunctionError"] = result.function_error.value
    if tail:
        answer["LogResult"] = base64.b64encode(result.log_tail).decode()
    return answer


def _tenant(resolved: ResolvedFunction, given: str | None) -> str:
    """Return the tenant whose environment is wanted; raises unless the function and the request agree that there are tenants."""
    if resolved.version.tenant_isolated and not given:
        raise invalid("The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
    if given and not resolved.version.tenant_isolated:
        raise invalid(
            "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again."
        )
    return given or ""


async def _resolve(ctx: Lambda, ref: FunctionRef) -> ResolvedFunction:
    """Return what runs; a creation that is just under way is waited for."""
    try:
        return await ctx.catalogue.resolve(ref.account_id, ref.region, ref.name, ref.qualifier)
    except AwsError as error:
        if error.code == "ResourceNotFoundException" and not ref.qualifier:
            raise function_not_found(function_arn(ref.key, LATEST)) from None
        if error.code != "ResourceConflictException":
            raise
    await ctx.settled(ref)
    return await ctx.catalogue.resolve(ref.account_id, ref.region, ref.name, ref.qualifier)


async def _payload(ctx: Lambda, given: Any, *, is_async: bool) -> bytes:
    """Return the event; see ``_event``."""
    if given is not None and not isinstance(given, bytes):
        given = await _read_bounded(given, _payload_bytes_max(ctx, is_async=is_async))
    return _event(ctx, given or b"", is_async=is_async)


def _payload_bytes_max(ctx: Lambda, *, is_async: bool) -> int:
    quotas = ctx.platform.quotas
    return quotas.event_payload_bytes_max if is_async else quotas.sync_payload_bytes_max


def _event(ctx: Lambda, data: bytes, *, is_async: bool) -> bytes:
    """Return the event, which is valid JSON of an allowed size; nothing at all is ``{}``."""
    limit = _payload_bytes_max(ctx, is_async=is_async)
    if len(data) > limit:
        raise _payload_too_large(limit)
    if not data:
        return b"{}"
    if not _is_plain_json(data):
        try:
            json.loads(data, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            text = f"Could not parse request body into json: Could not parse payload into json: {fault_of(data)}"
            raise invalid_content(text) from None
    return data


def _is_plain_json(data: bytes) -> bool:
    """Return whether the event is JSON, without making objects of it; where this can't tell (lone surrogates), ``False``."""
    try:
        _check_json(data)
        return data.isascii() or bool(data.decode())
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _no_constant(name: str) -> None:
    """Refuse ``NaN`` and ``Infinity``: they are no JSON."""
    raise ValueError(name)


def _payload_too_large(limit: int) -> AwsError:
    return request_too_large(f"Request must be smaller than {limit} bytes for the InvokeFunction operation")


async def _read_bounded(stream: AsyncIterator[bytes], limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise _payload_too_large(limit)
        pieces.append(chunk)
    return b"".join(pieces)


def _client_context(ctx: Lambda, given: str | None) -> str:
    """Return the client context as JSON."""
    if not given:
        return ""
    limit = ctx.platform.quotas.client_context_bytes_max
    if len(given) > limit:
        raise invalid_content(f"Client context must be no larger than {limit} bytes.")
    try:
        text = base64.b64decode(given, validate=True).decode()
        json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        raise invalid_content("Client context must be a valid Base64-encoded JSON object.") from None
    return text


@operations.serves("InvokeAsync")
async def invoke_async(ctx: Lambda, call: Call, request: InvokeAsyncRequest) -> InvokeAsyncResponse:
    """Queue an event, as ``Invoke`` with ``Event`` does; the operation's older form."""
    ref = ctx.ref(call, request["FunctionName"])
    await check_invoke(ctx, call, ref)
    resolved = await _resolve(ctx, ref)
    _tenant(resolved, None)
    payload = await _payload(ctx, request["InvokeArgs"], is_async=True)
    await ctx.events.submit(
        resolved.version, ref.qualifier, Invocation(call.request_id, payload, resolved.invoked_arn, trace_header=call.trace_header)
    )
    return {"Status": 202}


@operations.serves("InvokeWithResponseStream")
async def invoke_with_response_stream(
    ctx: Lambda, call: Call, request: InvokeWithResponseStreamRequest
) -> InvokeWithResponseStreamResponse:
    """Run a function and give its response in pieces as it makes them."""
    ref = ctx.ref(call, request["FunctionName"], request.get("Qualifier"))
    await check_invoke(ctx, call, ref)
    resolved = await _resolve(ctx, ref)
    tenant = _tenant(resolved, request.get("TenantId"))
    if request.get("InvocationType") == "DryRun":
        return {"StatusCode": 204, "ExecutedVersion": resolved.version.version, "EventStream": _nothing()}
    payload = await _payload(ctx, request.get("Payload"), is_async=False)
    tail = request.get("LogType") == "Tail"
    invocation = Invocation(
        call.request_id,
        payload,
        resolved.invoked_arn,
        _client_context(ctx, request.get("ClientContext")),
        call.trace_header,
        log_tail=tail,
        streamed=True,
        tenant_id=tenant,
    )
    result = await ctx.invoker.invoke(resolved.version, invocation)
    return {
        "StatusCode": 200,
        "ExecutedVersion": result.executed_version,
        "ResponseStreamContentType": result.content_type,
        "EventStream": _stream(result, tail=tail),
    }


async def _nothing() -> AsyncIterator[dict[str, Any]]:
    for event in list[dict[str, Any]]():
        yield event


async def _stream(result: InvocationResult, *, tail: bool) -> AsyncIterator[dict[str, Any]]:
    """Give the pieces and then how it ended; a response that breaks off, or an error of the function, is told at the end."""
    complete: dict[str, Any] = {}
    if isinstance(result.payload, bytes):
        if result.function_error is not None:
            complete = _failure(result.payload)
        elif result.payload:
            yield {"PayloadChunk": {"Payload": result.payload}}
    else:
        try:
            async for chunk in result.payload:
                yield {"PayloadChunk": {"Payload": chunk}}
        except AwsError as error:
            complete = {"ErrorCode": error.code, "ErrorDetails": error.message}
    if tail:
        log = result.payload.log_tail if isinstance(result.payload, LoggedStream) else result.log_tail
        complete["LogResult"] = base64.b64encode(log).decode()
    yield {"InvokeComplete": complete}


def _failure(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload)
    except ValueError:
        document = {}
    code = document.get("errorType") if isinstance(document, dict) else None
    return {"ErrorCode": code or "Unhandled", "ErrorDetails": payload.decode(errors="replace")}
