"""Names, ARNs and URLs of queues. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from lambent.base.regexes import Regex
from lambent.domain.arns import Arn
from lambent.services.sqs.errors import invalid, no_such_queue

FIFO_SUFFIX: Final = ".fifo"
_NAME: Final = Regex(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT: Final = Regex(r"\d{12}")
_REGION: Final = Regex(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")


class QueueRef(NamedTuple):
    """What names a queue; also its document's key."""

    account_id: str
    region: str
    name: str


def check_name(name: str, *, fifo: bool) -> None:
    """Raise AWS's ``InvalidParameterValue`` for a name that no queue (of that type) may have."""
    plain = name.removesuffix(FIFO_SUFFIX) if fifo else name
    if fifo and plain == name:
        raise invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix "
            "and be 1 to 80 in length."
        )
    if not _NAME.fullmatch(plain) or len(name) > 80:
        raise invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")


def of_url(url: str, region: str, account_id: str) -> QueueRef:
    """Return the queue that a URL names, whatever host it has; a bare name is one of the caller's own.

    ``http://localhost:4566/000000000000/q``, ``http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/q``,
    ``http://eu-west-1.queue.localhost:4566/000000000000/q``, ``http://localhost:4566/queue/eu-west-1/000000000000/q`` and AWS's own.
    ``region`` and ``account_id`` are the caller's.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise no_such_queue() from None
    segments = [unquote(each) for each in parts.path.split("/") if each]
    named = [label for label in (parts.hostname or "").split(".") if _REGION.fullmatch(label)]
    if named:
        region = named[0]
    if len(segments) == 4 and segments[0] == "queue" and _REGION.fullmatch(segments[1]):
        region, segments = segments[1], segments[2:]
    if len(segments) >= 2 and _ACCOUNT.fullmatch(segments[-2]):
        return QueueRef(segments[-2], region, segments[-1])
    if len(segments) == 1 and not parts.netloc:
        return QueueRef(account_id, region, segments[0])
    raise no_such_queue()


def url_of(ref: QueueRef, host: str) -> str:
    """Return the queue's URL below a host."""
    return f"http://{host}/{ref.account_id}/{ref.name}"


def of_arn(text: str) -> QueueRef | None:
    """Return the queue that an ARN names; ``None`` when it isn't a queue's."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        return None
    if arn.service != "sqs" or not arn.resource or ":" in arn.resource:
        return None
    return QueueRef(arn.account_id, arn.region, arn.resource)
