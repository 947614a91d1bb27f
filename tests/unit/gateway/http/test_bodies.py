"""Requests' bodies over real sockets: whole, in pieces, awaited, unread, broken; and what is left of them in memory."""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest
from tests.unit.gateway.http.http_kit import MB, Edge, echo, until

from lambent.domain.errors import AwsError
from lambent.domain.http import HttpRequest, HttpResponse, read_all
from lambent.gateway.http.bodies import HIGH_BYTES
from lambent.gateway.http.connection import _Exchange


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


async def test_a_trailer_is_no_header_of_its_request_nor_of_the_next(edge: Edge) -> None:
    seen: list[dict[str, str]] = []

    async def note(request: HttpRequest) -> HttpResponse:
        seen.append(dict(request.headers))
        return HttpResponse(200, {}, await read_all(request.body))

    client = await edge.connect(note)
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for pieces in ([head + b"1\r\na\r\n0\r\nX-Trailer: evil\r\n\r\n"], [head, b"1\r\na\r\n0\r\n", b"X-Trailer: ", b"evil\r\n", b"\r\n"]):
        for piece in pieces:
            client.writer.write(piece)
            await client.heard()
            for _ in range(10):
                await asyncio.sleep(0)
        assert (await client.answer())[2] == b"a"
        assert (await client.ask(b"GET / HTTP/1.1\r\nHost: y\r\n\r\n"))[0] == 200
    assert seen == [{"host": "x", "transfer-encoding": "chunked"}, {"host": "y"}] * 2


async def test_garbage_in_a_body_is_told_to_its_reader(edge: Edge) -> None:
    client = await edge.connect()
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await client.ask(head + b"1\r\na\r\nnonsense\r\n"))[2] == b"IncompleteBody"
    assert await client.is_closed()


@pytest.mark.parametrize("pause", [False, True])
async def test_a_length_may_have_zeros_before_it(edge: Edge, pause: bool) -> None:
    lengths: list[int | None] = []

    async def note(request: HttpRequest) -> HttpResponse:
        lengths.append(request.body.length)
        return await echo(request)

    client = await edge.connect(note)
    client.writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"0" * 5000 + b"2 \r\n\r\nh")
    while pause and not lengths:
        await asyncio.sleep(0)
    assert (await client.ask(b"i"))[2] == b"PUT /?|hi"
    assert lengths == [2]


async def test_a_client_that_waits_to_be_asked_but_has_sent_all_is_not_asked(edge: Edge) -> None:
    client = await edge.connect()
    head = b"PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    status, headers, body = await client.ask(head + b"body")
    assert (status, "connection" in headers, body) == (200, False, b"PUT /b?|body")


async def test_an_idle_connection_keeps_neither_requests_nor_answers(edge: Edge) -> None:
    answers: list[HttpResponse] = []

    async def keep(request: HttpRequest) -> HttpResponse:
        answers.append(HttpResponse(200, {}, await read_all(request.body)))
        return answers[-1]

    client = await edge.connect(keep)
    for body in (b"hi", b"ho"):
        await client.ask(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n" + body)
    await until(lambda: all(each.is_idle for each in edge.server._connections))
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, _Exchange)]
    assert [sys.getrefcount(each) for each in answers] == [3, 3]  # ``answers``, ``each`` and the argument
