"""Every attack works where there are no walls, and fails where there are: as root, and as an ordinary user."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.security.attacks import AGAINST_THE_FIRST, ATTACKS

HERE = Path(__file__).resolve().parents[2]
NOBODY = 65534
IMPORTS = os.pathsep.join([str(HERE / "src"), str(HERE), *(each for each in sys.path if each.endswith("site-packages"))])
RUNNER = "tests/security/run_attacks.py"


def leftovers(folder: Path) -> list[str]:
    """Return control groups, mounts and files that a driver in a folder has left."""
    name = f"lambent-{hashlib.sha256(str(folder / 'sandbox' / 'run').encode()).hexdigest()[:8]}"
    groups = [str(each) for each in Path("/sys/fs/cgroup").glob(f"**/{name}")]
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
    return groups + mounts + [str(each) for each in (folder / "sandbox" / "run",) if each.exists()]


@pytest.fixture(scope="module")
def as_root(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    """Return which attacks succeeded, by driver."""
    if os.geteuid() != 0:
        pytest.skip("not root")
    found = {}
    for driver in ("process", "namespaces"):
        folder = tmp_path_factory.mktemp(driver)
        command = [sys.executable, str(HERE / RUNNER), driver, str(folder)]
        environ = {**os.environ, "PYTHONPATH": IMPORTS, "TOKEN": "token-of-the-victim"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environ)
        assert done.returncode == 0, done.stderr
        found[driver] = json.loads(done.stdout)
        assert driver == "process" or leftovers(folder) == []
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_works_without_walls_and_fails_behind_them(as_root: dict[str, dict[str, bool]], attack: str) -> None:
    if attack in UNLIMITED and not as_root["process"][attack]:
        pytest.skip("the machine is too busy to tell")
    if attack not in AGAINST_THE_FIRST:
        assert as_root["process"][attack], "it proves nothing: it fails without walls, too"
    assert not as_root["namespaces"][attack]


@dataclass(frozen=True, slots=True)
class OrdinaryUser:
    """Somebody who is not root, with a copy of everything that the attacks need."""

    command: list[str]  #: what runs Python as that user
    environ: dict[str, str]
    place: Path
    home: Path

    def folder(self, name: str) -> Path:
        folder = self.home / name
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
        return folder

    def run(self, *arguments: str, within: Sequence[str] = ()) -> Any:
        """Run Python, inside of what a command enters; return the JSON that it prints."""
        command = [*within, *self.command, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=self.environ, cwd=self.place)
        if "Permission denied" in done.stderr or "No module named" in done.stderr:
            pytest.skip("an ordinary user can't read the packages that are installed here")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def ordinary_user() -> Iterator[OrdinaryUser]:
    python = next((each for each in (shutil.which("python3", path="/usr/local/bin:/usr/bin"),) if each and _is_of_our_version(each)), None)
    if os.geteuid() != 0 or not shutil.which("setpriv") or python is None:
        pytest.skip("needs root, setpriv, and a Python of our version that everybody may execute")
    place = Path(tempfile.mkdtemp(prefix="lambent-user-"))  # not pytest's folder, which each start of pytest closes to others
    place.chmod(0o755)
    for each in ("src", "tests"):
        shutil.copytree(HERE / each, place / each, ignore=shutil.ignore_patterns("__pycache__"))
    home = place / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    packages = [each for each in sys.path if each.endswith("site-packages") and Path(each).is_relative_to(sys.prefix)]
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "TOKEN": "token-of-the-victim",
        "PYTHONPATH": os.pathsep.join([str(place / "src"), str(place), *packages]),
    }
    who = [str(shutil.which("setpriv")), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    yield OrdinaryUser([*who, python, "-B"], environ, place, home)
    shutil.rmtree(place)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_ordinary_user_has_the_same_walls(ordinary_user: OrdinaryUser) -> None:
    found = {driver: ordinary_user.run(RUNNER, driver, str(ordinary_user.folder(driver))) for driver in ("process", "namespaces")}
    assert sum(found["process"].values()) > 15
    assert [name for name, succeeded in found["namespaces"].items() if succeeded and name not in UNLIMITED] == []


UNLIMITED = {"use more than its share of CPU"}
"""What nothing but a cgroup can limit, and an ordinary user has none here."""


def _is_of_our_version(python: str) -> bool:
    ask = "import sys; print(sys.version_info[:2])"
    return subprocess.run([python, "-c", ask], capture_output=True, text=True).stdout.strip() == str(sys.version_info[:2])
