"""Rules: put, describe, list, enable, disable, delete; and whether a pattern matches an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT
from lambent.patterns.events import Pattern, PatternError, compile_pattern
from lambent.patterns.schedules import InvalidSchedule, compile_schedule
from lambent.services.events.context import ATTEMPTS_MAX, Events
from lambent.services.events.entries import parse_json
from lambent.services.events.errors import busy, invalid, limit_exceeded, managed
from lambent.services.events.firing import enrol
from lambent.services.events.names import DEFAULT_BUS, bus_ref, rule_ref
from lambent.services.events.paging import paged, read_all, read_page, slice_page
from lambent.services.events.state import RULES, Rule
from lambent.services.events.tags import from_list

if TYPE_CHECKING:
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()


@operations.serves("PutRule")
async def put_rule(events: Events, call: Call, request: shapes.PutRuleRequest) -> dict[str, Any]:
    """Create a rule, or replace one but for its targets and tags."""
    ref = rule_ref(call, request["Name"], request.get("EventBusName"))
    pattern, schedule = request.get("EventPattern"), request.get("ScheduleExpression")
    if not pattern and not schedule:
        raise invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if pattern:
        checked_pattern(pattern)
    if schedule:
        _check_schedule(schedule, ref.bus)
    tags = from_list(request.get("Tags", []))
    for _ in range(ATTEMPTS_MAX):
        await events.bus(ref.bus_ref)
        found = await RULES.get(events.platform.store, ref)
        if found is None and len(await read_all(events.platform.store, RULES, ref.bus_ref)) >= events.platform.quotas.rules_per_bus_max:
            raise limit_exceeded()
        old = found.value if found else None
        if old is not None and old.managed_by:
            raise managed(old.name)
        kept = old is not None and old.schedule == schedule and old.is_enabled
        rule = Rule(
            account_id=ref.account_id,
            region=ref.region,
            bus=ref.bus,
            name=ref.name,
            pattern=pattern or None,
            schedule=schedule or None,
            state=request.get("State", "ENABLED"),
            description=request.get("Description", ""),
            role_arn=request.get("RoleArn", ""),
            created_by=old.created_by if old else call.caller.account_id or call.account_id,
            anchor=old.anchor if old and kept else events.now,
            targets=old.targets if old else {},
            tags=old.tags if old else tags,
        )
        if await events.try_commit([RULES.put(ref, rule, found.version if found else ABSENT), *enrol(rule, events.now)]):
            events.book.forget(ref.bus_ref)
            return {"RuleArn": ref.arn}
    raise busy()


@operations.serves("DescribeRule")
async def describe_rule(events: Events, call: Call, request: shapes.DescribeRuleRequest) -> dict[str, Any]:
    """Describe a rule."""
    rule = (await events.rule(rule_ref(call, request["Name"], request.get("EventBusName")))).value
    return _described(rule) | {"CreatedBy": rule.created_by}


@operations.serves("ListRules")
async def list_rules(events: Events, call: Call, request: shapes.ListRulesRequest) -> dict[str, Any]:
    """List a bus's rules by name."""
    bus = (await events.bus(bus_ref(call, request.get("EventBusName")))).value
    found, token = await read_page(events.platform.store, RULES, bus.ref, request)
    return paged("Rules", [_described(each) for each in found], token)


@operations.serves("ListRuleNamesByTarget")
async def list_rule_names_by_target(events: Events, call: Call, request: shapes.ListRuleNamesByTargetRequest) -> dict[str, Any]:
    """List the names of a bus's rules that have a target."""
    bus = (await events.bus(bus_ref(call, request.get("EventBusName")))).value
    rules = await read_all(events.platform.store, RULES, bus.ref)
    names = [each.name for each in rules if any(target["Arn"] == request["TargetArn"] for target in each.targets.values())]
    found, token = slice_page(names, names, request)
    return paged("RuleNames", found, token)


@operations.serves("EnableRule")
async def enable_rule(events: Events, call: Call, request: shapes.EnableRuleRequest) -> None:
    """Enable a rule; a rate counts from now on."""

    def change(rule: Rule) -> Rule:
        return rule if rule.is_enabled else replace(rule, state="ENABLED", anchor=events.now)

    ref = rule_ref(call, request["Name"], request.get("EventBusName"))
    await events.change_rule(ref, change, also=lambda rule: enrol(rule, events.now))


@operations.serves("DisableRule")
async def disable_rule(events: Events, call: Call, request: shapes.DisableRuleRequest) -> None:
    """Disable a rule."""
    ref = rule_ref(call, request["Name"], request.get("EventBusName"))
    await events.change_rule(ref, lambda rule: replace(rule, state="DISABLED"))


@operations.serves("DeleteRule")
async def delete_rule(events: Events, call: Call, request: shapes.DeleteRuleRequest) -> None:
    """Remove a rule without targets; one that isn't there is removed already."""
    ref = rule_ref(call, request["Name"], request.get("EventBusName"))
    await events.bus(ref.bus_ref)
    for _ in range(ATTEMPTS_MAX):
        found = await RULES.get(events.platform.store, ref)
        if found is None:
            return
        if found.value.managed_by and not request.get("Force"):
            raise managed(ref.name)
        if found.value.targets:
            raise invalid("Rule can't be deleted since it has targets.")
        if await events.try_commit([RULES.delete(ref, found.version)]):
            events.book.forget(ref.bus_ref)
            return
    raise busy()


@operations.serves("TestEventPattern")
async def test_event_pattern(events: Events, call: Call, request: shapes.TestEventPatternRequest) -> dict[str, Any]:
    """Say whether a pattern matches an event."""
    pattern = checked_pattern(request["EventPattern"])
    try:
        event = parse_json(request["Event"])
    except ValueError:
        event = None
    if not isinstance(event, dict) or not event.keys() >= _EVENT_MEMBERS:
        raise invalid("Parameter Event is not valid.")
    return {"Result": pattern.matches(event)}


_EVENT_MEMBERS = frozenset(("id", "detail-type", "source", "account", "time", "region"))
"""What an event to be tested must have. ``resources`` and ``detail`` may be missing."""


def checked_pattern(text: str) -> Pattern:
    """Return the compiled pattern; AWS's ``InvalidEventPatternException`` when it isn't one."""
    try:
        return compile_pattern(text)
    except PatternError as error:
        raise AwsError("InvalidEventPatternException", str(error)) from None


def _check_schedule(schedule: str, bus: str) -> None:
    if bus != DEFAULT_BUS:
        raise invalid("ScheduleExpression is supported only on the default event bus.")
    try:
        compile_schedule(schedule)
    except InvalidSchedule:
        raise invalid("Parameter ScheduleExpression is not valid.") from None


def _described(rule: Rule) -> dict[str, Any]:
    described = {
        "Name": rule.name,
        "Arn": rule.ref.arn,
        "EventPattern": rule.pattern,
        "ScheduleExpression": rule.schedule,
        "State": rule.state,
        "Description": rule.description,
        "RoleArn": rule.role_arn,
        "ManagedBy": rule.managed_by,
        "EventBusName": rule.bus,
    }
    return {name: value for name, value in described.items() if value}
