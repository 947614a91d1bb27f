"""Who is calling: every call in the system has a ``Caller``."""

from __future__ import annotations

from enum import Enum

import msgspec

DEFAULT_ACCOUNT_ID = "000000000000"


class CallerKind(Enum):
    """What sort of principal makes the call."""

    ROOT = "root"  #: an account's root
    USER = "user"  #: an IAM user, by an access key of its own
    ROLE = "role"  #: an assumed role, by temporary credentials
    SERVICE = "service"  #: an AWS service acting for itself: ``s3.amazonaws.com``
    ANONYMOUS = "anonymous"  #: an unsigned request


class Caller(msgspec.Struct, frozen=True):
    """The principal behind a call, as the audit log and policies see it."""

    kind: CallerKind
    account_id: str  #: 12 digits; empty for an anonymous caller
    arn: str  #: ``arn:aws:iam::1234…:root``, ``arn:aws:sts::…:assumed-role/R/session``; a service's host name for a service
    access_key_id: str = ""
    source_arn: str = ""  #: what a service acts for (``aws:SourceArn``): the bucket, the topic, the rule
    source_account: str = ""  #: ``aws:SourceAccount``

    @classmethod
    def root(cls, account_id: str = DEFAULT_ACCOUNT_ID, access_key_id: str = "") -> Caller:
        """Return an account's root."""
        return cls(CallerKind.ROOT, account_id, f"arn:aws:iam::{account_id}:root", access_key_id)

    @classmethod
    def service(cls, host: str, account_id: str, source_arn: str = "") -> Caller:
        """Return an AWS service (``s3.amazonaws.com``) acting for a resource of ``account_id``."""
        return cls(CallerKind.SERVICE, account_id, host, source_arn=source_arn, source_account=account_id)

    @classmethod
    def anonymous(cls) -> Caller:
        """Return nobody in particular: an unsigned request."""
        return cls(CallerKind.ANONYMOUS, "", "")
