"""The policy of a resource, asked for with its service's public API as the owner's root: where a role's own policies are silent, it may
allow the role all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from lambent.base.ids import Ids
from lambent.domain.arns import Arn
from lambent.domain.call import Call, Params
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.ports import Cloud
from lambent.policy.actions import Need
from lambent.policy.permissions import Policy

_Ask: TypeAlias = "tuple[str, str, Params, str]"
"""Service, operation, parameters, and the member of the answer in which the policy's text is, by steps."""


def _queue(arn: Arn) -> _Ask:
    url = f"http://localhost/{arn.account_id}/{arn.resource}"
    return "sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["Policy"]}, "Attributes.Policy"


def _topic(arn: Arn) -> _Ask:
    return "sns", "GetTopicAttributes", {"TopicArn": str(arn)}, "Attributes.Policy"


def _bucket(arn: Arn) -> _Ask:
    return "s3", "GetBucketPolicy", {"Bucket": arn.resource.partition("/")[0]}, "Policy"


def _function(arn: Arn) -> _Ask:
    _, name, *qualifier = arn.resource.split(":")
    whole = str(Arn(arn.partition, arn.service, arn.region, arn.account_id, f"function:{name}"))
    published = bool(qualifier) and qualifier[0] != "$LATEST"
    return "lambda", "GetPolicy", {"FunctionName": whole} | ({"Qualifier": qualifier[0]} if published else {}), "Policy"


def _bus(arn: Arn) -> _Ask:
    return "events", "DescribeEventBus", {"Name": str(arn)}, "Policy"


_ASKS: Final[Mapping[tuple[str, str], Callable[[Arn], _Ask]]] = {
    ("sqs", ""): _queue,
    ("sns", ""): _topic,
    ("s3", ""): _bucket,
    ("lambda", "function:"): _function,
    ("events", "event-bus/"): _bus,
}


class ResourcePolicies:
    """Asks for them."""

    def __init__(self, cloud: Cloud, ids: Ids) -> None:
        self._cloud = cloud
        self._ids = ids

    async def of(self, need: Need, call: Call) -> tuple[Policy, ...]:
        """Return the policy of the resource that a need is of; nothing when it has none, or isn't of the caller's own account."""
        if not need.certain or not need.resource.startswith("arn:"):
            return ()
        arn = Arn.parse(need.resource)
        owner = call.caller.account_id
        for (service, beginning), ask in _ASKS.items():
            if arn.service == service and arn.resource.startswith(beginning) and arn.account_id in {"", owner}:
                text = await self._text(ask(arn), Caller.root(owner), arn.region or call.region)
                return () if text is None else (text,)
        return ()

    async def _text(self, asked: _Ask, caller: Caller, region: str) -> Policy | None:
        service, operation, params, steps = asked
        call = Call(service, operation, params, caller, region, caller.account_id, self._ids.uuid())
        try:
            found: Any = await self._cloud.call(call)
        except AwsError:
            return None  # there is no such resource, or it has no policy: then none lets anybody in
        for step in steps.split("."):
            found = (found or {}).get(step)
        try:
            return Policy.parse(found) if isinstance(found, str) and found else None
        except ValueError:
            return None
