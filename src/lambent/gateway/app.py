"""The gateway. The path of a request is ``Gateway._answer``, one list from top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

from lambent import wire
from lambent.base.clock import Clock
from lambent.base.dates import http_date
from lambent.base.ids import Ids
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, ByteStream, HttpRequest, HttpResponse
from lambent.domain.ports import Cloud, RawHandler
from lambent.domain.quotas import Quotas
from lambent.gateway import cors
from lambent.gateway.authentication import Authenticator, Identities, plain_body, with_signed_query
from lambent.gateway.limits import read_bounded
from lambent.gateway.names import address, of_form, path_style, service_of
from lambent.gateway.refusals import Doubt, refusal
from lambent.gateway.ways import Way, Ways
from lambent.signing import SignatureRefused, credential_of
from lambent.wire import models

_log = logging.getLogger(__name__)
_FORM_BYTES_MAX: Final = 1_048_576
_NOBODY: Final = Caller.anonymous()
_UNKNOWN: Final = Way(service="s3", protocol="rest-xml")
"""In whose way errors are said while nobody knows which service is meant."""


class _Exchange(msgspec.Struct):
    """What is known so far of a request that is being answered; enough to say an error in its service's own way at any moment."""

    request_id: str
    way: Way = _UNKNOWN
    operation: str | None = None
    is_foreign: bool = False  #: answered by somebody who sets whatever a browser's origin rules need


