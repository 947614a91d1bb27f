"""Names and ARNs of buses, rules, archives, replays, connections and API destinations. Pure."""

from __future__ import annotations

from typing import NamedTuple

from lambent.domain.arns import Arn, arn
from lambent.domain.call import Call
from lambent.services.events.errors import invalid

DEFAULT_BUS = "default"


class BusRef(NamedTuple):
    """What names a bus; also its document's key."""

    account_id: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The bus's ARN."""
        return arn("events", self.region, self.account_id, f"event-bus/{self.name}")


class RuleRef(NamedTuple):
    """What names a rule; also its document's key."""

    account_id: str
    region: str
    bus: str
    name: str

    @property
    def arn(self) -> str:
        """The rule's ARN; a rule of the default bus doesn't name it."""
        path = self.name if self.bus == DEFAULT_BUS else f"{self.bus}/{self.name}"
        return arn("events", self.region, self.account_id, f"rule/{path}")

    @property
    def bus_ref(self) -> BusRef:
        """The rule's bus."""
        return BusRef(self.account_id, self.region, self.bus)


def bus_ref(call: Call, name_or_arn: str | None) -> BusRef:
    """Return the bus that a request names by name or ARN; nothing means the caller's default bus."""
    if not name_or_arn:
        return BusRef(call.account_id, call.region, DEFAULT_BUS)
    if not name_or_arn.startswith("arn:"):
        return BusRef(call.account_id, call.region, name_or_arn)
    return bus_of_arn(name_or_arn)


def bus_of_arn(text: str, parameter: str = "EventBusName", reason: str = "Provided Arn is not in correct format.") -> BusRef:
    """Return the bus of an ARN; AWS's ``ValidationException`` when it isn't a bus's."""
    found = _events_arn(text)
    kind, _, name = found.resource.partition("/") if found else ("", "", "")
    if found is None or kind != "event-bus" or not name:
        raise invalid(f"Parameter {parameter} is not valid. Reason: {reason}")
    return BusRef(found.account_id, found.region, name)


def rule_ref(call: Call, rule: str, bus: str | None) -> RuleRef:
    """Return the rule that a request names."""
    return RuleRef(*bus_ref(call, bus), rule)


def rule_of_arn(text: str) -> RuleRef | None:
    """Return the rule of an ARN; ``None`` when it isn't a rule's."""
    found = _events_arn(text)
    if found is None or not found.resource.startswith("rule/"):
        return None
    bus, _, name = found.resource[5:].rpartition("/")
    return RuleRef(found.account_id, found.region, bus or DEFAULT_BUS, name)


def archive_of_arn(text: str) -> str | None:
    """Return the name of an archive's ARN; ``None`` when it isn't one."""
    found = _events_arn(text)
    return found.resource[8:] if found and found.resource.startswith("archive/") else None


def destination_of_arn(found: Arn) -> str:
    """Return the name of an API destination's ARN; empty when it isn't one."""
    if found.service != "events" or not found.resource.startswith("api-destination/"):
        return ""
    return found.resource.split("/")[1]


def _events_arn(text: str) -> Arn | None:
    try:
        found = Arn.parse(text)
    except ValueError:
        return None
    return found if found.service == "events" else None
