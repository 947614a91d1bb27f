"""Deployment packages: taken from a request or from S3, checked, kept as blobs, and handed out again by a signed URL."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec

from lambent.base.clock import Clock
from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest, HttpResponse
from lambent.domain.storage import Blob, Blobs
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import code_storage_exceeded, invalid
from lambent.services.lambda_.packages import EMPTY_ZIP, unpacked_size
from lambent.services.lambda_.state import LAYER_VERSIONS, VERSIONS

CODE_PATH = "/_lambent/code/"
_URL_LIFE_S = 600


class Package(msgspec.Struct, frozen=True):
    """A checked package that is stored as a blob; whoever names it must ``keep`` it."""

    digest: str
    size: int  #: bytes, zipped
    unzipped: int  #: bytes


async def take(ctx: Lambda, call: Call, source: Mapping[str, Any], *, unzipped_max: int) -> Package:
    """Check and store the package that ``ZipFile``, or ``S3Bucket`` and ``S3Key``, means."""
    inline = source.get("ZipFile")
    bucket, key = source.get("S3Bucket"), source.get("S3Key")
    if inline is not None and (bucket or key):
        raise invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
    if inline is not None:
        return await _take_inline(ctx, call, inline, unzipped_max)
    if bucket and key:
        return await _take_object(ctx, call, source, unzipped_max)
    raise invalid("Please provide a source for function code.")


async def _take_inline(ctx: Lambda, call: Call, data: bytes, unzipped_max: int) -> Package:
    quotas = ctx.platform.quotas
    if not data:
        raise invalid(EMPTY_ZIP)
    if len(data) > quotas.zip_upload_bytes_max:
        raise AwsError("RequestEntityTooLargeException", f"Zipped size must be smaller than {quotas.zip_upload_bytes_max} bytes", 413)
    unzipped = await asyncio.to_thread(unpacked_size, io.BytesIO(data), unzipped_max)
    blob = await ctx.platform.blobs.put(BytesStream(data))
    return Package(blob.digest, blob.size, unzipped)


async def _take_object(ctx: Lambda, call: Call, source: Mapping[str, Any], unzipped_max: int) -> Package:
    params = {"Bucket": source["S3Bucket"], "Key": source["S3Key"]}
    if source.get("S3ObjectVersion"):
        params["VersionId"] = source["S3ObjectVersion"]
    inner = Call("s3", "GetObject", params, call.caller, call.region, call.account_id, call.request_id)
    try:
        answer = await ctx.platform.cloud.call(inner)
        blob = await ctx.platform.blobs.put(_bounded(answer.get("Body", b""), unzipped_max))
    except AwsError as error:
        if error.status >= 500 or error.code == "InvalidParameterValueException":
            raise
        code = "AccessDeniedException" if error.status == 403 else "InvalidParameterValueException"
        text = f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
        raise AwsError(code, text, 403 if error.status == 403 else 400, members={"Type": "User"}) from None
    return Package(blob.digest, blob.size, await _check_stored(ctx.platform.blobs, blob, unzipped_max))


async def _bounded(body: bytes | AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Give the pieces, and refuse more than ``limit`` bytes: a package is never larger than what it unpacks to may be."""
    if isinstance(body, bytes):
        body = aiter(BytesStream(body))
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size >= limit:
            raise invalid(f"Unzipped size must be smaller than {limit} bytes")
        yield chunk


async def _check_stored(blobs: Blobs, blob: Blob, unzipped_max: int) -> int:
    if not blob.size:
        raise invalid(EMPTY_ZIP)
    path = await blobs.path(blob.digest)

    def check() -> int:
        with path.open("rb") as file:
            return unpacked_size(file, unzipped_max)

    return await asyncio.to_thread(check)


async def usage(ctx: Lambda, account_id: str, region: str) -> tuple[int, int]:
    """Return how many bytes of code an account and region store, all versions and layers together, and how many functions it has."""
    store = ctx.platform.store
    total, names, after = 0, set[str](), None
    while page := await VERSIONS.range(store, (account_id, region), after=after):
        total += sum(each.value.configuration.code_size for each in page)
        names.update(str(each.key[2]) for each in page)
        after = page[-1].key
    after = None
    while layers := await LAYER_VERSIONS.range(store, (account_id, region), after=after):
        total += sum(each.value.size for each in layers)
        after = layers[-1].key
    return total, len(names)


async def check_storage(ctx: Lambda, call: Call, added: int) -> None:
    """Raise ``CodeStorageExceededException`` when ``added`` more bytes are too many."""
    limit = ctx.platform.quotas.code_storage_bytes_max
    stored, _ = await usage(ctx, call.account_id, call.region)
    if stored + added > limit:
        raise code_storage_exceeded(limit)


def location(ctx: Lambda, call: Call, digest: str) -> str:
    """Return a URL from which the package can be fetched for ten minutes (or until the server restarts)."""
    expires = int(ctx.platform.clock.now()) + _URL_LIFE_S
    query = urlencode({"expires": expires, "token": _token(ctx.code_secret, digest, expires)})
    return f"http://{call.host or ctx.platform.public_host}{CODE_PATH}{digest}?{query}"


def _token(secret: bytes, digest: str, expires: int) -> str:
    return hmac.new(secret, f"{digest}:{expires}".encode(), hashlib.sha256).hexdigest()


class CodeDownloads:
    """The raw handler behind ``location``."""

    def __init__(self, blobs: Blobs, clock: Clock, secret: bytes) -> None:
        self._blobs = blobs
        self._clock = clock
        self._secret = secret

    def claims(self, request: HttpRequest) -> bool:
        """Return whether the request fetches code."""
        return request.raw_path.startswith(CODE_PATH)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer with the package; 403 when the URL isn't one of ours or is too old."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(405, {"content-type": "text/plain", "allow": "GET, HEAD"}, b"GET and HEAD only.\n")
        digest = request.raw_path.removeprefix(CODE_PATH)
        values = parse_qs(request.query)
        expires = values.get("expires", [""])[0]
        token = values.get("token", [""])[0]
        if not expires.isdecimal() or not hmac.compare_digest(_token(self._secret, digest, int(expires)).encode(), token.encode()):
            return HttpResponse(403, {"content-type": "text/plain"}, b"The URL's signature is wrong.\n")
        if int(expires) < self._clock.now():
            return HttpResponse(403, {"content-type": "text/plain"}, b"The URL has expired.\n")
        try:
            path = await self._blobs.path(digest)
            size = (await asyncio.to_thread(path.stat)).st_size
        except (KeyError, FileNotFoundError):
            return HttpResponse(404, {"content-type": "text/plain"}, b"The code is gone.\n")
        headers = {"content-type": "application/zip", "content-length": str(size)}
        return HttpResponse(200, headers, b"" if request.method == "HEAD" else self._blobs.read(digest))
