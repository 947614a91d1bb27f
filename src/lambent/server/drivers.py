"""Which sandbox driver serves: the strongest that works on this machine, unless the user says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.base.clock import Clock
from lambent.base.settings import Settings
from lambent.domain.call import Call, Result
from lambent.domain.errors import StartupError
from lambent.domain.quotas import Quotas
from lambent.runtime_api import server as runtime_api_server
from lambent.server.entrances import Entrances

Driver: TypeAlias = ProcessSandbox | NamespaceSandbox

MODES = ("auto", "namespaces", "process")


@dataclass(frozen=True, slots=True)
class Choice:
    """A driver, and what the user should know about it."""

    driver: Driver
    entrances: Entrances  #: where the driver's environments come in
    endpoint_url: str  #: the gateway, as functions reach it
    told: str  #: one line: what it promises, or why not more

    async def observe(self, call: Call, result: Result) -> None:
        """Have the driver prepare for a function that was created. An observer of ``ServerCloud``."""
        if call.operation == "CreateFunction" and call.service == "lambda":
            self.driver.prepare(str(result.get("Runtime", "")))


async def choose(settings: Settings, directory: Path, code: Path, clock: Clock, quotas: Quotas) -> Choice:
    """Return the driver; ``code`` is the folder of unpacked code. ``StartupError`` when the one that is wanted doesn't work here."""
    if settings.sandbox not in MODES:
        raise StartupError(f"sandbox = {settings.sandbox}: there are {', '.join(MODES)}.")
    common: Mapping[str, Any] = {
        "runtimes_mode": settings.runtimes,
        "runtime_api": runtime_api_server.start,
        "home": settings.home,
        "search_path": settings.search_path,
        "quotas": quotas,
    }
    entrances = Entrances()
    why = "as you chose"
    if settings.sandbox != "process":
        isolated = NamespaceSandbox(directory, clock, **common, gateway_port=settings.port, accept=entrances.open, shared=[code])
        why = await isolated.probe()
        if not why:
            return Choice(isolated, entrances, f"http://127.0.0.1:{settings.port}", isolated.describe())
        await isolated.close()
        if settings.sandbox == "namespaces":
            raise StartupError(f"sandbox = namespaces does not work here: {why}")
        why = f"namespaces don't work here: {why}"
    told = f"without walls: functions can read this user's files and reach its network ({why})"
    return Choice(ProcessSandbox(directory, clock, **common), entrances, settings.endpoint_url, told)
