"""The gateway's HTTP over real sockets: what clients may do, what they get, and that neither side can fill the other's memory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from lambent.base.clock import VirtualClock
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest, HttpResponse, read_all
from lambent.gateway.http import HttpServer, Timeouts
from lambent.gateway.http.bodies import HIGH_BYTES
from lambent.gateway.http.connection import HEAD_BYTES_MAX, Connection

MB = 1_048_576
Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


async def echo(request: HttpRequest) -> HttpResponse:
    """Say what was asked for, and give the body back."""
    try:
        body = await read_all(request.body)
    except AwsError as error:
        return HttpResponse(error.status, {}, error.code.encode())
    told = f"{request.method} {request.raw_path}?{request.query}|".encode()
    return HttpResponse(200, {"content-type": "text/plain"}, told + body)


async def until(met: Callable[[], bool]) -> None:
    while not met():
        await asyncio.sleep(0)


class Client:
    """The other end of a connection."""

    def __init__(self, server: HttpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split(" ")[1]), headers

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        status, headers = await self.head()
        if "transfer-encoding" in headers:
            return status, headers, await self.chunks()
        return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.writer.write(data)
        return await self.answer()

    async def heard(self) -> None:
        """Send what is buffered and return when the server has taken it in."""
        await self.writer.drain()
        await until(lambda: any(not each.is_idle for each in self.server._connections))

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(1), 5) == b""


class Edge:
    """A server and its clients."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.writers: list[asyncio.StreamWriter] = []
        self.server: HttpServer

    async def connect(self, handler: Handler = echo, *, buffer_bytes: int = 0) -> Client:
        self.server = getattr(self, "server", None) or HttpServer(handler, self.clock, Timeouts(idle_s=100, stall_s=10))
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.setblocking(False)
            if buffer_bytes:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: Connection(handler, self.server), sock=ours)
        reader, writer = await asyncio.open_unix_connection(sock=theirs, limit=4 * MB)
        self.writers.append(writer)
        return Client(self.server, reader, writer)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    edge = Edge()
    yield edge
    for writer in edge.writers:
        writer.close()
    if hasattr(edge, "server"):
        for each in list(edge.server._connections):
            each.abort()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_requests_follow_each_other_on_one_connection(edge: Edge) -> None:
    client = await edge.connect()
    status, headers, body = await client.ask(b"POST /a%20b?q=1&r HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    assert (status, body) == (200, b"POST /a%20b?q=1&r|abc")
    assert "connection" not in headers
    status, _, body = await client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, body) == (200, b"GET /?|")


async def test_a_request_may_come_byte_by_byte(edge: Edge) -> None:
    client = await edge.connect()
    for byte in b"POST /x HTTP/1.1\r\nHost: x\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 2\r\n\r\nhi":
        client.writer.write(bytes([byte]))
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.answer())[2] == b"POST /x?|hi"


async def test_repeated_headers_are_joined_and_small_bodies_are_at_hand(edge: Edge) -> None:
    seen: list[HttpRequest] = []

    async def note(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(200)

    client = await edge.connect(note)
    await client.ask(b"POST / HTTP/1.1\r\nHost: x\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 2\r\n\r\nhi")
    assert seen[0].headers == {"host": "x", "x-two": "a,b", "content-length": "2"}
    assert isinstance(seen[0].body, BytesStream)
    assert seen[0].body.data == b"hi"


async def test_pipelined_requests_are_answered_in_order_and_one_at_a_time(edge: Edge) -> None:
    running = 0
    most = 0

    async def slow_first(request: HttpRequest) -> HttpResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(50 if request.raw_path == "/0" else 1):
            await asyncio.sleep(0)
        running -= 1
        return HttpResponse(200, {}, request.raw_path.encode())

    client = await edge.connect(slow_first)
    client.writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(40)))
    assert [(await client.answer())[2] for _ in range(40)] == [b"/%d" % number for number in range(40)]
    assert most == 1


