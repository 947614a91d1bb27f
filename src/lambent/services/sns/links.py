"""The links in messages: confirming and ending a subscription by a plain GET, without a signature. A raw handler."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from lambent import wire
from lambent.base.ids import Ids
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.http import HttpRequest, HttpResponse
from lambent.domain.ports import Cloud
from lambent.services.sns.errors import no_value

_REQUIRED: Final = {"ConfirmSubscription": ("TopicArn", "Token"), "Unsubscribe": ("SubscriptionArn",)}
_BEGINNINGS: Final = tuple(f"Action={action}&" for action in _REQUIRED)


class Links:
    """Answers them; whoever follows one is anonymous."""

    def __init__(self, cloud: Cloud, ids: Ids) -> None:
        self._cloud = cloud
        self._ids = ids

    def claims(self, request: HttpRequest) -> bool:
        """Return whether the request follows a link: signed ones go their usual way."""
        return (
            request.query.startswith(_BEGINNINGS)
            and request.raw_path == "/"
            and request.method in {"GET", "HEAD"}
            and "authorization" not in request.headers
            and "X-Amz-Signature=" not in request.query
        )

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Do what the link says, and answer as SNS's API does."""
        given = dict(parse_qsl(request.query, keep_blank_values=True))
        action, request_id = given["Action"], self._ids.uuid()
        try:
            params = {name: given[name] for name in _present(given, action)}
            call = Call(
                service="sns",
                operation=action,
                params=params,
                caller=Caller.anonymous(),
                region=_region(params),
                account_id="",
                request_id=request_id,
                host=request.host,
                source_ip=request.client or "127.0.0.1",
                user_agent=request.headers.get("user-agent", ""),
            )
            result = await self._cloud.call(call)
        except AwsError as error:
            return wire.serialise_error("sns", "query", error, request_id, action)
        return wire.serialise(wire.ParsedRequest("sns", action, params, "query"), result, request_id)


def _present(given: dict[str, str], action: str) -> tuple[str, ...]:
    missing = next((name for name in _REQUIRED[action] if name not in given), None)
    if missing is not None:
        raise no_value(missing)
    return _REQUIRED[action]


def _region(params: dict[str, str]) -> str:
    """Return the region of the ARN in the link: the link's host doesn't say it."""
    parts = (params.get("SubscriptionArn") or params.get("TopicArn") or "").split(":")
    return parts[3] if len(parts) > 3 else ""
