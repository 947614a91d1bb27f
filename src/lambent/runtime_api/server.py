"""The HTTP Runtime API for one environment: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.

A custom runtime asks for events (``GET …/invocation/next`` waits for one), and posts a response or an error. One listener on a port of
its own per environment: the address is the only thing that a bootstrap gets, as in Lambda.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import Mapping

from lambent.domain.talk import EventHeader, Report, ReportHeader
from lambent.runtime_api.protocol import Head, HttpConnection, Kept, error_answer

VERSION = "/2018-06-01"
ERROR_TYPE_HEADER = "lambda-runtime-function-error-type"
RESPONSE_MODE_HEADER = "lambda-runtime-function-response-mode"
ERROR_TYPE_TRAILER = "lambda-runtime-function-error-type"
ERROR_BODY_TRAILER = "lambda-runtime-function-error-body"
RESPONSE_BYTES_MAX = 6_291_556
ERROR_BYTES_MAX = 1_048_576
STREAM_BYTES_MAX = 209_715_200


class RuntimeApiServer:
    """Serves one environment's runtime; ``address`` is its ``AWS_LAMBDA_RUNTIME_API``."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.address = ""
        self._server: asyncio.Server | None = None
        self._connections: set[HttpConnection] = set()
        self._kept = Kept()
        self._waiting: deque[HttpConnection] = deque()
        self._next: tuple[list[tuple[str, str]], bytes] | None = None
        self._ready = False
        self._current = ""  #: the request id of the event that was handed over
        self._answered = True

    async def start(self, listener: socket.socket | None = None) -> None:
        """Accept on a listening socket (it may be another network's), or on a free port of the loopback interface."""
        loop = asyncio.get_running_loop()

        def connection() -> HttpConnection:
            return HttpConnection(self, self._connections, self._kept)

        if listener is not None:
            self._server = await loop.create_server(connection, sock=listener)
        else:
            self._server = await loop.create_server(connection, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"

    def send(self, header: EventHeader, body: bytes) -> None:
        """Hand over an event to the runtime, which waits for it or will ask."""
        named = (
            ("Lambda-Runtime-Aws-Request-Id", header.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(header.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", header.arn),
            ("Lambda-Runtime-Trace-Id", header.trace),
            ("Lambda-Runtime-Client-Context", header.client_context),
            ("Lambda-Runtime-Cognito-Identity", header.cognito),
            ("Lambda-Runtime-Aws-Tenant-Id", header.tenant),
        )
        headers = [(name, value) for name, value in named if value]
        self._next = ([("Content-Type", "application/json"), *headers], body)
        self._current = header.request_id
        self._answered = False
        self._hand_over()

    def pause(self) -> None:
        """Take no further pieces of a streamed response."""
        for each in self._connections:
            each.pause()

    def resume(self) -> None:
        """Take pieces again."""
        for each in self._connections:
            each.resume()

    async def drained(self) -> None:
        """Return when the connections of an ended runtime were read to their ends."""
        while self._connections:
            await asyncio.wait({each.lost for each in self._connections})

    async def close(self) -> None:
        """Stop listening and drop connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for each in list(self._connections):
            each.abort()

    # What follows is called by the connections.

    def wanted(self, head: Head) -> int:
        """Return how many bytes of body the request may have; more is answered with 413."""
        if head.path.endswith("/response"):
            return STREAM_BYTES_MAX if _streams(head) else RESPONSE_BYTES_MAX
        return ERROR_BYTES_MAX

    def began(self, head: Head) -> bool:
        """Return whether the body is to be given in pieces: a streamed response to the current event."""
        if not (_streams(head) and head.method == "POST" and head.path == f"{VERSION}/runtime/invocation/{self._current}/response"):
            return False
        if self._answered:
            return False
        self._answered = True
        content_type = head.headers.get("content-type", "application/octet-stream")
        self._report("stream", ReportHeader(self._current, content_type), b"")
        return True

    def piece(self, data: bytes) -> None:
        """Take a piece of a streamed response."""
        self._report("chunk", ReportHeader(self._current), data)

    def ended(self, trailers: Mapping[str, str], broken: str = "") -> None:
        """Take the end of a streamed response."""
        error_type = trailers.get(ERROR_TYPE_TRAILER, broken)
        body = trailers.get(ERROR_BODY_TRAILER, "").encode() if error_type else b""
        self._report("end", ReportHeader(self._current, error_type=error_type), body)

    def too_large(self, head: Head) -> None:
        """Note a response above the limit: it is the function's error."""
        if head.path == f"{VERSION}/runtime/invocation/{self._current}/response" and not self._answered:
            self._answered = True
            message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
            document = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
            header = ReportHeader(self._current, error_type="Function.ResponseSizeTooLarge")
            self._report("error", header, json.dumps(document, separators=(",", ":")).encode())

    def serve(self, connection: HttpConnection, head: Head, body: bytes) -> None:
        """Answer a request that is complete; ``next`` is answered when there is an event."""
        path = head.path.removeprefix(VERSION)
        if path == head.path:
            connection.answer(404, *error_answer("InvalidPath", f"No such path: {head.path}"))
        elif (head.method, path) == ("GET", "/runtime/invocation/next"):
            self._asked(connection)
        elif head.method == "POST" and path == "/runtime/init/error":
            self._init_failed(connection, head, body)
        elif head.method == "POST" and path.startswith("/runtime/invocation/"):
            self._posted(connection, head, path.removeprefix("/runtime/invocation/"), body)
        elif path == "/runtime/restore/next":
            connection.answer(200, [], b"")
        else:
            connection.answer(404, *error_answer("InvalidPath", f"No such path: {head.path}"))

    def gone(self, connection: HttpConnection) -> None:
        """Forget a connection that closed."""
        if connection in self._waiting:
            self._waiting.remove(connection)

    def _asked(self, connection: HttpConnection) -> None:
        if connection in self._waiting:  # it asks again before it was answered, and could do so for ever
            connection.abort()
            return
        self._waiting.append(connection)
        if not self._ready:
            self._ready = True
            self._report("ready", ReportHeader(), b"")
        self._hand_over()

    def _hand_over(self) -> None:
        if self._next is not None and self._waiting:
            headers, body = self._next
            self._next = None
            self._waiting.popleft().answer(200, headers, body)

    def _init_failed(self, connection: HttpConnection, head: Head, body: bytes) -> None:
        if self._ready:
            connection.answer(403, *error_answer("InvalidStateTransition", "The runtime has been initialised."))
            return
        self._report("init_error", ReportHeader(error_type=_error_type(head, body)), body)
        connection.answer(202, *_accepted())

    def _posted(self, connection: HttpConnection, head: Head, path: str, body: bytes) -> None:
        request_id, _, what = path.partition("/")
        if what not in ("response", "error"):
            connection.answer(404, *error_answer("InvalidPath", f"No such path: {head.path}"))
        elif request_id != self._current or not request_id:
            connection.answer(400, *error_answer("InvalidRequestID", "Invalid request ID"))
        elif self._answered:
            connection.answer(403, *error_answer("InvalidStateTransition", f"Transition from Ready to {what.capitalize()} is not allowed."))
        else:
            self._answered = True
            connection.answer(202, *_accepted())
            if what == "response":
                content_type = head.headers.get("content-type", "application/json")
                self._report("result", ReportHeader(request_id, content_type), body)
            else:
                self._report("error", ReportHeader(request_id, error_type=_error_type(head, body)), body)


async def start(report: Report, listener: socket.socket | None = None) -> RuntimeApiServer:
    """Start a Runtime API server for one environment; ``report`` takes what the runtime says."""
    server = RuntimeApiServer(report)
    await server.start(listener)
    return server


def _accepted() -> tuple[list[tuple[str, str]], bytes]:
    return [("Content-Type", "application/json")], b'{"status":"OK"}\n'


def _streams(head: Head) -> bool:
    return head.headers.get(RESPONSE_MODE_HEADER, "").lower() == "streaming"


def _error_type(head: Head, body: bytes) -> str:
    """Return the error's type by its header, or else by its document."""
    named = head.headers.get(ERROR_TYPE_HEADER, "")
    if named:
        return named
    try:
        document = json.loads(body)
    except ValueError:
        return "Runtime.Unknown"
    found = document.get("errorType") if isinstance(document, dict) else None
    return found if isinstance(found, str) and found else "Runtime.Unknown"
