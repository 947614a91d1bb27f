"""A function that tries to reach what it must not. Runs inside an environment: nothing but the standard library is there.

Each attack returns something true when it got an answer; whether its victim heard of it anyway, the victim says.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 1.0
PKTINFO, UNICAST_IF, MULTICAST_IF, BIND_TO_INDEX = 8, 50, 32, 62


def interface() -> str:
    """Return the way out, when there is one."""
    return next((name for _, name in socket.if_nameindex() if name != "lo"), "lo")


def greeted(address: str, port: int, device: str = "") -> bool:
    """Connect, and be greeted."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(TIMEOUT_S)
        if device:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sock.connect((address, port))
        return sock.recv(5) == b"hello"


def tried(*attempts: Callable[[], bool]) -> bool:
    """Try all; one success is one."""
    found = False
    for each in attempts:
        with contextlib.suppress(OSError):
            found = each() or found
    return found


def sent(facts: dict[str, Any], address: str, port: int, by: str = "") -> bool:
    """Send a datagram, by a socket that was told which interface to take in one of many ways; return whether an answer came."""
    index = socket.if_nametoindex(interface())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT_S / 5)
        word = facts["word"].encode()
        if by == "device":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface().encode())
        elif by == "index":
            sock.setsockopt(socket.SOL_SOCKET, BIND_TO_INDEX, index)
        elif by == "unicast":
            sock.setsockopt(socket.IPPROTO_IP, UNICAST_IF, struct.pack("!I", index))
        elif by == "multicast":
            sock.setsockopt(socket.IPPROTO_IP, MULTICAST_IF, struct.pack("4s4si", b"", b"", index))
        if by == "message":
            sock.sendmsg([word], [(socket.IPPROTO_IP, PKTINFO, struct.pack("i4s4s", index, b"", b""))], 0, (address, port))
        else:
            sock.sendto(word, (address, port))
        return sock.recv(5) == b"hello"


def sent_by_all(facts: dict[str, Any], *addresses: str) -> bool:
    """Send by each of the ways that name the interface."""
    ways = ("device", "index", "unicast", "multicast", "message")
    ports = (facts["datagrams"], facts["datagrams_here"])
    return tried(*(lambda a=a, p=p, by=by: sent(facts, a, p, by) for a in addresses for p in ports for by in ways))  # type: ignore[misc]


def metadata(facts: dict[str, Any]) -> bool:
    return tried(lambda: greeted("169.254.169.254", 80), lambda: greeted("169.254.169.254", 80, interface()))


def neighbour(facts: dict[str, Any]) -> bool:
    addresses = ("127.0.0.1", "169.254.76.1", facts["address"])
    devices = ("", interface())
    return tried(*(lambda a=a, d=d: greeted(a, facts["neighbour"], d) for a in addresses for d in devices))  # type: ignore[misc]


def abstract(facts: dict[str, Any]) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("\0" + facts["abstract"])
        return sock.recv(5) == b"hello"


def seen(facts: dict[str, Any]) -> bool:
    with open("/proc/net/tcp") as file:
        return f"0100007F:{facts['port_here']:04X}" in file.read()


def take_an_address(facts: dict[str, Any]) -> bool:
    body = struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, 1) + struct.pack("=HH4s", 8, 2, bytes([192, 0, 2, 99]))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), 20, 0x605, 1, 0) + body)
        return bool(struct.unpack_from("=i", sock.recv(4096), 16) == (0,))


ATTACKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "reach another machine": lambda facts: greeted(facts["outside"], facts["outside_port"]),
    "reach another machine by its name": lambda facts: greeted("db.example.com", facts["outside_port"]),
    "look up another machine": lambda facts: socket.gethostbyname("example.com") == facts["outside"],
    "reach the machine's loopback": lambda facts: tried(
        lambda: greeted("127.0.0.1", facts["port_here"]), lambda: greeted("0.0.0.0", facts["port_here"])
    ),
    "reach it by the interface": lambda facts: greeted("127.0.0.1", facts["port_here"], interface()),
    "reach it by the way's own addresses": lambda facts: tried(
        *(lambda a=a: greeted(a, facts["port_here"]) for a in ("169.254.76.2", "169.254.76.3", "10.0.2.2"))
    ),  # type: ignore[misc]
    "send the loopback a datagram": lambda facts: sent(facts, "127.0.0.1", facts["datagrams_here"]),
    "send it one by the interface": lambda facts: sent_by_all(facts, "127.0.0.1", "127.1.2.3"),
    "reach the machine by its address": lambda facts: greeted(facts["address"], facts["port"]),
    "reach it by another address of its": lambda facts: greeted(facts["other_address"], facts["port"]),
    "reach its addresses by the interface": lambda facts: tried(
        *(lambda a=a: greeted(a, facts["port"], interface()) for a in (facts["address"], facts["other_address"]))
    ),  # type: ignore[misc]
    "send its addresses datagrams": lambda facts: tried(
        *(lambda a=a: sent(facts, a, facts["datagrams"]) for a in (facts["address"], facts["other_address"]))
    ),  # type: ignore[misc]
    "send them datagrams by the interface": lambda facts: sent_by_all(facts, facts["address"], facts["other_address"]),
    "reach the machine by IPv4 in IPv6": lambda facts: tried(
        *(lambda a=a: greeted(f"::ffff:{a}", facts["port"]) for a in (facts["address"], "127.0.0.1"))
    ),  # type: ignore[misc]
    "reach the machine's IPv6 loopback": lambda facts: greeted("::1", facts["port"]),
    "reach the machine by its IPv6 address": lambda facts: tried(
        lambda: greeted(facts["address_6"], facts["port"]), lambda: greeted(facts["address_6"], facts["port"], interface())
    ),
    "read a cloud's metadata": metadata,
    "reach another environment's port": neighbour,
    "reach an abstract socket": abstract,
    "send a multicast": lambda facts: tried(
        *(lambda by=by: sent(facts, "224.0.0.251", facts["multicast"], by) for by in ("", "device", "multicast"))
    ),  # type: ignore[misc]
    "see the machine's connections": seen,
    "speak raw IP": lambda facts: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).fileno() >= 0,
    "listen to the wire": lambda facts: socket.socket(17, socket.SOCK_RAW, 0).fileno() >= 0,
    "take an address": take_an_address,
}


def handler(event: dict[str, Any], context: object) -> bool:
    """Make one attack; or be somebody's neighbour."""
    if event["attack"] == "listen":
        listener = socket.create_server(("0.0.0.0", event["port"]))
        if os.fork() == 0:
            while True:
                connection, _ = listener.accept()
                connection.sendall(b"hello")
                connection.close()
        return True
    return bool(ATTACKS[event["attack"]](event["facts"]))
