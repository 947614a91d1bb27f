"""An IAM in memory behind ``Cloud``, and an authoriser over it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from lambent.adapters.memory import MemoryStore
from lambent.base.clock import VirtualClock
from lambent.base.ids import SeededIds
from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError
from lambent.server.authoriser import RoleAuthoriser
from lambent.server.identities import SessionPolicies
from lambent.server.resource_policies import ResourcePolicies
from lambent.server.role_book import RoleBook
from lambent.server.role_documents import IamReader

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"
QUEUE_URL = f"http://localhost:4566/{ACCOUNT}/q"
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


@dataclass
class FakeIam:
    """IAM's roles by name, and other services' answers by operation."""

    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    managed: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    failing: AwsError | None = None

    def add(self, name: str, *statements: dict[str, Any], boundary: str = "", **more: Any) -> None:
        role = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "RoleId": "AROA1", "AssumeRolePolicyDocument": quote(json.dumps(TRUST))}
        if boundary:
            role["PermissionsBoundary"] = {"PermissionsBoundaryArn": boundary}
        self.roles[name] = {"role": {**role, **more}, "inline": {"p": policy(*statements)}, "attached": []}

    async def call(self, call: Call) -> Any:
        self.calls.append(call)
        if self.failing is not None:
            raise self.failing
        if call.service != "iam":
            if call.operation not in self.answers:
                raise AwsError("NoSuchBucketPolicy", "no", 404)
            return self.answers[call.operation]
        return getattr(self, call.operation)(call.params)

    def _role(self, params: Any) -> dict[str, Any]:
        if params["RoleName"] not in self.roles:
            raise AwsError("NoSuchEntity", "no", 404)
        return self.roles[params["RoleName"]]

    def GetRole(self, params: Any) -> Any:
        return {"Role": self._role(params)["role"]}

    def ListRolePolicies(self, params: Any) -> Any:
        """One name on each page."""
        names = sorted(self._role(params)["inline"])
        at = int(params.get("Marker", 0))
        more = at + 1 < len(names)
        return {"PolicyNames": names[at : at + 1], "IsTruncated": more, **({"Marker": str(at + 1)} if more else {})}

    def GetRolePolicy(self, params: Any) -> Any:
        return {"PolicyDocument": quote(self._role(params)["inline"][params["PolicyName"]])}

    def ListAttachedRolePolicies(self, params: Any) -> Any:
        return {"AttachedPolicies": [{"PolicyArn": arn} for arn in self._role(params)["attached"]], "IsTruncated": False}

    def GetPolicy(self, params: Any) -> Any:
        if params["PolicyArn"] not in self.managed:
            raise AwsError("NoSuchEntity", "no", 404)
        return {"Policy": {"DefaultVersionId": "v2"}}

    def GetPolicyVersion(self, params: Any) -> Any:
        assert params["VersionId"] == "v2"
        return {"PolicyVersion": {"Document": self.managed[params["PolicyArn"]]}}


class World:
    """An authoriser that a test asks."""

    def __init__(self, *, strict: bool = False) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore(self.clock)
        self.ids = SeededIds(1)
        self.iam = FakeIam()
        self.running = True
        self.begun: dict[str, SessionPolicies] = {}
        self.strict = strict
        self.restart()

    def restart(self) -> None:
        """Begin with what is in the store."""
        self.book = RoleBook(self.store, self.clock, IamReader(self.iam, self.ids), may_know=lambda: self.running)
        self.authoriser = RoleAuthoriser(self.book, ResourcePolicies(self.iam, self.ids), self.clock, strict=self.strict, sessions=self)

    def session_policies(self, access_key_id: str) -> SessionPolicies | None:
        return self.begun.get(access_key_id)

    async def wrote(self, operation: str, result: Any = None, **params: Any) -> None:
        """Tell of a write to IAM."""
        await self.book.observe(Call("iam", operation, params, Caller.root(ACCOUNT), "us-east-1", ACCOUNT, "r"), result or {})

    async def seen(self, error: AwsError, *, role: str = "") -> AwsError:
        """Return what a role, or root, sees of an error that S3 has for an object."""
        caller = Caller(CallerKind.ROLE, ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/f") if role else Caller.root(ACCOUNT)
        call = Call("s3", "GetObject", {"Bucket": "b", "Key": "k"}, caller, "eu-west-1", ACCOUNT, "r")
        return await self.authoriser.seen(call, error)

    async def refusal(
        self, service: str = "sqs", operation: str = "SendMessage", *, role: str = "worker", key: str = "", **params: Any
    ) -> str:
        """Return the code and message that a role hears; nothing when it may."""
        caller = Caller(CallerKind.ROLE, ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/f", key)
        given = params or {"QueueUrl": QUEUE_URL}
        call = Call(service, operation, given, caller, "eu-west-1", ACCOUNT, "r", source_ip="10.1.2.3")
        try:
            deciding = self.authoriser.authorise(call)
            if deciding is not None:
                await deciding
        except AwsError as error:
            assert not await self.authoriser.permits(call)
            return f"{error.code} {error.status}: {error.message}"
        assert await self.authoriser.permits(call)
        return ""
