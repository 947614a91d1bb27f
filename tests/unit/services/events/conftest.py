"""A service for each test."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.services.events.events_kit import Kit


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    made = Kit()
    yield made
    await made.stop()
