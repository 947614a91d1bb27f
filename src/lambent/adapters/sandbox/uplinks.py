"""The way from an environment to the internet: a helper program per environment that carries its packets as the machine's own connections.

It makes an interface in the environment's network and needs no privilege on the machine's. What environments don't reach by it is held in
their network, by routes that lead back to it (``guest/links.py``): the machine's own addresses and what is local to its links, cloud
metadata included. The kernel's table of the machine's addresses is read for each environment.
"""

from __future__ import annotations

import ipaddress
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from lambent.adapters.sandbox.networks import ADDRESS

INSTALL: Final = "install slirp4netns or passt (apt-get install slirp4netns; dnf install slirp4netns; apk add slirp4netns)"
_INTERFACE: Final = "tap0"
_NETWORK, _GATEWAY = "169.254.76.0/24", "169.254.76.2"  # of a range that nothing is routed to, as in Lambda
_MTU: Final = 65_520  # there is no wire: the larger, the faster
_NEVER: Final = ("127.0.0.0/8", "169.254.0.0/16")  # loopback, and what is on the machine's own links
_FIB: Final = Path("/proc/net/fib_trie")


class Uplink(msgspec.Struct, frozen=True):
    """A helper program, and what environments do not reach through it."""

    program: str  #: its path
    denied: tuple[str, ...] = ()  #: networks (``10.0.0.0/8``)

    @property
    def name(self) -> str:
        """The program's name."""
        return Path(self.program).name

    def command(self, pid: int) -> list[str]:
        """Return the command line for the namespaces of a process."""
        user, network = f"/proc/{pid}/ns/user", f"/proc/{pid}/ns/net"
        if self.name == "slirp4netns":
            confined = ["--disable-host-loopback", "--disable-dns", "--enable-sandbox", "--enable-seccomp"]
            place = ["--netns-type=path", f"--userns-path={user}", f"--cidr={_NETWORK}", f"--mtu={_MTU}", network, _INTERFACE]
            return [self.program, *confined, *place]
        closed = ["--no-map-gw", "-t", "none", "-u", "none", "-T", "none", "-U", "none", "--runas", "0"]
        addresses = ["-4", "-a", ADDRESS, "-n", _NETWORK.rpartition("/")[2], "-g", _GATEWAY, "-m", str(_MTU), "-I", _INTERFACE]
        return [self.program, "--foreground", "--quiet", *closed, *addresses, "--userns", user, "--netns", network]

    def link(self) -> dict[str, object]:
        """Return the interface as the environment's holder sees to it; ``owned``: its namespaces may be another user's than root."""
        own = [ipaddress.ip_network(each) for each in (*_NEVER, *self.denied)] + list(machine_networks(_FIB.read_text()))
        pairs = [[str(each.network_address), each.prefixlen] for each in dict.fromkeys(own)]
        # pasta gives up what root needs to enter the namespaces of others.
        owned = self.name != "pasta"
        return {"name": _INTERFACE, "mtu": _MTU, "address": ADDRESS, "gateway": _GATEWAY, "own": pairs, "owned": owned}


def find(search_path: str, denied: Sequence[str] = ()) -> Uplink | None:
    """Return the helper that is installed. ``slirp4netns`` comes first: it takes 3 MB where ``pasta`` takes 20, and passes on no multicast.

    ``ValueError`` for a network to deny that there can't be.
    """
    networks = []
    for each in denied:
        try:
            networks.append(str(ipaddress.IPv4Network(each)))
        except ValueError as error:
            raise ValueError(f"network_deny: {error}; write networks like 10.0.0.0/8") from None
    for name in ("slirp4netns", "pasta"):
        program = shutil.which(name, path=search_path)
        if program:
            return Uplink(program, tuple(networks))
    return None


def machine_networks(fib: str) -> Iterable[ipaddress.IPv4Network]:
    """Return the addresses that lead to the machine itself, from the kernel's ``fib_trie``."""
    leaf = ""
    for line in fib.splitlines():
        found = re.match(r"\s*\|-- (\S+)", line)
        if found:
            leaf = found[1]
        found = re.match(r"\s*/(\d+) host LOCAL", line)
        if found and leaf:
            yield ipaddress.IPv4Network(f"{leaf}/{found[1]}")
