"""A topic's attributes: which there are, what they may be, and how they are shown; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError
from lambent.services.sns.access import policy_of
from lambent.services.sns.archives import archives_from, checked_archive_policy
from lambent.services.sns.catalogue import Entry
from lambent.services.sns.delivery_policies import checked_topic_policy, effective_topic_policy
from lambent.services.sns.errors import invalid
from lambent.services.sns.jsontext import compact, parse_object
from lambent.services.sns.stamps import stamp
from lambent.services.sns.state import Topic

_NAME: Final = Regex(r"[A-Za-z0-9_-]{1,256}")
_FEEDBACK: Final = Regex(r"(HTTP|Firehose|Lambda|Application|SQS)(SuccessFeedbackRoleArn|FailureFeedbackRoleArn|SuccessFeedbackSampleRate)")
_FIFO_ONLY: Final = frozenset({"ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope"})
_FIFO_NAME: Final = (
    "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and "
    "hyphens, and must be between 1 and 256 characters long."
)


def check_name(name: str, attributes: Mapping[str, str]) -> None:
    """Raise ``InvalidParameter`` unless the name is one for the kind of topic that the attributes ask for."""
    if _truth(attributes.get("FifoTopic", "false"), "FifoTopic") == "true":
        if len(name) > 256 or not name.endswith(".fifo") or not _NAME.fullmatch(name.removesuffix(".fifo")):
            raise invalid(_FIFO_NAME)
    elif not _NAME.fullmatch(name):
        raise invalid("Topic Name")


def checked(name: str, value: str, *, fifo: bool) -> str:
    """Return an attribute's value as it is kept. Raises ``InvalidParameter``, ``AttributeName`` when there is no such attribute."""
    check = _CHECKS.get(name)
    if check is None and not _FEEDBACK.fullmatch(name):
        raise invalid("AttributeName")
    if name in _FIFO_ONLY and not fifo:
        raise invalid(f"{name} Reason: {name} is only supported by FIFO topics")
    if name.endswith("SampleRate") and not (value.isdecimal() and int(value) <= 100):
        raise invalid(f"{name} Reason: must be a number between 0 and 100")
    return value if check is None or not value else check(value)


def checked_all(attributes: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """Return the attributes of a topic that is being created."""
    kept: dict[str, str] = {}
    for name, value in attributes.items():
        if name == "FifoTopic":
            continue
        try:
            value = checked(name, value, fifo=fifo)
        except AwsError as error:
            if error.message == "Invalid parameter: AttributeName":
                raise invalid(f"Attributes Reason: Unknown attribute {name}") from None
            raise
        if value:
            kept[name] = value
    return kept


def shown(entry: Entry, now: float) -> dict[str, str]:
    """Return what GetTopicAttributes gives."""
    topic, subscriptions = entry.topic, entry.subscriptions.values()
    pending = sum(each.pending for each in subscriptions)
    attributes = {
        "DisplayName": "",
        "EffectiveDeliveryPolicy": compact(effective_topic_policy(topic.attributes.get("DeliveryPolicy"))),
        "Owner": topic.account_id,
        "Policy": compact(policy_of(topic)),
        "SubscriptionsConfirmed": str(len(subscriptions) - pending),
        "SubscriptionsDeleted": str(topic.deleted),
        "SubscriptionsPending": str(pending),
        "TopicArn": topic.arn,
    }
    if topic.fifo:
        attributes |= {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
    if topic.archive:
        attributes["BeginningArchiveTime"] = stamp(archives_from(topic, now))
    return attributes | topic.attributes


def differs(topic: Topic, attributes: Mapping[str, str]) -> bool:
    """Return whether any of the attributes isn't what the topic has."""
    defaults = {"DisplayName": "", "ContentBasedDeduplication": "false", "SignatureVersion": "1", "TracingConfig": "PassThrough"}
    return any(value != topic.attributes.get(name, defaults.get(name)) for name, value in attributes.items())


def _truth(value: str, name: str) -> str:
    if value.lower() not in {"true", "false"}:
        raise invalid(f"{name} Reason: {value} is not a boolean")
    return value.lower()


def _policy(value: str) -> str:
    try:
        document = parse_object(value, "Policy")
    except AwsError:
        raise invalid("Policy Error: null") from None
    statements = document.get("Statement")
    for each in statements if isinstance(statements, list) else [statements]:
        if not isinstance(each, dict) or each.get("Effect") not in ("Allow", "Deny") or not {"Principal", "NotPrincipal"} & each.keys():
            raise invalid("Policy Error: PrincipalNotFound" if isinstance(each, dict) and "Effect" in each else "Policy Error: null")
        actions: Any = each.get("Action", [])
        for action in actions if isinstance(actions, list) else [actions]:
            if action != "*" and not str(action).lower().startswith("sns:"):
                raise invalid("Policy statement action out of service scope!")
    return compact(document)


def _display_name(value: str) -> str:
    if len(value) > 100:
        raise invalid("DisplayName")
    return value


def _one_of(name: str, *allowed: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise invalid(f"{name} Reason: Invalid value [{value}]. Must be one of: {', '.join(allowed)}")
        return value

    return check


_CHECKS: Final[Mapping[str, Callable[[str], str]]] = {
    "ArchivePolicy": checked_archive_policy,
    "ContentBasedDeduplication": lambda value: _truth(value, "ContentBasedDeduplication"),
    "DeliveryPolicy": checked_topic_policy,
    "DisplayName": _display_name,
    "FifoThroughputScope": _one_of("FifoThroughputScope", "Topic", "MessageGroup"),
    "KmsMasterKeyId": str,
    "Policy": _policy,
    "SignatureVersion": _one_of("SignatureVersion", "1", "2"),
    "TracingConfig": _one_of("TracingConfig", "Active", "PassThrough"),
}
