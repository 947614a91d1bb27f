"""The gateway. The path of a request is ``Gateway._answer``, one list from top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

from lambent import wire
from lambent.base.clock import Clock
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
from lambent.gateway.names import address, of_form, path_style, region_of, service_of
from lambent.gateway.refusals import Doubt, refusal
from lambent.gateway.ways import Way, Ways
from lambent.signing import SignatureRefused, credential_of
from lambent.wire import models

_log = logging.getLogger(__name__)
_FORM_BYTES_MAX: Final = 1_048_576


class _Exchange(msgspec.Struct):
    """What is known so far of a request that is being answered; enough to say an error in its service's own way at any moment."""

    request_id: str
    service: str = "s3"
    protocol: str = "rest-xml"
    operation: str | None = None
    is_foreign: bool = False  #: answered by somebody who sets whatever a browser's origin rules need

    def follow(self, way: Way) -> None:
        """Note which service it is. Raises ``AwsError`` when there is none of that name."""
        if not way.protocol:
            raise AwsError("UnknownEndpoint", f"There is no AWS service called {way.service!r}.", 404)
        self.service, self.protocol, self.operation = way.service, way.protocol, way.operation
        if way.service == "s3":
            self.request_id = self.request_id.replace("-", "")[:16].upper()


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
                exchange.service,
                exchange.operation,
                exchange.request_id,
            )
            response = self._failed(exchange, _internal_failure(exchange.service))
        self._finish(exchange, response)
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
        way = self._ways.of(original, credential)
        # S3's virtual hosts become paths before anybody looks at the path; signatures are checked over the original.
        request = path_style(original)[0] if way.bucket else original
        if way.handler is not None:
            exchange.is_foreign = not isinstance(way.handler, cors.OriginRules)
            return await way.handler.handle(request)
        if request.method == "OPTIONS" and (answered := await self._preflight(request, original.host)) is not None:
            return answered
        if not way.service:
            request, way = await self._by_form(request)
        exchange.follow(way)
        if refused is not None:
            raise refusal(refused, exchange.service, exchange.protocol)
        if way.operation is None:
            exchange.operation = wire.route(way.service, request)
        claim = None
        if credential is not None:
            claim = self._authenticator.claim(original, way.bucket, credential, exchange.service, exchange.protocol)
        elif exchange.operation is not None:
            _allow_unsigned(exchange)
        if request.query:
            request = with_signed_query(request, claim)
        if "x-amz-content-sha256" in request.headers or "content-encoding" in request.headers:
            request = plain_body(request, claim)
        body: bytes | ByteStream = request.body
        if not wire.is_streaming_input(exchange.service, exchange.operation):
            body = await read_bounded(request.body, self._quotas.request_bytes_max, exchange.service, exchange.operation or "")
        if claim is not None and isinstance(body, bytes):
            self._authenticator.check_body(claim, body, exchange.service, exchange.protocol)
        parsed = wire.parse(exchange.service, request, exchange.operation, body, exchange.protocol)
        exchange.operation = parsed.operation
        caller = claim.identity.caller if claim is not None else Caller.anonymous()
        if claim is None:
            _allow_unsigned(exchange)
        call = Call(
            service=parsed.service,
            operation=parsed.operation,
            params=parsed.params,
            caller=caller,
            region=region_of(original, credential, self._default_region),
            account_id=caller.account_id,
            request_id=exchange.request_id,
            host=original.headers.get("host", ""),
            source_ip=original.client or "127.0.0.1",
            user_agent=original.headers.get("user-agent", ""),
            trace_header=original.headers.get("x-amzn-trace-id", ""),
            is_wanted=original.is_connected,
        )
        result = await self._cloud.call(call)
        return wire.serialise(parsed, result, exchange.request_id)

    async def _preflight(self, request: HttpRequest, host: str) -> HttpResponse | None:
        """Answer what a browser asks beforehand: by S3's rules for its buckets, else with yes."""
        if service_of(request, None) == "s3":
            for rules in self._origin_rules:
                answered = await rules.preflight(request, certain=address(host).service == "s3")
                if answered is not None:
                    return answered
        return cors.preflight(request) if cors.is_preflight(request) else None

    async def _by_form(self, request: HttpRequest) -> tuple[HttpRequest, Way]:
        """Find the service by the body's form, when only that tells."""
        form = await read_bounded(request.body, min(_FORM_BYTES_MAX, self._quotas.request_bytes_max), "sts")
        request = replace(request, body=BytesStream(form))
        service = of_form(form.decode("latin-1"))
        return request, Way(service=service, protocol=wire.protocol_of(models.service(service), request))

    def _failed(self, exchange: _Exchange, error: AwsError) -> HttpResponse:
        return wire.serialise_error(exchange.service, exchange.protocol, error, exchange.request_id, exchange.operation)

    def _finish(self, exchange: _Exchange, response: HttpResponse) -> None:
        """Put on every answer what every answer of AWS has."""
        headers = response.headers
        headers.setdefault("date", _http_date(int(self._clock.now())))
        headers.setdefault("x-amzn-requestid", exchange.request_id)
        if exchange.service == "s3" and not exchange.is_foreign:
            headers.setdefault("x-amz-request-id", exchange.request_id)

    async def _open_to_pages(self, request: HttpRequest, exchange: _Exchange, response: HttpResponse) -> None:
        """Let pages of other origins read the answer: all of them, or those that a bucket's rules name."""
        if "access-control-allow-origin" in response.headers:
            return
        if exchange.service != "s3":
            cors.allow_any_origin(response)
            return
        for rules in self._origin_rules:
            response.headers.update(await rules.cors_headers(path_style(request)[0]))


@lru_cache(maxsize=8)
def _http_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _allow_unsigned(exchange: _Exchange) -> None:
    """S3 and SQS decide about unsigned requests by bucket and queue; elsewhere the model says which few operations need no signature."""
    if exchange.service in {"s3", "sqs"}:
        return
    operation = exchange.operation
    if operation is None or getattr(models.service(exchange.service).operation(operation), "auth_type", None) != "none":
        raise refusal(Doubt.UNSIGNED, exchange.service, exchange.protocol)


def _internal_failure(service: str) -> AwsError:
    if service == "s3":
        return AwsError("InternalError", "We encountered an internal error. Please try again.", 500)
    if service == "lambda":
        return AwsError("ServiceException", "An internal error occurred.", 500)
    return AwsError("InternalFailure", "The request processing has failed because of an unknown error, exception or failure.", 500)
