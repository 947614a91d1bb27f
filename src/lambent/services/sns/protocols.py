"""What may be subscribed: each protocol's endpoints, checked; pure but for the account's own platform endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from lambent.base.regexes import Regex
from lambent.domain.arns import Arn
from lambent.domain.errors import AwsError
from lambent.services.sns.errors import invalid
from lambent.services.sns.state import Topic

WEBHOOKS: Final = frozenset({"http", "https"})
MANAGED: Final = frozenset({"sqs", "lambda", "firehose"})
MAIL: Final = frozenset({"email", "email-json"})
RAW: Final = frozenset({"sqs", "http", "https", "firehose"})
"""Protocols that can get messages as they were published."""
_SMS: Final = Regex(r"\+?[0-9]+(?:[-./ ][0-9]+)*")
_E164: Final = Regex(r"\+?[1-9][0-9]{1,14}")
_MAIL: Final = Regex(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_OWN_PATH: Final = "/_lambent"


def is_phone_number(text: str) -> bool:
    """Return whether a text is a phone number in E.164 format."""
    return _E164.fullmatch(text) is not None


def service_arn(text: str, service: str) -> Arn | None:
    """Return the ARN if it is one of the service's."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        return None
    return arn if arn.service == service and arn.region and arn.account_id and arn.resource else None


def is_fifo_queue(endpoint: str) -> bool:
    """Return whether a queue's ARN names a FIFO queue."""
    return endpoint.endswith(".fifo")


def check_endpoint(topic: Topic, protocol: str, endpoint: str | None) -> str:
    """Return the endpoint if the protocol can deliver to it for this topic. Raises ``InvalidParameter``."""
    check = _CHECKS.get(protocol)
    if check is None:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if not endpoint:
        raise invalid("Endpoint Reason: no value for required parameter")
    if topic.fifo and protocol != "sqs":
        raise invalid(f"Protocol Reason: FIFO topics do not deliver by {protocol}")
    check(endpoint, protocol)
    if protocol == "sqs" and is_fifo_queue(endpoint) and not topic.fifo:
        raise invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
    return endpoint


def is_own_surface(url: str) -> bool:
    """Return whether a URL means a page of the server's own; webhooks have no business there, whatever the host."""
    path = urlsplit(url).path
    return path == _OWN_PATH or path.startswith(_OWN_PATH + "/")


def _queue(endpoint: str, protocol: str) -> None:
    if service_arn(endpoint, "sqs") is None:
        raise invalid("SQS endpoint ARN")


def _function(endpoint: str, protocol: str) -> None:
    arn = service_arn(endpoint, "lambda")
    if arn is None or not arn.resource.startswith("function:"):
        raise invalid("Lambda endpoint ARN")


def _stream(endpoint: str, protocol: str) -> None:
    arn = service_arn(endpoint, "firehose")
    if arn is None or not arn.resource.startswith("deliverystream/"):
        raise invalid("Firehose endpoint ARN")


def _webhook(endpoint: str, protocol: str) -> None:
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not endpoint.lower().startswith(f"{protocol}://"):
        raise invalid("Endpoint must match the specified protocol")
    if is_own_surface(endpoint):
        raise invalid("Endpoint Reason: pages of the server itself can't be subscribed")


def _address(endpoint: str, protocol: str) -> None:
    if not _MAIL.fullmatch(endpoint):
        raise invalid("Email address")


def _phone(endpoint: str, protocol: str) -> None:
    if not _SMS.fullmatch(endpoint):
        raise AwsError("InvalidParameter", f"Invalid SMS endpoint: {endpoint}")


def _device(endpoint: str, protocol: str) -> None:
    arn = service_arn(endpoint, "sns")
    if arn is None or not arn.resource.startswith("endpoint/"):
        raise invalid("Application endpoint arn invalid")


_CHECKS: Final[Mapping[str, Callable[[str, str], None]]] = {
    "application": _device,
    "email": _address,
    "email-json": _address,
    "firehose": _stream,
    "http": _webhook,
    "https": _webhook,
    "lambda": _function,
    "sms": _phone,
    "sqs": _queue,
}
