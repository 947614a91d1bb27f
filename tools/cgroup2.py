"""``python -m tools.cgroup2``: the attacks of ``tests/security`` on a kernel that has control groups of version 2 only.

Boots Debian's ``user-mode-linux`` (a kernel that runs as an ordinary process) on this machine's own files, mounts the unified hierarchy,
and runs every attack without walls and behind them. What is written goes to memory and ends with the kernel. Takes three minutes.
Exit status: 0 when nothing gets through the walls, 1 when something does, 2 when it could not be tried.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parents[1]
BOOT_S_MAX = 1800
_INIT = """#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t devtmpfs dev /dev; mkdir -p /dev/shm; mount -t tmpfs shm /dev/shm; ip link set lo up
cd {here}; export TOKEN=token-of-the-victim PYTHONPATH={here}/src:{here}
for driver in process namespaces; do
  mkdir -p /tmp/$driver
  {python} tests/security/run_attacks.py $driver /tmp/$driver > {out}/$driver.json 2> {out}/$driver.err
done
cat /sys/fs/cgroup/cgroup.controllers > {out}/controllers
find /sys/fs/cgroup -name 'room-*' > {out}/left
echo o > /proc/sysrq-trigger; sleep 60
"""


def boot(out: Path) -> None:
    """Run the attacks in a kernel of their own; their results are files in ``out``."""
    init = out / "init.sh"
    init.write_text(_INIT.format(here=HERE, out=out, python=sys.executable))
    init.chmod(0o755)
    command = ["linux.uml", "mem=4G", "rootfstype=hostfs", "rootflags=/", "rw", f"init={init}", "con=null", "con0=null,fd:2", "quiet"]
    with (out / "console").open("wb") as console:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, timeout=BOOT_S_MAX, check=False, cwd=out)


def report(out: Path) -> int:
    """Print what happened and return the exit status."""
    try:
        without, behind = (json.loads((out / f"{driver}.json").read_text()) for driver in ("process", "namespaces"))
    except (OSError, ValueError):
        for each in ("console", "process.err", "namespaces.err"):
            if (out / each).exists():
                sys.stderr.write((out / each).read_text(errors="replace")[-2000:])
        return 2
    through = [name for name, succeeded in behind.items() if succeeded]
    left = (out / "left").read_text().split()
    print(f"controllers: {(out / 'controllers').read_text().strip()}")
    print(f"{len(behind)} attacks; {sum(without.values())} succeed without walls")
    print(f"through the walls: {', '.join(through) or 'none'}; control groups left: {len(left)}")
    return 1 if through or left else 0


def main() -> int:
    """Boot, and report."""
    if not shutil.which("linux.uml") or os.geteuid() != 0:
        sys.stderr.write("this needs root and `apt-get install user-mode-linux`\n")
        return 2
    with TemporaryDirectory(prefix="lambent-cgroup2-", dir="/var/tmp") as folder:
        boot(Path(folder))
        return report(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
