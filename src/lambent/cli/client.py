"""How commands speak to a running server: HTTP on loopback, as the default account's root."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click

from lambent.domain.caller import DEFAULT_ACCOUNT_ID
from lambent.domain.http import BytesStream, HttpRequest
from lambent.signing import signed_headers


class Client:
    """A connection to the server at ``endpoint``."""

    def __init__(self, endpoint: str, region: str, root_keys: tuple[str, str] | None = None) -> None:
        self.endpoint = endpoint
        self.region = region
        self._host = urlsplit(endpoint).netloc
        self._keys = root_keys or (DEFAULT_ACCOUNT_ID, "any")  # on loopback an account's id will do

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers (lower-case) and body. A server that isn't there ends the command with advice."""
        import http.client  # noqa: PLC0415 - 20 ms, which a server's start doesn't need

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

    def call(
        self, service: str, method: str, path: str, body: bytes, headers: Mapping[str, str], query: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a signed request of an AWS service and return its answer as ``request`` does."""
        request = HttpRequest(method, path, query, {"host": self._host, **headers}, BytesStream(body))
        access_key_id, secret = self._keys
        signed = signed_headers(
            request,
            access_key_id=access_key_id,
            secret=secret,
            region=self.region,
            service=service,
            now=time.time(),
            body_sha256=hashlib.sha256(body).hexdigest(),
        )
        return self.request(method, f"{path}?{query}" if query else path, body, signed)

    def logs(self, operation: str, params: Mapping[str, object]) -> dict[str, Any]:
        """Call an operation of CloudWatch Logs."""
        headers = {"x-amz-target": f"Logs_20140328.{operation}", "content-type": "application/x-amz-json-1.1"}
        status, _, body = self.call("logs", "POST", "/", json.dumps(params).encode(), headers)
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
