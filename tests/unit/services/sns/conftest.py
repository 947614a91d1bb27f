"""A service for each test."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.services.sns.sns_kit import Kit


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    kit = Kit()
    async with kit.working():
        yield kit
