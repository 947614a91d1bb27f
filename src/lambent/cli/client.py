"""How commands speak to a running server: HTTP on loopback, as the default account's root."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import click

from lambent.domain.caller import DEFAULT_ACCOUNT_ID


class Client:
    """A connection to the server at ``endpoint``."""

    def __init__(self, endpoint: str, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        self._host = urlsplit(endpoint).netloc

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers (lower-case) and body. A server that isn't there ends the command with advice."""
        connection = http.client.HTTPConnection(self._host, timeout=910)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except OSError as error:
            raise click.ClickException(f"no Lambent server answers at {self.endpoint} ({error}). Start one with: lambent start") from None
        finally:
            connection.close()

    def health(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        status, _, body = self.request("GET", "/_lambent/health")
        if status != 200:
            raise click.ClickException(f"{self.endpoint} answers {status} to /_lambent/health: is something else listening there?")
        health: dict[str, Any] = json.loads(body)
        return health

    def signed(self, service: str) -> dict[str, str]:
        """Return headers that say which account calls. An account id as the key is that account's root; no secret is involved."""
        scope = f"{datetime.now(UTC):%Y%m%d}/{self.region}/{service}/aws4_request"
        credential = f"AWS4-HMAC-SHA256 Credential={DEFAULT_ACCOUNT_ID}/{scope}, SignedHeaders=host, Signature={'0' * 64}"
        return {"authorization": credential, "x-amz-date": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"}

    def logs(self, operation: str, params: Mapping[str, object]) -> dict[str, Any]:
        """Call an operation of CloudWatch Logs."""
        headers = self.signed("logs") | {"x-amz-target": f"Logs_20140328.{operation}", "content-type": "application/x-amz-json-1.1"}
        status, _, body = self.request("POST", "/", json.dumps(params).encode(), headers)
        if status != 200:
            raise AwsFailure(error_text(status, {}, body))
        answer: dict[str, Any] = json.loads(body or b"{}")
        return answer


class AwsFailure(click.ClickException):
    """The server answered with an error of AWS's."""

    @property
    def code(self) -> str:
        """AWS's code of it."""
        return str(self.message).partition(":")[0]


def error_text(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Return an answer's error as a person reads it: code, colon, message."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return f"{headers.get('x-amzn-errortype', status)}: {body.decode(errors='replace')}"
    code = headers.get("x-amzn-errortype") or str(document.get("__type", status)).rpartition("#")[2]
    return f"{code}: {document.get('message') or document.get('Message') or ''}"
