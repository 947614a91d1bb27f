"""Small asyncio tools."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from lambent.base.clock import Clock

_log = logging.getLogger(__name__)


async def supervise(name: str, run: Callable[[], Awaitable[None]], clock: Clock, pause_s: float = 1.0) -> None:
    """Run ``run`` until cancelled; when it fails, log why and begin again after a pause."""
    while True:
        try:
            await run()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the operator sees it in the log; the worker goes on
            _log.exception("%s failed; it begins again in %.0f s", name, pause_s)
        await clock.sleep(pause_s)


async def cancel_and_wait(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks and return when all have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
