"""aws-chunked bodies: AWS's own worked examples, whatever way the bytes arrive; and broken ones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest, read_all
from lambent.signing import ChunkSigner, credential_of, decode, is_chunked
from lambent.signing.chunked import ChunkDecoder

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
DATA = b"a" * 66560
# "Signature calculations for the Authorization header: transferring payload in multiple chunks" and "… including trailing headers".
SIGNED = (
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    "",
)
TRAILED = (
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
)


class Pieces:
    """A body that arrives in pieces of one size."""

    length = None
    trailers: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._data), self._size):
            yield self._data[start : start + self._size]


def body(example: tuple[str, ...]) -> bytes:
    _, first, second, last, trailer = example
    chunks = f"10000;chunk-signature={first}\r\n".encode() + DATA[:65536] + f"\r\n400;chunk-signature={second}\r\n".encode() + DATA[65536:]
    return chunks + f"\r\n0;chunk-signature={last}\r\n{trailer}\r\n".encode()


def request(example: tuple[str, ...], data: bytes, piece: int = 1 << 20) -> HttpRequest:
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if example is TRAILED else "")
    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host, Signature={example[0]}",
        "x-amz-date": "20130524T000000Z",
        "x-amz-content-sha256": kind,
        "x-amz-decoded-content-length": "66560",
    }
    return HttpRequest("PUT", "/k", "", headers, Pieces(data, piece))


def signer(received: HttpRequest) -> ChunkSigner:
    credential = credential_of(received)
    assert credential is not None
    return ChunkSigner(credential, SECRET)


@pytest.mark.parametrize("example", [SIGNED, TRAILED])
@pytest.mark.parametrize("piece", [7, 4096, 1 << 20])
async def test_signed_chunks_of_the_manual(example: tuple[str, ...], piece: int) -> None:
    received = request(example, body(example), piece)
    assert is_chunked(received)
    stream = decode(received, signer(received))
    assert stream.length == 66560
    assert await read_all(stream) == DATA
    assert stream.trailers == ({"x-amz-checksum-crc32c": "sOO8/Q=="} if example is TRAILED else {})


@pytest.mark.parametrize("example", [SIGNED, TRAILED])
@pytest.mark.parametrize(
    "change",
    [(b"aaaa", b"aaab"), (b"chunk-signature=0", b"chunk-signature=1"), (b"sOO8", b"sOO9"), (b"chunk-signature=2", b"chunk-signature=3")],
)
async def test_changed_data_is_refused(example: tuple[str, ...], change: tuple[bytes, bytes]) -> None:
    data = body(example)
    if change[0] not in data:
        return
    received = request(example, data.replace(*change, 1))
    with pytest.raises(AwsError) as caught:
        await read_all(decode(received, signer(received)))
    assert caught.value.code == "SignatureDoesNotMatch"


async def test_trailer_must_be_signed_when_it_was_announced() -> None:
    data = body(TRAILED)
    start = data.index(b"x-amz-trailer-signature")
    received = request(TRAILED, data[:start] + b"\r\n")
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        await read_all(decode(received, signer(received)))


@pytest.mark.parametrize("cut", [4, 100, 70000, 66560])
async def test_truncated_body_is_incomplete(cut: int) -> None:
    received = request(SIGNED, body(SIGNED)[:-cut])
    with pytest.raises(AwsError) as caught:
        await read_all(decode(received, None))
    assert caught.value.code == "IncompleteBody"


def unsigned(data: bytes, length: str = "5") -> HttpRequest:
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": length}
    return HttpRequest("PUT", "/k", "", headers, BytesStream(data))


async def test_unsigned_chunks_with_trailer() -> None:
    stream = decode(unsigned(b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), None)
    assert await read_all(stream) == b"hello"
    assert stream.trailers == {"x-amz-checksum-crc32": "NhCmhg=="}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "IncompleteBody"),
        (b"zz\r\n", "InvalidRequest"),
        (b"-1\r\n", "InvalidRequest"),
        (b"1\r\nab\r\n", "InvalidRequest"),
        (b"4\r\nhell\r\n0\r\n\r\n", "IncompleteBody"),
        (b"6\r\nhello!\r\n0\r\n\r\n", "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\nno colon\r\n\r\n", "MalformedTrailerError"),
        (b"5" * 9000, "InvalidRequest"),
    ],
)
async def test_broken_bodies(data: bytes, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        await read_all(decode(unsigned(data), None))
    assert caught.value.code == code


def test_data_is_given_on_before_the_chunk_is_complete() -> None:
    decoder = ChunkDecoder()
    assert decoder.feed(b"100000\r\nabc") == [b"abc"]
    assert decoder.feed(b"def") == [b"def"]
    assert not decoder.done
