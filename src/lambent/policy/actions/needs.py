"""Reads the tables: what a call needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from lambent.domain.arns import partition_of
from lambent.domain.call import Call
from lambent.policy.actions.compute import STEP_FUNCTIONS
from lambent.policy.actions.compute import TABLE as LAMBDA
from lambent.policy.actions.dynamodb import STREAMS as DYNAMODB_STREAMS
from lambent.policy.actions.dynamodb import TABLE as DYNAMODB
from lambent.policy.actions.management import CLOUDWATCH, IAM, KMS, LOGS, SECRETS_MANAGER, SSM, STS
from lambent.policy.actions.messaging import EVENTS, FIREHOSE, KINESIS, SCHEDULER, SNS, SQS
from lambent.policy.actions.s3 import TABLE as S3
from lambent.policy.actions.tables import Params, Part, Place, Table

_TABLES: Final[Mapping[str, Table]] = {
    "cloudwatch": CLOUDWATCH,
    "dynamodb": DYNAMODB,
    "dynamodbstreams": DYNAMODB_STREAMS,
    "events": EVENTS,
    "firehose": FIREHOSE,
    "iam": IAM,
    "kinesis": KINESIS,
    "kms": KMS,
    "lambda": LAMBDA,
    "logs": LOGS,
    "s3": S3,
    "scheduler": SCHEDULER,
    "secretsmanager": SECRETS_MANAGER,
    "sns": SNS,
    "sqs": SQS,
    "ssm": SSM,
    "stepfunctions": STEP_FUNCTIONS,
    "sts": STS,
}
_PREFIXES: Final = {
    "apigatewayv2": "apigateway",
    "bedrock-runtime": "bedrock",
    "efs": "elasticfilesystem",
    "elbv2": "elasticloadbalancing",
    "elb": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "iot-data": "iot",
    "opensearch": "es",
    "resourcegroupstaggingapi": "tag",
    "sesv2": "ses",
}
"""Where IAM's name of a service isn't botocore's, of services without a table."""
_ANYTHING: Final = "*"


class Need(msgspec.Struct, frozen=True):
    """A permission that a call takes."""

    action: str  #: ``sqs:SendMessage``
    resource: str  #: ARN; ``*`` where the action is on no resource
    certain: bool = True  #: as in ``Request``
    spoken: str = ""  #: the action as the service's errors write it
    conditions: Mapping[str, tuple[str, ...]] = {}  #: what the call itself brings along

    @property
    def is_pattern(self) -> bool:
        """Whether the resource has a ``?`` for each character of its name that isn't known: a secret's, named without its ending."""
        return self.resource.endswith("-??????") and ":secretsmanager:" in self.resource

    @property
    def shown(self) -> str:
        """The resource as an error's message says it."""
        if self.is_pattern:
            return self.resource.partition(":secret:")[2].removesuffix("-??????")
        return self.resource if self.certain else _ANYTHING

    @property
    def account_id(self) -> str:
        """Whose the resource is, as far as its ARN says."""
        parts = self.resource.split(":", 5)
        return parts[4] if len(parts) == 6 else ""


def needs_of(call: Call) -> tuple[Need, ...]:
    """Return what a call needs, all of it; nothing for the few operations that everybody may call."""
    table = _TABLES.get(call.service)
    place = Place(partition_of(call.region), call.region, call.account_id)
    if table is None:
        return tuple(_generic(call, place))
    if call.operation in table.free:
        return ()
    split = table.parts.get(call.operation)
    parts = split(call.params) if split is not None else ((call.operation, call.params),)
    parts = [one for operation, params in parts for one in _apart(table, operation, params, place)]
    found = [_need(table, operation, params, place) for operation, params in parts]
    found += _passed(table, call)
    return tuple({(each.action, each.resource): each for each in found}.values())


