"""The gateway's HTTP over real sockets: what clients may do, what they get, and that neither side can fill the other's memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.unit.gateway.http.http_kit import MB, Edge, until

from lambent.domain.http import BytesStream, HttpRequest, HttpResponse
from lambent.gateway.http.connection import HEAD_BYTES_MAX


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


@pytest.mark.parametrize("name", [b"Connection", b"Proxy-Connection"])
async def test_an_old_client_that_is_kept_gets_no_chunks(edge: Edge, name: bytes) -> None:
    async def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, _count_to(2, 1, [0]) if request.raw_path == "/stream" else b"whole")

    client = await edge.connect(answer)
    status, headers, body = await client.ask(b"GET / HTTP/1.0\r\n%b: keep-alive\r\n\r\n" % name)
    assert (status, headers["connection"], body) == (200, "keep-alive", b"whole")
    client.writer.write(b"GET /stream HTTP/1.0\r\n%b: keep-alive\r\n\r\n" % name)
    assert (await client.head())[1] == {"connection": "close"}
    assert await client.reader.read() == b"\0\1"


async def test_a_client_that_does_not_read_whole_answers_is_not_answered_without_end(edge: Edge) -> None:
    answered = 0

    async def large(request: HttpRequest) -> HttpResponse:
        nonlocal answered
        answered += 1
        return HttpResponse(200, {}, b"x" * MB)

    client = await edge.connect(large)
    client.reader._transport.pause_reading()  # type: ignore[attr-defined]
    client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert 0 < answered < 10
    client.reader._transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(50):
        assert len((await client.answer())[2]) == MB
    assert answered == 50


async def test_an_answer_to_a_lost_client_is_let_go(edge: Edge) -> None:
    before = asyncio.all_tasks()
    release, sent = asyncio.Event(), [0]

    async def late(request: HttpRequest) -> HttpResponse:
        await release.wait()
        pieces = _count_to(3, 10, sent)
        await anext(pieces)
        return HttpResponse(200, {}, pieces if request.raw_path == "/stream" else b"whole")

    clients = [await edge.connect(late), await edge.connect(late)]
    for client, path in zip(clients, (b"/stream", b"/"), strict=True):
        client.writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
        await client.writer.drain()
    await until(lambda: sum(not each.is_idle for each in edge.server._connections) == 2)
    for each in list(edge.server._connections):
        each.abort()
    await until(lambda: not edge.server._connections)
    release.set()
    await until(lambda: asyncio.all_tasks() == before)
    assert sent[-1] == -1
