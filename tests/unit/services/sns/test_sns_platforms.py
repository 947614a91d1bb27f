"""Platform applications, their endpoints, and settings of text messages."""

from __future__ import annotations

import json

import pytest
from tests.unit.services.sns.sns_kit import ACCOUNT, REGION, Kit


async def application(kit: Kit, platform: str = "GCM", name: str = "app") -> str:
    attributes = {"PlatformCredential": "secret", "PlatformPrincipal": "principal", "EventEndpointCreated": "arn"}
    answer = await kit.call("CreatePlatformApplication", Name=name, Platform=platform, Attributes=attributes)
    return str(answer["PlatformApplicationArn"])


async def test_an_application_keeps_no_secrets(kit: Kit) -> None:
    arn = await application(kit)
    assert arn == f"arn:aws:sns:{REGION}:{ACCOUNT}:app/GCM/app"
    found = await kit.call("GetPlatformApplicationAttributes", PlatformApplicationArn=arn)
    assert found["Attributes"] == {"Enabled": "true", "EventEndpointCreated": "arn"}
    await kit.call("SetPlatformApplicationAttributes", PlatformApplicationArn=arn, Attributes={"Enabled": "false"})
    (listed,) = (await kit.call("ListPlatformApplications"))["PlatformApplications"]
    assert listed["Attributes"]["Enabled"] == "false"
    await kit.call("DeletePlatformApplication", PlatformApplicationArn=arn)
    await kit.call("DeletePlatformApplication", PlatformApplicationArn=arn)
    fault = await kit.fails("GetPlatformApplicationAttributes", PlatformApplicationArn=arn)
    assert (fault.code, fault.message) == ("NotFound", "PlatformApplication does not exist")


@pytest.mark.parametrize(
    ("name", "platform", "attributes", "message"),
    [
        ("app", "p1", {"PlatformCredential": "x"}, "Invalid parameter: Platform Reason: p1 is not supported"),
        ("", "GCM", {"PlatformCredential": "x"}, "Invalid parameter:  Reason: cannot be empty"),
        ("a" * 257, "GCM", {"PlatformCredential": "x"}, f"Invalid parameter: {'a' * 257} Reason: must be at most 256 characters long"),
        (
            "app",
            "APNS",
            {"PlatformCredential": "x"},
            "Invalid parameter: Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal",
        ),
        (
            "app",
            "APNS",
            {"PlatformPrincipal": "x"},
            "Invalid parameter: Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential",
        ),
    ],
)
async def test_an_application_is_judged_in_awss_words(kit: Kit, name: str, platform: str, attributes: dict[str, str], message: str) -> None:
    assert (await kit.fails("CreatePlatformApplication", Name=name, Platform=platform, Attributes=attributes)).message == message


async def test_endpoints_are_created_once_for_a_token(kit: Kit) -> None:
    app = await application(kit)
    arn = (await kit.call("CreatePlatformEndpoint", PlatformApplicationArn=app, Token="t", CustomUserData="d"))["EndpointArn"]
    assert (await kit.call("CreatePlatformEndpoint", PlatformApplicationArn=app, Token="t", CustomUserData="d"))["EndpointArn"] == arn
    fault = await kit.fails("CreatePlatformEndpoint", PlatformApplicationArn=app, Token="t", CustomUserData="other")
    assert fault.message == (
        f"Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
    )
    found = (await kit.call("GetEndpointAttributes", EndpointArn=arn))["Attributes"]
    assert found == {"Enabled": "true", "Token": "t", "CustomUserData": "d"}
    listed = (await kit.call("ListEndpointsByPlatformApplication", PlatformApplicationArn=app))["Endpoints"]
    assert listed == [{"EndpointArn": arn, "Attributes": found}]
    await kit.call("DeleteEndpoint", EndpointArn=arn)
    assert (await kit.fails("GetEndpointAttributes", EndpointArn=arn)).message == "Endpoint does not exist"
    wrong = await kit.fails("CreatePlatformEndpoint", PlatformApplicationArn=app, Token="u", Attributes={"Nonsense": "x"})
    assert wrong.message == "Invalid parameter: Attributes Reason: Invalid attribute name: Nonsense"


