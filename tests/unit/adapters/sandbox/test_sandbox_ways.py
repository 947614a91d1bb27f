"""Environments that are connected otherwise: through a helper, in the machine's network, to the targets of a VPC."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.unit.adapters.sandbox.sandbox_kit import Output, Started, launch_of, start, write

from lambent.adapters.sandbox import doors, networks
from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.adapters.sandbox.uplinks import Uplink
from lambent.adapters.sandbox.ways import Network
from lambent.base.clock import SystemClock
from lambent.domain.environments import Ending
from lambent.runtime_api import server as runtime_api_server

OURS = f"python{sys.version_info.major}.{sys.version_info.minor}"
SNAPPED = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
CODE = """
import os, socket
def greeted(address):
    try:
        with socket.create_connection(tuple(address), 5) as connection:
            return connection.recv(5).decode()
    except OSError as error:
        return type(error).__name__
def handler(event, context):
    return [[name for _, name in socket.if_nameindex()], [greeted(each) for each in event], os.environ.get("AWS_ENDPOINT_URL")]
"""


@pytest.fixture
def greeter() -> Iterator[int]:
    """Give the port of a server on the machine's loopback."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.sendall(b"hello")
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


class Drivers:
    """Makes drivers, and ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made: list[NamespaceSandbox] = []

    async def connected(self, mode: str, helper: str = "", allow: list[str] | None = None) -> NamespaceSandbox:
        if helper and not shutil.which(helper):
            pytest.skip(f"{helper} is not installed")
        uplink = Uplink(str(shutil.which(helper))) if helper else None
        named = networks.parse({"vpc": {"subnets": ["subnet-1"], "allow": allow or []}}, 4566)
        network = Network(4566, doors.no_doors, mode, named, uplink)
        folder = self._folder / f"driver-{len(self.made)}"
        driver = NamespaceSandbox(folder, SystemClock(), runtime_api=runtime_api_server.start, network=network)
        self.made.append(driver)
        why = await driver.probe()
        if why:
            assert os.geteuid(), why  # root can have them nearly everywhere
            pytest.skip(f"not here: {why}")
        return driver


@pytest.fixture
async def drivers(tmp_path: Path) -> AsyncIterator[Drivers]:
    found = Drivers(tmp_path)
    yield found
    for each in found.made:
        await each.close()


def helpers_of(server: int, name: str) -> list[int]:
    """Return the helpers that a server's plumber runs, youngest last."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [(int(pid), int(parent), what.strip()) for pid, parent, what in (line.split(None, 2) for line in listed.splitlines())]
    parents = {pid: parent for pid, parent, _ in rows}
    found = []
    for pid, _, what in rows:
        ancestor: int | None = pid
        while ancestor is not None and ancestor != server:
            ancestor = parents.get(ancestor)
        if ancestor is not None and what.startswith((name, "passt")):
            found.append(pid)
    return found


async def soon(holds: object, *arguments: object) -> bool:
    """Wait until something holds."""
    for _ in range(500):
        if holds(*arguments):  # type: ignore[operator]
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("helper", ["slirp4netns", "pasta"])
async def test_a_helper_connects_each_environment_and_ends_with_it(drivers: Drivers, tmp_path: Path, greeter: int, helper: str) -> None:
    sandbox = await drivers.connected("internet", helper)
    first, second = [await start(sandbox, tmp_path, {"app.py": CODE}, runtime=OURS) for _ in range(2)]
    assert await first.result([("127.0.0.1", greeter)]) == [["lo", "tap0"], ["ConnectionRefusedError"], None]
    snapshot = await sandbox.snapshot(
        launch_of("snapshot", write(tmp_path / "code", {"app.py": CODE}), runtime=OURS, variables=SNAPPED), 20.0
    )
    assert snapshot.outcome.ending is Ending.SUCCESS
    output = Output()
    environment = await snapshot.launch(launch_of("copy", tmp_path / "code", runtime=OURS, variables=SNAPPED, output=output))
    copy = Started(environment, output, await environment.initialise(10.0))
    assert (await copy.result([]))[0] == ["lo", "tap0"], output.text
    await copy.environment.stop()
    await snapshot.close()
    await second.environment.stop()

    await asyncio.sleep(0.5)  # until berths were made up for
    before = set(helpers_of(os.getpid(), helper))
    await first.environment.stop()
    gone = before - set(helpers_of(os.getpid(), helper))
    assert len(gone) == 1
    third = await start(sandbox, tmp_path, {"app.py": CODE}, runtime=OURS)
    for pid in helpers_of(os.getpid(), helper):
        os.kill(pid, signal.SIGKILL)
    assert await soon(lambda: third.environment._body.ended.done())  # type: ignore[attr-defined]
    assert (await third.invoke([])).ending is Ending.EXIT
    await sandbox.close()
    assert helpers_of(os.getpid(), helper) == []


