"""Connections and API destinations are kept; secrets never come back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.services.events.events_kit import ACCOUNT, PATTERN, QUEUE, Kit

from lambent.domain.errors import AwsError, Unreachable

BASIC = {"BasicAuthParameters": {"Username": "user", "Password": "pass"}, "InvocationHttpParameters": {}}
KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "ApiKey", "ApiKeyValue": "secret"}}
OAUTH = {
    "OAuthParameters": {
        "AuthorizationEndpoint": "https://example.com/oauth",
        "ClientParameters": {"ClientID": "id", "ClientSecret": "secret"},
        "HttpMethod": "POST",
        "OAuthHttpParameters": {"BodyParameters": [{"Key": "k", "Value": "hidden", "IsValueSecret": True}]},
    }
}


@pytest.mark.parametrize(
    ("kind", "parameters", "shown", "state"),
    [
        ("BASIC", BASIC, {"BasicAuthParameters": {"Username": "user"}, "InvocationHttpParameters": {}}, "AUTHORIZED"),
        ("API_KEY", KEY, {"ApiKeyAuthParameters": {"ApiKeyName": "ApiKey"}}, "AUTHORIZED"),
        (
            "OAUTH_CLIENT_CREDENTIALS",
            OAUTH,
            {
                "OAuthParameters": {
                    "AuthorizationEndpoint": "https://example.com/oauth",
                    "ClientParameters": {"ClientID": "id"},
                    "HttpMethod": "POST",
                    "OAuthHttpParameters": {"BodyParameters": [{"Key": "k", "IsValueSecret": True}]},
                }
            },
            "AUTHORIZING",
        ),
    ],
)
async def test_a_connection_is_kept_without_showing_secrets(
    kit: Kit, kind: str, parameters: dict[str, Any], shown: dict[str, Any], state: str
) -> None:
    created = await kit("CreateConnection", Name="c", AuthorizationType=kind, AuthParameters=parameters)
    assert created["ConnectionState"] == state
    described = await kit("DescribeConnection", Name="c")
    assert described["AuthParameters"] == shown
    assert described["ConnectionArn"] == created["ConnectionArn"]
    assert (await kit.fails("CreateConnection", Name="c", AuthorizationType=kind, AuthParameters=parameters))[0] == (
        "ResourceAlreadyExistsException"
    )
    (listed,) = (await kit("ListConnections", NamePrefix="c"))["Connections"]
    assert "AuthParameters" not in listed
    assert (await kit("DeleteConnection", Name="c"))["ConnectionState"] == "DELETING"
    gone = await kit.fails("DescribeConnection", Name="c")
    assert gone == ("ResourceNotFoundException", "Failed to describe the connection(s). Connection 'c' does not exist.")


async def test_a_connection_is_updated_in_part(kit: Kit) -> None:
    await kit("CreateConnection", Name="c", AuthorizationType="BASIC", AuthParameters=BASIC)
    await kit("UpdateConnection", Name="c", AuthParameters={"BasicAuthParameters": {"Username": "new"}})
    described = await kit("DescribeConnection", Name="c")
    assert described["AuthParameters"] == {"BasicAuthParameters": {"Username": "new"}, "InvocationHttpParameters": {}}
    await kit("UpdateConnection", Name="c", AuthorizationType="API_KEY", AuthParameters=KEY)
    assert set((await kit("DescribeConnection", Name="c"))["AuthParameters"]) == {"ApiKeyAuthParameters", "InvocationHttpParameters"}
    assert (await kit.fails("UpdateConnection", Name="c", AuthorizationType="BASIC"))[0] == "ValidationException"
    assert (await kit("DeauthorizeConnection", Name="c"))["ConnectionState"] == "DEAUTHORIZED"


@pytest.mark.parametrize(
    ("kind", "parameters", "secret"),
    [
        ("BASIC", BASIC, {"username": "user", "password": "pass", "invocation_http_parameters": {}}),
        ("API_KEY", KEY, {"api_key_name": "ApiKey", "api_key_value": "secret"}),
        (
            "OAUTH_CLIENT_CREDENTIALS",
            OAUTH,
            {
                "client_id": "id",
                "client_secret": "secret",
                "authorization_endpoint": "https://example.com/oauth",
                "http_method": "POST",
                "oauth_http_parameters": {"body_parameters": [{"key": "k", "value": "hidden", "is_value_secret": True}]},
            },
        ),
    ],
)
async def test_the_secret_is_kept_in_secrets_manager(kit: Kit, kind: str, parameters: dict[str, Any], secret: dict[str, Any]) -> None:
    await kit("CreateConnection", Name="c", AuthorizationType=kind, AuthParameters=parameters)
    (created,) = kit.sent("CreateSecret")
    assert created.params["Name"].startswith("events!connection/c/")
    assert json.loads(created.params["SecretString"]) == secret
    arn = (await kit("DescribeConnection", Name="c"))["SecretArn"]
    await kit("UpdateConnection", Name="c", AuthParameters=parameters)
    await kit("DeleteConnection", Name="c")
    assert [each.params["SecretId"] for each in kit.calls[1:]] == [arn, arn]
    assert [each.operation for each in kit.calls] == ["CreateSecret", "PutSecretValue", "DeleteSecret"]


async def test_where_secrets_manager_is_not_served_there_is_no_secret(kit: Kit) -> None:
    kit.refuse = lambda call: AwsError("NotImplemented", "not here", 501)
    await kit("CreateConnection", Name="c", AuthorizationType="BASIC", AuthParameters=BASIC)
    assert "SecretArn" not in await kit("DescribeConnection", Name="c")
    await kit("DeleteConnection", Name="c")


@pytest.mark.parametrize(("kind", "parameters", "state"), [("API_KEY", KEY, "ACTIVE"), ("OAUTH_CLIENT_CREDENTIALS", OAUTH, "INACTIVE")])
async def test_an_api_destination_is_kept(kit: Kit, kind: str, parameters: dict[str, Any], state: str) -> None:
    connection = (await kit("CreateConnection", Name="c", AuthorizationType=kind, AuthParameters=parameters))["ConnectionArn"]
    settings = {"ConnectionArn": connection, "HttpMethod": "POST", "InvocationEndpoint": "https://example.com/api"}
    created = await kit("CreateApiDestination", Name="d", Description="first", **settings)
    assert created["ApiDestinationState"] == state
    await kit("UpdateApiDestination", Name="d", HttpMethod="PUT", Description="second")
    described = await kit("DescribeApiDestination", Name="d")
    assert {name: described[name] for name in ("HttpMethod", "InvocationEndpoint", "InvocationRateLimitPerSecond", "Description")} == {
        "HttpMethod": "PUT",
        "InvocationEndpoint": "https://example.com/api",
        "InvocationRateLimitPerSecond": 300,
        "Description": "second",
    }
    (listed,) = (await kit("ListApiDestinations", ConnectionArn=connection))["ApiDestinations"]
    assert "Description" not in listed
    assert await kit("ListApiDestinations", ConnectionArn="arn:other") == {"ApiDestinations": []}
    await kit("DeleteApiDestination", Name="d")
    gone = await kit.fails("DescribeApiDestination", Name="d")
    assert gone == ("ResourceNotFoundException", "Failed to describe the api-destination(s). An api-destination 'd' does not exist.")


async def destination(kit: Kit, endpoint: str = "https://example.com/api", **parameters: Any) -> None:
    """Make a rule that tells an API destination."""
    given = {"AuthorizationType": "BASIC", "AuthParameters": BASIC} | parameters
    connection = (await kit("CreateConnection", Name="c", **given))["ConnectionArn"]
    made = await kit("CreateApiDestination", Name="d", ConnectionArn=connection, HttpMethod="POST", InvocationEndpoint=endpoint)
    await kit("PutRule", Name="r", EventPattern=PATTERN)
    target = {"Id": "t", "Arn": made["ApiDestinationArn"], "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "DeadLetterConfig": {"Arn": QUEUE}}
    http = {"PathParameterValues": ["a b"], "HeaderParameters": {"X-Own": "1"}, "QueryStringParameters": {"q": "v"}}
    await kit("PutTargets", Rule="r", Targets=[target | {"InputPath": "$.detail", "HttpParameters": http}])


async def test_a_destination_is_told_with_the_connections_authorisation_and_parameters(kit: Kit) -> None:
    shared = {
        "HeaderParameters": [{"Key": "X-Shared", "Value": "2"}],
        "QueryStringParameters": [{"Key": "s", "Value": "w"}],
        "BodyParameters": [{"Key": "extra", "Value": "3"}],
    }
    await destination(kit, "https://example.com/*/api?fixed=1", AuthParameters=BASIC | {"InvocationHttpParameters": shared})
    await kit.put({"a": 1})
    await kit.settle()
    ((method, url, headers, body),) = kit.requests
    assert (method, url) == ("POST", "https://example.com/a%20b/api?fixed=1&q=v&s=w")
    assert headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert (headers["x-own"], headers["x-shared"]) == ("1", "2")
    assert json.loads(body) == {"a": 1, "extra": "3"}


async def test_an_api_key_is_a_header(kit: Kit) -> None:
    await destination(kit, AuthorizationType="API_KEY", AuthParameters=KEY)
    await kit.put()
    await kit.settle()
    assert kit.requests[0][2]["apikey"] == "secret"


@pytest.mark.parametrize(("answers", "requests", "letters"), [([500, 429, 200], 3, 0), ([400], 1, 1), ([404], 1, 1)])
async def test_some_answers_are_tried_again(kit: Kit, answers: list[int], requests: int, letters: int) -> None:
    await destination(kit)
    kit.answers.extend(answers)
    await kit.put()
    await kit.settle(30)
    assert (len(kit.requests), len(kit.sent())) == (requests, letters)


async def test_an_unreachable_destination_is_tried_again(kit: Kit) -> None:
    await destination(kit)
    kit.answers.append(Unreachable("no route", sent=False))
    await kit.put()
    await kit.settle(5)
    assert len(kit.requests) == 2


async def test_without_authorisation_the_event_goes_to_the_dead_letter_queue(kit: Kit) -> None:
    await destination(kit, AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters=OAUTH)
    await kit.put()
    await kit.settle()
    assert kit.requests == []
    assert kit.sent()[0].params["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


async def test_a_host_that_does_not_answer_holds_up_no_other_target(kit: Kit) -> None:
    await destination(kit)
    await kit.rule("queue")
    kit.hangs = True
    for _ in range(200):
        await kit.put()
    await kit.settle(1)
    assert len(kit.sent()) == 200
    assert len(kit.requests) == 64
