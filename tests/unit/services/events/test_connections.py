"""Connections and API destinations are kept; secrets never come back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.services.events.events_kit import Kit

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
