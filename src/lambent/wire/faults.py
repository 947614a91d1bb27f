"""How each service says that a request is wrong: one table of codes, and what every protocol's reader raises."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError, LambentError


class Malformed(LambentError):
    """Bytes that the protocol can't read; ``where`` is ``body``, ``head`` or ``label``. Never leaves ``wire``."""

    def __init__(self, message: str, where: str = "body", name: str = "", value: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.name = name
        self.value = value


class Manner(msgspec.Struct, frozen=True):
    """A service's own way of refusing a request."""

    malformed_body: str = "SerializationException"
    malformed_head: str = "SerializationException"
    invalid: str = "ValidationException"
    unknown_operation: str = "UnknownOperationException"
    unknown_status: int = 404
    missing: str = ""  #: set where a missing member has a code of its own
    missing_text: str = "The request must contain the parameter {name}."
    missing_scalars_only: bool = False  #: whether that code is for texts and numbers only, and lists and maps are constraints
    constraints: bool = True  #: whether lengths, patterns, ranges and enums are checked before the service sees the request


_QUERY: Final = Manner("MalformedInput", "MalformedInput", "ValidationError", "InvalidAction", 400)
_JSON: Final = Manner(unknown_status=400)
_BY_PROTOCOL: Final = {
    "query": _QUERY,
    "ec2": Manner("MalformedInput", "MalformedInput", "InvalidParameterValue", "InvalidAction", 400, "MissingParameter", constraints=False),
    "json": _JSON,
    "smithy-rpc-v2-cbor": _JSON,
    "rest-json": Manner(),
    "rest-xml": Manner("MalformedXML", "InvalidInput", "InvalidInput"),
}
_SQS: Final = Manner(
    "MalformedInput", "MalformedInput", "InvalidParameterValue", "InvalidAction", 400, "MissingParameter", constraints=False
)
_BY_SERVICE: Final = {
    "logs": replace(_JSON, invalid="InvalidParameterException"),
    "s3": Manner("MalformedXML", "InvalidArgument", "MalformedXML", "MethodNotAllowed", 405, "InvalidRequest", constraints=False),
    "sqs": _SQS,
    "sns": replace(
        _QUERY,
        missing="InvalidParameter",
        missing_text="Invalid parameter: {name} Reason: no value for required parameter",
        missing_scalars_only=True,
        constraints=False,
    ),
    "cloudwatch": replace(_JSON, invalid="ValidationError", malformed_body="MalformedInput"),
    "stepfunctions": replace(_JSON, invalid="ValidationException"),
    "apigateway": Manner(invalid="BadRequestException", constraints=False),
    "apigatewayv2": Manner(invalid="BadRequestException", constraints=False),
}
_TOO_LONG_NAME: Final = Regex(r" at '(logGroupName|logStreamName)' failed .* length less than")
_TEXTS: Final = {
    "MalformedXML": "The XML you provided was not well-formed or did not validate against our published schema",
    "MethodNotAllowed": "The specified method is not allowed against this resource.",
}


def manner(service: str, protocol: str) -> Manner:
    """Return how the service refuses, spoken to in that protocol."""
    return _BY_SERVICE.get(service) or _BY_PROTOCOL[protocol]


def malformed(service: str, protocol: str, fault: Malformed) -> AwsError:
    """Return the error for bytes that the protocol can't read."""
    how = manner(service, protocol)
    code = how.malformed_body if fault.where == "body" else how.malformed_head
    text = _TEXTS.get(code, fault.message)
    members = {"ArgumentName": fault.name, "ArgumentValue": fault.value} if code == "InvalidArgument" else {}
    if members and fault.message.endswith("is not an integer"):
        text = f"Provided {fault.name} not an integer or within integer range"
    return AwsError(code, text, 400, members=members)


def unknown_operation(service: str, protocol: str, name: str = "") -> AwsError:
    """Return the error for an operation that the model doesn't have."""
    how = manner(service, protocol)
    text = _TEXTS.get(how.unknown_operation)
    if service == "sqs":
        if not name:
            return AwsError("UnknownOperationException", "", 404)
        text = f"The action {name} is not valid for this endpoint."
    if text is None and how.unknown_operation == "InvalidAction":
        text = f"The action {name} is not valid for this web service." if name else "Missing Action"
    return AwsError(how.unknown_operation, text or "", how.unknown_status)


def invalid(service: str, protocol: str, missing: str | None, problems: list[str], *, is_body: bool = False) -> AwsError:
    """Return the error for members that break the model's constraints.

    ``missing`` is the first member that isn't there, at the top; ``is_body`` says that it is the whole body.
    """
    how = manner(service, protocol)
    if service == "s3" and is_body:
        return AwsError("MissingRequestBodyError", "Request Body is empty", 400)
    if missing is not None and how.missing:
        return AwsError(how.missing, how.missing_text.format(name=missing), 400)
    if how.invalid == "MalformedXML":
        return AwsError("MalformedXML", _TEXTS["MalformedXML"], 400)
    if service == "logs" and any(_TOO_LONG_NAME.search(each) for each in problems):
        return AwsError(how.invalid, "Invalid LogGroup or LogStream, both must have length less than or equal to 512.", 400)
    count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
    return AwsError(how.invalid, count + "; ".join(problems), 400)
