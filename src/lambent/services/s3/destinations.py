"""The calls by which S3, for a bucket, tells functions, queues, topics and EventBridge. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from lambent.base.ids import Ids
from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.services.s3.events import Notification
from lambent.services.s3.state import Bucket

PRINCIPAL: Final = "s3.amazonaws.com"
SUBJECT: Final = "Amazon S3 Notification"
_NOUNS: Final = {"sqs": "queue", "sns": "topic"}


def call_of(message: Notification, ids: Ids) -> Call:
    """Return the call that delivers a notification."""
    caller = Caller.service(PRINCIPAL, message.account_id, source_arn=message.bucket_arn)
    region, account_id = message.region, message.account_id
    if message.service == "events":
        entry = msgspec.json.decode(message.event)
        detail = msgspec.json.encode(entry["Detail"]).decode()
        params: dict[str, Any] = {"Entries": [{**entry, "Time": datetime.fromtimestamp(entry["Time"], UTC), "Detail": detail}]}
        operation = "PutEvents"
    else:
        arn = Arn.parse(message.target_arn)
        region, account_id = arn.region, arn.account_id
        operation, params = _delivery(message.service, arn, message.target_arn, message.event)
    trace = message.trace_header
    return Call(message.service, operation, params, caller, region, account_id, ids.uuid(), user_agent=PRINCIPAL, trace_header=trace)


def _delivery(service: str, arn: Arn, text: str, event: bytes) -> tuple[str, dict[str, Any]]:
    match service:
        case "lambda":
            return "Invoke", {"FunctionName": text, "InvocationType": "Event", "Payload": event}
        case "sqs":
            url = f"https://sqs.{arn.region}.amazonaws.com/{arn.account_id}/{arn.resource}"
            return "SendMessage", {"QueueUrl": url, "MessageBody": event.decode()}
        case _:
            return "Publish", {"TopicArn": text, "Message": event.decode(), "Subject": SUBJECT}


def trial(service: str, arn: str, bucket: Bucket, now: float, ids: Ids) -> Call:
    """Return the call by which S3 finds out, before it takes a configuration, whether a destination takes its events.

    Queues and topics get the test event; a function is asked without being invoked.
    """
    event = msgspec.json.encode(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now * 1000) % 1000:03d}Z",
            "Bucket": bucket.name,
            "RequestId": ids.hex(16).upper(),
            "HostId": ids.hex(64),
        }
    )
    call = call_of(Notification(service, arn, bucket.account_id, bucket.arn, bucket.region, event), ids)
    if service != "lambda":
        return call
    asking = {"FunctionName": arn, "InvocationType": "DryRun"}
    return Call("lambda", "Invoke", asking, call.caller, call.region, call.account_id, call.request_id, user_agent=PRINCIPAL)


def is_missing(error: AwsError) -> bool:
    """Return whether a destination's error says that there is no such destination."""
    return error.status == 404 or any(each in error.code for each in ("NonExistent", "NotExist", "NotFound"))


def complaint(service: str, arn: str, error: AwsError) -> tuple[str, str]:
    """Return the name and value by which AWS says what is wrong with a destination."""
    if service == "lambda":
        return f"{arn}, null", f"Not authorized to invoke function [{arn}]"
    noun = _NOUNS[service]
    if is_missing(error):
        return arn, f"The destination {noun} does not exist"
    return arn, f"Permissions on the destination {noun} do not allow S3 to publish notifications from this bucket"
