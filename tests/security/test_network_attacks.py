"""Attacks on the network: which of them each way to connect an environment lets through. As root and as an ordinary user.

The machine that is attacked is a network namespace of the test's own, another machine is a second one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.security.network_function import ATTACKS
from tests.security.test_attacks import HERE, IMPORTS, OrdinaryUser, ordinary_user

OUTSIDE = """
import socket, threading
def serve(address, port):
    listener = socket.create_server((address, port))
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"hello")
        connection.close()
threading.Thread(target=serve, args=("203.0.113.7", 7003), daemon=True).start()
threading.Thread(target=serve, args=("169.254.169.254", 80), daemon=True).start()
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("198.51.100.2", 53))
print("ready", flush=True)
while True:
    query, sender = names.recvfrom(1000)
    end = query.index(b"\\0", 12) + 5
    found = query[end - 3] == 1
    answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\5\\0\\4" + bytes([203, 0, 113, 7]) if found else b""
    names.sendto(query[:2] + b"\\x81\\x80\\0\\1\\0" + bytes([found]) + b"\\0\\0\\0\\0" + query[12:end] + answer, sender)
"""
HELPERS = [each for each in ("slirp4netns", "pasta") if shutil.which(each)]
BARE = [f"bare-{each}" for each in HELPERS]
OPEN = ["process", "host"]
INTERNET = [*HELPERS, *BARE]
VPC = [f"vpc-{each}" for each in ("isolated", "host", *HELPERS[:1])]
APART = [[*OPEN, "vpc-host"], ["isolated"], ["vpc-isolated"], *([each] for each in (*INTERNET, *VPC[2:]))]
"""What is tried at the same time: most attacks wait for an answer that doesn't come. Those that share the machine's ports take turns."""
MULTICAST = [each for each in INTERNET if each.endswith("pasta")]  # which passes it on; docs/security.md says so

WORKS = {
    "reach another machine": [*OPEN, *INTERNET, *VPC],
    "reach another machine by its name": [*OPEN, *INTERNET, *VPC],
    "look up another machine": [*OPEN, *INTERNET],
    "reach it by the interface": BARE,
    "reach it by the way's own addresses": BARE,
    "send it one by the interface": [*OPEN, *BARE],
    "reach the machine by its address": [*OPEN, *BARE],
    "reach it by another address of its": [*OPEN, *BARE],
    "reach its addresses by the interface": [*OPEN, *BARE],
    "send its addresses datagrams": [*OPEN, *BARE],
    "send them datagrams by the interface": [*OPEN, *BARE],
    "reach the machine by IPv4 in IPv6": [*OPEN, *BARE],
    "read a cloud's metadata": [*OPEN, *BARE],
    "send a multicast": [*OPEN, *MULTICAST],
    "speak raw IP": ["process"],
    "listen to the wire": ["process"],
    "take an address": ["process"],
}
"""By which ways an attack works; those that aren't named: where there are no walls at all."""
OF_ROOT = {"speak raw IP", "listen to the wire", "take an address"}


__all__ = ["ordinary_user"]  # a fixture


Found: TypeAlias = Any
"""Which attacks succeeded, ``{way: {attack: bool}}``."""


def at_once(attacked: Callable[[Sequence[str]], Found], ways: Sequence[Sequence[str]]) -> Found:
    with ThreadPoolExecutor() as pool:
        return {way: attacks for found in pool.map(attacked, ways) for way, attacks in found.items()}


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Give the command that enters a machine of our own, connected to another one."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nsenter"):
        pytest.skip("needs root, ip and nsenter")
    conf = tmp_path_factory.mktemp("machine") / "resolv.conf"
    conf.write_text("nameserver 198.51.100.2\n")
    inner = f"mount --bind {conf} /etc/resolv.conf && echo ready && exec sleep infinity"
    with subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", inner], stdout=subprocess.PIPE) as here:
        assert here.stdout is not None
        if here.stdout.readline() != b"ready\n":
            pytest.skip("no network namespaces here")
        with subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) as there:
            try:
                enter, outside = ["nsenter", "-t", str(here.pid), "-n", "-m"], ["nsenter", "-t", str(there.pid), "-n"]
                while Path(f"/proc/{there.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
                    pass  # it has not begun
                run("ip", "link", "add", "veth0", "netns", str(here.pid), "type", "veth", "peer", "name", "veth0", "netns", str(there.pid))
                for where, addresses in (
                    (enter, ("veth0 198.51.100.1/24", "lo 192.0.2.77/32", "lo 2001:db8::1/128")),
                    (outside, ("veth0 198.51.100.2/24", "lo 203.0.113.7/32", "lo 169.254.169.254/32")),
                ):
                    run(*where, "ip", "link", "set", "lo", "up")
                    run(*where, "ip", "link", "set", "veth0", "up")
                    for each in addresses:
                        device, address = each.split()
                        run(*where, "ip", "address", "add", address, "dev", device)
                run(*enter, "ip", "route", "add", "default", "via", "198.51.100.2")
                with subprocess.Popen([*outside, sys.executable, "-c", OUTSIDE], stdout=subprocess.PIPE) as other:
                    assert other.stdout is not None
                    assert other.stdout.readline() == b"ready\n"
                    yield enter
                    other.kill()
            finally:
                there.kill()
                here.kill()


@pytest.fixture(scope="module")
def as_root(machine: list[str], tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Return which attacks succeeded, by way."""
    environ = {**os.environ, "PYTHONPATH": IMPORTS}

    def attacked(ways: Sequence[str]) -> Found:
        command = [*machine, sys.executable, "-m", "tests.security.run_network_attacks", str(tmp_path_factory.mktemp("attacks")), *ways]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environ, cwd=HERE)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return at_once(attacked, APART)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", [*OPEN, "isolated", *VPC, "slirp4netns", "pasta", "bare-slirp4netns", "bare-pasta"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_works_by_the_ways_that_are_open_to_it_and_by_no_other(as_root: Found, attack: str, way: str) -> None:
    if way not in as_root:
        pytest.skip(f"{way.removeprefix('bare-')} is not installed")
    assert as_root[way][attack] == (way in WORKS.get(attack, OPEN))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_ordinary_user_has_the_same_ways(machine: list[str], ordinary_user: OrdinaryUser) -> None:
    may_tunnel = Path("/dev/net/tun").exists() and os.stat("/dev/net/tun").st_mode & 0o006 == 0o006

    def attacked(ways: Sequence[str]) -> Found:
        folder = ordinary_user.folder(f"attacks-{ways[0]}")
        return ordinary_user.run("-m", "tests.security.run_network_attacks", str(folder), *ways, within=machine)

    for way, attacks in at_once(attacked, APART if may_tunnel else APART[:3]).items():
        wrong = {attack: got for attack, got in attacks.items() if got != (way in WORKS.get(attack, OPEN) and attack not in OF_ROOT)}
        assert wrong == {}, way
    if not may_tunnel:
        pytest.skip("an ordinary user may not open /dev/net/tun here: the ways to the internet were not tried")
