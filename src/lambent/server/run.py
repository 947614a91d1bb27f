"""Start and stop: bind, build, serve, and on the way out end everything that was started."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import uvloop
from msgspec.structs import replace

from lambent.base.settings import Settings
from lambent.base.tasks import cancel_and_wait, supervise
from lambent.domain.errors import StartupError
from lambent.server.ground import Ground, prepare

if TYPE_CHECKING:
    from lambent.server.build import Server

_GRACE_S: Final = 3.0
"""How long requests that are under way may take when the server stops."""

_SWITCH_S: Final = 0.001
"""How long the event loop may keep the interpreter from the store's writer, which asks for it after each statement. With Python's 5 ms a
sixth fewer events are accepted per second."""

_CALM_S: Final = 0.25
"""How long after it listens a server does what its first requests shouldn't wait for."""


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises ``StartupError`` with advice when that can't begin."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if not settings.is_loopback and settings.root_keys is None:
        raise StartupError(
            f"listening on {settings.host} lets strangers connect: set root_access_key_id and root_secret_access_key in lambent.toml, or "
            "LAMBENT_ROOT_ACCESS_KEY_ID and LAMBENT_ROOT_SECRET_ACCESS_KEY, and give them to your clients. Else listen on 127.0.0.1."
        )
    _allow_many_files()
    sys.setswitchinterval(_SWITCH_S)
    with contextlib.ExitStack() as stack:
        if settings.ephemeral:
            settings = replace(settings, data_dir=Path(stack.enter_context(TemporaryDirectory(prefix="lambent-"))))
        listener = stack.enter_context(_listen(settings))
        settings = replace(settings, port=listener.getsockname()[1])
        with asyncio.Runner(loop_factory=_loop) as runner, contextlib.suppress(KeyboardInterrupt):
            runner.run(_serve(settings, listener))


def _allow_many_files() -> None:
    """Use all descriptors that the system allows: an environment needs half a dozen, and the usual soft limit is 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _settle(steps: Sequence[Callable[[], object]]) -> None:
    """Do the first of the things that requests shouldn't wait for, and the others when those that came meanwhile had their turn."""
    first, *others = steps
    first()
    if others:
        asyncio.get_running_loop().call_soon(_settle, others)


def _collect() -> None:
    """Leave what was loaded out of collections, which take 20 to 40 ms with it, and look for cycles less often: what a request leaves
    behind is mostly freed by itself."""
    gc.freeze()  # with the thousand objects that loading left behind: to look for those first takes 50 ms
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def _loop() -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop()


def _listen(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise StartupError(
            f"can't listen on {settings.host}:{settings.port} ({error.strerror}). Is a server running there? Else choose another --port."
        ) from None
    listener.listen(2048)
    return listener


async def _serve(settings: Settings, listener: socket.socket) -> None:
    stopped = _stop_signals()
    preparing = asyncio.create_task(prepare(settings))
    build = await asyncio.to_thread(_builder)  # meanwhile the sandbox's helper processes begin
    server = await build(settings, await preparing)
    front = server.front()
    workers = [asyncio.create_task(supervise(worker.name, worker.run, server.clock)) for worker in (*server.workers, front)]
    try:
        await front.listen([listener])
        _greet(settings, server)
        asyncio.get_running_loop().call_later(_CALM_S, _settle, [*server.load_steps(), _collect])
        await stopped.wait()
        await front.stop(_GRACE_S)
    finally:
        await cancel_and_wait(workers)
        await server.close()


def _builder() -> Callable[[Settings, Ground], Awaitable[Server]]:
    """Import most of our modules, which takes as long as all else of a start together, and return ``server.build.build``."""
    build: Callable[[Settings, Ground], Awaitable[Server]] = import_module("lambent.server.build").build
    return build


def _stop_signals() -> asyncio.Event:
    """Return what is set at SIGINT or SIGTERM. A second SIGINT interrupts whatever still takes its time."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        loop.remove_signal_handler(signal.SIGINT)

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    return stopped


def _greet(settings: Settings, server: Server) -> None:
    """Say on stderr what is served, how durably, and how to use it."""
    where = "in memory, nothing is kept" if settings.ephemeral else str(settings.data_dir)
    lines = [
        f"Lambent listens on {settings.endpoint_url}; state: {where}",
        *(f"  {service}: {how}" for service, how in server.describe().items()),
        f"  environments: the {server.sandbox.driver.name} driver, {server.sandbox.told}",
        *([f"  {server.sandbox.warning}"] if server.sandbox.warning else []),
        f'  use it: eval "$(lambent env --port {settings.port})"',
    ]
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
