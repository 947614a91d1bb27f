"""Makes every attack in an environment of a driver and prints, as JSON, which succeeded.

``python run_attacks.py process|namespaces <folder>``; a process of its own, so that it can be another user's.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from tests.security.attacks import ATTACKS, source
from tests.unit.adapters.sandbox.sandbox_kit import Started, running, start

from lambent.adapters.sandbox.namespaces import NamespaceSandbox
from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.base.clock import SystemClock
from lambent.domain.environments import Ending, Sandbox

TOKEN = "token-of-the-victim"
SHARED_MEMORY = 0x4C616D62
NEIGHBOUR = """
import os, signal, tempfile
def handler(event, context):
    fd, path = tempfile.mkstemp()
    os.write(fd, b"token-of-the-victim")
    return [os.getpid(), path, os.readlink("/proc/self/ns/pid")]
"""
RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
CREDENTIALS = {"AWS_SECRET_ACCESS_KEY": "secret", "AWS_ACCESS_KEY_ID": "ASIA"}


def greet(listener: socket.socket) -> None:
    """Say hello to whoever connects."""
    while True:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            connection.sendall(b"hello")
            connection.close()


def listening(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    threading.Thread(target=greet, args=(listener,), daemon=True).start()
    return listener


async def attacked(sandbox: Sandbox, folder: Path, name: str, facts: dict[str, Any]) -> bool:
    """Return whether an attack succeeded."""
    started = await start(
        sandbox, folder, {"app.py": source(name)}, runtime=RUNTIME, variables=CREDENTIALS, links={"evil": facts["secret"]}
    )
    try:
        assert started.init.ending is Ending.SUCCESS, (name, started.init, started.output.text)
        outcome = await started.invoke(facts, timeout_s=20.0)
        return outcome.ending is Ending.SUCCESS and outcome.payload == b"true"
    finally:
        await started.environment.stop()


async def neighbour(sandbox: Sandbox, folder: Path) -> tuple[Started, dict[str, Any]]:
    """Start the victim next door, and find out what an attacker would like to know of it."""
    started = await start(sandbox, folder, {"app.py": NEIGHBOUR}, runtime=RUNTIME, variables=CREDENTIALS)
    pid, path, namespace = await started.result({})
    if namespace != os.readlink("/proc/self/ns/pid"):
        pid = max(running(namespace, []))
        path = f"/proc/{pid}/root{path}"
    return started, {"neighbour": pid, "neighbour_file": path}


async def main(driver: str, folder: Path) -> None:
    secret = folder / "secret"
    secret.write_text(TOKEN)
    listener, abstract = listening(socket.AF_INET, ("127.0.0.1", 0)), f"lambent-{os.getpid()}"
    keep = listening(socket.AF_UNIX, "\0" + abstract)
    libc = ctypes.CDLL(None)
    segment = libc.shmget(SHARED_MEMORY + os.getpid(), 4096, 0o1666)
    facts: dict[str, Any] = {
        "token": TOKEN,
        "secret": str(secret),
        "server": os.getpid(),
        "port": listener.getsockname()[1],
        "abstract": abstract,
        "shared_memory": SHARED_MEMORY + os.getpid(),
    }
    kind = ProcessSandbox if driver == "process" else NamespaceSandbox
    sandbox = kind(folder / "sandbox", SystemClock())
    try:
        _, known = await neighbour(sandbox, folder)
        print(json.dumps({name: await attacked(sandbox, folder, name, facts | known) for name in ATTACKS}))
    finally:
        await sandbox.close()
        libc.shmctl(segment, 0, None)
        keep.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
