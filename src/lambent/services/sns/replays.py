"""Replays: a subscription gets a stretch of its topic's archive once more; pure.

Follows "Message replay for FIFO topic subscribers". Messages that are published while a replay is under way wait until it has ended. One
with an ending point leaves its subscription without new messages until the policy is taken back.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from lambent.domain.documents import Table
from lambent.domain.storage import Write
from lambent.services.sns.archives import archives_from, sequence_at
from lambent.services.sns.errors import invalid
from lambent.services.sns.fifo import WakeUp, wake_up
from lambent.services.sns.jsontext import compact, parse_object
from lambent.services.sns.state import Subscription, Topic

_POINTS: Final = ("StartingPoint", "EndingPoint")


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """How far a subscription's replay has come. Positions are sequence numbers."""

    id: str  #: tells a replay from those that came before it
    archive: str
    position: int  #: of the last message that is done with
    end: int | None  #: of the last message that is replayed, at most; ``None``: all that there is when it has come so far
    status: str = "Pending"


PENDING, IN_PROGRESS, COMPLETED, FAILED = "Pending", "In progress", "Completed", "Failed"
REPLAYS: Table[Replay] = Table("sns.fifo.replays", Replay)  #: by the subscription's key


def checked_replay_policy(text: str) -> str:
    """Return a replay policy as it is kept and shown, empty for ``{}``. Raises ``InvalidParameter``."""
    policy = parse_object(text, "ReplayPolicy")
    if not policy:
        return ""
    if policy.get("PointType") != "Timestamp":
        raise invalid("ReplayPolicy: PointType must be Timestamp")
    unknown = policy.keys() - {"PointType", *_POINTS}
    if unknown:
        raise invalid(f"ReplayPolicy: Unknown attribute: {min(unknown)}")
    starts, ends = (_seconds(policy, name) for name in _POINTS)
    if starts is None:
        raise invalid("ReplayPolicy: StartingPoint is required")
    if ends is not None and ends <= starts:
        raise invalid("ReplayPolicy: EndingPoint must be later than StartingPoint")
    return compact(policy)


def _seconds(policy: dict[str, Any], name: str) -> float | None:
    """Return a point in time, in seconds since 1970; ``None`` when the policy doesn't say it."""
    if name not in policy:
        return None
    try:
        found = datetime.fromisoformat(str(policy[name]))
    except ValueError:
        raise invalid(f"ReplayPolicy: {name} must be a timestamp as in 2026-01-31T12:00:00.000Z") from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def start_replay(topic: Topic, subscription: Subscription, replay_id: str, now: float) -> list[Write]:
    """Return the writes that begin what the subscription's replay policy says, or end what an earlier one said."""
    text = subscription.attributes.get("ReplayPolicy", "")
    if not text:
        return [REPLAYS.delete(subscription.key)]
    if not topic.archive:
        raise invalid("ReplayPolicy: the topic does not have a message archive")
    policy = json.loads(text)
    starts, ends = (_seconds(policy, name) for name in _POINTS)
    first = sequence_at(max(starts or 0.0, archives_from(topic, now)))
    end = None if ends is None else sequence_at(ends)
    replay = Replay(id=replay_id, archive=topic.archive, position=first - 1, end=end)
    return [REPLAYS.put(subscription.key, replay), wake_up(WakeUp(topic.key, subscription.id), now)]
