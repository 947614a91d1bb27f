"""botocore's service models, loaded when first asked for and kept.

So is botocore itself, whose import would take a tenth of a server's start: ``load_botocore`` does it where nothing waits for it.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeGuard

from lambent.wire import sqs_query

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
    from botocore.model import ServiceModel as BotocoreModel


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
            assert is_structure(shape)
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


def load_botocore() -> None:
    """Import what the models need of botocore, if nobody did yet."""
    import botocore.loaders  # noqa: PLC0415
    import botocore.model  # noqa: F401, PLC0415


@cache
def _loader() -> Loader:
    from botocore.loaders import Loader  # noqa: PLC0415

    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@cache
def names() -> frozenset[str]:
    """Return botocore's name of every service."""
    return frozenset(_loader().list_available_services("service-2"))


@cache
def service(name: str) -> Service:
    """Return a service's model; ``KeyError`` when botocore has none of that name."""
    if name not in names():
        raise KeyError(name)
    return _service(name, _loader().load_service_model(name, "service-2"))


@cache
def spoken(name: str, protocol: str) -> Service:
    """Return a service's model as it describes a protocol; only SQS has one that its model no longer tells."""
    if (name, protocol) != ("sqs", "query"):
        return service(name)
    return _service(name, sqs_query.restore(_loader().load_service_model(name, "service-2")))


def _service(name: str, description: Any) -> Service:
    from botocore.model import ServiceModel as BotocoreModel  # noqa: PLC0415

    return Service(name, BotocoreModel(description, name))


def is_structure(shape: Shape) -> TypeGuard[StructureShape]:
    """Return whether a shape is a structure."""
    return bool(shape.type_name == "structure")


def is_list(shape: Shape) -> TypeGuard[ListShape]:
    """Return whether a shape is a list."""
    return bool(shape.type_name == "list")


def is_map(shape: Shape) -> TypeGuard[MapShape]:
    """Return whether a shape is a map."""
    return bool(shape.type_name == "map")


def is_nested(shape: Shape) -> TypeGuard[StructureShape | ListShape | MapShape]:
    """Return whether a shape has further shapes inside."""
    return shape.type_name in {"structure", "list", "map"}


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
