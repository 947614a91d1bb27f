"""``wildcard``: ``*`` stands for any text, ``\\*`` and ``\\\\`` for themselves. Matched in time linear to the text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

_STATES_MAX = 12
_SETS_MAX = 2_000


class WildcardError(ValueError):
    """The text isn't a wildcard expression; the message is AWS's."""


def compile_wildcard(source: str) -> Callable[[str], bool]:
    """Return the test whether a text fits. Raises ``WildcardError``."""
    first, *rest = split_wildcard(source)
    if not rest:
        return first.__eq__
    *middle, last = rest
    length = len(first) + sum(map(len, rest))

    def test(text: str) -> bool:
        if len(text) < length or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return test


def split_wildcard(source: str) -> list[str]:
    """Return the literal parts between the ``*``s, unescaped. Positions in errors are in bytes and count AWS's leading quote."""
    parts, part, at = [], "", 0
    while at < len(source):
        character, following = source[at], source[at + 1 : at + 2]
        if character == "*":
            if following == "*":
                raise WildcardError(f"Consecutive wildcard characters at pos {len(source[:at].encode()) + 1}")
            parts.append(part)
            part = ""
        elif character == "\\":
            if not following or following not in "*\\":
                raise WildcardError(f"Invalid escape character at pos {len(source[:at].encode()) + 1}")
            part += following
            at += 1
        else:
            part += character
        at += 1
    return [*parts, part]


def too_complex(sources: Iterable[str]) -> bool:
    """Return whether a text could keep a matcher of all these expressions in too many places at once.

    AWS bounds that number and doesn't document the bound; this one refuses its documented example (``*:*:*:*:*:event-bus/*``).
    """
    graph = [_graph(split_wildcard(source)) for source in sources]
    start = frozenset((index, place) for index in range(len(graph)) for place in _reach(graph[index], 0))
    known, todo = {start}, [start]
    while todo and len(known) < _SETS_MAX:
        places = todo.pop()
        steps: dict[str, set[tuple[int, int]]] = {}
        loops = {(index, each) for index, place in places if graph[index][place] == "*" for each in (place, place + 1)}
        for index, place in places:
            character = graph[index][place]
            if character and character != "*":
                steps.setdefault(character, set(loops)).update((index, each) for each in _reach(graph[index], place + 1))
        for reached in map(frozenset, steps.values()):
            if len(reached) > _STATES_MAX:
                return True
            if reached not in known:
                known.add(reached)
                todo.append(reached)
    return False


def _graph(parts: list[str]) -> list[str]:
    """Return the expression's steps: characters, ``*`` for a loop, and an empty one for the end."""
    steps = list(parts[0].replace("*", "\\"))
    for part in parts[1:]:
        steps += ["*", *part.replace("*", "\\")]
    return [*steps, ""]


def _reach(steps: list[str], place: int) -> list[int]:
    """Return the place and, when it is a loop, what lies behind it."""
    return [place, place + 1] if steps[place] == "*" else [place]
