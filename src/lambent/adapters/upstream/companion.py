"""The companion: moto in a process of its own, for services that are not native yet. What it keeps is in memory."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from lambent.adapters.upstream.endpoint import Endpoint
from lambent.adapters.upstream.http import HttpClient
from lambent.base.clock import Clock
from lambent.base.regexes import Regex
from lambent.domain.call import Call, Result
from lambent.domain.errors import AwsError, NotImplementedHere, Unreachable

_log = logging.getLogger(__name__)
_START_S: Final = 60.0
_HOST: Final = Regex(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?")
# Where moto's folder isn't called as botocore's service is.
_FOLDERS: Final = {"lambda": "awslambda", "eventbridge": "events", "stepfunctions": "stepfunctions", "cognito-idp": "cognitoidp"}


class Companion:
    """The ``Cloud`` of what moto serves. Its process starts with the first call, and again when it has died."""

    def __init__(self, clock: Clock, *, public_host: str = "localhost:4566", python: str = sys.executable) -> None:
        self._clock = clock
        self._public_host = public_host
        self._python = python
        self._client = HttpClient()
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._endpoint: Endpoint | None = None

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def runs(self) -> bool:
        """Whether there is a process that may keep anything."""
        return self.pid is not None

    async def call(self, call: Call) -> Result:
        """Have moto carry out the call."""
        if not installed():
            raise NotImplementedHere(
                call.service,
                call.operation,
                f"{call.service} is not native yet; its companion serves it once it is installed: pip install 'lambent[moto]'",
            )
        if not serves(call.service):
            raise NotImplementedHere(call.service, call.operation, "It is not native, and moto does not have it or lacks what it needs.")
        endpoint = await self._ready()
        # moto puts the host into URLs that it hands out; what a client sends there may be anything.
        host = call.host if _HOST.fullmatch(call.host) else self._public_host
        headers = {"x-moto-account-id": call.account_id or "000000000000", "host": host}
        try:
            return await endpoint.send(call, headers)
        except Unreachable as error:
            raise AwsError("ServiceUnavailable", f"The companion gives no answer: {error}", 503) from None
        except AwsError as error:
            raise _clearer(call, error) from None

    async def _ready(self) -> Endpoint:
        """Return the endpoint of a process that runs."""
        async with self._lock:
            if self._endpoint is not None and self.pid is not None:
                return self._endpoint
            if self._process is not None:
                _log.warning("the companion ended with status %s; it begins anew, without what it kept in memory", self._process.returncode)
            self._process, port = await self._start()
            self._endpoint = Endpoint(f"http://127.0.0.1:{port}", self._clock, self._client)
            return self._endpoint

    async def _start(self) -> tuple[asyncio.subprocess.Process, int]:
        # The child ends when its standard input does: the kernel closes our end of the pipe however we die.
        process = await asyncio.create_subprocess_exec(
            self._python,
            "-P",  # its folder is ours, and full of names of the standard library's
            str(Path(__file__).with_name("launcher.py")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_S):
                line = await process.stdout.readline()
            return process, int(line)
        except (TimeoutError, ValueError):
            await _end(process)
            raise AwsError(
                "ServiceUnavailable", "The companion (moto) does not start. Is it installed whole: pip install 'lambent[moto]'?", 503
            ) from None

    def describe(self) -> str:
        """Return what to say of the companion in status and banner."""
        if not installed():
            return "not served: pip install 'lambent[moto]' has a companion serve them, in memory"
        return "by the companion (moto), in memory: gone when the server stops" + (f"; its pid is {self.pid}" if self.pid else "")

    async def close(self) -> None:
        """End the process."""
        async with self._lock:
            self._client.close()
            process, self._process, self._endpoint = self._process, None, None
            if process is not None:
                await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def installed() -> bool:
    """Return whether the ``moto`` extra is there."""
    return importlib.util.find_spec("moto") is not None and importlib.util.find_spec("flask") is not None


def serves(service: str) -> bool:
    """Return whether moto has the service, by its folder: importing moto here would cost half a second."""
    spec = importlib.util.find_spec("moto")
    if spec is None or not spec.submodule_search_locations:
        return False
    folder = _FOLDERS.get(service, service.replace("-", ""))
    roots = [Path(each) for each in spec.submodule_search_locations]
    return any((root / name / "urls.py").exists() for root in roots for name in (folder, service.replace("-", "_")))


def _clearer(call: Call, error: AwsError) -> AwsError:
    """moto answers what it lacks with a page for programmers: say it as it is."""
    if error.code in {"BadGateway", "500", "404", "501"} or (error.status >= 500 and not error.message):
        return NotImplementedHere(call.service, call.operation, "The companion (moto) has no answer to it.")
    return error
