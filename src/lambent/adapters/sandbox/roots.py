"""What a runtime's root holds: the least that its interpreter and a shell need. Pure but for looking at what the machine has."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from lambent.adapters.sandbox import layout
from lambent.adapters.sandbox.runtimes import Interpreter

USER_ID, GROUP_ID = 993, 990  #: as in Lambda
_OVERFLOW_ID: Final = 65_534  #: whose the machine's files seem to be, from within a user namespace
GUEST: Final = "/var/runtime/guest"
INTERPRETER: Final = "/var/lang"

_SYSTEM: Final = ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/libexec", "bin", "sbin", "lib", "lib64")
_SHARED: Final = (
    *("usr/share/zoneinfo", "usr/share/ca-certificates", "usr/share/locale", "usr/share/i18n", "usr/share/misc", "usr/share/terminfo"),
    *("etc/ssl/certs", "etc/ssl/openssl.cnf", "etc/pki/tls", "etc/pki/ca-trust", "etc/ca-certificates", "etc/ca-certificates.conf"),
    *("etc/ld.so.cache", "etc/ld.so.conf", "etc/ld.so.conf.d", "etc/alternatives", "etc/mime.types"),
)
_OVER: Final = ("/opt", "/tmp", "/var/task", "/proc", "/dev")  # noqa: S108 - where environments mount something of their own
_FILES: Final = {
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\n"
        f"sbx_user1051:x:{USER_ID}:{GROUP_ID}::/home/sbx_user1051:/sbin/nologin\n"
        f"nobody:x:{_OVERFLOW_ID}:{_OVERFLOW_ID}:nobody:/:/sbin/nologin\n"
    ),
    "etc/group": f"root:x:0:\nsbx_group:x:{GROUP_ID}:\nnobody:x:{_OVERFLOW_ID}:\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/resolv.conf": "nameserver 127.0.0.1\n",  # the server answers there, by a socket that was opened inside
}


class Root(msgspec.Struct, frozen=True):
    """How to assemble a root. Targets are absolute; other paths are relative to the root."""

    name: str
    binds: tuple[tuple[str, str], ...]  #: what of the machine's is seen, read-only, and where
    files: Mapping[str, str] = msgspec.field(default_factory=lambda: _FILES)
    links: Mapping[str, str] = {}
    folders: tuple[str, ...] = ()  #: empty ones
    hidden: tuple[str, ...] = ()  #: folders that are shown empty

    def request(self) -> dict[str, object]:
        """Return what the warden is asked."""
        return {
            "name": self.name,
            "binds": self.binds,
            "files": dict(self.files),
            "links": dict(self.links),
            "folders": self.folders,
            "hidden": self.hidden,
        }


@lru_cache(maxsize=64)
def root_for(interpreter: Interpreter | None, *, machine: Path = Path("/")) -> Root:
    """Return the root for an interpreter, or the one for custom runtimes. Kept: looking packages up takes longer than a cold start."""
    binds, links = _system(machine)
    if interpreter is None:
        return Root("custom", tuple(binds), links=links)
    prefix = interpreter.path.parent.parent
    place = str(prefix)
    name = f"{'node' if interpreter.is_node else 'python'}{interpreter.release}"
    if prefix == machine / "usr":
        links["var/lang"] = "/usr"
    elif prefix == machine / "usr/local":
        binds += [(str(prefix / each), f"/usr/local/{each}") for each in ("bin", "lib") if (prefix / each).is_dir()]
        links["var/lang"] = "/usr/local"
    elif str(prefix).startswith(_OVER):
        place = INTERPRETER
        binds.append((str(prefix), place))
    else:  # where it was installed: its libraries may be looked for there
        binds.append((str(prefix), place))
        links["var/lang"] = place
    hidden: tuple[str, ...] = ()
    if interpreter.is_node:
        binds += [(str(layout.GUEST / "node_bootstrap.mjs"), "/var/runtime/index.mjs")]
        binds += [(str(layout.GUEST / each), f"/var/runtime/{each}") for each in ("rehearsal.cjs", "rehearsal.mjs")]
    else:
        bootstrap = (str(layout.GUEST / "python_bootstrap.py"), "/var/runtime/bootstrap.py")
        binds += [(str(layout.GUEST), GUEST), bootstrap, *_python_packages(interpreter.release)]
        packages = f"lib/python{interpreter.release}/site-packages"
        if (prefix / packages).is_dir():
            hidden = (f"{place}/{packages}",)
    return Root(name, tuple(binds), links=links, folders=("opt/lib", "opt/bin", "var/task/lib"), hidden=hidden)


def in_machines_network(root: Root) -> Root:
    """Return the root for environments that share the machine's network: names are looked up as the machine does."""
    ours = {path: Path("/", path) for path in ("etc/hosts", "etc/resolv.conf") if Path("/", path).exists()}
    files = {path: text for path, text in root.files.items() if path not in ours}
    binds = (*root.binds, *((str(path.resolve()), str(path)) for path in ours.values()))
    return replace(root, name=f"{root.name}-host", binds=binds, files=files)


def executable(interpreter: Interpreter) -> str:
    """Return the interpreter's path inside."""
    return f"{INTERPRETER}/bin/{interpreter.path.name}"


def _system(machine: Path) -> tuple[list[tuple[str, str]], dict[str, str]]:
    binds: list[tuple[str, str]] = []
    links: dict[str, str] = {}
    for each in (*_SYSTEM, *_SHARED):
        path = machine / each
        if path.is_symlink() and each in _SYSTEM:
            links[each] = str(path.readlink())
        elif path.exists():
            binds.append((str(path.resolve()), f"/{each}"))
    return binds, links


def _python_packages(release: str) -> list[tuple[str, str]]:
    """Return awslambdaric and the SDK, each bound by itself: nothing else of the server's packages can be seen."""
    binds = []
    for name in layout.runtime_packages(release):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        binds.append((str(source.resolve()), f"/var/runtime/{source.name}"))
    return binds
