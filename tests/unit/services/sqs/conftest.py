"""A service for each test."""

import pytest
from tests.unit.services.sqs.sqs_kit import Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()
