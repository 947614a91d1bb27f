"""Which operation a request is for, from its head alone."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lambent.base.memory import remembered
from lambent.domain.http import HttpRequest
from lambent.wire import models
from lambent.wire.faults import unknown_operation
from lambent.wire.models import Service, traits, wire_name

REST = frozenset({"rest-json", "rest-xml"})


class Route(msgspec.Struct, frozen=True):
    """An operation as its URI template finds it."""

    operation: str
    literals: dict[str, str]  #: query parameters that the template demands; an empty value stands for any
    query: tuple[str, ...]  #: required query members
    headers: tuple[str, ...]  #: required header members, lower-case
    deprecated: bool

    def rank(self, query: dict[str, str], request: HttpRequest) -> tuple[int, ...] | None:
        """Return how well the request fits, more is better; ``None`` when it can't be meant."""
        for name, value in self.literals.items():
            if name not in query or (value and query[name] != value):
                return None
        there = sum(name in query for name in self.query) + sum(name in request.headers for name in self.headers)
        missing = len(self.query) + len(self.headers) - there
        return (len(self.literals), -missing, there, not self.deprecated)


class _Node(msgspec.Struct):
    """A place in the tree of path segments."""

    children: dict[str, _Node] = msgspec.field(default_factory=dict)
    label: _Node | None = None
    greedy: list[tuple[tuple[str, ...], str, Route]] = msgspec.field(default_factory=list)  #: segments after it, method, route
    routes: dict[str, list[Route]] = msgspec.field(default_factory=dict)

    def find(self, method: str, parts: list[str], at: int) -> list[Route]:
        """Return the routes for the rest of the path: constant segments before labels, labels before greedy ones."""
        if at == len(parts):
            return self.routes.get(method, [])
        child = self.children.get(parts[at])
        if child is not None and (found := child.find(method, parts, at + 1)):
            return found
        if self.label is not None and parts[at] and (found := self.label.find(method, parts, at + 1)):
            return found
        rest = parts[at:]
        fits = [route for tail, verb, route in self.greedy if verb == method and _ends(rest, tail)]
        return fits if rest != [""] else []


def _ends(rest: list[str], tail: tuple[str, ...]) -> bool:
    return not tail or (len(rest) > len(tail) and tuple(rest[-len(tail) :]) == tail)


def segments(path: str) -> list[str]:
    """Return a path's segments, still encoded."""
    return path.split("/")[1:]


@cache
def _tree(service: str) -> _Node:
    root = _Node()
    model = models.service(service)
    for name in sorted(model.operation_names):
        path, _, _ = str(model.operation(name).http["requestUri"]).partition("?")
        _plant(root, segments(path.rstrip("/")), str(model.operation(name).http["method"]), _route(model, name))
    return root


def _plant(node: _Node, parts: list[str], method: str, route: Route) -> None:
    for index, part in enumerate(parts):
        if part.startswith("{") and part.endswith("+}"):
            node.greedy.append((tuple(parts[index + 1 :]), method, route))
            return
        if part.startswith("{"):
            node.label = node.label or _Node()
            node = node.label
        else:
            node = node.children.setdefault(part, _Node())
    node.routes.setdefault(method, []).append(route)


def _route(model: Service, name: str) -> Route:
    operation = model.operation(name)
    literals = dict(parse_qsl(str(operation.http["requestUri"]).partition("?")[2], keep_blank_values=True))
    shape = operation.input_shape
    query, headers = [], []
    for member in [] if shape is None else shape.required_members:
        bound = traits(shape.members[member])  # type: ignore[union-attr]
        if bound.get("location") == "querystring":
            query.append(wire_name(shape.members[member], member))  # type: ignore[union-attr]
        elif bound.get("location") == "header":
            headers.append(wire_name(shape.members[member], member).lower())  # type: ignore[union-attr]
    model_of: dict[str, Any] = operation._operation_model  # type: ignore[attr-defined]  # noqa: SLF001 - botocore drops the newer flag
    return Route(name, literals, tuple(query), tuple(headers), bool(model_of.get("deprecated")))


def query_of(request: HttpRequest) -> dict[str, str]:
    """Return the query's parameters; of repeated ones the last."""
    return dict(parse_qsl(request.query, keep_blank_values=True, errors="replace")) if request.query else {}


def protocol_of(model: Service, request: HttpRequest) -> str:
    """Return the protocol that the request speaks."""
    if model.protocol in REST:
        return model.protocol
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor" or "/operation/" in request.raw_path:
        return "smithy-rpc-v2-cbor"
    if "x-amz-target" in request.headers:
        return "json"
    if "x-www-form-urlencoded" in request.headers.get("content-type", "") or "Action=" in request.query:
        return "ec2" if model.protocol == "ec2" else "query"
    return "query" if model.name == "sqs" else model.protocol


def route(service: str, request: HttpRequest) -> str | None:
    """Return the operation's name, or ``None`` where only the body names it (``query``). ``AwsError`` when the service has no such one."""
    model = models.service(service)
    protocol = protocol_of(model, request)
    if protocol in REST:
        return _rest(service, protocol, request)
    if protocol == "smithy-rpc-v2-cbor":
        name = request.raw_path.rpartition("/")[2]
    elif protocol == "json":
        name = request.headers.get("x-amz-target", "").rpartition(".")[2]
    else:
        name = query_of(request).get("Action", "")
        if not name:
            return None
    if name not in model.operation_names:
        raise unknown_operation(service, protocol, name)
    return name


def certain_route(service: str, request: HttpRequest) -> str | None:
    """Return the operation when method, path, target and protocol alone name it: other headers and the query make no difference then."""
    model = models.service(service)
    protocol = protocol_of(model, request)
    if protocol == "json":
        name = request.headers.get("x-amz-target", "").rpartition(".")[2]
        return name if name in model.operation_names else None
    found = _candidates(request.raw_path, service, request.method) if protocol in REST else ()
    return found[0].operation if len(found) == 1 and not found[0].literals else None


@remembered(4096)
def _candidates(raw_path: str, service: str, method: str) -> tuple[Route, ...]:
    """Return the routes that a path may mean."""
    tree = _tree(service)
    parts = segments(raw_path)
    found = tree.find(method, parts, 0)
    if not found and parts and not parts[-1]:
        found = tree.find(method, parts[:-1], 0)
    return tuple(found)


def _rest(service: str, protocol: str, request: HttpRequest) -> str:
    found = _candidates(request.raw_path, service, request.method)
    if len(found) == 1 and not found[0].literals:
        return found[0].operation
    query = query_of(request)
    ranked = [(rank, each.operation) for each in found if (rank := each.rank(query, request)) is not None]
    if not ranked:
        raise unknown_operation(service, protocol)
    best = max(rank for rank, _ in ranked)
    return min(name for rank, name in ranked if rank == best)
