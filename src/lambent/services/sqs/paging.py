"""Pages of names, and the tokens that ask for the next one. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from lambent.services.sqs.errors import invalid, invalid_value

PAGE_MAX: Final = 1000


def paged(names: Sequence[str], limit: int | None, token: str | None) -> tuple[list[str], str | None]:
    """Return a page of the ordered names and the token of the next; without a limit the first thousand, and no token, as AWS does."""
    if limit is not None and not 1 <= limit <= PAGE_MAX:
        raise invalid_value(limit, "MaxResults", f"MaxResults must be an integer between 1 and {PAGE_MAX}.")
    after = "" if token is None else _unseal(token)
    rest = [each for each in names if each > after]
    page = rest[: limit or PAGE_MAX]
    more = limit is not None and len(rest) > len(page)
    return page, base64.urlsafe_b64encode(page[-1].encode()).decode() if more else None


def _unseal(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise invalid("Invalid or expired next token.") from None
