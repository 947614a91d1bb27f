"""Why a signature was refused; each service family has its own code and words for these, so here they are facts only."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from lambent.domain.errors import LambentError


class Fault(Enum):
    """What is wrong with a signed request."""

    MALFORMED = "malformed"  #: the header or the query parameters of the signature can't be read
    MISMATCH = "mismatch"  #: another signature was expected
    SKEWED = "skewed"  #: signed too long ago or in the future
    EXPIRED = "expired"  #: a presigned URL whose time is up
    INCOMPLETE = "incomplete"  #: a presigned URL of version 2 without all of its parameters
    UNSIGNED_HEADERS = "unsigned headers"  #: ``x-amz-`` headers that the signature doesn't cover


class SignatureRefused(LambentError):
    """A signed request can't be trusted. Never leaves the gateway: it becomes the ``AwsError`` of the service that was called."""

    def __init__(self, fault: Fault, detail: str = "", *, in_query: bool = False, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail
        self.in_query = in_query
        self.facts = facts or {}  #: what S3 says beside its message, by AWS's names
