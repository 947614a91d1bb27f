"""How each service says that a caller lacks a permission."""

from __future__ import annotations

from typing import Final

from lambent.domain.errors import AwsError
from lambent.wire import models

_BY_PROTOCOL: Final = {
    "json": ("AccessDeniedException", 400),
    "smithy-rpc-v2-cbor": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
    "rest-xml": ("AccessDenied", 403),
    "query": ("AccessDenied", 403),
    "ec2": ("UnauthorizedOperation", 403),
}
_BY_SERVICE: Final = {
    "cloudwatch": ("AccessDenied", 403),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDenied", 403),
}


def denial(service: str, who: str, action: str, resource: str, why: str) -> AwsError:
    """Return the error: "User … is not authorized to perform … on resource …", and why; without a reason where AWS gives none."""
    protocol = str(models.service(service).metadata["protocol"]) if service in models.names() else "json"
    code, status = _BY_SERVICE.get(service) or _BY_PROTOCOL.get(protocol, ("AccessDeniedException", 400))
    shown = f'"{resource}"' if service == "s3" else resource
    text = f"User: {who} is not authorized to perform: {action} on resource: {shown} {why}".rstrip()
    return AwsError(code, text, status, members={"Type": "User"} if service == "lambda" else {})
