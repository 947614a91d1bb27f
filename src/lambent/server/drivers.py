"""Which sandbox driver serves: the strongest that works on this machine, unless the user says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from lambent.adapters.sandbox import networks, uplinks
from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.adapters.sandbox.ways import Network
from lambent.base.clock import Clock, SystemClock
from lambent.base.settings import Settings
from lambent.domain.call import Call, Result
from lambent.domain.errors import StartupError
from lambent.domain.quotas import Quotas
from lambent.runtime_api import server as runtime_api_server
from lambent.server.entrances import Entrances

Driver: TypeAlias = ProcessSandbox | NamespaceSandbox

MODES = ("auto", "namespaces", "process")


class Choice(msgspec.Struct, frozen=True):
    """A driver, and what the user should know about it."""

    driver: Driver
    entrances: Entrances  #: where the driver's environments come in
    endpoint_url: str  #: the gateway, as functions reach it
    told: str  #: one line: what it promises, or why not more
    warning: str = ""  #: what is to be said loudly
    vpcs: Mapping[str, str] = {}  #: of the subnets that the settings name

    async def observe(self, call: Call, result: Result) -> None:
        """Have the driver prepare for a function that was created. An observer of ``ServerCloud``."""
        self.driver.prepare(str(result.get("Runtime", "")))


async def choose(settings: Settings, directory: Path, code: Path, clock: Clock, quotas: Quotas) -> Choice:
    """Return the driver; ``code`` is the folder of unpacked code. ``StartupError`` when what is wanted doesn't work here."""
    if settings.sandbox not in MODES:
        raise StartupError(f"sandbox = {settings.sandbox}: there are {', '.join(MODES)}.")
    common: Mapping[str, Any] = {
        "runtimes_mode": settings.runtimes,
        "runtime_api": runtime_api_server.start,
        "home": settings.home,
        "search_path": settings.search_path,
        "quotas": quotas,
    }
    entrances = Entrances(SystemClock())
    network = _network(settings, entrances)
    why = "as you chose"
    if settings.sandbox != "process":
        isolated = NamespaceSandbox(directory, clock, **common, gateway_port=settings.port, network=network, shared=[code])
        why = await isolated.probe()
        if not why:
            warning = _OPEN_NETWORK if network.is_shared else ""
            return Choice(isolated, entrances, f"http://127.0.0.1:{settings.port}", isolated.describe(), warning, network.named.vpcs)
        await isolated.close()
        if settings.sandbox == "namespaces":
            raise StartupError(f"sandbox = namespaces does not work here: {why}")
        why = f"namespaces don't work here: {why}"
    if settings.network == networks.INTERNET:  # asked for walls towards this machine, which nothing else has
        raise StartupError(
            f"network = internet needs the namespaces driver ({why}). With network = host functions are in this machine's network."
        )
    told = f"without walls: functions can read this user's files and reach its network ({why})"
    return Choice(ProcessSandbox(directory, clock, **common), entrances, settings.endpoint_url, told, vpcs=network.named.vpcs)


_OPEN_NETWORK = (
    "WARNING: network = host: functions share this machine's network. They reach every port of its loopback, this server's included, "
    "where keys are taken on trust; docs/security.md says what that means."
)


def _network(settings: Settings, entrances: Entrances) -> Network:
    """Return how environments are connected. ``StartupError`` when the settings are wrong, or a program is missing."""
    if settings.network not in networks.MODES:
        raise StartupError(f"network = {settings.network}: there are {', '.join(networks.MODES)}.")
    try:
        named = networks.parse(settings.networks, settings.port)
        uplink = uplinks.find(settings.search_path, settings.network_deny)
    except ValueError as error:
        raise StartupError(str(error)) from None
    if settings.network == networks.INTERNET and uplink is None:
        raise StartupError(f"network = internet needs a program that is not on PATH: {uplinks.INSTALL}.")
    return Network(settings.port, entrances.open, settings.network, named, uplink)
