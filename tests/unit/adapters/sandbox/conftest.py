"""A driver in a folder of its own, with its interpreters found once; each test is run with every driver that works here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.base.clock import SystemClock
from lambent.domain.environments import Sandbox
from lambent.runtime_api import server as runtime_api_server


@pytest.fixture(params=["process", "namespaces"])
async def sandbox(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    if request.param == "process":
        driver: ProcessSandbox | NamespaceSandbox = ProcessSandbox(
            tmp_path / "sandbox", SystemClock(), runtime_api=runtime_api_server.start
        )
    else:
        driver = NamespaceSandbox(tmp_path / "sandbox", SystemClock(), runtime_api=runtime_api_server.start)
        why = await driver.probe()
        if why:
            await driver.close()
            assert os.geteuid(), why  # root can have them nearly everywhere
            pytest.skip(f"no namespaces here: {why}")
    yield driver
    await driver.close()
