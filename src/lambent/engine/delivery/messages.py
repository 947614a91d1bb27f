"""What lies in the queues of asynchronous invocation, and what destinations and dead-letter queues are sent; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.domain.arns import Arn
from lambent.domain.functions import FunctionVersion
from lambent.domain.invocations import Invocation, InvocationResult
from lambent.engine.delivery.schedule import Condition
from lambent.engine.environments.loglines import stamp


class Event(msgspec.Struct, frozen=True):
    """An asynchronous invocation that waits."""

    account_id: str
    region: str
    name: str
    qualifier: str
    request_id: str
    payload: bytes
    invoked_arn: str
    submitted: float  #: seconds since 1970
    client_context: str = ""
    trace_header: str = ""
    tenant_id: str = ""
    errors: int = 0  #: how often the function failed
    refusals: int = 0  #: throttles and system errors since the last time that it ran

    @classmethod
    def of(cls, function: FunctionVersion, qualifier: str, invocation: Invocation, now: float, trace_header: str) -> Event:
        """Return the event that is queued for an invocation. Its retries share the trace."""
        return cls(
            account_id=function.account_id,
            region=function.region,
            name=function.name,
            qualifier=qualifier,
            request_id=invocation.request_id,
            payload=invocation.payload,
            invoked_arn=invocation.invoked_arn,
            submitted=now,
            client_context=invocation.client_context,
            trace_header=trace_header,
            tenant_id=invocation.tenant_id,
        )

    @property
    def lane(self) -> str:
        """Whose events wait together: the function's, all versions."""
        return f"{self.account_id}/{self.region}/{self.name}"

    def invocation(self, invoked_arn: str) -> Invocation:
        """Return the invocation to run. An event that was handled must not lose what it logged, so that is waited for."""
        return Invocation(
            request_id=self.request_id,
            payload=self.payload,
            invoked_arn=invoked_arn,
            client_context=self.client_context,
            trace_header=self.trace_header,
            tenant_id=self.tenant_id,
            log_awaited=True,
        )


class Dispatch(msgspec.Struct, frozen=True):
    """A record on its way to a destination or dead-letter queue, with the execution role of the function."""

    account_id: str
    region: str
    function_name: str
    function_arn: str
    role_arn: str
    target_arn: str
    body: str
    is_dead_letter: bool
    success: bool
    request_id: str
    attributes: dict[str, tuple[str, str]] = {}  #: of a dead letter: name → (data type, value)
    made: float = 0.0  #: seconds since 1970
    failures: int = 0
    trace_header: str = ""
    object_prefix: str = ""  #: of the key in a bucket, unless it is an asynchronous invocation's


def destination_record(
    event: Event, function: FunctionVersion, condition: Condition, result: InvocationResult | None, now: float
) -> dict[str, Any]:
    """Return the invocation record that destinations get."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": stamp(now),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": function.arn,
            "condition": condition.value,
            "approximateInvokeCount": event.errors + (condition is Condition.SUCCESS),
        },
        "requestPayload": _json(event.payload),
    }
    if result is None:
        return record
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": result.executed_version}
    if result.function_error is not None:
        response["functionError"] = result.function_error.value
    record["responseContext"] = response
    record["responsePayload"] = _json(result.payload) if isinstance(result.payload, bytes) else None
    return record


def dead_letter_attributes(event: Event, condition: Condition, result: InvocationResult | None) -> dict[str, tuple[str, str]]:
    """Return the attributes of a dead letter: the request, and the error's code and first kilobyte of its message."""
    code = "200" if result is not None else "400" if condition is Condition.RECURSIVE else "429"
    document = _json(result.payload) if result is not None and isinstance(result.payload, bytes) else None
    message = document.get("errorMessage") if isinstance(document, dict) else None
    attributes = {"RequestID": ("String", event.request_id), "ErrorCode": ("Number", code)}
    if isinstance(message, str) and message:
        attributes["ErrorMessage"] = ("String", message.encode()[:1024].decode("utf-8", "ignore"))
    return attributes


def target_call(dispatch: Dispatch, queue_url: str = "") -> tuple[str, str, Mapping[str, Any]]:
    """Return service, operation and parameters that deliver the record. ``ValueError`` for an ARN that is no destination."""
    target = Arn.parse(dispatch.target_arn)
    attributes = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in dispatch.attributes.items()}
    extra = {"MessageAttributes": attributes} if attributes else {}
    if target.service == "sqs":
        return "sqs", "SendMessage", {"QueueUrl": queue_url, "MessageBody": dispatch.body, **extra}
    if target.service == "sns":
        return "sns", "Publish", {"TopicArn": dispatch.target_arn, "Message": dispatch.body, **extra}
    if target.service == "lambda":
        return "lambda", "Invoke", {"FunctionName": dispatch.target_arn, "InvocationType": "Event", "Payload": dispatch.body.encode()}
    if target.service == "events":
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {'Success' if dispatch.success else 'Failure'}",
            "Detail": dispatch.body,
            "Resources": [dispatch.target_arn, dispatch.function_arn],
            "EventBusName": dispatch.target_arn,
        }
        return "events", "PutEvents", {"Entries": [entry]}
    if target.service == "s3":
        bucket, at = target.resource.partition("/")[0], stamp(dispatch.made)
        day, moment = at[:10].replace("-", "/"), at[:19].replace(":", ".")
        prefix = dispatch.object_prefix or f"aws/lambda/async/{dispatch.function_name}"
        key = f"{prefix}/{day}/{moment}-{dispatch.request_id}"
        return "s3", "PutObject", {"Bucket": bucket, "Key": key, "Body": dispatch.body.encode(), "ContentType": "application/json"}
    raise ValueError(f"{dispatch.target_arn} is no destination of Lambda's")


def _json(payload: bytes | object) -> Any:
    """Return the document, or the text where it isn't JSON; nothing is ``None``."""
    if not isinstance(payload, bytes) or not payload:
        return None
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
