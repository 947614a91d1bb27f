"""The ports between floors: what ``server/`` plugs together. Storage has a file of its own, ``domain/storage.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

import msgspec

from lambent.base.clock import Clock
from lambent.base.ids import Ids
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.http import HttpRequest, HttpResponse
from lambent.domain.quotas import Quotas
from lambent.domain.storage import Blobs, Store


class Cloud(Protocol):
    """The one way to call an AWS service, from outside and from inside: authorise → audit → dispatch."""

    async def call(self, call: Call) -> Result:
        """Carry out the call and return the operation's output. Raises ``AwsError``."""
        ...


class Authoriser(Protocol):
    """Decides whether a caller may make a call."""

    def authorise(self, call: Call) -> Awaitable[None] | None:
        """Return ``None`` when it is known at once that it may, else what returns when it may.

        That raises ``AwsError`` (``AccessDeniedException`` and the like) when it may not.
        """
        ...

    async def seen(self, call: Call, error: AwsError) -> AwsError:
        """Return the error that the caller may see of a call that failed: not what it may not know."""
        ...


class Roles(Protocol):
    """What is known of execution roles."""

    async def is_assumable(self, role_arn: str, service: str, source_arn: str) -> bool:
        """Return whether the role lets a service (``lambda.amazonaws.com``) act as it, for the resource ``source_arn``."""
        ...

    async def permits(self, call: Call) -> bool:
        """Return whether a call would be authorised, without making it. Raises ``AwsError`` when that can't be told now."""
        ...


class AuditSink(Protocol):
    """Takes note of every call, allowed or not. Must not block."""

    def record(self, call: Call, error_code: str | None) -> None:
        """Note a call that ended; ``error_code`` is AWS's, or ``None`` when it went well."""
        ...


class RawHandler(Protocol):
    """HTTP that no AWS model describes: function URLs, S3's browser uploads and CORS preflights, the health page."""

    def claims(self, request: HttpRequest) -> bool:
        """Return whether the request is for this handler. It is asked about the first of many alike: what it sees of their heads is method,
        path, query, ``host``, ``content-type``, ``x-amz-target``, whether there is an ``authorization``, and whether they come from inside
        an environment."""
        ...

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer the request. ``AwsError`` becomes an answer in the handler's own shape; it never raises one."""
        ...


class ReadSigned(Protocol):
    """Reads a raw handler's request whole and says who signed it."""

    async def __call__(self, request: HttpRequest, service: str, bytes_max: int, *, signed: bool) -> tuple[Caller, bytes]:
        """Return the caller, anonymous without ``signed``, and the body.

        Raises ``AwsError`` in the manner of ``service``: the signature is missing or wrong, or the body is larger than ``bytes_max``.
        """
        ...


class Worker(Protocol):
    """Something that runs as long as the server does, such as a queue's consumer."""

    name: str

    async def run(self) -> None:
        """Work until cancelled. An error that escapes is logged and ``run`` is called again after a pause."""
        ...


class Outside(Protocol):
    """HTTP to hosts of the users' choosing: webhooks. What is sent is what anybody could send: it carries no trust of the server's."""

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float) -> HttpResponse:
        """Send a request and return its whole answer, whatever its status. Raises ``Unreachable`` when there is none in time."""
        ...


class Platform(msgspec.Struct, frozen=True):
    """What every service stands on."""

    store: Store
    blobs: Blobs
    cloud: Cloud
    clock: Clock
    ids: Ids
    quotas: Quotas
    public_host: str  #: ``localhost:4566``; for URLs that are handed out
