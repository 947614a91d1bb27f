"""``make demo``, as it is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.acceptance.conftest import alive

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_demo_turns_pictures_into_thumbnails_and_rows_and_leaves_nothing_running(tmp_path: Path) -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        line.split()[0]: line.split()
        for line in done.stdout.splitlines()
        if line and line.split()[0].partition(".")[2] in {"jpg", "png", "gif", "webp", "bmp", "tiff"}
    }
    assert rows.pop("broken.jpg")[1] == "FAILED"
    assert "on-failure destination: failed after 1 attempt(s): cannot identify image file" in done.stdout
    assert len(rows) == 6
    for name, row in rows.items():
        with Image.open(tmp_path / row[-1]) as thumbnail:
            assert (thumbnail.format, max(thumbnail.size)) == ("JPEG", 128), name
    assert "a cold start" in done.stdout
    assert "warm" in done.stdout
    here = str(tmp_path)
    assert not [pid for pid in running() if alive(pid) and here in command_line(pid)]


def running() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
