"""The HTTP tests' server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.unit.gateway.http.http_kit import Edge


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    edge = Edge()
    yield edge
    for writer in edge.writers:
        writer.close()
    if hasattr(edge, "server"):
        for each in list(edge.server._connections):
            each.abort()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
