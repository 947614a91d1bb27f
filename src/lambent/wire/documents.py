"""An operation's input from a plain JSON document, as EventBridge Scheduler's universal targets have it.

Members may begin with a capital where the model has none and the other way round; blobs are given as text, times as ISO 8601 or seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lambent.wire import models
from lambent.wire.models import is_list, is_map, is_structure

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape


def _moment(value: Any) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": str,
    "character": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "blob": lambda value: str(value).encode(),
    "timestamp": _moment,
}
_SDK_NAMES = {  # where AWS's SDK for Java, whose names universal targets use, calls a service otherwise
    "eventbridge": "events",
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "sfn": "stepfunctions",
    "applicationautoscaling": "application-autoscaling",
    "elasticloadbalancingv2": "elbv2",
    "costexplorer": "ce",
    "databasemigration": "dms",
}


class UnknownOperation(ValueError):
    """There is no such service or operation."""


def find_operation(sdk_service: str, action: str) -> tuple[str, str]:
    """Return the names of service and operation as botocore has them, for ``sqs`` and ``sendMessage``. Raises ``UnknownOperation``."""
    service = _SDK_NAMES.get(sdk_service, sdk_service)
    if service not in models.names():
        raise UnknownOperation(f"{sdk_service}:{action}")
    wanted = action.lower()
    for name in models.service(service).operation_names:
        if name.lower() == wanted:
            return service, name
    raise UnknownOperation(f"{sdk_service}:{action}")


def read_input(service: str, operation: str, document: Any) -> dict[str, Any]:
    """Return the document as the operation's input. ``ValueError`` when it doesn't fit the model."""
    shape = models.service(service).operation(operation).input_shape
    if shape is None:
        return {}
    found = _read(shape, document)
    return found if isinstance(found, dict) else {}


def _read(shape: Shape, value: Any) -> Any:
    if is_structure(shape):
        return value if shape.is_document_type else _structure(shape, value)
    if is_list(shape):
        if not isinstance(value, list):
            raise ValueError(f"a list was expected, not {type(value).__name__}")
        return [_read(shape.member, each) for each in value]
    if is_map(shape):
        if not isinstance(value, dict):
            raise ValueError(f"an object was expected, not {type(value).__name__}")
        return {name: _read(shape.value, each) for name, each in value.items()}
    if isinstance(value, list | dict):
        raise ValueError(f"a {shape.type_name} was expected, not {type(value).__name__}")
    return _SCALARS.get(shape.type_name, str)(value)


def _structure(shape: StructureShape, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"an object was expected, not {type(value).__name__}")
    members = {name.lower(): name for name in shape.members}
    found = {}
    for name, each in value.items():
        member = members.get(name.lower())
        if member is None:
            raise ValueError(f"there is no member {name}")
        if each is not None:
            found[member] = _read(shape.members[member], each)
    missing = [name for name in shape.required_members if name not in found]
    if missing:
        raise ValueError(f"the member {missing[0]} is missing")
    return found
