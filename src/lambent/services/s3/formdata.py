"""``multipart/form-data`` as browsers send it to S3: small fields first, then one file as a stream, at constant memory. No I/O of its own.

RFC 7578; what follows the file is ignored, as S3 does it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final

from lambent.domain.errors import AwsError
from lambent.domain.http import ByteStream

if TYPE_CHECKING:
    from email.message import Message

FIELDS_BYTES_MAX: Final = 20_480
"""Everything before the file, as S3 has it."""
_NO_TRAILERS: Final[Mapping[str, str]] = {}


def boundary_of(content_type: str) -> str:
    """Return the boundary in a ``Content-Type`` of form data; empty for any other type."""
    message = _with("content-type", content_type)
    if message.get_content_type() != "multipart/form-data":
        return ""
    found = message.get_boundary()
    return found or ""


class Form:
    """A form that is being read: ``await read_fields()`` once, then iterate the form for the file's bytes."""

    length: int | None = None
    trailers = _NO_TRAILERS

    def __init__(self, body: ByteStream, boundary: str) -> None:
        self.fields: dict[str, str] = {}  #: by lower-case name
        self.filename = ""
        self.has_file = False
        self._chunks = aiter(body)
        self._buffer = bytearray(b"\r\n")  # so that the first delimiter looks like every other
        self._delimiter = f"\r\n--{boundary}".encode()
        self._taken = 0

    async def read_fields(self) -> None:
        """Read up to the file's first byte. ``AwsError`` for what isn't a form, or when the fields are too large."""
        await self._until(self._delimiter)
        while True:
            if (await self._until(b"\r\n")).startswith(b"--"):
                return
            name, filename = _described(await self._head())
            if name == "file":
                self.has_file, self.filename = True, filename
                return
            value = await self._until(self._delimiter)
            self.fields.setdefault(name, value.decode("utf-8", "replace"))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the file's bytes."""
        kept = len(self._delimiter) - 1
        while (end := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > kept:
                piece = bytes(self._buffer[:-kept])
                del self._buffer[: len(piece)]
                yield piece
            if not await self._more():
                raise _malformed()
        if end:
            yield bytes(self._buffer[:end])

    async def _head(self) -> bytes:
        lines = []
        while line := await self._until(b"\r\n"):
            lines.append(line)
        return b"\r\n".join(lines)

    async def _until(self, mark: bytes) -> bytes:
        """Take what comes before the mark, and the mark."""
        start = 0
        while (end := self._buffer.find(mark, start)) < 0:
            start = max(0, len(self._buffer) - len(mark))
            if self._taken + len(self._buffer) > FIELDS_BYTES_MAX:
                raise _too_much()
            if not await self._more():
                raise _malformed()
        taken = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        self._taken += end + len(mark)
        if self._taken > FIELDS_BYTES_MAX:
            raise _too_much()
        return taken

    async def _more(self) -> bool:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            return False
        self._buffer += chunk
        return True


def _described(head: bytes) -> tuple[str, str]:
    """Return a part's name (lower-case) and file name."""
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = _with("content-disposition", headers.get("content-disposition", ""))
    field = disposition.get_param("name", header="content-disposition")
    filename = disposition.get_filename()
    if not isinstance(field, str) or not field:
        raise _malformed()
    return field.lower(), (filename or "").replace("\\", "/").rpartition("/")[2]


def _with(name: str, value: str) -> Message:
    """Return what knows how to read a header."""
    from email.message import Message  # noqa: PLC0415 - 4 ms, which are for the first form

    message = Message()
    message[name] = value
    return message


def _malformed() -> AwsError:
    return AwsError("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.", 400)


def _too_much() -> AwsError:
    members = {"MaxPostPreDataLengthBytes": str(FIELDS_BYTES_MAX)}
    return AwsError(
        "MaxPostPreDataLengthExceeded", "Your POST request fields preceding the upload file were too large.", 400, members=members
    )
