"""The Runtime API over real connections, as a custom runtime uses it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from lambent.domain.talk import EventHeader, ReportHeader
from lambent.runtime_api import server as runtime_api
from lambent.runtime_api.protocol import KEPT_BYTES_MAX, HttpConnection, Kept

_EVENT = EventHeader("r-1", "arn:f", 1234, "Root=1", '{"a":\n"é"}')
_BASE = "/2018-06-01/runtime"


class Api:
    """A server, a client of it, and what was reported."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, dict[str, str], bytes]] = []

    def report(self, kind: str, header: ReportHeader, body: bytes) -> None:
        self.reports.append((kind, msgspec.to_builtins(header), body))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.reports]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    made = Api()
    made.server = await runtime_api.start(made.report)  # type: ignore[attr-defined]
    async with httpx.AsyncClient(base_url=f"http://{made.server.address}", trust_env=False) as made.client:  # type: ignore[attr-defined]
        yield made
    await made.server.close()  # type: ignore[attr-defined]


async def test_next_waits_for_the_event_and_carries_its_headers(api) -> None:
    asking = asyncio.create_task(api.client.get(f"{_BASE}/invocation/next"))
    while api.kinds != ["ready"]:
        await asyncio.sleep(0)
    api.server.send(_EVENT, b'{"x":1}')
    answer = await asking
    assert answer.json() == {"x": 1}
    assert answer.headers["Lambda-Runtime-Aws-Request-Id"] == "r-1"
    assert answer.headers["Lambda-Runtime-Deadline-Ms"] == "1234"
    assert answer.headers["Lambda-Runtime-Invoked-Function-Arn"] == "arn:f"
    assert answer.headers["Lambda-Runtime-Trace-Id"] == "Root=1"
    assert json.loads(dict(answer.headers.raw)[b"Lambda-Runtime-Client-Context"]) == {"a": "é"}
    assert "Lambda-Runtime-Cognito-Identity" not in answer.headers


async def _current(api) -> None:
    asking = asyncio.create_task(api.client.get(f"{_BASE}/invocation/next"))
    api.server.send(_EVENT, b"{}")
    await asking
    api.reports.clear()


async def test_response_once(api) -> None:
    await _current(api)
    answer = await api.client.post(f"{_BASE}/invocation/r-1/response", content=b"[1]")
    assert (answer.status_code, answer.json()) == (202, {"status": "OK"})
    assert api.reports == [("result", {"request_id": "r-1", "content_type": "application/json"}, b"[1]")]
    again = await api.client.post(f"{_BASE}/invocation/r-1/response", content=b"[2]")
    assert (again.status_code, again.json()["errorType"]) == (403, "InvalidStateTransition")
    assert len(api.reports) == 1


async def test_wrong_request_id_and_path(api) -> None:
    await _current(api)
    wrong = await api.client.post(f"{_BASE}/invocation/r-2/response", content=b"1")
    assert (wrong.status_code, wrong.json()["errorType"]) == (400, "InvalidRequestID")
    assert (await api.client.get("/elsewhere")).status_code == 404
    assert (await api.client.post(f"{_BASE}/invocation/r-1/else")).status_code == 404
    assert api.reports == []


async def test_error_with_its_type_from_header_or_document(api) -> None:
    await _current(api)
    body = b'{"errorMessage":"m","errorType":"T"}'
    await api.client.post(f"{_BASE}/invocation/r-1/error", content=body)
    assert api.reports == [("error", {"request_id": "r-1", "error_type": "T"}, body)]
    await _current(api)
    await api.client.post(f"{_BASE}/invocation/r-1/error", content=b"x", headers={"Lambda-Runtime-Function-Error-Type": "H"})
    assert api.reports[0][1]["error_type"] == "H"


async def test_init_error(api) -> None:
    answer = await api.client.post(f"{_BASE}/init/error", content=b'{"errorType":"Init"}')
    assert answer.status_code == 202
    assert api.reports == [("init_error", {"error_type": "Init"}, b'{"errorType":"Init"}')]


async def test_too_large_a_response_is_413_and_the_functions_error(api) -> None:
    await _current(api)
    answer = await api.client.post(f"{_BASE}/invocation/r-1/response", content=b"x" * 6_291_557)
    assert (answer.status_code, answer.json()["errorType"]) == (413, "RequestEntityTooLarge")
    assert [(kind, header["error_type"]) for kind, header, _ in api.reports] == [("error", "Function.ResponseSizeTooLarge")]


async def test_streamed_response_comes_in_pieces_with_an_error_in_the_trailer(api) -> None:
    await _current(api)
    reader, writer = await asyncio.open_connection(*api.server.address.split(":"))
    writer.write(
        f"POST {_BASE}/invocation/r-1/response HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\nabc\r\n".encode()
    )
    while api.kinds != ["stream", "chunk"]:
        await asyncio.sleep(0)
    assert api.reports[0][1] == {"request_id": "r-1", "content_type": "text/plain"}
    writer.write(b"2\r\nde\r\n0\r\nLambda-Runtime-Function-Error-Type: Oops\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 202")
    assert api.reports[-1] == ("end", {"request_id": "r-1", "error_type": "Oops"}, b"")
    writer.close()