async def test_a_chunked_body_and_its_trailers(edge: Edge) -> None:
    client = await edge.connect()
    body = b"3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nX-Trailer: evil\r\n\r\n"
    first = await client.ask(b"PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert first[2] == b"PUT /c?|abcdefgh"
    assert (await client.ask(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"))[2] == b"GET /next?|"


async def test_a_client_that_waits_to_be_asked_is_asked_when_the_body_is_read(edge: Edge) -> None:
    client = await edge.connect()
    client.writer.write(b"PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await client.ask(b"body"))[2] == b"PUT /b?|body"


async def test_a_client_that_waits_to_be_asked_and_is_refused_sends_nothing(edge: Edge) -> None:
    async def refuse(request: HttpRequest) -> HttpResponse:
        return HttpResponse(403, {}, b"no")

    client = await edge.connect(refuse)
    status, headers, body = await client.ask(b"PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\nExpect: 100-continue\r\n\r\n")
    assert (status, headers["connection"], body) == (403, "close", b"no")
    assert await client.is_closed()


async def test_a_body_that_nobody_read_does_not_end_the_connection(edge: Edge) -> None:
    async def refuse(request: HttpRequest) -> HttpResponse:
        return HttpResponse(403, {}, b"no")

    client = await edge.connect(refuse)
    client.writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 7000000\r\n\r\n" + b"x" * 7_000_000)
    status, headers, _ = await client.answer()
    assert (status, "connection" in headers) == (403, False)
    assert (await client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 403


async def test_an_upload_flows_at_the_pace_of_its_reader(edge: Edge) -> None:
    total, piece = 64 * MB, b"x" * 65_536
    held = 0
    go_on = asyncio.Event()

    async def reader(request: HttpRequest) -> HttpResponse:
        nonlocal held
        taken = 0
        async for data in request.body:
            taken += len(data)
            held = max(held, request.body._size)  # type: ignore[attr-defined]
            if taken == len(data):
                await go_on.wait()
        return HttpResponse(200, {}, str(taken).encode())

    client = await edge.connect(reader)
    client.writer.transport.set_write_buffer_limits(high=MB)

    async def send() -> None:
        client.writer.write(b"PUT /big HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // len(piece)):
            client.writer.write(piece)
            await client.writer.drain()

    sending = asyncio.create_task(send())
    done, _ = await asyncio.wait([sending], timeout=0.2)
    assert not done, "the server took 64 MB that nobody had read"
    go_on.set()
    assert (await client.answer())[2] == str(total).encode()
    await sending
    assert held <= HIGH_BYTES + 2 * MB


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_noticed(edge: Edge) -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    reading = asyncio.Event()

    async def reader(request: HttpRequest) -> HttpResponse:
        reading.set()
        try:
            await read_all(request.body)
        except AwsError as error:
            told.set_result(error.code)
        return HttpResponse(200)

    client = await edge.connect(reader)
    client.writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    await reading.wait()
    client.writer.close()
    assert await asyncio.wait_for(told, 5) == "IncompleteBody"


async def _count_to(pieces: int, size: int, sent: list[int]) -> AsyncIterator[bytes]:
    try:
        for number in range(pieces):
            sent[0] = number + 1
            yield bytes([number % 256]) * size
    finally:
        sent.append(-1)


async def test_a_stream_goes_out_in_chunks_or_with_its_length(edge: Edge) -> None:
    async def stream(request: HttpRequest) -> HttpResponse:
        headers = {"content-length": "30"} if request.raw_path == "/sized" else {}
        return HttpResponse(200, headers, _count_to(3, 10, [0]))

    client = await edge.connect(stream)
    expected = b"\0" * 10 + b"\1" * 10 + b"\2" * 10
    status, headers, body = await client.ask(b"GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, headers["transfer-encoding"], body) == (200, "chunked", expected)
    status, headers, body = await client.ask(b"GET /sized HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (headers["content-length"], body) == ("30", expected)
    client.writer.write(b"GET /old HTTP/1.0\r\n\r\n")
    status, headers = await client.head()
    assert headers["connection"] == "close"
    assert await client.reader.read() == expected


async def test_a_slow_reader_holds_the_stream_back_and_a_lost_one_ends_it(edge: Edge) -> None:
    sent = [0]

    async def stream(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, _count_to(10_000, 65_536, sent))

    client = await edge.connect(stream)
    client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await client.head()
    for _ in range(3000):
        await asyncio.sleep(0)
    assert 0 < sent[0] < 400, "a client that doesn't read was written to without end"
    client.writer.transport.abort()
    while sent[-1] != -1:
        await asyncio.sleep(0)


@pytest.mark.parametrize("length", ["5", "50"])
async def test_a_stream_that_fails_or_lies_about_its_length_ends_the_connection(edge: Edge, length: str) -> None:
    async def stream(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {"content-length": length}, _count_to(2, 10, [0]))

    client = await edge.connect(stream)
    client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await client.head()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await client.reader.readexactly(int(length))
        await client.reader.readexactly(1)


async def test_heads_have_no_bodies(edge: Edge) -> None:
    sent = [0]

    async def some(request: HttpRequest) -> HttpResponse:
        if request.raw_path == "/stream":
            return HttpResponse(200, {"content-length": "100"}, _count_to(10, 10, sent))
        return HttpResponse(204 if request.raw_path == "/none" else 200, {}, b"body")

    client = await edge.connect(some)
    client.writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await client.head())[1]["content-length"] == "4"
    client.writer.write(b"HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await client.head())[1]["content-length"] == "100"
    client.writer.write(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n")
    assert "content-length" not in (await client.head())[1]
    assert (await client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))[2] == b"body"


@pytest.mark.parametrize(
    ("request_head", "kept"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
async def test_the_client_says_whether_the_connection_is_kept(edge: Edge, request_head: bytes, kept: bool) -> None:
    client = await edge.connect()
    _, headers, _ = await client.ask(request_head)
    assert headers["connection"] == ("keep-alive" if kept else "close")
    if kept:
        assert (await client.ask(b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"))[2] == b"GET /2?|"
    else:
        assert await client.is_closed()


async def test_a_client_that_half_closes_gets_its_answer(edge: Edge) -> None:
    client = await edge.connect()
    client.writer.write(b"GET /last HTTP/1.1\r\nHost: x\r\n\r\n")
    client.writer.write_eof()
    assert (await client.answer())[2] == b"GET /last?|"
    assert await client.is_closed()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * HEAD_BYTES_MAX + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * HEAD_BYTES_MAX + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    ],
)
async def test_what_is_not_a_request_is_refused(edge: Edge, data: bytes, status: int) -> None:
    client = await edge.connect()
    client.writer.write(data)
    found, headers = await client.head()
    assert (found, headers["connection"]) == (status, "close")
    assert await client.is_closed()


async def test_garbage_behind_a_request_does_not_take_its_answer_away(edge: Edge) -> None:
    client = await edge.connect()
    assert (await client.ask(b"GET /good HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n"))[2] == b"GET /good?|"
    assert await client.is_closed()


async def test_nobody_is_served_another_protocol_but_everybody_is_answered(edge: Edge) -> None:
    client = await edge.connect()
    status, headers, body = await client.ask(b"GET /h2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert (status, headers["connection"], body) == (200, "close", b"GET /h2?|")


async def test_the_absolute_form_of_a_target(edge: Edge) -> None:
    client = await edge.connect()
    assert (await client.ask(b"GET http://host:1/p/q?a=b HTTP/1.1\r\nHost: x\r\n\r\n"))[2] == b"GET /p/q?a=b|"


async def test_a_header_cannot_begin_another(edge: Edge) -> None:
    async def evil(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {"x-a": "1\r\nset-cookie: evil"}, b"")

    client = await edge.connect(evil)
    _, headers, _ = await client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert headers["x-a"] == "1  set-cookie: evil"
    assert "set-cookie" not in headers


async def test_connections_that_were_served_leave_nothing_when_the_client_goes_or_the_server_stops(edge: Edge) -> None:
    before = asyncio.all_tasks()
    leaving, staying = await edge.connect(), await edge.connect()
    for client in (leaving, staying):
        assert (await client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 200
    leaving.writer.close()
    await until(lambda: len(edge.server) == 1)
    await asyncio.wait_for(edge.server.stop(3600.0), 5)
    assert await staying.is_closed()
    await until(lambda: asyncio.all_tasks() == before)


async def test_others_have_their_turns_between_requests_that_came_together(edge: Edge) -> None:
    answered: list[str] = []

    async def at_once(request: HttpRequest) -> HttpResponse:
        answered.append(request.raw_path)
        return HttpResponse(200)

    greedy, modest = await edge.connect(at_once), await edge.connect(at_once)
    greedy.writer.write(b"GET /greedy HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
    modest.writer.write(b"GET /modest HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await modest.answer())[0] == 200
    for _ in range(100):
        assert (await greedy.answer())[0] == 200
    assert answered.index("/modest") < 50


async def test_idle_connections_end_and_busy_ones_do_not(edge: Edge) -> None:
    release = asyncio.Event()

    async def wait(request: HttpRequest) -> HttpResponse:
        await release.wait()
        return HttpResponse(200)

    busy, idle = await edge.connect(wait), await edge.connect(wait)
    busy.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await busy.heard()
    await edge.clock.advance(101)
    edge.server.sweep()
    assert await idle.is_closed()
    release.set()
    assert (await busy.answer())[0] == 200
    edge.server.sweep()
    busy.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await busy.answer())[0] == 200, "a connection idles from its last answer on, not from its last request"


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: x", b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"])
async def test_clients_that_stall_are_cut_off(edge: Edge, sent: bytes) -> None:
    client = await edge.connect()
    client.writer.write(sent)
    await client.heard()
    await edge.clock.advance(9)
    edge.server.sweep()
    assert len(edge.server) == 1
    await edge.clock.advance(2)
    edge.server.sweep()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await client.reader.readexactly(1)
    assert len(edge.server) == 0


async def test_a_stop_lets_requests_end_and_then_no_longer(edge: Edge) -> None:
    release = asyncio.Event()

    async def wait(request: HttpRequest) -> HttpResponse:
        if request.raw_path == "/soon":
            await release.wait()
        else:
            await asyncio.Event().wait()
        return HttpResponse(200)

    soon, never, idle = [await edge.connect(wait) for _ in range(3)]
    soon.writer.write(b"GET /soon HTTP/1.1\r\nHost: x\r\n\r\n")
    never.writer.write(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: sum(not each.is_idle for each in edge.server._connections) == 2)
    stopping = asyncio.create_task(edge.server.stop(3.0))
    assert await idle.is_closed()
    release.set()
    status, headers, _ = await soon.answer()
    assert (status, headers["connection"]) == (200, "close")
    await edge.clock.advance(3)
    await stopping
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await never.reader.readexactly(1)


async def test_trailers_have_an_end(edge: Edge) -> None:
    client = await edge.connect()
    client.writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: ")
    for _ in range(40):
        client.writer.write(b"y" * 65_536)
        await asyncio.sleep(0)
    (connection,) = edge.server._connections or (None,)
    assert connection is None or connection._deaf
    assert b" 400 " in await client.reader.readline()
