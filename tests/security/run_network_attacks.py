"""Makes every attack on the network from environments that are connected in every way, and prints, as JSON, which succeeded.

``python run_network_attacks.py <folder> <way>…``, in a network of its own that stands for a machine's. An attack has succeeded when it
got an answer, or when its victim, here, heard of it. Ways: ``process``, ``host``, ``isolated``, ``slirp4netns``, ``pasta``; with ``bare-`` before:
without what keeps the machine out of reach; with ``vpc-`` before: for a function in a network of the settings that allows another machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

from tests.security.network_function import ATTACKS
from tests.unit.adapters.sandbox.sandbox_kit import Started, start

from lambent.adapters.sandbox import doors, networks
from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.adapters.sandbox.uplinks import Uplink
from lambent.adapters.sandbox.ways import Network
from lambent.base.clock import SystemClock
from lambent.domain.environments import Ending

RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
SOURCE = Path(__file__).with_name("network_function.py")
FACTS = {
    "outside": "203.0.113.7",
    "outside_port": 7003,
    "address": "198.51.100.1",
    "other_address": "192.0.2.77",
    "address_6": "2001:db8::1",
    "neighbour": 8000 + os.getpid() % 10_000,
}


class BareUplink(Uplink, frozen=True):
    """A helper as it is without our care."""

    def command(self, pid: int) -> list[str]:
        careful = ("--disable-host-loopback", "--disable-dns", "--no-map-gw")
        return [each for each in Uplink.command(self, pid) if each not in careful]

    def link(self) -> dict[str, object]:
        return Uplink.link(self) | {"own": []}


class Machine:
    """What listens on the machine, and what it hears."""

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.touched = 0
        here, everywhere = self._listen("127.0.0.1", socket.AF_INET), self._listen("::", socket.AF_INET6)
        name = f"lambent-{os.getpid()}"
        self._greet(self._bound(socket.AF_UNIX, "\0" + name))
        self.facts: dict[str, Any] = {
            **FACTS,
            "port_here": here.getsockname()[1],
            "port": everywhere.getsockname()[1],
            "abstract": name,
            "datagrams_here": self._hear("127.0.0.1"),
            "datagrams": self._hear("0.0.0.0"),
            "multicast": self._hear("0.0.0.0", group="224.0.0.251"),
        }

    def _listen(self, address: str, family: int) -> socket.socket:
        listener = self._bound(family, (address, 0))
        self._greet(listener)
        return listener

    def _bound(self, family: int, address: Any) -> socket.socket:
        listener = socket.socket(family)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen()
        return listener

    def _greet(self, listener: socket.socket) -> None:
        def serve() -> None:
            while True:
                connection, _ = listener.accept()
                self.touched += 1
                with contextlib.suppress(OSError):
                    connection.sendall(b"hello")
                connection.close()

        threading.Thread(target=serve, daemon=True).start()

    def _hear(self, address: str, group: str = "") -> int:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, 0))
        if group:
            membership = struct.pack("4s4s", socket.inet_aton(group), socket.inet_aton(FACTS["address"]))  # type: ignore[arg-type]
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)

        def serve() -> None:
            while True:
                data, sender = sock.recvfrom(1000)
                self.heard.add(data.decode())
                sock.sendto(b"hello", sender)

        threading.Thread(target=serve, daemon=True).start()
        port: int = sock.getsockname()[1]
        return port


def driver(way: str, folder: Path) -> ProcessSandbox | NamespaceSandbox:
    if way == "process":
        return ProcessSandbox(folder, SystemClock())
    name = way.removeprefix("bare-").removeprefix("vpc-")
    mode = name if name in networks.MODES else networks.INTERNET
    kind = BareUplink if way.startswith("bare-") else Uplink
    uplink = kind(shutil.which(name) or name) if mode == networks.INTERNET else None
    targets = [f"{host}:{FACTS['outside_port']}" for host in (FACTS["outside"], "db.example.com")]
    named = networks.parse({"vpc": {"subnets": ["subnet-1"], "allow": targets}}, 4566)
    return NamespaceSandbox(folder, SystemClock(), network=Network(4566, doors.no_doors, mode, named, uplink))


async def made(started: Started, machine: Machine, way: str, attack: str) -> bool:
    word, touched = f"{way}: {attack}", machine.touched
    outcome = await started.invoke({"attack": attack, "facts": {**machine.facts, "word": word}}, timeout_s=30.0)
    await asyncio.sleep(0.02)
    got = outcome.ending is Ending.SUCCESS and outcome.payload == b"true"
    return got or word in machine.heard or (machine.touched > touched and attack != "reach another environment's port")


async def attacked(way: str, folder: Path, machine: Machine) -> dict[str, bool]:
    sandbox = driver(way, folder / "sandbox")
    folder.mkdir()
    code = {"app.py": SOURCE.read_text()}
    try:
        subnets = ("subnet-1",) if way.startswith("vpc-") else ()
        neighbour = await start(sandbox, folder, code, runtime=RUNTIME, subnets=subnets)
        assert await neighbour.result({"attack": "listen", "port": FACTS["neighbour"]}), neighbour.output.text
        started = await start(sandbox, folder, code, runtime=RUNTIME, subnets=subnets)
        assert started.init.ending is Ending.SUCCESS, (started.init, started.output.text)
        neighbour.environment.wake()  # type: ignore[attr-defined] - else it is frozen, and can't answer
        return {attack: await made(started, machine, way, attack) for attack in ATTACKS}
    finally:
        await sandbox.close()


async def main(folder: Path, ways: list[str]) -> None:
    machine = Machine()
    print(json.dumps({way: await attacked(way, folder / way, machine) for way in ways}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
