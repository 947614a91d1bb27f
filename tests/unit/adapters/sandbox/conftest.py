"""A driver in a folder of its own, with its interpreters found once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.base.clock import SystemClock


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[ProcessSandbox]:
    driver = ProcessSandbox(tmp_path / "sandbox", SystemClock())
    yield driver
    await driver.close()
