"""Which service, region and bucket a request means."""

from __future__ import annotations

import pytest

from lambent.domain.http import BytesStream, HttpRequest
from lambent.gateway.names import address, path_style, region_of, service_of
from lambent.signing import credential_of


@pytest.mark.parametrize(
    ("host", "service", "region", "bucket"),
    [
        ("localhost:4566", "", "", ""),
        ("127.0.0.1:4566", "", "", ""),
        ("[::1]:4566", "", "", ""),
        ("lambda.localhost:4566", "lambda", "", ""),
        ("lambda.eu-west-1.amazonaws.com", "lambda", "eu-west-1", ""),
        ("sqs.us-east-1.localhost.localstack.cloud:4566", "sqs", "us-east-1", ""),
        ("streams.dynamodb.eu-central-1.amazonaws.com", "dynamodbstreams", "eu-central-1", ""),
        ("email.us-east-1.amazonaws.com", "ses", "us-east-1", ""),
        ("s3.localhost:4566", "s3", "", ""),
        ("s3.eu-west-1.amazonaws.com", "s3", "eu-west-1", ""),
        ("s3-eu-west-1.amazonaws.com", "s3", "eu-west-1", ""),
        ("s3.dualstack.eu-west-1.amazonaws.com", "s3", "eu-west-1", ""),
        ("my-bucket.s3.localhost:4566", "s3", "", "my-bucket"),
        ("my.dotted.bucket.s3.us-west-2.amazonaws.com", "s3", "us-west-2", "my.dotted.bucket"),
        ("s3.s3.localhost", "s3", "", "s3"),
        ("my-bucket.s3.localhost.localstack.cloud:4566", "s3", "", "my-bucket"),
        ("my-bucket.localhost:4566", "s3", "", "my-bucket"),
        ("abc.lambda-url.us-east-1.localhost:4566", "", "us-east-1", ""),
        ("abc.execute-api.localhost:4566", "", "", ""),
        ("abc.lambda-url.us-east-1.on.aws", "", "us-east-1", ""),
        ("example.com", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_address(host: str, service: str, region: str, bucket: str) -> None:
    found = address(host)
    assert (found.service, found.region, found.bucket) == (service, region, bucket)


def request(path: str = "/", query: str = "", method: str = "POST", **headers: str) -> HttpRequest:
    return HttpRequest(method, path, query, {name.replace("_", "-"): value for name, value in headers.items()}, BytesStream(b""))


def scoped(service: str, region: str = "eu-west-1") -> str:
    return f"AWS4-HMAC-SHA256 Credential=test/20250101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize(
    ("path", "query", "headers", "service"),
    [
        ("/", "", {"authorization": scoped("lambda")}, "lambda"),
        ("/", "", {"authorization": scoped("monitoring")}, "cloudwatch"),
        ("/", "", {"authorization": scoped("dynamodb"), "x_amz_target": "DynamoDBStreams_20120810.ListStreams"}, "dynamodbstreams"),
        ("/", "", {"authorization": scoped("dynamodb"), "x_amz_target": "DynamoDB_20120810.ListTables"}, "dynamodb"),
        ("/", "", {"x_amz_target": "Logs_20140328.PutLogEvents"}, "logs"),
        ("/v2/apis", "", {"authorization": scoped("apigateway")}, "apigatewayv2"),
        ("/restapis", "", {"authorization": scoped("apigateway")}, "apigateway"),
        ("/v2/email/outbound-emails", "", {"authorization": scoped("ses")}, "sesv2"),
        ("/", "", {"authorization": scoped("ses")}, "ses"),
        ("/2015-03-31/functions", "", {}, "lambda"),
        ("/2015-03-31/functions/f/invocations", "", {}, "lambda"),
        ("/bucket/key", "", {}, "s3"),
        ("/", "", {"host": "sts.localhost"}, "sts"),
        ("/", "Action=GetCallerIdentity&Version=2011-06-15", {}, "sts"),
        ("/service/GraniteServiceVersion20100801/operation/ListMetrics", "", {}, "cloudwatch"),
        ("/", "", {"content_type": "application/x-www-form-urlencoded"}, None),
    ],
)
def test_service(path: str, query: str, headers: dict[str, str], service: str | None) -> None:
    found = request(path, query, date="Wed, 01 Jan 2025 00:00:00 GMT", **headers)
    credential = credential_of(found)
    assert service_of(found, credential and credential.terms.service) == service


def test_region_comes_from_the_scope_then_the_host() -> None:
    assert region_of("sqs.us-west-2.localhost", "eu-west-1") == "eu-west-1"
    assert region_of("sqs.us-west-2.localhost", None) == "us-west-2"
    assert region_of("sqs.us-west-2.localhost", "../x") == "us-west-2"
    assert region_of("localhost", "../x") == ""


def test_virtual_hosts_become_paths() -> None:
    assert path_style(request("/a%20b", host="b.s3.localhost:4566"))[0].raw_path == "/b/a%20b"
    assert path_style(request("/", host="b.s3.localhost:4566"))[0].raw_path == "/b"
    assert path_style(request("/b/k", host="s3.localhost:4566"))[0].raw_path == "/b/k"
