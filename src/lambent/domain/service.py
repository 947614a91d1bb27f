"""How a service offers its operations: each is one typed function, found by the model's operation name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from lambent.domain.call import Call, Result
from lambent.domain.errors import NotImplementedHere
from lambent.domain.ports import RawHandler, Worker

C = TypeVar("C")
Handler: TypeAlias = Callable[[C, Call, Any], Awaitable[Result | None]]
Serve: TypeAlias = Callable[[Call], Awaitable[Result | None]]
"""Carries out authorised calls of one operation; ``None`` is an empty result. Raises ``AwsError``."""


class Operations(Generic[C]):
    """A family of operations over a service's context ``C``; one per module.

    >>> operations: Operations[Logs] = Operations()
    >>> @operations.serves("CreateLogGroup")
    ... async def create_log_group(logs: Logs, call: Call, request: CreateLogGroupRequest) -> None: ...
    """

    def __init__(self) -> None:
        self.handlers: dict[str, Handler[C]] = {}

    def serves(self, operation: str) -> Callable[[Callable[[C, Call, Any], Awaitable[Any]]], Callable[[C, Call, Any], Awaitable[Any]]]:
        """Register the decorated coroutine function as the one that serves ``operation``."""

        def register(handler: Callable[[C, Call, Any], Awaitable[Any]]) -> Callable[[C, Call, Any], Awaitable[Any]]:
            if operation in self.handlers:
                raise ValueError(f"{operation} is served twice")
            self.handlers[operation] = handler
            return handler

        return register


def families(package: str, *modules: str) -> Callable[[], list[Operations[Any]]]:
    """Return what imports a service's families of operations: modules of its package, each with its ``operations``.

    By name, because a start doesn't wait for them: all services' together take a tenth of it.
    """
    return lambda: [import_module(f"{package}.{each}").operations for each in modules]


class Service(Protocol):
    """A native AWS service as ``Cloud`` sees it."""

    name: str  #: botocore's service name
    raw_handlers: Sequence[RawHandler]
    workers: Sequence[Worker]
    partial: bool  #: whether what it doesn't serve is the companion's

    @property
    def operations(self) -> Mapping[str, object]:
        """What is served, by the model's operation name."""
        ...

    def handler(self, operation: str) -> Serve:
        """Return what carries out an operation. Raises ``NotImplementedHere`` for one that isn't built yet."""
        ...

    def load(self) -> None:
        """Import what carries out operations, if no call has had it imported yet."""
        ...


class NativeService(Generic[C]):
    """A service made of families of operations over one context."""

    def __init__(
        self,
        name: str,
        context: C,
        families: Callable[[], Sequence[Operations[C]]],
        *,
        raw_handlers: Sequence[RawHandler] = (),
        workers: Sequence[Worker] = (),
        partial: bool = False,
    ) -> None:
        self.name = name
        self._context = context
        self._families = families
        self.raw_handlers = raw_handlers
        self.workers = workers
        self.partial = partial

    @cached_property
    def operations(self) -> Mapping[str, Handler[C]]:
        """What is served, by the model's operation name."""
        found: dict[str, Handler[C]] = {}
        for family in self._families():
            twice = found.keys() & family.handlers.keys()
            if twice:
                raise ValueError(f"{self.name}: served twice: {sorted(twice)}")
            found.update(family.handlers)
        return found

    def load(self) -> None:
        """Import what carries out operations, if no call has had it imported yet."""
        _ = self.operations

    def handler(self, operation: str) -> Serve:
        """Return what carries out an operation."""
        handler, context = self.operations.get(operation), self._context
        if handler is None:
            raise NotImplementedHere(self.name, operation)
        return lambda call: handler(context, call, call.params)