def _apart(table: Table, operation: str, params: Params, place: Place) -> Sequence[Part]:
    """Return one part for each of several resources that a call names: which of them its service goes by isn't for the caller to choose.

    What tells nothing (another Kinesis's iterator) counts only where it is all that is given.
    """
    given = [member for member in table.several if params.get(member)]
    if len(given) < 2:
        return ((operation, params),)
    named = [each for each in given if each not in table.values or table.values[each](str(params[each]), place)]
    if len(named) < 2:
        return ((operation, params),)
    shared = {member: value for member, value in params.items() if member not in given}
    return [(operation, {**shared, member: params[member]}) for member in named]


def _need(table: Table, operation: str, params: Params, place: Place) -> Need:
    name = table.action_of(operation, params) if table.action_of else table.actions.get(operation, operation)
    action = f"{table.prefix}:{name}"
    spoken = table.spoken(action) if table.spoken else action
    conditions = {key: _texts(params[member]) for member, key in table.keys.items() if params.get(member) is not None}
    if operation in table.unscoped:
        return Need(action, _ANYTHING, spoken=spoken, conditions=conditions)
    for template in (*table.exceptions.get(operation, ()), *table.resources):
        resource = _filled(table, template, params, place)
        if resource is not None:
            return Need(action, resource, spoken=spoken, conditions=conditions)
    return Need(action, _home(table, place), certain=False, spoken=spoken, conditions=conditions)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, (list, tuple)) else (str(value),)


def _home(table: Table, place: Place) -> str:
    return table.home.format(partition=place.partition, prefix=table.prefix, region=place.region, account=place.account_id)


@lru_cache(maxsize=1024)
def _names(template: str) -> tuple[str, ...]:
    return tuple(re.findall(r"{([A-Z][A-Za-z]*|[a-z]+[A-Z][A-Za-z]*|name)}", template))


def _filled(table: Table, template: str, params: Params, place: Place) -> str | None:
    """Return the template's ARN; ``None`` when a parameter of it isn't given."""
    values: dict[str, str] = {}
    for name in _names(template):
        given = params.get(name)
        if not isinstance(given, (str, int)) or given == "":
            return None
        convert = table.values.get(name)
        values[name] = convert(str(given), place) if convert else str(given)
        if values[name] == "":
            return None
    text = template
    for name, value in values.items():
        before, _, after = text.partition(f"{{{name}}}")
        text = value + after if value.startswith("arn:") else before + value + after
    if text.startswith("arn:"):
        return text.replace("{partition}", place.partition).replace("{region}", place.region).replace("{account}", place.account_id)
    return _home(table, place) + text


def _passed(table: Table, call: Call) -> Iterator[Need]:
    """Give ``iam:PassRole`` for each role that the call hands to its service."""
    for path in table.roles.get(call.operation, ()):
        for role in _found(call.params, path.split(".")):
            yield Need("iam:PassRole", role, spoken="iam:PassRole", conditions={"iam:PassedToService": (table.passed_to,)})


def _found(value: Any, path: Sequence[str]) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _found(each, path)
    elif not path:
        if isinstance(value, str) and value:
            yield value
    elif isinstance(value, Mapping) and value.get(path[0]) is not None:
        yield from _found(value[path[0]], path[1:])


def _generic(call: Call, place: Place) -> Iterator[Need]:
    """Give what a call of a service without a table needs: the action of the operation's name on the resources whose ARNs the call names
    itself; without such, on some resource of the service."""
    prefix = _PREFIXES.get(call.service, call.service)
    action = f"{prefix}:{call.operation}"
    beginning = f"arn:{place.partition}:{prefix}:"
    named = [each for each in call.params.values() if isinstance(each, str) and each.startswith(beginning)]
    for arn in named:
        yield Need(action, arn, spoken=action)
    if not named:
        home = f"arn:{place.partition}:{prefix}:{place.region}:{place.account_id}:"
        yield Need(action, home, certain=False, spoken=action)
