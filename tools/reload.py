"""Run a command, and again whenever a file below a folder changes: ``python tools/reload.py src -- lambent start``."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path


def newest(folder: Path) -> float:
    """Return the latest time of change of any source file."""
    return max((path.stat().st_mtime for path in folder.rglob("*.py")), default=0.0)


def main(folder: Path, command: list[str]) -> int:
    """Restart on change, also after a crash (a slip in the source); end when the command ends well."""
    while True:
        seen = newest(folder)
        process = subprocess.Popen(command)
        try:
            while newest(folder) == seen:
                if process.poll() == 0:
                    return 0
                time.sleep(0.5)
        except KeyboardInterrupt:
            return process.wait()
        print("changed: restarting", file=sys.stderr)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()


if __name__ == "__main__":
    where, _, *rest = sys.argv[1:]
    sys.exit(main(Path(where), rest))
