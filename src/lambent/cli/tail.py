"""A log group as it is read from a terminal: once, or on and on."""

from __future__ import annotations

import time
from collections.abc import Iterator

from lambent.cli.client import AwsFailure, Client

_POLL_S = 0.5
_LATE_MS = 10_000  # how much later than newer ones an event may come in: environments send theirs on their own


class LogTail:
    """Events of a group from ``since_s`` ago on; none is given twice."""

    def __init__(self, client: Client, group: str, since_s: float) -> None:
        self._client = client
        self._group = group
        self._start_ms = int((time.time() - since_s) * 1000)
        self._seen: dict[str, int] = {}  # event id → its time

    def read(self) -> Iterator[str]:
        """Give the messages that have come since the last time, without their newlines."""
        params: dict[str, object] = {"logGroupName": self._group, "startTime": self._start_ms}
        while True:
            page = self._client.logs("FilterLogEvents", params)
            for event in page.get("events", []):
                if event["eventId"] not in self._seen:
                    self._seen[event["eventId"]] = event["timestamp"]
                    yield event["message"].rstrip("\n")
            if not page.get("nextToken"):
                return
            params["nextToken"] = page["nextToken"]

    def follow(self) -> Iterator[str]:
        """Give messages until interrupted; a group that isn't there yet is waited for."""
        while True:
            try:
                yield from self.read()
            except AwsFailure as failure:
                if failure.code != "ResourceNotFoundException":
                    raise
            self._forget()
            time.sleep(_POLL_S)

    def _forget(self) -> None:
        """Read on from the newest event, less what may come late: nothing is read again and again."""
        newest = max(self._seen.values(), default=0)
        self._start_ms = max(self._start_ms, newest - _LATE_MS)
        self._seen = {each: at for each, at in self._seen.items() if at >= self._start_ms}
