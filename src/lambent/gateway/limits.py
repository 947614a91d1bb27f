"""How much of a body is read into memory."""

from __future__ import annotations

from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, ByteStream


def too_large(service: str, bytes_max: int, operation: str = "") -> AwsError:
    """Return the service's error for a request that is too large."""
    if service == "s3":
        return AwsError("MaxMessageLengthExceeded", "Your request was too big.", 400)
    if service == "lambda":
        what = f" for the {operation} operation" if operation else ""
        return AwsError("RequestEntityTooLargeException", f"Request must be smaller than {bytes_max} bytes{what}", 413)
    return AwsError("RequestEntityTooLarge", "Request Entity Too Large", 413)


async def read_bounded(body: ByteStream, bytes_max: int, service: str, operation: str = "") -> bytes:
    """Return the whole body; raises when it is larger than ``bytes_max``: when that is declared, before anything is read."""
    if body.length is not None and body.length > bytes_max:
        raise too_large(service, bytes_max, operation)
    if type(body) is BytesStream and len(body.data) <= bytes_max:
        return body.data
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size > bytes_max:
            raise too_large(service, bytes_max, operation)
        pieces.append(piece)
    return b"".join(pieces)
