"""Schedules: create, get, update, delete, list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT
from lambent.engine.delivery.target_retries import AGE_S_MAX, RETRIES_MAX
from lambent.services.scheduler import checks
from lambent.services.scheduler.errors import busy, conflict, not_found
from lambent.services.scheduler.firing import enrol
from lambent.services.scheduler.paging import read_page
from lambent.services.scheduler.state import ATTEMPTS_MAX, DEFAULT_GROUP, SCHEDULES, Schedule, Scheduler, moment

if TYPE_CHECKING:
    from lambent.services.scheduler import _generated_shapes as shapes

operations: Operations[Scheduler] = Operations()


@operations.serves("CreateSchedule")
async def create_schedule(scheduler: Scheduler, call: Call, request: shapes.CreateScheduleInput) -> dict[str, Any]:
    """Create a schedule; the same request with the same token again is answered alike."""
    group = request.get("GroupName", DEFAULT_GROUP)
    schedule = _made(scheduler, call, group, request, created=scheduler.now)
    await scheduler.check_role(schedule, (await scheduler.group(call.account_id, call.region, group)).value)
    if not await scheduler.try_commit([SCHEDULES.put(schedule.key, schedule, ABSENT), *enrol(scheduler, schedule)]):
        found = await SCHEDULES.get(scheduler.platform.store, schedule.key)
        if found is None or not schedule.token or found.value.token != schedule.token:
            raise conflict(f"Schedule {schedule.name}")
    return {"ScheduleArn": schedule.arn}


@operations.serves("GetSchedule")
async def get_schedule(scheduler: Scheduler, call: Call, request: shapes.GetScheduleInput) -> dict[str, Any]:
    """Describe a schedule."""
    group = request.get("GroupName", DEFAULT_GROUP)
    schedule = (await scheduler.schedule(call.account_id, call.region, group, request["Name"])).value
    described = _summary(schedule) | {
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": schedule.zone,
        "Target": schedule.target,
        "FlexibleTimeWindow": schedule.window,
        "ActionAfterCompletion": schedule.after_completion,
    }
    optional = {
        "StartDate": None if schedule.begin is None else moment(schedule.begin),
        "EndDate": None if schedule.end is None else moment(schedule.end),
        "Description": schedule.description or None,
        "KmsKeyArn": schedule.kms_key or None,
    }
    return described | {name: value for name, value in optional.items() if value is not None}


@operations.serves("UpdateSchedule")
async def update_schedule(scheduler: Scheduler, call: Call, request: shapes.UpdateScheduleInput) -> dict[str, Any]:
    """Replace a schedule; what isn't given is reset."""
    group = request.get("GroupName", DEFAULT_GROUP)
    for _ in range(ATTEMPTS_MAX):
        found = await scheduler.schedule(call.account_id, call.region, group, request["Name"])
        schedule = _made(scheduler, call, group, request, created=found.value.created)
        if schedule.target["RoleArn"] != found.value.target["RoleArn"]:
            await scheduler.check_role(schedule, (await scheduler.group(call.account_id, call.region, group)).value)
        if await scheduler.try_commit([SCHEDULES.put(found.key, schedule, found.version), *enrol(scheduler, schedule)]):
            return {"ScheduleArn": schedule.arn}
    raise busy()


@operations.serves("DeleteSchedule")
async def delete_schedule(scheduler: Scheduler, call: Call, request: shapes.DeleteScheduleInput) -> None:
    """Remove a schedule."""
    found = await scheduler.schedule(call.account_id, call.region, request.get("GroupName", DEFAULT_GROUP), request["Name"])
    if not await scheduler.try_commit([SCHEDULES.delete(found.key, found.version)]):
        raise not_found(f"Schedule {found.value.name}")


@operations.serves("ListSchedules")
async def list_schedules(scheduler: Scheduler, call: Call, request: shapes.ListSchedulesInput) -> dict[str, Any]:
    """List schedules by group and name; of one group, with a prefix, or in one state."""
    group, state, prefix = request.get("GroupName"), request.get("State"), request.get("NamePrefix", "")
    within: tuple[str, ...] = (call.account_id, call.region)
    if group is not None:
        await scheduler.group(call.account_id, call.region, group)
        within = (*within, group)

    def wants(schedule: Schedule) -> bool:
        return schedule.name.startswith(prefix) and state in (None, schedule.state)

    found, token = await read_page(scheduler.platform.store, SCHEDULES, within, request, wants)
    schedules = [_summary(each) | {"Target": {"Arn": each.target["Arn"]}} for each in found]
    return {"Schedules": schedules} | ({} if token is None else {"NextToken": token})


def _made(
    scheduler: Scheduler, call: Call, group: str, request: shapes.CreateScheduleInput | shapes.UpdateScheduleInput, *, created: float
) -> Schedule:
    """Return the schedule that a request describes. Raises what AWS says about one that isn't allowed."""
    zone = request.get("ScheduleExpressionTimezone", "UTC")
    begin, end = _seconds(request.get("StartDate")), _seconds(request.get("EndDate"))
    target: dict[str, Any] = dict(request["Target"])
    checks.check_expression(request["ScheduleExpression"], zone)
    checks.check_dates(begin, end, scheduler.now)
    checks.check_window(request["FlexibleTimeWindow"])
    checks.check_target(target)
    policy = {"MaximumEventAgeInSeconds": AGE_S_MAX, "MaximumRetryAttempts": RETRIES_MAX} | target.get("RetryPolicy", {})
    return Schedule(
        account_id=call.account_id,
        region=call.region,
        group=group,
        name=request["Name"],
        created=created,
        modified=scheduler.now,
        expression=request["ScheduleExpression"],
        target=target | {"RetryPolicy": policy},
        window=dict(request["FlexibleTimeWindow"]),
        zone=zone,
        state=request.get("State", "ENABLED"),
        begin=begin,
        end=end,
        description=request.get("Description", ""),
        kms_key=request.get("KmsKeyArn", ""),
        after_completion=request.get("ActionAfterCompletion", "NONE"),
        token=request.get("ClientToken", ""),
    )


def _seconds(given: datetime | None) -> float | None:
    return None if given is None else (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


def _summary(schedule: Schedule) -> dict[str, Any]:
    return {
        "Arn": schedule.arn,
        "Name": schedule.name,
        "GroupName": schedule.group,
        "State": schedule.state,
        "CreationDate": moment(schedule.created),
        "LastModificationDate": moment(schedule.modified),
    }