async def test_functions_of_a_vpc_reach_its_targets_and_nothing_else(drivers: Drivers, tmp_path: Path, greeter: int) -> None:
    modes = [("isolated", ""), ("host", ""), *([("internet", "slirp4netns")] if shutil.which("slirp4netns") else [])]
    where = [("127.0.0.1", greeter), ("localhost", greeter), ("127.0.0.1", 1)]
    for mode, helper in modes:
        sandbox = await drivers.connected(mode, helper, [f"127.0.0.1:{greeter}"])
        code = write(tmp_path / f"code-{mode}", {"app.py": CODE})
        started = await start(sandbox, tmp_path, {"app.py": CODE}, runtime=OURS, subnets=("subnet-1",))
        assert await started.result(where) == [["lo"], ["hello", "hello", "ConnectionRefusedError"], None], mode
        snapshot = await sandbox.snapshot(launch_of("snapshot", code, runtime=OURS, variables=SNAPPED, subnets=("subnet-1",)), 20.0)
        for number in range(2):
            output = Output()
            environment = await snapshot.launch(
                launch_of(f"copy-{number}", code, runtime=OURS, variables=SNAPPED, output=output, subnets=("subnet-1",))
            )
            copy = Started(environment, output, await environment.initialise(10.0))
            assert await copy.result(where) == [["lo"], ["hello", "hello", "ConnectionRefusedError"], None], output.text
            await environment.stop()
        await snapshot.close()


async def test_in_the_machines_network_each_environment_has_a_gateway_of_its_own(drivers: Drivers, tmp_path: Path, greeter: int) -> None:
    sandbox = await drivers.connected("host")
    names = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    endpoints = set()
    for _ in range(2):
        started = await start(sandbox, tmp_path, {"app.py": CODE}, runtime=OURS, variables=names)
        interfaces, (greeting,), endpoint = await started.result([("127.0.0.1", greeter)])
        assert interfaces == [name for _, name in socket.if_nameindex()]
        assert greeting == "hello"
        endpoints.add(endpoint)
    assert len(endpoints | set(names.values())) == 3
    own = await start(sandbox, tmp_path, {"app.py": CODE}, runtime=OURS, variables={"AWS_ENDPOINT_URL": "http://mine"})
    assert (await own.result([]))[2] == "http://mine"


class Moved(Uplink):
    """A helper on a machine that gets another address whenever it is asked to."""

    number = 0

    def link(self) -> dict[str, object]:
        return {"own": [[f"192.0.2.{Moved.number}", 32]]}


def test_a_room_that_waited_while_the_machine_got_an_address_is_not_current() -> None:
    network = Network(4566, doors.no_doors, "internet", uplink=Moved("helper"))
    wiring = network.wiring()
    assert network.is_current(wiring)
    Moved.number += 1
    assert not network.is_current(wiring)
    assert network.is_current(network.wiring())
    assert network.is_current(Network(4566, doors.no_doors).wiring())


SERVER = """
import asyncio, sys
from pathlib import Path
from lambent.adapters.sandbox import doors
from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.adapters.sandbox.uplinks import Uplink
from lambent.adapters.sandbox.ways import Network
from lambent.base.clock import SystemClock

async def main():
    network = Network(4566, doors.no_doors, "internet", uplink=Uplink(sys.argv[2]))
    driver = NamespaceSandbox(Path(sys.argv[1]) / "sandbox", SystemClock(), network=network)
    berth = await driver._berths.make(None)
    print(driver._house._process.pid, *driver._house.hierarchies.all, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


@pytest.mark.parametrize("who", ["server", "both"])
@pytest.mark.parametrize("helper", ["slirp4netns", "pasta"])
def test_kill_9_takes_helpers_and_groups_along(tmp_path: Path, helper: str, who: str) -> None:
    program = shutil.which(helper)
    if program is None:
        pytest.skip(f"{helper} is not installed")
    with subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path), program], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        warden, *groups = server.stdout.readline().decode().split() or pytest.skip("namespaces don't work here")
        assert all(Path(each).is_dir() for each in groups)
        pids = helpers_of(server.pid, helper)
        assert pids
        if who == "both":
            os.kill(int(warden), signal.SIGKILL)
        server.kill()
    left = [Path(f"/proc/{pid}") for pid in pids]
    if who == "server":  # else nobody is left to remove control groups: the next start does
        left += map(Path, groups)
    deadline = time.monotonic() + 10
    while any(each.exists() for each in left) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [each for each in left if each.exists()] == []
    asyncio.run(start_and_stop(tmp_path))
    assert [each for each in groups if Path(each).exists()] == []


async def start_and_stop(folder: Path) -> None:
    """Be the next server of a folder."""
    driver = NamespaceSandbox(folder / "sandbox", SystemClock())
    assert await driver.probe() == ""
    await driver.close()
