"""The vocabulary of the tables: how a service's operations become actions, and their parameters resources.

A resource is a template, ``table/{TableName}``: what comes after ``arn:<partition>:<service>:<region>:<account>:``, or a whole ARN. Of a
service's templates the first counts whose parameters are all given. A parameter that is an ARN already stands for everything before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

Params: TypeAlias = Mapping[str, Any]
Part: TypeAlias = "tuple[str, Params]"
"""An operation with parameters."""


class Place(msgspec.Struct, frozen=True):
    """Where a call is made: what an ARN says beside the resource's own name."""

    partition: str
    region: str
    account_id: str


class Table(msgspec.Struct, frozen=True):
    """A service."""

    prefix: str  #: of its actions: ``lambda``
    resources: Sequence[str] = ()  #: templates
    home: str = "arn:{partition}:{prefix}:{region}:{account}:"  #: how ARNs of the service begin
    exceptions: Mapping[str, Sequence[str]] = {}  #: templates of particular operations, before the others
    actions: Mapping[str, str] = {}  #: operation → action, where their names differ
    action_of: Callable[[str, Params], str] | None = None  #: the same, where parameters decide
    unscoped: frozenset[str] = frozenset()  #: operations that are on no resource: on ``*``
    free: frozenset[str] = frozenset()  #: operations that need no permission
    values: Mapping[str, Callable[[str, Place], str]] = {}  #: parameter → its name or ARN as a template wants it
    parts: Mapping[str, Callable[[Params], Sequence[Part]]] = {}
    """Operations that are several at once: each must be allowed."""
    several: Sequence[str] = ()  #: parameters that each name a resource: if a call gives more than one, it needs all of these
    keys: Mapping[str, str] = {}  #: parameter → condition key
    roles: Mapping[str, Sequence[str]] = {}  #: operation → where in its parameters roles are handed over
    passed_to: str = ""  #: the service that those roles are for
    spoken: Callable[[str], str] | None = None  #: how the service's errors write an action


def listed(params: Params, member: str, operation: str, item: Callable[[Any], Params]) -> list[Part]:
    """Return a part for each item of a list."""
    return [(operation, item(each)) for each in params.get(member) or ()]
