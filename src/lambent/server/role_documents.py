"""Roles as they are kept, and as IAM tells of them: asked with its public API, through ``Cloud``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from lambent.base.ids import Ids
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.documents import Table
from lambent.domain.errors import AwsError, NotImplementedHere
from lambent.domain.ports import Cloud

_REGION: Final = "us-east-1"
_PRINCIPAL: Final = "iam.amazonaws.com"
NOT_THERE: Final = frozenset({"NoSuchEntity", "NoSuchEntityException"})


class RoleDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """A role with everything that its sessions' permissions follow from. Policies are JSON texts."""

    arn: str
    id: str = ""  #: ``AROA…``
    trust: str = "{}"
    inline: dict[str, str] = {}  #: by name
    attached: dict[str, str] = {}  #: by ARN
    boundary_arn: str = ""
    boundary: str = ""
    tags: dict[str, str] = {}
    deleted: bool = False  #: deleted through the gateway: its sessions may do nothing, whatever IAM has forgotten since

    def depends_on(self, policy_arn: str) -> bool:
        """Return whether a managed policy bears on the role."""
        return policy_arn == self.boundary_arn or policy_arn in self.attached


ROLES: Final = Table("iam.roles", RoleDocument)
"""By account and name: every role that IAM was seen to have, as it was last."""


class IamReader:
    """Reads roles out of IAM."""

    def __init__(self, cloud: Cloud, ids: Ids) -> None:
        self._cloud = cloud
        self._ids = ids
        self._managed: dict[str, str] = {}  # AWS's own policies don't change

    async def role(self, account_id: str, name: str) -> RoleDocument | None:
        """Return the role; ``None`` when IAM doesn't have it, or nobody serves IAM. Raises ``AwsError`` when it can't be asked."""
        named = {"RoleName": name}
        try:
            role: Mapping[str, Any] = (await self._call(account_id, "GetRole", named))["Role"]
        except NotImplementedHere:
            return None
        except AwsError as error:
            if error.code in NOT_THERE:
                return None
            raise
        boundary_arn = (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn") or ""
        return RoleDocument(
            arn=role["Arn"],
            id=role.get("RoleId") or "",
            trust=_text(role.get("AssumeRolePolicyDocument") or "{}"),
            inline={name: text async for name, text in self._inline(account_id, named)},
            attached={arn: text async for arn, text in self._attached(account_id, named)},
            boundary_arn=boundary_arn,
            boundary=await self.managed_policy(account_id, boundary_arn) if boundary_arn else "",
            tags={each["Key"]: each.get("Value", "") for each in role.get("Tags") or ()},
        )

    async def _inline(self, account_id: str, named: Mapping[str, str]) -> AsyncIterator[tuple[str, str]]:
        async for page in self._pages(account_id, "ListRolePolicies", named):
            for name in page.get("PolicyNames") or ():
                found = await self._call(account_id, "GetRolePolicy", {**named, "PolicyName": name})
                yield name, _text(found["PolicyDocument"])

    async def _attached(self, account_id: str, named: Mapping[str, str]) -> AsyncIterator[tuple[str, str]]:
        async for page in self._pages(account_id, "ListAttachedRolePolicies", named):
            for each in page.get("AttachedPolicies") or ():
                yield each["PolicyArn"], await self.managed_policy(account_id, each["PolicyArn"])

    async def managed_policy(self, account_id: str, arn: str) -> str:
        """Return the default version of a managed policy; one that isn't there says nothing."""
        if arn in self._managed:
            return self._managed[arn]
        try:
            version = (await self._call(account_id, "GetPolicy", {"PolicyArn": arn}))["Policy"]["DefaultVersionId"]
            found = await self._call(account_id, "GetPolicyVersion", {"PolicyArn": arn, "VersionId": version})
        except AwsError as error:
            if error.code in NOT_THERE:
                return "{}"
            raise
        text = _text(found["PolicyVersion"]["Document"])
        if ":iam::aws:policy/" in arn:
            self._managed[arn] = text
        return text

    async def _pages(self, account_id: str, operation: str, params: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
        more: dict[str, str] = {}
        while True:
            page = await self._call(account_id, operation, {**params, **more})
            yield page
            if not page.get("IsTruncated") or not page.get("Marker"):
                return
            more = {"Marker": page["Marker"]}

    async def _call(self, account_id: str, operation: str, params: Mapping[str, Any]) -> Result:
        caller = Caller.service(_PRINCIPAL, account_id)
        return await self._cloud.call(Call("iam", operation, params, caller, _REGION, account_id, self._ids.uuid()))


def _text(document: str) -> str:
    """Return a policy's text: IAM answers with it percent-encoded."""
    return document if document.lstrip().startswith("{") else unquote(document)
