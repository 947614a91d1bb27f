"""Delivery status logs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.unit.services.sns.sns_kit import ACCOUNT, REGION, Kit, queue

from lambent.domain.errors import AwsError

ROLE = f"arn:aws:iam::{ACCOUNT}:role/feedback"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


def logged(kit: Kit) -> list[tuple[str, dict[str, Any]]]:
    """Return the records that were written: group and document."""
    puts = [each.params for each in kit.there.calls if each.operation == "PutLogEvents"]
    return [(each["logGroupName"], json.loads(each["logEvents"][0]["message"])) for each in puts]


async def test_a_success_is_logged_with_the_topics_role(kit: Kit) -> None:
    topic = await kit.topic(LambdaSuccessFeedbackRoleArn=ROLE, LambdaSuccessFeedbackSampleRate="100")
    await kit.subscribe(topic, FUNCTION, "lambda")
    await kit.subscribe(topic, queue("q"))
    kit.there.failures[""] = [AwsError("ResourceNotFoundException", "no such group", 400)]
    published = await kit.publish(topic, "Should be received")
    await kit.settle()
    assert [each.operation for each in kit.there.calls if each.service == "logs"] == [
        "PutLogEvents",
        "CreateLogGroup",
        "CreateLogStream",
        "PutLogEvents",
    ]
    group, record = logged(kit)[-1]
    assert group == f"sns/{REGION}/{ACCOUNT}/t"
    assert record["status"] == "SUCCESS"
    assert record["notification"]["messageId"] == published["MessageId"]
    assert record["notification"]["messageMD5Sum"] == hashlib.md5(b"Should be received").hexdigest()
    assert (record["delivery"]["destination"], record["delivery"]["statusCode"]) == (FUNCTION, 202)
    assert list(json.loads(record["delivery"]["providerResponse"])) == ["lambdaRequestId"]
    assert {each.caller.arn for each in kit.there.calls if each.service == "logs"} == {f"arn:aws:sts::{ACCOUNT}:assumed-role/feedback/sns"}


async def test_a_failure_is_logged_apart(kit: Kit) -> None:
    topic = await kit.topic(SQSFailureFeedbackRoleArn=ROLE, SQSSuccessFeedbackRoleArn=ROLE)
    await kit.subscribe(topic, queue("gone"))
    await kit.subscribe(topic, queue("q"))
    kit.there.lasting["gone"] = AwsError("QueueDoesNotExist", "gone")
    await kit.publish(topic)
    await kit.settle()
    ((group, record),) = logged(kit)  # no success is sampled unless it is said how many
    assert group == f"sns/{REGION}/{ACCOUNT}/t/Failure"
    assert (record["status"], record["delivery"]["attempts"], record["delivery"]["statusCode"]) == ("FAILURE", 1, 400)


async def test_fifo_deliveries_are_logged_too(kit: Kit) -> None:
    attributes = {"SQSSuccessFeedbackRoleArn": ROLE, "SQSSuccessFeedbackSampleRate": "100", "ContentBasedDeduplication": "true"}
    topic = await kit.topic("t.fifo", FifoTopic="true", **attributes)
    await kit.subscribe(topic, queue("q.fifo"))
    await kit.publish(topic, MessageGroupId="g")
    await kit.settle()
    ((group, record),) = logged(kit)
    assert (group, record["status"]) == (f"sns/{REGION}/{ACCOUNT}/t.fifo", "SUCCESS")


async def test_a_log_that_is_denied_does_not_stop_others(kit: Kit) -> None:
    topic = await kit.topic(SQSSuccessFeedbackRoleArn=ROLE, SQSSuccessFeedbackSampleRate="100")
    await kit.subscribe(topic, queue("q"))
    kit.there.failures[""] = [AwsError("AccessDeniedException", "no", 400), AwsError("ServiceUnavailable", "busy", 503)]
    for message in ("one", "two"):
        await kit.publish(topic, message)
    await kit.settle()
    await kit.settle(5)
    assert kit.there.bodies("q") == ["one", "two"]
    assert len(logged(kit)) == 3, "the denied one is dropped, the other tried again"


async def test_a_push_notification_is_logged(kit: Kit) -> None:
    made = await kit.call("CreatePlatformApplication", Name="app", Platform="GCM", Attributes={"PlatformCredential": "secret"})
    endpoint = await kit.call("CreatePlatformEndpoint", PlatformApplicationArn=made["PlatformApplicationArn"], Token="token")
    topic = await kit.topic(ApplicationSuccessFeedbackRoleArn=ROLE, ApplicationSuccessFeedbackSampleRate="100")
    await kit.subscribe(topic, endpoint["EndpointArn"], "application")
    await kit.publish(topic, "hello")
    await kit.settle()
    ((group, record),) = logged(kit)
    assert group == f"sns/{REGION}/{ACCOUNT}/t"
    assert (record["delivery"]["destination"], record["status"]) == (endpoint["EndpointArn"], "SUCCESS")


async def test_a_text_message_is_logged_as_the_account_wants_it(kit: Kit) -> None:
    wanted = {"DeliveryStatusIAMRole": ROLE, "DeliveryStatusSuccessSamplingRate": "100"}
    await kit.call("Publish", PhoneNumber="+15551234567", Message="before")
    await kit.call("SetSMSAttributes", attributes=wanted)
    published = await kit.call("Publish", PhoneNumber="+15551234567", Message="hello")
    await kit.settle()
    ((group, record),) = logged(kit)
    assert group == f"sns/{REGION}/{ACCOUNT}/DirectPublishToPhoneNumber"
    assert record["notification"]["messageId"] == published["MessageId"]
    assert (record["delivery"]["destination"], record["status"]) == ("+15551234567", "SUCCESS")


async def test_a_sample_rate_must_be_one(kit: Kit) -> None:
    topic = await kit.topic()
    fault = await kit.fails("SetTopicAttributes", TopicArn=topic, AttributeName="SQSSuccessFeedbackSampleRate", AttributeValue="101")
    assert fault.code == "InvalidParameter"
