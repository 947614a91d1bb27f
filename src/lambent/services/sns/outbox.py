"""The outbox: text messages, mails and push notifications end here, to be looked at under ``/_lambent/sns/outbox``.

The newest week is kept. ``GET`` takes ``kind`` (``sms``, ``email``, ``email-json``, ``application``), ``to``, ``after`` (a ``sequence``)
and ``limit`` (100 unless told, at most 1,000); ``DELETE`` empties it. It holds what was meant for one person, tokens included: only
whom the server trusts without proof may look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from lambent.base.clock import Clock
from lambent.domain.http import HttpRequest, HttpResponse
from lambent.domain.storage import Append, Entry, Record, Store, Trim
from lambent.services.sns.messages import Message, json_attributes
from lambent.services.sns.stamps import base64_text, stamp

LOG: Final = "sns.outbox"
PATH: Final = "/_lambent/sns/outbox"
KEPT_S: Final = 604_800.0
_HOUR_S: Final = 3_600.0
_LIMIT: Final = 100
_LIMIT_MAX: Final = 1_000
_PAGE: Final = 1_000


def item(kind: str, to: str, sent: Message, **more: Any) -> dict[str, Any]:
    """Return a message as the outbox shows it."""
    found: dict[str, Any] = {
        "kind": kind,
        "to": to,
        "message": sent.text_for(kind),
        "subject": sent.subject,
        "messageId": sent.id,
        "time": stamp(sent.published),
        "attributes": json_attributes(sent.attributes, base64_text),
    }
    return found | more


def append(now: float, *items: dict[str, Any]) -> Append:
    """Return the write that puts messages into the outbox."""
    return Append(LOG, tuple(Record(int(now * 1000), msgspec.json.encode(each)) for each in items))


class Outbox:
    """Shows the outbox: a raw handler."""

    def __init__(self, store: Store, trusts: Callable[[HttpRequest], bool]) -> None:
        self._store = store
        self._trusts = trusts

    def claims(self, request: HttpRequest) -> bool:
        """Return whether the outbox is asked for."""
        return request.raw_path == PATH

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer with JSON."""
        if request.environment_key is not None or not self._trusts(request):
            return _json(403, {"error": "the outbox is shown on loopback only, and not to functions or pages of other machines"})
        if request.method == "DELETE":
            await self._store.commit([Trim(LOG)])
            return HttpResponse(204)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(405, {"allow": "GET, HEAD, DELETE"})
        wanted = {name: values[-1] for name, values in parse_qs(request.query).items()}
        try:
            after, limit = int(wanted.get("after", 0)), min(int(wanted.get("limit", _LIMIT)), _LIMIT_MAX)
        except ValueError:
            return _json(400, {"error": "after and limit are numbers"})
        return _json(200, {"messages": await self._matching(wanted, after, limit)})

    async def _matching(self, wanted: dict[str, str], after: int, limit: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            entries = await self._store.read(LOG, after=after, limit=_PAGE)
            found += [shown for each in entries if _fits(shown := _shown(each), wanted)]
            if len(entries) < _PAGE:
                break
            after = entries[-1].sequence
        return found[:limit]


def _shown(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(entry.data)
    return {"sequence": entry.sequence, **found}


def _fits(shown: dict[str, Any], wanted: dict[str, str]) -> bool:
    return all(shown[name] == wanted[name] for name in ("kind", "to") if name in wanted)


def _json(status: int, value: object) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, msgspec.json.encode(value))


class OutboxKeeper:
    """Forgets what is older than a week."""

    name = "sns outbox"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Trim every hour until cancelled."""
        while True:
            await self._clock.sleep(_HOUR_S)
            await self._store.commit([Trim(LOG, int((self._clock.now() - KEPT_S) * 1000))])
