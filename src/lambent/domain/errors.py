"""The one error tree.

::

    LambentError                    anything that this project raises on purpose
    ├── AwsError                    an answer to the caller: AWS's code, message, HTTP status, modelled members
    ├── Conflict                    a conditional write found another version than it expected
    ├── Unreachable                 another host gives no answer
    └── StartupError                the server can't start; the message says what to do

``AwsError`` becomes bytes in one place only: ``wire`` (by the protocol of the service that was called).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NO_MEMBERS: Final[Mapping[str, object]] = {}


class LambentError(Exception):
    """The root of the tree."""


class AwsError(LambentError):
    """An error as an AWS client sees it.

    ``code`` is AWS's (``ResourceNotFoundException``, ``NoSuchKey`` …), ``status`` the HTTP status, ``members`` further
    modelled members of the error's shape (``{"Type": "User", "Reason": "…"}``); ``retryable`` says whether asking again may help.
    ``headers`` are further HTTP headers of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        members: Mapping[str, object] = _NO_MEMBERS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members
        self.headers = headers or {}

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status >= 500 or self.status == 429


class NotImplementedHere(AwsError):
    """An operation that AWS has and that isn't built yet: HTTP 501 that names it."""

    def __init__(self, service: str, operation: str, why: str = "") -> None:
        text = f"Lambent does not serve {service}:{operation} yet." + (f" {why}" if why else "")
        super().__init__("NotImplemented", text, 501)


class Conflict(LambentError):
    """A conditional write found another version; nothing of the commit was written."""

    def __init__(self, table: str, key: tuple[str | int, ...], expected: int, found: int) -> None:
        super().__init__(f"{table}{key}: expected version {expected}, found {found}")
        self.table = table
        self.key = key
        self.expected = expected
        self.found = found


class Unreachable(LambentError):
    """The other side can't be reached, or went away; ``sent`` says whether it may have seen the request."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class StartupError(LambentError):
    """The server can't start: a locked or unreadable data directory, a port in use … The message says what to do."""
