"""Names, ARNs and identifiers of log groups, as requests give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambent.base.regexes import Regex
from lambent.domain.arns import Arn, arn
from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.services.logs.errors import group_not_found, invalid, resource_not_found

_GROUP_NAME = Regex(r"[.\-_/#A-Za-z0-9]{1,512}")


def group_name_of(call: Call, request: Mapping[str, Any]) -> str:
    """Return the group's name from ``logGroupName`` or ``logGroupIdentifier`` (a name or an ARN), of which just one must be given."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        raise AwsError("ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    if name is not None:
        return str(name)
    if identifier is None:
        raise invalid("LogGroup name or LogGroup identifier must be specified.")
    return named_by(call, str(identifier))


def named_by(call: Call, identifier: str) -> str:
    """Return the group's name from a name or an ARN; a group of another account or region isn't found."""
    if not identifier.startswith("arn:"):
        return identifier
    name = _name_in(call, identifier)
    if name is None:
        raise group_not_found()
    return name


def tagged_by(call: Call, resource_arn: str) -> str:
    """Return the name of the group that the ARN of a tagging request names."""
    if not resource_arn.startswith("arn:"):
        raise invalid("1 validation error detected: Value at 'resourceArn' failed to satisfy constraint: Invalid ARN")
    name = _name_in(call, resource_arn)
    if name is None:
        raise resource_not_found()
    return name


def destination_by(call: Call, resource_arn: str) -> str | None:
    """Return the name of the destination that the ARN of a tagging request names; ``None`` when it isn't a destination's."""
    prefix = arn("logs", call.region, call.account_id, "destination:")
    return resource_arn.removeprefix(prefix) if resource_arn.startswith(prefix) else None


def _name_in(call: Call, text: str) -> str | None:
    try:
        parsed = Arn.parse(text)
    except ValueError:
        raise invalid(f"The specified ARN is invalid: {text}") from None
    kind, _, name = parsed.resource.partition(":")
    if (parsed.service, parsed.region, parsed.account_id, kind) != ("logs", call.region, call.account_id, "log-group"):
        return None
    name = name.removesuffix(":*")
    return name if _GROUP_NAME.fullmatch(name) else None