async def test_pushes_end_in_the_outbox_each_with_its_platforms_text(kit: Kit) -> None:
    topic = await kit.topic()
    endpoints = {}
    for platform in ("APNS", "GCM"):
        app = await application(kit, platform)
        endpoints[platform] = (await kit.call("CreatePlatformEndpoint", PlatformApplicationArn=app, Token="t"))["EndpointArn"]
        await kit.subscribe(topic, endpoints[platform], "application")
    message = {"default": "for all", "APNS": '{"aps": {}}', "GCM": '{"data": {}}'}
    await kit.publish(topic, json.dumps(message), MessageStructure="json")
    for platform, arn in endpoints.items():
        (pushed,) = await kit.outbox(f"kind=application&to={arn}")
        assert pushed["message"] == message[platform]
    await kit.call("Publish", TargetArn=endpoints["GCM"], Message='{"GCM": "direct"}', MessageStructure="json")
    (_, _, direct) = await kit.outbox()
    assert (direct["message"], direct["token"]) == ("direct", "t")
    assert [each["sequence"] for each in await kit.outbox("after=1&limit=1")] == [2]
    await kit.call("SetEndpointAttributes", EndpointArn=endpoints["GCM"], Attributes={"Enabled": "false"})
    assert (await kit.fails("Publish", TargetArn=endpoints["GCM"], Message="m")).code == "EndpointDisabled"
    kit.trusted = False
    for method in ("GET", "DELETE"):
        answer = await kit.get("/_lambent/sns/outbox", method=method)
        assert answer is not None
        assert answer.status == 403
    kit.trusted = True
    answer = await kit.get("/_lambent/sns/outbox", environment_key="ASIAFUNCTION")
    assert answer is not None
    assert answer.status == 403, "it holds what was meant for one person"
    await kit.get("/_lambent/sns/outbox", method="DELETE")
    assert await kit.outbox() == []


async def test_only_endpoints_that_are_there_can_be_subscribed(kit: Kit) -> None:
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:endpoint/GCM/app/0"
    fault = await kit.fails("Subscribe", TopicArn=await kit.topic(), Protocol="application", Endpoint=arn)
    assert fault.message.startswith("Invalid parameter: Endpoint Reason: Endpoint does not exist")


async def test_settings_of_text_messages(kit: Kit) -> None:
    assert (await kit.call("GetSMSAttributes"))["attributes"] == {"MonthlySpendLimit": "1"}
    await kit.call("SetSMSAttributes", attributes={"DefaultSMSType": "Transactional", "DefaultSenderID": "me"})
    found = await kit.call("GetSMSAttributes", attributes=["DefaultSMSType"])
    assert found["attributes"] == {"DefaultSMSType": "Transactional"}
    assert (await kit.fails("SetSMSAttributes", attributes={"Nonsense": "x"})).message == "Nonsense is not a valid attribute"
    assert (await kit.fails("SetSMSAttributes", attributes={"DefaultSMSType": "x"})).message == "DefaultSMSType is invalid"


async def test_an_account_without_numbers_answers_as_aws_does(kit: Kit) -> None:
    assert (await kit.call("ListOriginationNumbers"))["PhoneNumbers"] == []
    assert (await kit.call("ListPhoneNumbersOptedOut"))["phoneNumbers"] == []
    assert (await kit.call("CheckIfPhoneNumberIsOptedOut", phoneNumber="+15551234567"))["isOptedOut"] is False
    assert (await kit.fails("OptInPhoneNumber", phoneNumber="nonsense")).code == "InvalidParameter"
    assert (await kit.call("GetSMSSandboxAccountStatus"))["IsInSandbox"] is False


async def test_a_sandbox_number_is_verified_by_the_password_in_the_outbox(kit: Kit) -> None:
    number = "+15551234567"
    await kit.call("CreateSMSSandboxPhoneNumber", PhoneNumber=number)
    (sent,) = await kit.outbox()
    password = sent["message"].rstrip(".").rpartition(" ")[2]
    wrong = await kit.fails("VerifySMSSandboxPhoneNumber", PhoneNumber=number, OneTimePassword="00000x")
    assert wrong.code == "VerificationException"
    await kit.call("VerifySMSSandboxPhoneNumber", PhoneNumber=number, OneTimePassword=password)
    listed = (await kit.call("ListSMSSandboxPhoneNumbers"))["PhoneNumbers"]
    assert listed == [{"PhoneNumber": number, "Status": "Verified"}]
    await kit.call("DeleteSMSSandboxPhoneNumber", PhoneNumber=number)
    assert (await kit.fails("DeleteSMSSandboxPhoneNumber", PhoneNumber=number)).code == "ResourceNotFound"
