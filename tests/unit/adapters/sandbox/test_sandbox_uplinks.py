"""The helper that connects environments: found, confined, and what stays out of its reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambent.adapters.sandbox import uplinks

FIB = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 192.0.2.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     |-- 192.0.2.2
        /32 host LOCAL
"""


def test_the_machines_addresses_are_read() -> None:
    assert [str(each) for each in uplinks.machine_networks(FIB)] == ["127.0.0.0/8", "127.0.0.1/32", "192.0.2.2/32"]


def test_this_machine_has_a_loopback() -> None:
    assert "127.0.0.1/32" in {str(each) for each in uplinks.machine_networks(Path("/proc/net/fib_trie").read_text())}


def installed(folder: Path, *names: str) -> str:
    for name in names:
        path = folder / name
        path.touch()
        path.chmod(0o755)
    return str(folder)


def test_the_lighter_helper_comes_first(tmp_path: Path) -> None:
    assert uplinks.find(str(tmp_path)) is None
    one = uplinks.find(installed(tmp_path, "pasta"))
    assert one is not None
    assert one.name == "pasta"
    both = uplinks.find(installed(tmp_path, "slirp4netns"), ["10.0.0.0/8"])
    assert both is not None
    assert both.name == "slirp4netns"
    own = both.link()["own"]
    assert isinstance(own, list)
    assert own[:3] == [["127.0.0.0", 8], ["169.254.0.0", 16], ["10.0.0.0", 8]]
    with pytest.raises(ValueError, match="network_deny"):
        uplinks.find(str(tmp_path), ["10.0.0.1/8"])


def test_helpers_are_told_to_keep_the_machine_out(tmp_path: Path) -> None:
    for name, flags in (
        ("slirp4netns", ("--disable-host-loopback", "--enable-sandbox", "--enable-seccomp", "--disable-dns")),
        ("pasta", ("--no-map-gw", "-4")),
    ):
        folder = tmp_path / name
        folder.mkdir()
        found = uplinks.find(installed(folder, name))
        assert found is not None
        command = found.command(os.getpid())
        assert set(flags) <= set(command)
        if name == "pasta":
            assert [command[command.index(each) + 1] for each in ("-t", "-u", "-T", "-U")] == ["none"] * 4
