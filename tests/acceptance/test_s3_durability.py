"""What is left of uploads that break off, of servers that are killed, and how much memory large objects take."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.acceptance.conftest import RunningServer
from tests.acceptance.test_s3_objects import refused

MB = 1 << 20
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


def half_a_put(server: RunningServer, path: str) -> socket.socket:
    """Begin a PUT of 8 MB and send half of it."""
    connection = socket.create_connection(("127.0.0.1", server.port))
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {AUTHORIZATION}\r\nx-amz-date: 20300101T000000Z\r\n"
    connection.sendall(head.encode() + f"Content-Length: {8 * MB}\r\n\r\n".encode() + b"x" * 4 * MB)
    return connection


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def unfinished(server: RunningServer) -> list[Path]:
    return list((server.data_dir / "blobs" / "incoming").iterdir())


def test_a_client_that_goes_away_leaves_nothing(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="half")
    upload = s3.create_multipart_upload(Bucket="half", Key="parts")["UploadId"]
    for path in ("/half/k", f"/half/parts?partNumber=1&uploadId={upload}"):
        connection = half_a_put(server, path)
        wait_for(lambda: bool(unfinished(server)), "nothing was being written")
        connection.close()
        wait_for(lambda: not unfinished(server), "an unfinished file was left")
    assert refused(s3.head_object, Bucket="half", Key="k")[0] == 404
    assert "Parts" not in s3.list_parts(Bucket="half", Key="parts", UploadId=upload)


def test_a_kill_leaves_whole_objects_or_none(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="kills")
    body = os.urandom(MB)
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            key = f"k{len(acknowledged)}"
            try:
                s3.put_object(Bucket="kills", Key=key, Body=body)
            except (BotoCoreError, ClientError):  # the server is dead
                return
            acknowledged.append(key)

    writer = threading.Thread(target=write)
    writer.start()
    connection = half_a_put(server, "/kills/half")
    wait_for(lambda: len(acknowledged) >= 3, "nothing was written")
    server.kill()
    stop.set()
    writer.join()
    connection.close()
    server.start()
    assert unfinished(server) == []
    found = {each["Key"]: each for each in s3.list_objects_v2(Bucket="kills")["Contents"]}
    assert set(acknowledged) <= set(found) and "half" not in found
    for key, each in found.items():
        got = s3.get_object(Bucket="kills", Key=key)["Body"].read()
        assert got == body and each["ETag"] == f'"{hashlib.md5(got).hexdigest()}"'


class Endless:
    """A file of so many bytes that is never in memory."""

    def __init__(self, size: int) -> None:
        self._size, self._position = size, 0

    def read(self, count: int = -1) -> bytes:
        taken = min(count if count >= 0 else self._size, self._size - self._position)
        self._position += taken
        return b"z" * taken

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + {0: 0, 1: self._position, 2: self._size}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read(MB):
            yield data


@pytest.mark.slow
def test_large_objects_take_no_memory(own_server: Callable[..., RunningServer]) -> None:
    megabytes = int(os.environ.get("LAMBENT_TEST_OBJECT_MB", "300"))
    server = own_server()
    s3: Any = server.client("s3", read_timeout=600)
    s3.create_bucket(Bucket="large")
    peak: list[int] = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            peak[0] = max(peak[0], int(status.split("VmRSS:")[1].split()[0]) // 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    s3.put_object(Bucket="large", Key="k", Body=Endless(megabytes * MB))
    size = sum(len(each) for each in s3.get_object(Bucket="large", Key="k")["Body"].iter_chunks(MB))
    done.set()
    watcher.join()
    assert size == megabytes * MB
    assert 0 < peak[0] < 200, f"the server took {peak[0]} MB"
