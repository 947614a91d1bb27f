"""What comes in from an environment says so, and keeps a pace by the server's clock."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from lambent.base.clock import VirtualClock
from lambent.domain.http import BytesStream, HttpRequest, HttpResponse
from lambent.server.entrances import Entrance, Entrances

ASKED = HttpRequest("GET", "/", "", {}, BytesStream(b""))
BURST = 500
PER_S = 2_500


class Front:
    """Stands for gateway and server both: remembers requests, and whose they are to answer."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.closed = False

    async def admit(self, listener: socket.socket, answer: Any) -> Front:
        self.ask = answer
        return self

    async def answer(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return HttpResponse(200)

    def close(self) -> None:
        self.closed = True


async def opened(front: Front, clock: VirtualClock) -> Entrance:
    entrances = Entrances(clock)
    entrances.attach(front, front)  # type: ignore[arg-type]
    return await entrances.open(None)  # type: ignore[arg-type]


async def test_a_request_says_whose_key_it_may_use() -> None:
    front = Front()
    entrance = await opened(front, VirtualClock())
    entrance.access_key_id = "ASIAMINE"
    await front.ask(ASKED)
    assert [each.environment_key for each in front.requests] == ["ASIAMINE"]
    entrance.close()
    entrance.close()
    assert front.closed


async def test_requests_keep_a_pace() -> None:
    front, clock = Front(), VirtualClock()
    await opened(front, clock)

    async def flood() -> None:
        while True:
            await front.ask(ASKED)

    task = asyncio.create_task(flood())
    await clock.settle(BURST + 100)
    begun = len(front.requests)
    assert begun == pytest.approx(BURST, abs=1)
    await clock.advance(0.1)
    assert len(front.requests) - begun == pytest.approx(0.1 * PER_S, abs=2)
    task.cancel()
