"""Topics: names, attributes, idempotence, tags, policies."""

from __future__ import annotations

import json

import pytest
from tests.unit.services.sns.sns_kit import ACCOUNT, REGION, Kit

from lambent.domain.caller import Caller
from lambent.domain.errors import NotImplementedHere

OTHER = Caller.root("999999999999")


async def test_a_topic_has_awss_attributes(kit: Kit) -> None:
    arn = await kit.topic("topictest.fifo", FifoTopic="true", DisplayName="TestTopic", SignatureVersion="2")
    found = (await kit.call("GetTopicAttributes", TopicArn=arn))["Attributes"]
    effective = json.loads(found.pop("EffectiveDeliveryPolicy"))
    assert effective["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    policy = json.loads(found.pop("Policy"))
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    assert found == {
        "ContentBasedDeduplication": "false",
        "DisplayName": "TestTopic",
        "FifoTopic": "true",
        "Owner": ACCOUNT,
        "SignatureVersion": "2",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsDeleted": "0",
        "SubscriptionsPending": "0",
        "TopicArn": arn,
    }


@pytest.mark.parametrize("name", ["", "a" * 257, "bad:name", "bad name", "bad;name", "a.fifo"])
async def test_a_bad_name_is_refused(kit: Kit, name: str) -> None:
    assert (await kit.fails("CreateTopic", Name=name)).message == "Invalid parameter: Topic Name"
    assert (await kit.call("CreateTopic", Name="a" * 256))["TopicArn"]


async def test_arns_are_judged_as_aws_does(kit: Kit) -> None:
    arn = await kit.topic()
    too_short = "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"
    assert (await kit.fails("GetTopicAttributes", TopicArn="test-topic")).message == too_short
    missing = await kit.fails("GetTopicAttributes", TopicArn=f"{arn}x")
    assert (missing.code, missing.status, missing.message) == ("NotFound", 404, "Topic does not exist")
    for operation in ("GetTopicAttributes", "DeleteTopic", "ListSubscriptionsByTopic"):
        assert (await kit.fails(operation, TopicArn=arn, region="us-west-2")).message == "Invalid parameter: TopicArn"


async def test_creating_again_is_idempotent_unless_it_differs(kit: Kit) -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    arn = (await kit.call("CreateTopic", Name="t", Tags=tags))["TopicArn"]
    await kit.call("SetTopicAttributes", TopicArn=arn, AttributeName="DisplayName", AttributeValue="Set")
    for given in (tags, tags[:1], []):
        assert (await kit.call("CreateTopic", Name="t", Tags=given))["TopicArn"] == arn
    different = await kit.fails("CreateTopic", Name="t", Tags=[{"Key": "c", "Value": "3"}])
    assert different.message == "Invalid parameter: Tags Reason: Topic already exists with different tags"
    different = await kit.fails("CreateTopic", Name="t", Attributes={"DisplayName": "Other"})
    assert different.message == "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    await kit.call("DeleteTopic", TopicArn=arn)
    await kit.call("DeleteTopic", TopicArn=arn)
    assert (await kit.call("CreateTopic", Name="t", Tags=[{"Key": "c", "Value": "3"}]))["TopicArn"] == arn


async def test_lists_are_paged_by_region(kit: Kit) -> None:
    made = {await kit.topic(f"t{number}") for number in range(120)}
    await kit.call("CreateTopic", Name="elsewhere", region="us-west-2")
    first = await kit.call("ListTopics")
    second = await kit.call("ListTopics", NextToken=first["NextToken"])
    assert len(first["Topics"]) == 100
    assert "NextToken" not in second
    assert {each["TopicArn"] for each in [*first["Topics"], *second["Topics"]]} == made
    assert (await kit.fails("ListTopics", NextToken="nonsense")).message == "Invalid parameter: NextToken"


async def test_what_can_not_be_set_is_refused(kit: Kit) -> None:
    arn = await kit.topic()
    for name in ("FifoTopic", "Owner", "Nonsense"):
        fault = await kit.fails("SetTopicAttributes", TopicArn=arn, AttributeName=name, AttributeValue="false")
        assert fault.message == "Invalid parameter: AttributeName"
    with pytest.raises(NotImplementedHere):
        await kit.call("PutDataProtectionPolicy", ResourceArn=arn, DataProtectionPolicy="{}")


async def test_a_delivery_policy_is_shown_as_aws_shows_it(kit: Kit) -> None:
    arn = await kit.topic()

    async def set_to(value: str) -> tuple[object, dict[str, object]]:
        await kit.call("SetTopicAttributes", TopicArn=arn, AttributeName="DeliveryPolicy", AttributeValue=value)
        found = (await kit.call("GetTopicAttributes", TopicArn=arn))["Attributes"]
        own = found.get("DeliveryPolicy")
        return own and json.loads(own), json.loads(found["EffectiveDeliveryPolicy"])["http"]

    own, _ = await set_to(json.dumps({"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1}}}))
    retry = {"minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1}
    assert own == {"http": {"defaultHealthyRetryPolicy": retry, "disableSubscriptionOverrides": False}}
    own, effective = await set_to(json.dumps({"http": {"defaultHealthyRetryPolicy": None}}))
    assert own == {"http": {"disableSubscriptionOverrides": False}}
    assert effective["defaultRequestPolicy"] == {"headerContentType": "text/plain; charset=UTF-8"}
    assert (await set_to(""))[0] is None
    fault = await kit.fails("SetTopicAttributes", TopicArn=arn, AttributeName="DeliveryPolicy", AttributeValue="{nonsense}")
    assert fault.message.startswith("Invalid parameter: DeliveryPolicy: failed to parse JSON. Unexpected character ('n' (code 110))")


async def test_tags(kit: Kit) -> None:
    arn = await kit.topic()
    twice = [{"Key": "k", "Value": "v"}] * 2
    assert (await kit.fails("TagResource", ResourceArn=arn, Tags=twice)).message == "Invalid parameter: Duplicated keys are not allowed."
    await kit.call("TagResource", ResourceArn=arn, Tags=[{"Key": "k1", "Value": "v1"}, {"Key": "k2", "Value": "v2"}])
    await kit.call("UntagResource", ResourceArn=arn, TagKeys=["k1"])
    await kit.call("TagResource", ResourceArn=arn, Tags=[{"Key": "k2", "Value": "v2b"}])
    assert (await kit.call("ListTagsForResource", ResourceArn=arn))["Tags"] == [{"Key": "k2", "Value": "v2b"}]
    assert (await kit.fails("ListTagsForResource", ResourceArn=f"{arn}x")).code == "ResourceNotFound"


async def test_other_accounts_need_the_topics_policy(kit: Kit) -> None:
    arn = await kit.topic()
    denied = await kit.fails("Publish", TopicArn=arn, Message="m", caller=OTHER)
    assert (denied.code, denied.status) == ("AuthorizationError", 403)
    await kit.call("AddPermission", TopicArn=arn, Label="them", AWSAccountId=["999999999999"], ActionName=["Publish"])
    await kit.call("Publish", TopicArn=arn, Message="m", caller=OTHER)
    again = await kit.fails("AddPermission", TopicArn=arn, Label="them", AWSAccountId=["999999999999"], ActionName=["Publish"])
    assert again.message == "Invalid parameter: Statement already exists"
    scope = await kit.fails("AddPermission", TopicArn=arn, Label="x", AWSAccountId=["999999999999"], ActionName=["NotThere"])
    assert scope.message == "Invalid parameter: Policy statement action out of service scope!"
    await kit.call("RemovePermission", TopicArn=arn, Label="them")
    assert (await kit.fails("Publish", TopicArn=arn, Message="m", caller=OTHER)).code == "AuthorizationError"


async def test_services_need_the_topics_policy(kit: Kit) -> None:
    arn, bucket = await kit.topic(), Caller.service("s3.amazonaws.com", ACCOUNT, "arn:aws:s3:::b")
    assert (await kit.fails("Publish", TopicArn=arn, Message="m", caller=bucket)).code == "AuthorizationError"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:b"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await kit.call("SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    assert (await kit.call("Publish", TopicArn=arn, Message="m", caller=bucket))["MessageId"]
    stranger = Caller.service("s3.amazonaws.com", ACCOUNT, "arn:aws:s3:::c")
    assert (await kit.fails("Publish", TopicArn=arn, Message="m", caller=stranger)).code == "AuthorizationError"


async def test_a_denying_policy_denies_the_owner_too_but_can_be_taken_back(kit: Kit) -> None:
    arn = await kit.topic()
    policy = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sns:*", "Resource": arn}]}
    await kit.call("SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
    assert (await kit.fails("Publish", TopicArn=arn, Message="m")).code == "AuthorizationError"
    await kit.call("SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue="")
    assert (await kit.call("Publish", TopicArn=arn, Message="m"))["MessageId"]


async def test_what_is_written_is_read_by_another_service_over_the_store(kit: Kit) -> None:
    arn = await kit.topic(DisplayName="kept")
    other = Kit(kit.store, kit.clock)
    assert (await other.call("GetTopicAttributes", TopicArn=arn))["Attributes"]["DisplayName"] == "kept"
    assert arn == f"arn:aws:sns:{REGION}:{ACCOUNT}:t"