class Gateway:
    """Answers every HTTP request: raw handlers first, then AWS's services through ``cloud``."""

    def __init__(  # noqa: PLR0917, RUF100 - the ports that a gateway stands on
        self,
        cloud: Cloud,
        identities: Identities,
        raw_handlers: Sequence[RawHandler],
        clock: Clock,
        ids: Ids,
        quotas: Quotas,
        default_region: str = "us-east-1",
    ) -> None:
        self._cloud = cloud
        self._authenticator = Authenticator(identities, clock)
        self._ways = Ways(raw_handlers)
        self._origin_rules = tuple(each for each in raw_handlers if isinstance(each, cors.OriginRules))
        self._clock = clock
        self._ids = ids
        self._quotas = quotas
        self._default_region = default_region

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request. Raises nothing but cancellation."""
        exchange = _Exchange(self._ids.uuid())
        try:
            response = await self._answer(request, exchange)
        except AwsError as error:
            response = self._failed(exchange, error)
        except Exception:  # noqa: BLE001 - the operator sees it in the log with the request's id, the caller as AWS's internal failure
            _log.exception(
                "%s %s failed (%s:%s, request %s)",
                request.method,
                request.raw_path,
                exchange.way.service,
                exchange.operation,
                exchange.request_id,
            )
            response = self._failed(exchange, _internal_failure(exchange.way.service))
        # What every answer of AWS has.
        response.headers.setdefault("date", _http_date(int(self._clock.now())))
        response.headers.setdefault("x-amzn-requestid", exchange.request_id)
        if exchange.way.service == "s3" and not exchange.is_foreign:
            response.headers.setdefault("x-amz-request-id", exchange.request_id)
        if "origin" in request.headers and not exchange.is_foreign:
            await self._open_to_pages(request, exchange, response)
        return response

    async def _answer(self, original: HttpRequest, exchange: _Exchange) -> HttpResponse:
        refused = credential = None
        try:
            credential = credential_of(original)
        except SignatureRefused as error:
            # How that is said depends on the service. With its traceback it would hold this frame, and so the request, in a cycle.
            refused = error.with_traceback(None)
        request, way = original, self._ways.of(original, credential)
        if not way.is_usual:
            found = await self._unusual(original, way, exchange)
            if isinstance(found, HttpResponse):
                return found
            request, way = found
        service, protocol, operation = way.service, way.protocol, way.operation
        exchange.way, exchange.operation = way, operation
        if refused is not None:
            raise refusal(refused, service, protocol)
        if operation is None:
            operation = exchange.operation = wire.route(service, request)
        claim = None
        if credential is not None:
            claim = self._authenticator.claim(original, way.bucket, credential, service, protocol)
        elif operation is not None:
            _allow_unsigned(way, operation)
        if request.query:
            request = with_signed_query(request, claim)
        headers = request.headers
        if "x-amz-content-sha256" in headers or "content-encoding" in headers:
            request = plain_body(request, claim)
        body: bytes | ByteStream = request.body
        if way.is_whole or not wire.is_streaming_input(service, operation):
            body = await read_bounded(request.body, self._quotas.request_bytes_max, service, operation or "")
        elif claim is not None:
            body = await self._authenticator.sealed(claim, request.body, self._quotas.request_bytes_max, service, protocol)
        if claim is not None and isinstance(body, bytes):
            self._authenticator.check_body(claim, body, service, protocol)
        parsed = wire.parse(service, request, operation, body, protocol)
        exchange.operation = parsed.operation
        if claim is None:
            _allow_unsigned(way, parsed.operation)
        caller = _NOBODY if claim is None else claim.identity.caller
        headers = original.headers
        call = Call(
            service=service,
            operation=parsed.operation,
            params=parsed.params,
            caller=caller,
            region=way.region or self._default_region,
            account_id=caller.account_id,
            request_id=exchange.request_id,
            host=headers.get("host", ""),
            source_ip=original.client or "127.0.0.1",
            user_agent=headers.get("user-agent", ""),
            trace_header=headers.get("x-amzn-trace-id", ""),
            is_wanted=original.is_connected,
        )
        result = await self._cloud.call(call)
        return wire.serialise(parsed, result, exchange.request_id)

    async def _unusual(self, original: HttpRequest, way: Way, exchange: _Exchange) -> HttpResponse | tuple[HttpRequest, Way]:
        """Return the answer of a request that is for no service, else the request as its service sees it, and its way."""
        # S3's virtual hosts become paths before anybody looks at the path; signatures are checked over the original.
        request = path_style(original)[0] if way.bucket else original
        if way.handler is not None:
            exchange.is_foreign = not isinstance(way.handler, cors.OriginRules)
            return await way.handler.handle(request)
        if request.method == "OPTIONS" and (answered := await self._preflight(request, original.host)) is not None:
            return answered
        if not way.service:
            request, way = await self._by_form(request, way)
        if not way.protocol:
            raise AwsError("UnknownEndpoint", f"There is no AWS service called {way.service!r}.", 404)
        if way.service == "s3":
            exchange.request_id = exchange.request_id.replace("-", "")[:16].upper()
        return request, way

    async def _preflight(self, request: HttpRequest, host: str) -> HttpResponse | None:
        """Answer what a browser asks beforehand: by S3's rules for its buckets, else with yes."""
        if service_of(request, None) == "s3":
            for rules in self._origin_rules:
                answered = await rules.preflight(request, certain=address(host).service == "s3")
                if answered is not None:
                    return answered
        return cors.preflight(request) if cors.is_preflight(request) else None

    async def _by_form(self, request: HttpRequest, way: Way) -> tuple[HttpRequest, Way]:
        """Find the service by the body's form, when only that tells."""
        form = await read_bounded(request.body, min(_FORM_BYTES_MAX, self._quotas.request_bytes_max), "sts")
        request = replace(request, body=BytesStream(form))
        service = of_form(form.decode("latin-1"))
        return request, replace(way, service=service, protocol=wire.protocol_of(models.service(service), request))

    def _failed(self, exchange: _Exchange, error: AwsError) -> HttpResponse:
        return wire.serialise_error(exchange.way.service, exchange.way.protocol, error, exchange.request_id, exchange.operation)

    async def _open_to_pages(self, request: HttpRequest, exchange: _Exchange, response: HttpResponse) -> None:
        """Let pages of other origins read the answer: all of them, or those that a bucket's rules name."""
        if "access-control-allow-origin" in response.headers:
            return
        if exchange.way.service != "s3":
            cors.allow_any_origin(response)
            return
        for rules in self._origin_rules:
            response.headers.update(await rules.cors_headers(path_style(request)[0]))


@lru_cache(maxsize=8)
def _http_date(seconds: int) -> str:
    return http_date(seconds)


def _allow_unsigned(way: Way, operation: str) -> None:
    """S3 and SQS decide about unsigned requests by bucket and queue; elsewhere the model says which few operations need no signature."""
    if way.service in {"s3", "sqs"}:
        return
    if getattr(models.service(way.service).operation(operation), "auth_type", None) != "none":
        raise refusal(Doubt.UNSIGNED, way.service, way.protocol)


def _internal_failure(service: str) -> AwsError:
    if service == "s3":
        return AwsError("InternalError", "We encountered an internal error. Please try again.", 500)
    if service == "lambda":
        return AwsError("ServiceException", "An internal error occurred.", 500)
    return AwsError("InternalFailure", "The request processing has failed because of an unknown error, exception or failure.", 500)
