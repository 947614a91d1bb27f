"""Which service a request is for: credential scope, ``X-Amz-Target``, host, path, form; else S3. Pure.

Where two signs disagree the more special one wins: a target header names one service, a scope sometimes several
(``dynamodb`` is DynamoDB and its streams).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs

import msgspec
from msgspec.structs import replace

from lambent.base.memory import remembered
from lambent.base.regexes import Regex
from lambent.domain.http import HttpRequest
from lambent.gateway._generated_names import API_VERSIONS, HOST_LABELS, SERVICES, SIGNING_NAMES, TARGETS
from lambent.wire import sqs_query

_REGION: Final = Regex(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_SUFFIXES: Final = (".localhost.localstack.cloud", ".localhost", ".amazonaws.com.cn", ".amazonaws.com", ".api.aws", ".on.aws")
_LAMBDA_PATH: Final = Regex(
    r"/20\d\d-\d\d-\d\d/(functions|layers|layers-by-arn|event-source-mappings|account-settings|code-signing-configs|tags)(/|$)"
)
_CBOR_PATH: Final = Regex(r"/service/([^/]+)/operation/[^/]+$")
# Hosts below which ids stand, not buckets: function URLs, APIs, websites, queues.
_NO_BUCKETS: Final = frozenset({"lambda-url", "execute-api", "s3-website", "queue", "cloudfront", "elb", "opensearch", "es"})
# Services that share a signing name are told apart by their paths.
_BY_PATH: Final = {
    "apigateway": (("/v2/", "apigatewayv2"),),
    "ses": (("/v2/email/", "sesv2"), ("/v1/email/", "pinpoint-email")),
    "s3": (("/v20180820/", "s3control"),),
    "es": (("/2021-01-01/", "opensearch"),),
    "bedrock": (("/model/", "bedrock-runtime"),),
    "appconfig": (("/configuration", "appconfigdata"),),
}


class Address(msgspec.Struct, frozen=True):
    """What a host name says."""

    service: str = ""  #: empty: nothing
    region: str = ""
    bucket: str = ""  #: of S3's virtual-hosted style


@remembered(4096)
def address(host: str) -> Address:
    """Return what a ``Host`` header says: ``lambda.eu-west-1.amazonaws.com``, ``b.s3.localhost:4566``, ``b.localhost`` …"""
    name = host.rpartition(":")[0].lower() if _has_port(host) else host.lower()
    suffix = next((each for each in _SUFFIXES if name.endswith(each)), "")
    if not suffix:
        return Address()
    labels = name[: -len(suffix)].split(".")
    region = next((label for label in reversed(labels) if _REGION.fullmatch(label)), "")
    at = _s3_label(labels)
    if at is not None:
        region = region or next((m[1] for m in [re.fullmatch(r"s3-(.+)", labels[at])] if m and _REGION.fullmatch(m[1])), "")
        return Address("s3", region, ".".join(labels[:at]))
    if _NO_BUCKETS.intersection(labels):
        return Address("", region)
    plain = ".".join(label for label in labels if label != region and label not in {"api", "dualstack"})
    service = _service(plain)
    if service:
        return Address(service, region)
    if suffix.startswith(".localhost"):
        return Address("s3", region, ".".join(labels))
    return Address(_service(labels[0]), region)


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdecimal() and ":" in host and not host.endswith("]")


def _s3_label(labels: list[str]) -> int | None:
    """Return where ``s3`` (or ``s3-eu-west-1``) stands; what is before it is the bucket. The last one counts: buckets may be called s3."""
    for index in range(len(labels) - 1, -1, -1):
        if labels[index] == "s3" or (labels[index].startswith("s3-") and _REGION.fullmatch(labels[index][3:])):
            return index
    return None


def _service(name: str) -> str:
    if name in HOST_LABELS:
        return HOST_LABELS[name]
    return name if name in SERVICES else ""


def path_style(request: HttpRequest) -> tuple[HttpRequest, str]:
    """Return the request with the bucket of its host, if it names one, in front of the path; and that bucket."""
    bucket = address(request.host).bucket
    if not bucket:
        return request, ""
    path = "/" + bucket + (request.raw_path if request.raw_path != "/" else "")
    return replace(request, raw_path=path), bucket


def service_of(request: HttpRequest, signing_name: str | None) -> str | None:
    """Return botocore's name of the service, from the request's head and what its signature is for (``None``: nothing that can be read);
    ``None`` when the form in the body must tell."""
    target = request.headers.get("x-amz-target", "").rpartition(".")[0]
    if target and target in TARGETS:
        return TARGETS[target]
    if signing_name:
        return _of_scope(signing_name, request)
    return _unsigned(request)


def _of_scope(name: str, request: HttpRequest) -> str:
    service = SIGNING_NAMES.get(name, name)
    if service in _BY_PATH:
        for prefix, other in _BY_PATH[service]:
            if request.raw_path.startswith(prefix):
                return other
    return service if service in SERVICES else (_service(name) or service)


def _unsigned(request: HttpRequest) -> str | None:
    cbor = _CBOR_PATH.search(request.raw_path)
    if cbor and cbor[1] in TARGETS:
        return TARGETS[cbor[1]]
    service = address(request.host).service
    if service:
        return _of_scope(service, request)
    if _LAMBDA_PATH.match(request.raw_path):
        return "lambda"
    if "Action=" in request.query and request.raw_path == "/":
        return of_form(request.query)
    if sqs_query.addressed(request) and ("Action=" in request.query or "x-www-form-urlencoded" in request.headers.get("content-type", "")):
        return "sqs"
    if request.method == "POST" and "x-www-form-urlencoded" in request.headers.get("content-type", "") and request.raw_path == "/":
        return None
    return "s3"


def of_form(form: str) -> str:
    """Return the service that a form's ``Version`` belongs to; S3 when none does."""
    return API_VERSIONS.get(parse_qs(form).get("Version", [""])[-1], "s3")


def region_of(host: str, signing_region: str | None) -> str:
    """Return the region that a request names: in what its signature is for (``None``: nothing that can be read), else in its host."""
    if signing_region is not None and _REGION.fullmatch(signing_region):
        return signing_region
    return address(host).region
