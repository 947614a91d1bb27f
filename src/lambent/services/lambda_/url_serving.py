"""Serves function URLs: who asks, the event, the invocation, the answer.

A URL is found by the host (``<id>.lambda-url.<region>.localhost:4566``, ``….on.aws``) or, for clients that can't resolve such names, by
the path ``/_lambent/url/<id>/…``.
"""

from __future__ import annotations

import json
import re

from msgspec.structs import replace

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.functions import ResolvedFunction
from lambent.domain.http import HttpRequest, HttpResponse, read_all
from lambent.domain.invocations import Invocation, InvocationResult
from lambent.domain.ports import ReadSigned
from lambent.policy.callers import conditions_of, principal_of
from lambent.policy.evaluation import Decision, Request, evaluate
from lambent.services.lambda_ import url_cors
from lambent.services.lambda_.catalogue import Entry
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import request_too_large
from lambent.services.lambda_.names import FunctionRef
from lambent.services.lambda_.state import Url, UrlOwner, find_url
from lambent.services.lambda_.url_events import UrlRequest, event_of
from lambent.services.lambda_.url_responses import answer_of, bad_gateway, forbidden, refused, streamed

PATH = "/_lambent/url/"
_HOST = Regex(r"([a-z0-9]+)\.lambda-url\.[a-z0-9-]+\.", re.IGNORECASE)
_KNOWN_MAX = 10_000


class FunctionUrls:
    """The raw handler of function URLs."""

    def __init__(self, ctx: Lambda, read_signed: ReadSigned) -> None:
        self._ctx = ctx
        self._read_signed = read_signed
        self._known: dict[str, UrlOwner] = {}  # ids are never given twice, so what was found stays true, or ends in nothing

    def claims(self, request: HttpRequest) -> bool:
        """Return whether the request is to a function URL."""
        return ".lambda-url." in request.host or request.raw_path.startswith(PATH)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer with what the function returns."""
        try:
            return await self._answer(request)
        except AwsError as error:
            return refused(error)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        url_id, path = _address(request)
        owner = await self._owner(url_id)
        entry = await self._ctx.catalogue.find((owner.account_id, owner.region, owner.name)) if owner else None
        url = entry.urls.get(owner.qualifier) if entry and owner else None
        if entry is None or owner is None or url is None or url.url_id != url_id:
            return forbidden(None)
        rules = url.cors or {}
        if rules and url_cors.is_preflight(request):
            return url_cors.preflight(rules, request)
        limit = self._ctx.platform.quotas.sync_payload_bytes_max
        caller, body = await self._read_signed(request, "lambda", limit, signed=url.auth_type == "AWS_IAM")
        ref = FunctionRef(owner.account_id, owner.region, owner.name, owner.qualifier)
        if not await self._allows(entry, url, ref, caller):
            return forbidden()
        ids, now = self._ctx.platform.ids, self._ctx.platform.clock.now()
        trace = request.headers.get("x-amzn-trace-id") or f"Root=1-{int(now):08x}-{ids.hex(24)};Parent={ids.hex(16)};Sampled=0"
        asked = UrlRequest(request, path, url_id, caller, ids.uuid(), trace, now)
        response = await self._invoke(asked, body, ref, url)
        response.headers |= {"x-amzn-requestid": asked.request_id, "x-amzn-trace-id": trace} | url_cors.origin_headers(rules, request)
        return response

    async def _allows(self, entry: Entry, url: Url, ref: FunctionRef, caller: Caller) -> bool:
        """Return whether the caller may use the URL: by its own policies if it is signed and of the function's account, else by the
        function's policy."""
        if url.auth_type != "AWS_IAM" or caller.account_id != ref.account_id:
            return _policy_allows(entry, url, ref, caller)
        asked = {"FunctionName": ref.arn, "FunctionUrlAuthType": url.auth_type}
        request_id = self._ctx.platform.ids.uuid()
        return await self._ctx.roles.permits(Call("lambda", "InvokeFunctionUrl", asked, caller, ref.region, ref.account_id, request_id))

    async def _owner(self, url_id: str) -> UrlOwner | None:
        owner = self._known.get(url_id)
        if owner is None:
            owner = await find_url(self._ctx.platform.store, url_id)
            if owner is not None:
                if len(self._known) >= _KNOWN_MAX:
                    self._known.clear()
                self._known[url_id] = owner
        return owner

    async def _invoke(self, asked: UrlRequest, body: bytes, ref: FunctionRef, url: Url) -> HttpResponse:
        payload = json.dumps(event_of(asked, body), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogateescape")
        limit = self._ctx.platform.quotas.sync_payload_bytes_max
        if len(payload) > limit:
            raise request_too_large(f"Request must be smaller than {limit} bytes for the InvokeFunction operation")
        resolved = await self._resolve(ref)
        stream = url.invoke_mode == "RESPONSE_STREAM"
        invocation = Invocation(asked.request_id, payload, resolved.invoked_arn, trace_header=asked.trace_header, streamed=stream)
        result = await self._ctx.invoker.invoke(resolved.version, invocation)
        return await _answered(result, stream=stream)

    async def _resolve(self, ref: FunctionRef) -> ResolvedFunction:
        await self._ctx.settled(ref)
        return await self._ctx.catalogue.resolve(ref.account_id, ref.region, ref.name, ref.qualifier)


def _address(request: HttpRequest) -> tuple[str, str]:
    """Return the URL's id and the path below the URL."""
    if request.raw_path.startswith(PATH):
        url_id, slash, rest = request.raw_path.removeprefix(PATH).partition("/")
        return url_id.lower(), slash + rest or "/"
    found = _HOST.match(request.host)
    return (found[1].lower() if found else ""), request.raw_path


def _policy_allows(entry: Entry, url: Url, ref: FunctionRef, caller: Caller) -> bool:
    policy = entry.policies.get(ref.qualifier)
    if policy is None:
        return False
    context = conditions_of(caller) | {"lambda:FunctionUrlAuthType": (url.auth_type,)}
    asked = Request(principal_of(caller), "lambda:InvokeFunctionUrl", ref.arn, context)
    return evaluate(policy.statements, asked) is Decision.ALLOW


async def _answered(result: InvocationResult, *, stream: bool) -> HttpResponse:
    if result.function_error is not None:
        return bad_gateway()
    if not isinstance(result.payload, bytes):
        if stream:
            return await streamed(result.payload, result.content_type)
        result = replace(result, payload=await read_all(result.payload))
    payload = result.payload if isinstance(result.payload, bytes) else b""
    if stream:
        return HttpResponse(200, {"content-type": result.content_type or "application/octet-stream"}, payload)
    return answer_of(payload)
