"""Nothing outlives a server that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

SERVER = """
import asyncio, sys
from pathlib import Path
from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.base.clock import SystemClock
from tests.unit.adapters.sandbox.sandbox_kit import start

CODE = '''
import os, subprocess, time
def handler(event, context):
    daemon = subprocess.Popen(["setsid", "sleep", "1000"])
    double = subprocess.run(["sh", "-c", "setsid sleep 1003 >/dev/null 2>&1 & echo $!"], stdout=subprocess.PIPE)
    return [os.getpid(), daemon.pid, int(double.stdout)]
'''

async def main():
    folder = Path(sys.argv[1])
    driver = ProcessSandbox(folder / "sandbox", SystemClock())
    started = await start(driver, folder, {"app.py": CODE}, runtime="python%d.%d" % sys.version_info[:2])
    print(*(await started.result()), flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


def _alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_kill_9_of_the_server_takes_every_process_along(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        pids = [int(each) for each in server.stdout.readline().split()]
        assert len(_alive(pids)) == 3
        server.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (_alive(pids) or (tmp_path / "sandbox" / "run").exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _alive(pids) == []
    assert not (tmp_path / "sandbox" / "run").exists()
