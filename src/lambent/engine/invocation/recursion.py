"""Recursive loops, told by the lineage in the trace header that queues, topics, buckets and functions pass on; pure.

Follows "Use Lambda recursive loop detection": about 16 invocations of a function by what it itself sent are let through, then it is
stopped. ``Root=…;Parent=…;Sampled=0;Lineage=1:fe460cdd:3|a87bd80c:0`` says that the function of the first hash ran three times more.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError

HOPS_MAX: Final = 16
"""Invocations of a function in one chain of requests."""
_FUNCTIONS_MAX: Final = 32  # in a header: the newest are kept, so that it stays short
_MARK: Final = "Lineage="
_STEP: Final = Regex(r"([0-9a-f]{8}):(\d{1,9})")


@lru_cache(maxsize=4096)
def lineage_hash(function_arn: str) -> str:
    """Return the 8 digits that stand for a function (its unqualified ARN)."""
    return hashlib.sha256(function_arn.encode()).hexdigest()[:8]


def fresh(now: float, digits: str) -> str:
    """Return the header of a request that came without one; ``digits`` are 40 random hexadecimal ones."""
    return f"{_root(int(now))}{digits[:24]};Parent={digits[24:]};Sampled=0"


@lru_cache(maxsize=4096)
def first_step(function_arn: str) -> str:
    """Return what follows in the header of a request that came to no function before."""
    return f";{_MARK}1:{lineage_hash(function_arn)}:0"


@lru_cache(maxsize=2)
def _root(seconds: int) -> str:
    return f"Root=1-{seconds:08x}-"


def hops(trace_header: str, function_arn: str) -> int:
    """Return how often the function ran in the chain of requests that this header comes from."""
    if _MARK not in trace_header:
        return 0
    mine = lineage_hash(function_arn)
    return next((int(count) + 1 for each, count in _steps(trace_header) if each == mine), 0)


def onward(trace_header: str, function_arn: str) -> str:
    """Return the header that the function is given, and passes on to whatever it calls."""
    if _MARK not in trace_header:
        return trace_header + first_step(function_arn)
    mine = lineage_hash(function_arn)
    others = [f"{each}:{count}" for each, count in _steps(trace_header) if each != mine]
    steps = [f"{mine}:{hops(trace_header, function_arn)}", *others[: _FUNCTIONS_MAX - 1]]
    kept = [part for part in trace_header.split(";") if part and not part.startswith(_MARK)]
    return ";".join([*kept, f"{_MARK}1:{'|'.join(steps)}"])


def check(trace_header: str, function_arn: str) -> None:
    """Raise ``RecursiveInvocationException`` for an invocation that would be one too many."""
    if hops(trace_header, function_arn) < HOPS_MAX:
        return
    text = "Lambda stopped this invocation: the function was invoked in a recursive loop with other resources."
    raise AwsError("RecursiveInvocationException", text, 400, members={"Type": "User"})


def _steps(trace_header: str) -> list[tuple[str, str]]:
    lineage = trace_header.partition(_MARK)[2].partition(";")[0]
    return _STEP.findall(lineage)
