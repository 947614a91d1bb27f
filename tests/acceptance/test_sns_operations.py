"""SNS's operations that deliver nothing, each with a real client."""

from __future__ import annotations

import json
import urllib.request
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tests.acceptance.conftest import RunningServer

QUEUE = "arn:aws:sqs:us-east-1:000000000000:operations"


def name_of(kind: str) -> str:
    return f"{kind}-{uuid4().hex[:8]}"


def test_topics_are_listed_changed_tagged_shared_and_deleted(server: RunningServer) -> None:
    sns = server.client("sns")
    topic = sns.create_topic(Name=name_of("topic"), Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    pages = sns.get_paginator("list_topics").paginate()
    assert topic in [each["TopicArn"] for page in pages for each in page["Topics"]]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="shown")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "shown"
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "b", "Value": "2"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "b", "Value": "2"}]
    sns.add_permission(TopicArn=topic, Label="them", AWSAccountId=["999999999999"], ActionName=["Publish"])
    statements = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]
    assert [each["Sid"] for each in statements] == ["__default_statement_ID", "them"]
    sns.remove_permission(TopicArn=topic, Label="them")
    assert len(json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]) == 1
    assert sns.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"] == ""
    with pytest.raises(ClientError, match="not enforced"):
        sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy="{}")
    sns.delete_topic(TopicArn=topic)
    with pytest.raises(sns.exceptions.NotFoundException, match="Topic does not exist"):
        sns.get_topic_attributes(TopicArn=topic)


def test_subscriptions_are_listed_changed_confirmed_and_ended(server: RunningServer) -> None:
    sns = server.client("sns")
    topic = sns.create_topic(Name=name_of("topic"))["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    address = f"{name_of('someone')}@example.com"
    assert sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)["SubscriptionArn"] == "pending confirmation"
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert {each["SubscriptionArn"] for each in listed} == {arn, "PendingConfirmation"}
    pages = sns.get_paginator("list_subscriptions").paginate()
    assert arn in [each["SubscriptionArn"] for page in pages for each in page["Subscriptions"]]
    with urllib.request.urlopen(f"{server.url}/_lambent/sns/outbox?to={address}") as answer:
        (mail,) = json.load(answer)["messages"]
    confirmed = sns.confirm_subscription(TopicArn=topic, Token=mail["token"])["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=confirmed)["Attributes"]["PendingConfirmation"] == "false"
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"a": ["b"]}')
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["FilterPolicyScope"] == "MessageAttributes"
    sns.unsubscribe(SubscriptionArn=arn)
    assert [each["SubscriptionArn"] for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]] == [confirmed]


def test_platform_applications_and_endpoints(server: RunningServer) -> None:
    sns, name = server.client("sns"), name_of("app")
    app = sns.create_platform_application(Name=name, Platform="GCM", Attributes={"PlatformCredential": "x"})["PlatformApplicationArn"]
    sns.set_platform_application_attributes(PlatformApplicationArn=app, Attributes={"SuccessFeedbackSampleRate": "1"})
    attributes = sns.get_platform_application_attributes(PlatformApplicationArn=app)["Attributes"]
    assert attributes == {"Enabled": "true", "SuccessFeedbackSampleRate": "1"}
    assert app in [each["PlatformApplicationArn"] for each in sns.list_platform_applications()["PlatformApplications"]]
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=app, Token="t")["EndpointArn"]
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"CustomUserData": "d"})
    assert sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"] == {"Enabled": "true", "Token": "t", "CustomUserData": "d"}
    assert [each["EndpointArn"] for each in sns.list_endpoints_by_platform_application(PlatformApplicationArn=app)["Endpoints"]] == [
        endpoint
    ]
    sns.delete_endpoint(EndpointArn=endpoint)
    with pytest.raises(ClientError, match="Endpoint does not exist"):
        sns.get_endpoint_attributes(EndpointArn=endpoint)
    sns.delete_platform_application(PlatformApplicationArn=app)
    with pytest.raises(ClientError, match="PlatformApplication does not exist"):
        sns.get_platform_application_attributes(PlatformApplicationArn=app)


def test_text_messages_of_an_account_without_numbers(server: RunningServer) -> None:
    sns, number = server.client("sns"), "+15551234567"
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Promotional"})
    assert sns.get_sms_attributes(attributes=["DefaultSMSType"])["attributes"] == {"DefaultSMSType": "Promotional"}
    assert sns.check_if_phone_number_is_opted_out(phoneNumber=number)["isOptedOut"] is False
    sns.opt_in_phone_number(phoneNumber=number)
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
    assert sns.list_origination_numbers()["PhoneNumbers"] == []
    assert sns.get_sms_sandbox_account_status()["IsInSandbox"] is False
    sns.create_sms_sandbox_phone_number(PhoneNumber=number)
    with urllib.request.urlopen(f"{server.url}/_lambent/sns/outbox?to=%2B15551234567") as answer:
        password = json.load(answer)["messages"][-1]["message"].rstrip(".").rpartition(" ")[2]
    sns.verify_sms_sandbox_phone_number(PhoneNumber=number, OneTimePassword=password)
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [{"PhoneNumber": number, "Status": "Verified"}]
    sns.delete_sms_sandbox_phone_number(PhoneNumber=number)
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == []
