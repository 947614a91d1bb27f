"""Function URL configurations. ``url_serving`` serves the URLs themselves."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.service import Operations
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import conflict, invalid, not_found, validation
from lambent.services.lambda_.functions import page
from lambent.services.lambda_.names import FunctionRef, function_arn
from lambent.services.lambda_.state import URL_IDS, URLS, Url, UrlOwner
from lambent.services.lambda_.views import timestamp

if TYPE_CHECKING:
    from lambent.services.lambda_._generated_shapes import (
        CreateFunctionUrlConfigRequest,
        DeleteFunctionUrlConfigRequest,
        GetFunctionUrlConfigRequest,
        ListFunctionUrlConfigsRequest,
        UpdateFunctionUrlConfigRequest,
    )

operations: Operations[Lambda] = Operations()
INVOKE_MODES = ("RESPONSE_STREAM", "BUFFERED")
_ID_LENGTH = 32
_ID_ALPHABET = string.ascii_lowercase + string.digits


def _shown(ctx: Lambda, entry: Entry, qualifier: str, url: Url) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "FunctionUrl": f"http://{url.url_id}.lambda-url.{entry.key[1]}.{ctx.platform.public_host}/",
        "FunctionArn": function_arn(entry.key, qualifier),
        "AuthType": url.auth_type,
        "CreationTime": timestamp(url.created),
        "LastModifiedTime": timestamp(url.last_modified),
        "InvokeMode": url.invoke_mode or "BUFFERED",
    }
    if url.cors is not None:
        shown["Cors"] = url.cors
    return shown


def _without_default_mode(shown: dict[str, Any], url: Url) -> dict[str, Any]:
    """Return what a creation or update answers: the mode only when one was ever given."""
    if not url.invoke_mode:
        del shown["InvokeMode"]
    return shown


def _check_mode(request: Any) -> None:
    mode = request.get("InvokeMode")
    if mode and mode not in INVOKE_MODES:
        raise validation(
            f"Value '{mode}' at 'invokeMode' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(INVOKE_MODES)}]"
        )


def _ref(ctx: Lambda, call: Call, request: Any) -> FunctionRef:
    ref = ctx.own_ref(call, request["FunctionName"], request.get("Qualifier"))
    if ref.qualifier and (ref.qualifier.isdecimal() or ref.qualifier == "$LATEST"):
        raise invalid("Function URLs are for a function or one of its aliases; a version's number can't have one.")
    return ref


async def _entry(ctx: Lambda, ref: FunctionRef) -> Entry:
    entry = await ctx.catalogue.find(ref.key)
    if entry is None or (ref.qualifier and ref.qualifier not in entry.aliases):
        raise not_found("Function does not exist")
    return entry


def _url(entry: Entry | None, qualifier: str) -> tuple[Entry, Url]:
    if entry is None or qualifier not in entry.urls:
        raise not_found("The resource you requested does not exist.")
    return entry, entry.urls[qualifier]


@operations.serves("CreateFunctionUrlConfig")
async def create_url(ctx: Lambda, call: Call, request: CreateFunctionUrlConfigRequest) -> dict[str, Any]:
    """Give a function or an alias a URL."""
    _check_mode(request)
    ref = _ref(ctx, call, request)
    async with ctx.catalogue.alone(ref.key):
        entry = await _entry(ctx, ref)
        if entry.latest.configuration.tenant_isolation:
            raise invalid("Function URLs are not supported for functions with tenant isolation.")
        if ref.qualifier in entry.urls:
            raise conflict(
                f"Failed to create function url config for [functionArn = {ref.arn}]. "
                "Error message:  FunctionUrlConfig exists for this Lambda function"
            )
        now = ctx.platform.clock.now()
        cors: Any = request.get("Cors")
        url_id = ctx.platform.ids.text(_ID_LENGTH, _ID_ALPHABET)
        url = Url(url_id, request["AuthType"], now, now, request.get("InvokeMode") or "", dict(cors) if cors else None)
        owner = UrlOwner(ref.account_id, ref.region, ref.name, ref.qualifier)
        await ctx.catalogue.commit(ref.key, [URLS.put((*ref.key, ref.qualifier), url), URL_IDS.put((url_id,), owner)])
    shown = _shown(ctx, entry, ref.qualifier, url)
    del shown["LastModifiedTime"]
    return _without_default_mode(shown, url)


@operations.serves("GetFunctionUrlConfig")
async def get_url(ctx: Lambda, call: Call, request: GetFunctionUrlConfigRequest) -> dict[str, Any]:
    """Return a URL's configuration."""
    ref = _ref(ctx, call, request)
    entry, url = _url(await ctx.catalogue.find(ref.key), ref.qualifier)
    return _shown(ctx, entry, ref.qualifier, url)


@operations.serves("UpdateFunctionUrlConfig")
async def update_url(ctx: Lambda, call: Call, request: UpdateFunctionUrlConfigRequest) -> dict[str, Any]:
    """Change a URL's configuration; what the request leaves out stays."""
    _check_mode(request)
    ref = _ref(ctx, call, request)
    async with ctx.catalogue.alone(ref.key):
        entry, url = _url(await _entry(ctx, ref), ref.qualifier)
        cors: Any = request.get("Cors")
        url = msgspec.structs.replace(
            url,
            auth_type=request.get("AuthType") or url.auth_type,
            invoke_mode=request.get("InvokeMode") or url.invoke_mode,
            cors=url.cors if cors is None else dict(cors) or None,
            last_modified=ctx.platform.clock.now(),
        )
        await ctx.catalogue.commit(ref.key, [URLS.put((*ref.key, ref.qualifier), url)])
    return _without_default_mode(_shown(ctx, entry, ref.qualifier, url), url)


@operations.serves("DeleteFunctionUrlConfig")
async def delete_url(ctx: Lambda, call: Call, request: DeleteFunctionUrlConfigRequest) -> None:
    """Take the URL away."""
    ref = _ref(ctx, call, request)
    async with ctx.catalogue.alone(ref.key):
        _, url = _url(await ctx.catalogue.find(ref.key), ref.qualifier)
        await ctx.catalogue.commit(ref.key, [URLS.delete((*ref.key, ref.qualifier)), URL_IDS.delete((url.url_id,))])


@operations.serves("ListFunctionUrlConfigs")
async def list_urls(ctx: Lambda, call: Call, request: ListFunctionUrlConfigsRequest) -> dict[str, Any]:
    """Return the URLs of a function and its aliases."""
    ref = ctx.own_ref(call, request["FunctionName"])
    entry = await _entry(ctx, FunctionRef(ref.account_id, ref.region, ref.name))
    items = sorted(entry.urls.items())
    shown, more = page(items, lambda item: (item[0],), request.get("Marker"), request.get("MaxItems"))
    answer: dict[str, Any] = {"FunctionUrlConfigs": [_shown(ctx, entry, qualifier, url) for qualifier, url in shown]}
    if more:
        answer["NextMarker"] = more
    return answer
