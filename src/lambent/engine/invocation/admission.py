"""Who may run now: the account's concurrency, reserved concurrency, and rates. Pure; the time is passed in, in seconds.

Follows "Understanding Lambda function scaling": an account and region may be busy with 1,000 invocations at once; what functions
reserve is theirs and taken from the others' pool; a function gets at most 1,000 new environments per 10 s, refilled continuously and
never above that; synchronous requests are at most ten times the concurrency per second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeAlias

import msgspec

from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.domain.quotas import Quotas

ReservedTotal: TypeAlias = Callable[[str, str], int]
"""``(account_id, region)`` → what is taken from the pool of all: reserved concurrency, and provisioned concurrency of functions that
reserve none."""


class TokenBucket:
    """At most ``capacity`` at once, refilled by ``per_s``."""

    __slots__ = ("_at", "_tokens", "capacity", "per_s")

    def __init__(self, capacity: float, per_s: float, now: float) -> None:
        self.capacity = capacity
        self.per_s = per_s
        self._tokens = capacity
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        tokens = self._tokens + (now - self._at) * self.per_s
        if tokens > self.capacity:
            tokens = self.capacity
        self._at = now
        is_enough = tokens >= 1.0
        self._tokens = tokens - 1.0 if is_enough else tokens
        return is_enough

    def is_full(self, now: float) -> bool:
        """Return whether it is as a new one is."""
        return self._tokens + (now - self._at) * self.per_s >= self.capacity


class _Account:
    """What is busy in one account and region."""

    __slots__ = ("busy", "rate")

    def __init__(self, rate: TokenBucket) -> None:
        self.busy = 0  #: invocations that run in the unreserved pool
        self.rate = rate


class _Function:
    """What is busy of one function, all versions together."""

    __slots__ = ("account", "busy", "provisioned", "rate", "scaling")

    def __init__(self, account: _Account, scaling: TokenBucket) -> None:
        self.account = account
        self.busy = 0
        self.provisioned = 0  #: of the busy: in provisioned environments
        self.scaling = scaling
        self.rate: TokenBucket | None = None

    def is_as_new(self, now: float) -> bool:
        """Return whether nothing is known of it that would be missed."""
        return self.busy == 0 and self.scaling.is_full(now) and (self.rate is None or self.rate.is_full(now))


class Ticket(msgspec.Struct, gc=False):
    """A place among the busy; ``leave`` it once."""

    function: _Function
    account: _Account | None  #: whose pool of all the place is in; ``None``: it is in what the function reserves, or has provisioned
    is_provisioned: bool
    is_left: bool = False

    def leave(self) -> None:
        """Give the place back; a second time does nothing."""
        if self.is_left:
            return
        self.is_left = True
        self.function.busy -= 1
        if self.account is not None:
            self.account.busy -= 1
        elif self.is_provisioned:
            self.function.provisioned -= 1


class Admission:
    """Counts what runs and refuses what is too much with ``TooManyRequestsException``."""

    def __init__(self, quotas: Quotas, reserved_total: ReservedTotal = lambda account_id, region: 0) -> None:
        self._quotas = quotas
        self._reserved_total = reserved_total
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._functions: dict[str, _Function] = {}

    def enter(self, function: FunctionVersion, now: float, *, is_provisioned: bool = False) -> Ticket:
        """Take a place for an invocation. Raises ``AwsError`` with its reason when there is none.

        ``is_provisioned``: it finds a provisioned environment, whose place was taken from the pool of all when that was allotted.
        """
        entry = self._functions.get(function.function_arn) or self._function(function, now)
        if function.reserved_concurrency is not None or is_provisioned:
            return self._enter_own(entry, function, now, is_provisioned=is_provisioned)
        account = entry.account
        if account.busy >= self._quotas.concurrency_max - self._reserved_total(function.account_id, function.region):
            throttle("ConcurrentInvocationLimitExceeded")
        if not account.rate.take(now):
            throttle("CallerRateLimitExceeded")
        account.busy += 1
        entry.busy += 1
        return Ticket(entry, account, is_provisioned=False)

    def _enter_own(self, entry: _Function, function: FunctionVersion, now: float, *, is_provisioned: bool) -> Ticket:
        """Take a place that isn't in the pool of all."""
        if function.reserved_concurrency is not None:
            self._check_reserved(entry, function, now, is_provisioned=is_provisioned)
        entry.busy += 1
        entry.provisioned += is_provisioned
        return Ticket(entry, None, is_provisioned)

    def _check_reserved(self, entry: _Function, function: FunctionVersion, now: float, *, is_provisioned: bool) -> None:
        """Raise when the function has used up what it reserves. What is provisioned of that is for those versions only."""
        reserved = function.reserved_concurrency or 0
        free = reserved if is_provisioned else reserved - function.provisioned_concurrency + entry.provisioned
        if entry.busy >= free:
            throttle("ReservedFunctionConcurrentInvocationLimitExceeded")
        per_s = float(reserved * self._quotas.requests_per_concurrency)
        if entry.rate is None or entry.rate.capacity != per_s:
            entry.rate = TokenBucket(per_s, per_s, now)
        if not entry.rate.take(now):
            throttle("ReservedFunctionInvocationRateLimitExceeded")

    def scale(self, function: FunctionVersion, now: float) -> None:
        """Note that the function gets a new environment. Raises ``AwsError`` when it got too many in too short a time."""
        if not self._function(function, now).scaling.take(now):
            throttle("FunctionInvocationRateLimitExceeded")

    def busy(self, function: FunctionVersion) -> int:
        """Return how many invocations of the function run now."""
        entry = self._functions.get(function.function_arn)
        return 0 if entry is None else entry.busy

    def forget(self, now: float) -> None:
        """Forget functions, and then accounts, of which nothing runs, and which may do again whatever new ones may: deleted, or unused."""
        for arn in [arn for arn, each in self._functions.items() if each.is_as_new(now)]:
            del self._functions[arn]
        held = {id(each.account) for each in self._functions.values()}
        for key, account in list(self._accounts.items()):
            if id(account) not in held and account.busy == 0 and account.rate.is_full(now):
                del self._accounts[key]

    def _account(self, function: FunctionVersion, now: float) -> _Account:
        key = (function.account_id, function.region)
        account = self._accounts.get(key)
        if account is None:
            per_s = float(self._quotas.concurrency_max * self._quotas.requests_per_concurrency)
            account = self._accounts[key] = _Account(TokenBucket(per_s, per_s, now))
        return account

    def _function(self, function: FunctionVersion, now: float) -> _Function:
        key = function.function_arn
        entry = self._functions.get(key)
        if entry is None:
            capacity = float(self._quotas.scaling_environments_per_10s)
            entry = self._functions[key] = _Function(self._account(function, now), TokenBucket(capacity, capacity / 10, now))
        return entry


def throttle(reason: str) -> NoReturn:
    """Raise AWS's answer to an invocation that finds no place."""
    raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429, members={"Type": "User", "Reason": reason})
