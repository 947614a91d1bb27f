"""botocore's service models, loaded when first asked for and kept."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, Shape, StructureShape
from botocore.model import ServiceModel as BotocoreModel

from lambent.wire import sqs_query

_LOADER = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


class Service:
    """A service's model with what the protocols ask of it again and again."""

    def __init__(self, name: str, model: BotocoreModel) -> None:
        self.name = name
        self.model = model
        metadata: dict[str, Any] = model.metadata
        self.metadata = metadata
        self.protocol: str = metadata["protocol"]
        self.protocols: tuple[str, ...] = tuple(metadata.get("protocols") or [metadata["protocol"]])
        # Upstreams lag behind AWS: to them we speak the older protocol of a service that has several.
        self.upstream_protocol = "json" if "json" in self.protocols else self.protocol
        self.target_prefix: str = metadata.get("targetPrefix", "")
        self.json_version: str = metadata.get("jsonVersion") or "1.0"
        self.query_compatible = "awsQueryCompatible" in metadata

    @cached_property
    def operation_names(self) -> frozenset[str]:
        """The model's operations."""
        return frozenset(self.model.operation_names)

    @cached_property
    def errors(self) -> dict[str, StructureShape]:
        """The modelled errors, by the shape's name and by the code on the wire."""
        found: dict[str, StructureShape] = {}
        for shape in self.model.error_shapes:
            assert isinstance(shape, StructureShape)
            found.setdefault(str(error_trait(shape).get("code", shape.name)), shape)
            found[shape.name] = shape
        return found

    def operation(self, name: str) -> OperationModel:
        """Return an operation's model; botocore's ``OperationNotFoundError`` when there is none."""
        return self.model.operation_model(name)


def error_trait(shape: Shape) -> dict[str, Any]:
    """Return an error shape's ``error`` trait: ``code``, ``httpStatusCode``, ``senderFault``."""
    metadata: dict[str, Any] = shape.metadata
    return metadata.get("error") or {}


@cache
def names() -> frozenset[str]:
    """Return botocore's name of every service."""
    return frozenset(_LOADER.list_available_services("service-2"))


@cache
def service(name: str) -> Service:
    """Return a service's model; ``KeyError`` when botocore has none of that name."""
    if name not in names():
        raise KeyError(name)
    return Service(name, BotocoreModel(_LOADER.load_service_model(name, "service-2"), name))


@cache
def spoken(name: str, protocol: str) -> Service:
    """Return a service's model as it describes a protocol; only SQS has one that its model no longer tells."""
    if (name, protocol) != ("sqs", "query"):
        return service(name)
    return Service(name, BotocoreModel(sqs_query.restore(_LOADER.load_service_model(name, "service-2")), name))


def traits(shape: Shape) -> dict[str, Any]:
    """Return a shape's (or member's) serialisation traits: ``location``, ``name``, ``flattened`` …"""
    return shape.serialization


def wire_name(shape: Shape, member: str) -> str:
    """Return the name under which a member travels."""
    return str(traits(shape).get("name", member))


def identity(shape: Shape) -> tuple[str, str]:
    """Return what tells compiled functions of shapes apart: members may override their shape's traits."""
    return shape.name, repr(sorted(traits(shape).items(), key=lambda item: str(item[0])))


def streaming_blob(shape: StructureShape | None) -> str | None:
    """Return the payload member that the model marks as a stream."""
    payload = None if shape is None else traits(shape).get("payload")
    if shape is None or payload is None:
        return None
    return payload if traits(shape.members[payload]).get("streaming") else None


def event_stream(shape: StructureShape | None) -> str | None:
    """Return the member that is an event stream."""
    if shape is None:
        return None
    return next((name for name, member in shape.members.items() if traits(member).get("eventstream")), None)
