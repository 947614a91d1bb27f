"""What every compiler of shapes has in common: one function per shape, made at first use, and shapes may hold themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from lambent.wire.models import identity

if TYPE_CHECKING:
    from botocore.model import Shape

F = TypeVar("F", bound=Callable[..., Any])


class Compiler(Generic[F]):
    """Makes and keeps a function for each shape."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], F] = {}

    def of(self, shape: Shape) -> F:
        """Return the function for a shape."""
        key = identity(shape)
        if key not in self._made:
            # A shape may hold itself (DynamoDB's AttributeValue): until its function is made, it is looked up when called.
            self._made[key] = self._later(key)
            self._made[key] = self._make(shape)
        return self._made[key]

    def _later(self, key: tuple[str, str]) -> F:
        def later(*arguments: Any) -> Any:
            return self._made[key](*arguments)

        return cast("F", later)

    def _make(self, shape: Shape) -> F:
        raise NotImplementedError
