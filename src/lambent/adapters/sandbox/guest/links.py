"""A network namespace's interfaces, addresses and routes, by rtnetlink(7); and the sockets that are opened in it for the server."""

import contextlib
import errno
import fcntl
import os
import socket
import struct
import time

BACKLOG = 256
NAMES_PORT = 53
_GET_FLAGS, _SET_FLAGS, _SET_MTU, _UP = 0x8913, 0x8914, 0x8922, 1
_NEW_ADDRESS, _NEW_ROUTE = 20, 24
_REQUEST, _ACK, _EXCLUSIVE, _CREATE, _APPEND = 1, 4, 0x200, 0x400, 0x800
_LINK_GROUP = 1
_NO_DAD = 2
_UNICAST, _LOCAL = 1, 2  # types of routes
_MAIN, _LOCAL_TABLE = 254, 255
_STATIC, _HOST_SCOPE = 4, 254
_LINK_S = 10.0  # for a helper to make its interface; it takes milliseconds


def raise_link(name, mtu=0):
    """Switch an interface on; a new network namespace has its loopback switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        if mtu:
            fcntl.ioctl(sock, _SET_MTU, struct.pack("16si20x", name.encode(), mtu))
        request = struct.pack("16sH14x", name.encode(), 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(sock, _GET_FLAGS, request), 16)
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sH14x", name.encode(), flags | _UP))


def open_sockets(network):
    """Return the sockets that the server asks for: TCP listeners on ``ports``, then UDP ones on ``datagrams``, all on the loopback.

    Whoever holds them accepts and receives there, wherever that is.
    """
    tcp = [listen("127.0.0.1", port) for port in network["ports"]]
    return tcp + [bound(socket.SOCK_DGRAM, "127.0.0.1", port) for port in network["datagrams"]]


def open_targets(targets):
    """Return listeners that stand for what is reached through the server: on its very address ([address, port]), made ours if it isn't."""
    for address in {address for address, _ in targets}:
        if not address.startswith("127.") and address != "::1":
            add_address("lo", address)
    return [listen(address, port) for address, port in targets]


def bound(kind, address, port):
    """Return a socket that is bound to an address of this namespace."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    return sock


def listen(address, port):
    """Return a socket that listens on an address of this namespace."""
    sock = bound(socket.SOCK_STREAM, address, port)
    sock.listen(BACKLOG)
    return sock


def add_address(name, address):
    """Give an interface one more address."""
    packed = socket.inet_pton(family_of(address), address)
    head = struct.pack("=BBBBI", family_of(address), len(packed) * 8, _NO_DAD, 0, socket.if_nametoindex(name))
    with contextlib.suppress(FileExistsError):
        ask(_NEW_ADDRESS, _CREATE | _EXCLUSIVE, head + attribute(2, packed) + attribute(1, packed))


def connect(link):
    """Wait until a helper has made an interface here, and make it the way out: not to the machine itself, whatever a program asks for.

    ``own`` ([address, bits] pairs) are routes that lead back to this namespace. They are of the interface itself, and not of the loopback
    (or refusals): a socket that is bound to the interface passes over those.
    """
    index = wait_for(link["name"])
    raise_link(link["name"], link["mtu"])
    add_address(link["name"], link["address"])
    add_route(index, "", 0, gateway=link["gateway"], within=link["address"])
    for address, bits in link["own"]:
        add_route(index, address, bits)


def add_route(index, address, bits, gateway="", within=""):
    """Add a route: through a gateway (everywhere: with no ``bits``), or with none to this namespace itself."""
    family = family_of(address or gateway)
    if gateway:
        on_link = 4  # RTNH_F_ONLINK: the gateway needs no route of its own
        head = struct.pack("=BBBBBBBBI", family, bits, 0, 0, _MAIN, _STATIC, 0, _UNICAST, on_link)
        more = attribute(5, socket.inet_pton(family, gateway)) + attribute(7, socket.inet_pton(family, within))
    else:
        head = struct.pack("=BBBBBBBBI", family, bits, 0, 0, _LOCAL_TABLE, _STATIC, _HOST_SCOPE, _LOCAL, 0)
        more = b""
    if bits:
        more += attribute(1, socket.inet_pton(family, address))
    # Appended: 127.0.0.0/8 has a route already, of the loopback, which stays the first.
    ask(_NEW_ROUTE, _CREATE | _APPEND, head + more + attribute(4, struct.pack("=I", index)))


def wait_for(name):
    """Return the index of an interface that others are making here. ``OSError`` when it doesn't come."""
    end = time.monotonic() + _LINK_S
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, _LINK_GROUP))
        while True:
            with contextlib.suppress(OSError):
                return socket.if_nametoindex(name)
            sock.settimeout(max(end - time.monotonic(), 0.001))
            try:
                sock.recv(65536)
            except socket.timeout:
                raise OSError(errno.ETIMEDOUT, "no interface %s was made" % name) from None


def ask(kind, flags, payload):
    """Have the kernel change something. ``OSError`` when it won't."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(payload), kind, _REQUEST | _ACK | flags, 1, 0) + payload)
        (number,) = struct.unpack_from("=i", sock.recv(65536), 16)
    if number:
        raise OSError(-number, os.strerror(-number))


def attribute(kind, value):
    """Return an attribute of a message, padded."""
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def family_of(address):
    """Return an address's family."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET
