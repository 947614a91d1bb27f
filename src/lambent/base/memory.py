"""Remembering what was found, where strangers choose what is looked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, Final, Generic, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

KEPT_CHARACTERS_MAX: Final = 1024
"""Of a text that something is remembered for: heads have up to 64 KB, and a few thousand of those would fill the memory."""


class Remembered(dict[str, T], Generic[T]):
    """What a pure function returned for the last texts: ``known[text]`` finds it, or asks the function; for long texts it is not kept.

    For what every request asks: a decorated function takes eight times as long. When it is full it begins anew.
    """

    __slots__ = ("_count", "_find")

    def __init__(self, find: Callable[[str], T], count: int) -> None:
        super().__init__()
        self._find = find
        self._count = count

    def __missing__(self, text: str) -> T:
        """Return what the function returns."""
        found = self._find(text)
        if len(text) <= KEPT_CHARACTERS_MAX:
            if len(self) >= self._count:
                self.clear()
            self[text] = found
        return found


def remembered(count: int) -> Callable[[Callable[Concatenate[str, P], T]], Callable[Concatenate[str, P], T]]:
    """Return a decorator: what a pure function returned for a text is kept, the last ``count`` of them; for long texts it isn't."""

    def decorate(find: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
        known = cast("Callable[Concatenate[str, P], T]", lru_cache(maxsize=count)(find))

        @wraps(find)
        def found(text: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
            return (known if len(text) <= KEPT_CHARACTERS_MAX else find)(text, *args, **kwargs)

        return found

    return decorate