async def test_stream_that_is_cut_off_is_broken(api) -> None:
    await _current(api)
    _, writer = await asyncio.open_connection(*api.server.address.split(":"))
    head = (
        f"POST {_BASE}/invocation/r-1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\nLambda-Runtime-Function-Response-Mode: streaming"
    )
    writer.write(f"{head}\r\n\r\n3\r\nabc\r\n".encode())
    writer.close()
    while "end" not in api.kinds:
        await asyncio.sleep(0)
    assert api.reports[-1][1]["error_type"] == "Runtime.TruncatedResponse"


async def test_garbage_is_a_bad_request(api) -> None:
    reader, writer = await asyncio.open_connection(*api.server.address.split(":"))
    writer.write(b"\x00\x01garbage\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.close()


async def _raw(api) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = api.server.address.split(":")
    return await asyncio.open_connection(host, int(port))


async def _ends(reader: asyncio.StreamReader) -> bool:
    """Wait for the end of a connection."""
    try:
        async with asyncio.timeout(10):
            while await reader.read(65_536):
                pass
    except ConnectionError:
        return True
    return True


async def test_asking_for_events_without_waiting_for_them_ends_the_connection(api) -> None:
    reader, writer = await _raw(api)
    writer.write(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n" * 3)
    assert await _ends(reader)
    assert not api.server._waiting
    writer.close()


@pytest.mark.parametrize("end", [b"", b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"], ids=["head", "trailers"])
async def test_heads_and_trailers_are_not_kept_without_end(api, end: bytes) -> None:
    reader, writer = await _raw(api)
    writer.write(end or b"GET /x HTTP/1.1\r\n")
    ended = asyncio.create_task(_ends(reader))
    for number in range(5_000):
        if ended.done():
            break
        writer.write(b"h%d: %b\r\n" % (number, b"x" * 1_000))
        try:
            await writer.drain()
        except ConnectionError:
            break
    assert await ended
    writer.close()


async def test_whoever_does_not_read_answers_gets_no_more_of_them(api) -> None:
    _, writer = await _raw(api)
    request = b"GET /nothing HTTP/1.1\r\n\r\n" * 1_000
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            while True:
                writer.write(request)
                await writer.drain()
    (connection,) = api.server._connections
    assert connection._transport.get_write_buffer_size() < 4_000_000
    writer.transport.abort()


async def test_there_are_only_so_many_connections(api) -> None:
    opened = [await _raw(api) for _ in range(300)]
    while len(api.server._connections) > 256 or sum(reader.at_eof() for reader, _ in opened) < 40:
        await asyncio.sleep(0)
    for _, writer in opened:
        writer.close()


async def test_bodies_that_do_not_end_are_not_kept_without_end(api) -> None:
    await _current(api)
    head = b"POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1\r\nContent-Length: 6000000\r\n\r\n"
    opened = []
    for _ in range(8):
        _, writer = await _raw(api)
        opened.append(writer)
        with contextlib.suppress(ConnectionError):
            writer.write(head + bytes(5_900_000))
            await writer.drain()
    while len(api.server._connections) == 8 + 1:  # the client's own
        await asyncio.sleep(0)
    assert 20_000_000 < api.server._kept.size <= KEPT_BYTES_MAX
    for writer in opened:
        writer.transport.abort()
    while len(api.server._connections) > 1:
        await asyncio.sleep(0)
    assert api.server._kept.size == 0
    assert (await api.client.post(f"{_BASE}/invocation/r-1/response", content=b"1")).status_code == 202


async def test_a_trailer_without_end_ends_the_connection(api) -> None:
    reader, writer = await _raw(api)
    ended = asyncio.create_task(_ends(reader))
    writer.write(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: ")
    for _ in range(100):
        if ended.done():
            break
        with contextlib.suppress(ConnectionError):
            writer.write(bytes(b"x" * 65_536))
            await writer.drain()
    assert ended.done() or await asyncio.wait_for(ended, 5)
    assert api.server._kept.size < 3_000_000
    writer.close()


class FakeTransport:
    def __init__(self) -> None:
        self.reading, self.written = True, b""

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data: bytes) -> None:
        self.written += data

    def answers(self) -> int:
        return self.written.count(b"HTTP/1.1 404")


async def test_a_flood_of_requests_lets_others_have_their_turns(api) -> None:
    kept, transports = Kept(), [FakeTransport(), FakeTransport()]
    connections = [HttpConnection(api.server, set(), kept) for _ in transports]
    for connection, transport in zip(connections, transports, strict=True):
        connection.connection_made(transport)
        connection.data_received(b"GET /nothing HTTP/1.1\r\n\r\n" * 3_000)
    assert 0 < transports[0].answers() < 1_000
    assert transports[1].answers() == 0, "they share one time"
    assert [each.reading for each in transports] == [False, False]
    async with asyncio.timeout(10):
        while sum(each.answers() for each in transports) < 6_000:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [each.reading for each in transports] == [True, True]
