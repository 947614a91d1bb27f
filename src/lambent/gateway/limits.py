"""How much of a body is read into memory."""

from __future__ import annotations

from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, ByteStream


def too_large(service: str) -> AwsError:
    """Return the service's error for a request that is too large."""
    if service == "s3":
        return AwsError("MaxMessageLengthExceeded", "Your request was too big.", 400)
    code = "RequestEntityTooLargeException" if service == "lambda" else "RequestEntityTooLarge"
    return AwsError(code, "Request Entity Too Large", 413)


def check_length(body: ByteStream, bytes_max: int, service: str) -> None:
    """Raise when the declared length is too large: then nothing is read."""
    if body.length is not None and body.length > bytes_max:
        raise too_large(service)


async def read_bounded(body: ByteStream, bytes_max: int, service: str) -> bytes:
    """Return the whole body; raises when it is larger than ``bytes_max``, declared or not."""
    check_length(body, bytes_max, service)
    if type(body) is BytesStream and len(body.data) <= bytes_max:
        return body.data
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size > bytes_max:
            raise too_large(service)
        pieces.append(piece)
    return b"".join(pieces)
