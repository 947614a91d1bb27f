"""What an environment reaches by its network: decided here, carried out by its holder (``guest/links.py``) and by ``relays``. Pure.

Three modes: ``isolated`` (the gateway, by a listener inside), ``internet`` (other machines, too, through a helper that ``uplinks``
knows), ``host`` (the machine's own network). ``[networks.NAME]`` in ``lambent.toml`` says what functions of a VPC reach: listed targets.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from lambent.base.regexes import Regex
from lambent.domain.functions import FunctionVersion

ISOLATED, INTERNET, HOST = "isolated", "internet", "host"
MODES: Final = (ISOLATED, INTERNET, HOST)
RUNTIME_API_PORT: Final = 9001  # as in Lambda
NAMES_PORT: Final = 53
ADDRESS: Final = "169.254.76.1"  #: of every environment, as in Lambda; C libraries find no names where there is nothing but a loopback
TARGETS_MAX: Final = 64  #: of one function; each is a descriptor of the server's in every environment
_KEYS: Final = frozenset({"subnets", "security_groups", "allow"})
_SUBNET: Final = Regex(r"subnet-[0-9a-z]+")  # as Lambda's model has it
_GROUP: Final = Regex(r"sg-[0-9a-zA-Z]+")
_NAME: Final = Regex(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


class Target(msgspec.Struct, frozen=True):
    """A server that functions may reach: a name, or an address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether it is one that programs connect to without looking up a name."""
        return _address(self.host) is not None


class NamedNetwork(msgspec.Struct, frozen=True):
    """A table ``[networks.NAME]``."""

    name: str
    subnets: frozenset[str]
    security_groups: frozenset[str]
    targets: tuple[Target, ...]


class Reach(msgspec.Struct, frozen=True):
    """What the functions of some VPC reach beyond the gateway, and by which addresses of their environment."""

    openings: tuple[tuple[str, int, Target], ...] = ()  #: address inside, port, and what is behind it
    names: Mapping[str, str] = {}  #: host name → address inside

    @property
    def listeners(self) -> list[list[object]]:
        """What the holder is asked to listen on."""
        return [[address, port] for address, port, _ in self.openings]


NOWHERE: Final = Reach()


class Wiring(msgspec.Struct, frozen=True):
    """The network of a room, as its holder is asked to make it."""

    ports: tuple[int, ...]  #: of the loopback, for TCP
    datagrams: tuple[int, ...] = ()  #: the same for UDP
    reach: Reach = NOWHERE
    link: Mapping[str, object] | None = None  #: an interface that a helper makes, and the way out through it
    shared: bool = False  #: there is none: it is the machine's

    @property
    def sockets(self) -> int:
        """How many sockets are opened for it."""
        return len(self.ports) + len(self.datagrams) + len(self.reach.openings)

    def request(self) -> dict[str, object]:
        """Return it as the holder is told."""
        return {
            "ports": self.ports,
            "datagrams": self.datagrams,
            "targets": self.reach.listeners,
            "link": self.link,
            "address": ADDRESS,
            "shared": self.shared,
        }


class Networks:
    """The networks that the settings name."""

    def __init__(self, networks: Sequence[NamedNetwork] = ()) -> None:
        self._networks = tuple(networks)

    @property
    def vpcs(self) -> dict[str, str]:
        """The ids of VPCs by subnet: a network is one, and its id is made of its name."""
        return {
            subnet: f"vpc-{hashlib.sha256(each.name.encode()).hexdigest()[:17]}"
            for each in reversed(self._networks)
            for subnet in each.subnets
        }

    def of(self, function: FunctionVersion) -> Reach | None:
        """Return what a function's VPC reaches; ``None`` when the settings name neither a subnet nor a security group of it."""
        named = [
            each
            for each in self._networks
            if each.subnets.intersection(function.subnet_ids) or each.security_groups.intersection(function.security_group_ids)
        ]
        if not named:
            return None
        return reach(dict.fromkeys(target for each in named for target in each.targets))


def reach(targets: Iterable[Target]) -> Reach:
    """Return where targets are found inside: addresses at themselves, names at loopback addresses of their own (127.64.0.1 and on)."""
    openings, names = [], {"localhost": "127.0.0.1"}
    for target in targets:
        inside = target.host
        if not target.is_address:
            inside = names.setdefault(target.host, f"127.64.0.{len(names)}")
        openings.append((inside, target.port, target))
    return Reach(tuple(dict.fromkeys(openings)), names)


def parse(tables: Mapping[str, Any], gateway_port: int) -> Networks:
    """Return the networks that tables describe. ``ValueError`` says what is wrong with them."""
    networks = []
    for name, table in tables.items():
        where = f"[networks.{name}]"
        if not isinstance(table, Mapping):
            raise ValueError(f"{where} is a table of lambent.toml with subnets or security_groups, and allow")
        unknown = sorted(set(table) - _KEYS)
        if unknown:
            raise ValueError(f"{where}: there is no {', '.join(unknown)}; there are {', '.join(sorted(_KEYS))}")
        subnets, groups, allow = (_texts(table, key, where) for key in ("subnets", "security_groups", "allow"))
        wrong = [each for each in subnets if not _SUBNET.fullmatch(each)] + [each for each in groups if not _GROUP.fullmatch(each)]
        if wrong:
            raise ValueError(f"{where}: {wrong[0]!r} is no id as AWS has them, such as subnet-1a2b or sg-1a2b")
        if not subnets and not groups:
            raise ValueError(f"{where} names no subnets and no security_groups: no function would be in it")
        networks.append(
            NamedNetwork(name, frozenset(subnets), frozenset(groups), tuple(_target(each, where, gateway_port) for each in allow))
        )
    if len({target for each in networks for target in each.targets}) > TARGETS_MAX:
        raise ValueError(f"the networks allow more than {TARGETS_MAX} targets in all")
    return Networks(networks)


def _texts(table: Mapping[str, Any], key: str, where: str) -> list[str]:
    given = table.get(key, [])
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{where}: {key} is a list of texts")
    return given


def _target(text: str, where: str, gateway_port: int) -> Target:
    host, _, port = text.strip().lower().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host.removesuffix(".")
    if not port.isdecimal() or not 1 <= int(port) <= 65535 or (":" in host) != bracketed:
        raise ValueError(f"{where}: {text!r} is no target; write host:port, with [brackets] around an IPv6 address")
    address = _address(host)
    if address is None and (not _NAME.fullmatch(host) or len(host) > 253 or host.rpartition(".")[2].isdecimal()):
        raise ValueError(f"{where}: {host!r} is neither an address nor a host name")
    if address is not None and (address.is_multicast or address.is_unspecified or getattr(address, "scope_id", None)):
        raise ValueError(f"{where}: {host} is no address of one server")
    own = host == "localhost" or (address is not None and address == ipaddress.ip_address("127.0.0.1"))
    if own and int(port) in (gateway_port, RUNTIME_API_PORT, NAMES_PORT):
        raise ValueError(f"{where}: {text} is taken inside of every environment, by the gateway ({gateway_port}) or what belongs to Lambda")
    return Target(host if address is None else str(address), int(port))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
