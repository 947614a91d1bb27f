"""Access control lists: canned ones, grants in headers and documents, and what they allow whom. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from lambent.base.regexes import Regex
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.services.s3 import errors

Grant: TypeAlias = "dict[str, Any]"
"""``{"Grantee": {"Type": …, "ID" or "URI": …}, "Permission": …}``, as the wire has it."""

_GROUPS: Final = "http://acs.amazonaws.com/groups/"
ALL_USERS: Final = _GROUPS + "global/AllUsers"
AUTHENTICATED_USERS: Final = _GROUPS + "global/AuthenticatedUsers"
LOG_DELIVERY: Final = _GROUPS + "s3/LogDelivery"
_URIS: Final = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
_PERMISSIONS: Final = frozenset({"FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"})
_HEADERS: Final = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
_GRANTEE: Final = Regex(r'\s*(\w+)\s*=\s*"?([^",]*)"?\s*')
_ANONYMOUS_ID: Final = "65a011a29cdf8ec533ec3d1ccaae921c"
_CANNED: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "private": (),
    "public-read": ((ALL_USERS, "READ"),),
    "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED_USERS, "READ"),),
    "aws-exec-read": (),
    "bucket-owner-read": (("bucket owner", "READ"),),
    "bucket-owner-full-control": (("bucket owner", "FULL_CONTROL"),),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
}


def canonical_id(account_id: str) -> str:
    """Return the account's canonical user id: 64 hexadecimal digits; nobody's is shorter."""
    return hashlib.sha256(f"canonical-user:{account_id}".encode()).hexdigest() if account_id else _ANONYMOUS_ID


def owner(account_id: str) -> dict[str, str]:
    """Return the account as an ``Owner`` shape."""
    return {"ID": canonical_id(account_id), "DisplayName": account_id or "anonymous"}


def _to(grantee: Mapping[str, str], permission: str) -> Grant:
    return {"Grantee": dict(grantee), "Permission": permission}


def _user(account_id: str) -> dict[str, str]:
    return {**owner(account_id), "Type": "CanonicalUser"}


def canned(name: str, account_id: str, bucket_account_id: str) -> list[Grant]:
    """Return the grants of a canned list for something that the account owns. ``InvalidArgument`` for a name that there isn't."""
    if name not in _CANNED:
        raise AwsError("InvalidArgument", "", 400, members={"ArgumentName": "x-amz-acl", "ArgumentValue": name})
    grants = [_to(_user(account_id), "FULL_CONTROL")]
    for whom, permission in _CANNED[name]:
        if whom != "bucket owner":
            grants.append(_to({"Type": "Group", "URI": whom}, permission))
        elif bucket_account_id != account_id:
            grants.append(_to(_user(bucket_account_id), permission))
    return grants


def given(params: Mapping[str, Any], account_id: str, bucket_account_id: str) -> list[Grant] | None:
    """Return the grants that a request's ``ACL`` or ``Grant…`` members say; ``None`` when it says none."""
    by_header = [name for name in _HEADERS if params.get(name)]
    if params.get("ACL"):
        if by_header:
            raise errors.invalid_request("Specifying both Canned ACLs and Header Grants is not allowed")
        return canned(params["ACL"], account_id, bucket_account_id)
    if not by_header:
        return None
    return [_to(grantee, _HEADERS[name]) for name in by_header for grantee in _grantees(name, params[name])]


def _grantees(member: str, text: str) -> list[dict[str, str]]:
    header = "x-amz-grant-" + re.sub(r"(?<!^)(?=[A-Z][a-z])|(?=ACP)", "-", member.removeprefix("Grant")).lower()
    found = []
    for part in text.split(","):
        match = _GRANTEE.fullmatch(part)
        kind = match[1].lower() if match else ""
        if match is None or kind not in {"id", "uri", "emailaddress"}:
            raise errors.invalid_argument("Argument format not recognized", header, text)
        found.append(_grantee(kind, match[2], kind))
    return found


def _grantee(kind: str, value: str, argument: str) -> dict[str, str]:
    if kind == "uri":
        if value not in _URIS:
            raise errors.invalid_argument("Invalid group uri", argument, value)
        return {"Type": "Group", "URI": value}
    if kind == "emailaddress":
        text = "The e-mail address you provided does not match any account on record."
        raise AwsError("UnresolvableGrantByEmailAddress", text, 400, members={"EmailAddress": value})
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise errors.invalid_argument("Invalid id", argument, value)
    return {"ID": value, "Type": "CanonicalUser"}


def of_document(document: Mapping[str, Any]) -> list[Grant]:
    """Return the grants of an ``AccessControlPolicy``. Raises ``MalformedACLError`` or ``InvalidArgument``."""
    if not document.get("Owner", {}).get("ID") or "Grants" not in document:
        raise _malformed()
    return [_checked(each) for each in document["Grants"]]


def _checked(grant: Mapping[str, Any]) -> Grant:
    grantee, permission = grant.get("Grantee") or {}, grant.get("Permission")
    if permission not in _PERMISSIONS:
        raise _malformed()
    match grantee.get("Type"):
        case "CanonicalUser" if grantee.get("ID"):
            found = _grantee("id", grantee["ID"], "CanonicalUser/ID")
            return _to(found | ({"DisplayName": grantee["DisplayName"]} if grantee.get("DisplayName") else {}), permission)
        case "Group" if grantee.get("URI"):
            return _to(_grantee("uri", grantee["URI"], "Group/URI"), permission)
        case "AmazonCustomerByEmail" if grantee.get("EmailAddress"):
            return _to(_grantee("emailaddress", grantee["EmailAddress"], ""), permission)
        case _:
            raise _malformed()


def _malformed() -> AwsError:
    text = "The XML you provided was not well-formed or did not validate against our published schema"
    return AwsError("MalformedACLError", text, 400)


def is_public(grants: Sequence[Grant]) -> bool:
    """Return whether the grants let everybody, or everybody with an account, do something."""
    return any(each["Grantee"].get("URI") in {ALL_USERS, AUTHENTICATED_USERS} for each in grants)


def allows(grants: Sequence[Grant], caller: Caller, permission: str, *, ignore_public: bool = False) -> bool:
    """Return whether the grants give the caller the permission."""
    me = canonical_id(caller.account_id)
    for each in grants:
        if each["Permission"] not in {permission, "FULL_CONTROL"}:
            continue
        uri = each["Grantee"].get("URI")
        if uri is None and each["Grantee"].get("ID") == me:
            return True
        if uri is not None and not ignore_public and (uri == ALL_USERS or (uri == AUTHENTICATED_USERS and caller.account_id)):
            return True
    return False
