"""A rule's targets: put, list, remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.service import Operations
from lambent.engine.delivery.targets import kind_of
from lambent.services.events.context import Events
from lambent.services.events.entries import parse_json
from lambent.services.events.errors import invalid, limit_exceeded
from lambent.services.events.inputs import PREDEFINED, InvalidPath, compile_path, placeholders
from lambent.services.events.names import destination_of_arn, rule_ref
from lambent.services.events.paging import paged, slice_page
from lambent.services.events.state import Rule

if TYPE_CHECKING:
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()


@operations.serves("PutTargets")
async def put_targets(events: Events, call: Call, request: shapes.PutTargetsRequest) -> dict[str, Any]:
    """Add targets to a rule, replacing those of the same ids."""
    given: list[dict[str, Any]] = [dict(each) for each in request["Targets"]]
    ref = rule_ref(call, request["Rule"], request.get("EventBusName"))
    for target in given:
        _arn(target["Arn"])
    for target in given:
        check(target)

    def change(rule: Rule) -> Rule:
        targets = {**rule.targets, **{target["Id"]: target for target in given}}
        if len(targets) > events.platform.quotas.targets_per_rule_max:
            raise limit_exceeded()
        return replace(rule, targets=targets)

    await events.change_rule(ref, change)
    return {"FailedEntryCount": 0, "FailedEntries": []}


@operations.serves("RemoveTargets")
async def remove_targets(events: Events, call: Call, request: shapes.RemoveTargetsRequest) -> dict[str, Any]:
    """Remove targets from a rule; ids that it doesn't have are no failure."""
    ids = request["Ids"]

    def change(rule: Rule) -> Rule:
        return replace(rule, targets={each: target for each, target in rule.targets.items() if each not in ids})

    ref = rule_ref(call, request["Rule"], request.get("EventBusName"))
    await events.change_rule(ref, change, force=bool(request.get("Force")))
    return {"FailedEntryCount": 0, "FailedEntries": []}


@operations.serves("ListTargetsByRule")
async def list_targets_by_rule(events: Events, call: Call, request: shapes.ListTargetsByRuleRequest) -> dict[str, Any]:
    """List a rule's targets."""
    rule = (await events.rule(rule_ref(call, request["Rule"], request.get("EventBusName")))).value
    found, token = slice_page(list(rule.targets.values()), list(rule.targets), request)
    return paged("Targets", found, token)


def check(target: Mapping[str, Any]) -> None:
    """Return when a target may be put; raise what AWS says about one that may not."""
    arn = _arn(target["Arn"])
    kind = kind_of(arn)
    if kind is None and not destination_of_arn(arn):
        raise NotImplementedHere("events", "PutTargets", f"Targets such as {arn} are not among those that are called.")
    _check_role(target, kind is None or kind.needs_role)
    _check_input(target)
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue is not None and _arn(queue).service != "sqs":
        raise invalid("The Arn in DeadLetterConfig must be of an SQS queue.")
    if arn.service == "sqs" and arn.resource.endswith(".fifo") != bool(target.get("SqsParameters", {}).get("MessageGroupId")):
        if arn.resource.endswith(".fifo"):
            raise invalid(f"Parameter(s) SqsParameters must be specified for target: {target['Id']}.")
        raise invalid(f"Parameter(s) SqsParameters not valid for target: {target['Id']}.")


def _arn(text: str) -> Arn:
    try:
        return Arn.parse(text)
    except ValueError:
        raise _malformed(text) from None


def _malformed(text: str) -> AwsError:
    return invalid(f"Parameter {text} is not valid. Reason: Provided Arn is not in correct format.")


def _check_role(target: Mapping[str, Any], needed: bool) -> None:
    role = target.get("RoleArn")
    if role is None:
        if needed:
            raise invalid(f"RoleArn is required for target {target['Arn']}.")
        return
    arn = _arn(role)
    if arn.service != "iam" or not arn.resource.startswith("role/"):
        raise _malformed(role)


def _check_input(target: Mapping[str, Any]) -> None:
    target_id = target["Id"]
    if sum(member in target for member in ("Input", "InputPath", "InputTransformer")) > 1:
        raise invalid(f"Only one of Input, InputPath, or InputTransformer must be provided for target {target_id}.")
    if "Input" in target:
        _check_json(target["Input"], target_id)
    if "InputPath" in target:
        _check_path(target["InputPath"], f"Invalid InputPath for target {target_id}.")
    transformer = target.get("InputTransformer")
    if transformer is None:
        return
    paths: Mapping[str, str] = transformer.get("InputPathsMap", {})
    for name, path in paths.items():
        if name.startswith(("AWS", "aws.")):
            raise invalid(f"InputPathsMap for target {target_id} contains invalid key {name}.")
        _check_path(path, f"Invalid InputPath {path} in InputPathsMap for target {target_id}.")
    for name in sorted(placeholders(transformer["InputTemplate"]) - paths.keys() - PREDEFINED):
        raise invalid(f"InputTemplate for target {target_id} contains invalid placeholder {name}.")


def _check_json(text: str, target_id: str) -> None:
    try:
        parse_json(text)
    except ValueError as error:
        raise invalid(f"JSON syntax error in input for target {target_id}: {error}") from None


def _check_path(path: str, message: str) -> None:
    try:
        compile_path(path)
    except InvalidPath:
        raise invalid(message) from None
