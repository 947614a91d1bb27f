"""Shapes of AWS's ``sns`` API. Generated from botocore's model by ``tools/shapes.py``; do not edit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Required, TypedDict

from lambent.domain.http import ByteStream


class AddPermissionInput(TypedDict, total=False):
    TopicArn: Required[str]
    Label: Required[str]
    AWSAccountId: Required[list[str]]
    ActionName: Required[list[str]]


class BatchResultErrorEntry(TypedDict, total=False):
    Id: Required[str]
    Code: Required[str]
    Message: str
    SenderFault: Required[bool]


class CheckIfPhoneNumberIsOptedOutInput(TypedDict, total=False):
    phoneNumber: Required[str]


class CheckIfPhoneNumberIsOptedOutResponse(TypedDict, total=False):
    isOptedOut: bool


class ConfirmSubscriptionInput(TypedDict, total=False):
    TopicArn: Required[str]
    Token: Required[str]
    AuthenticateOnUnsubscribe: str


class ConfirmSubscriptionResponse(TypedDict, total=False):
    SubscriptionArn: str


class CreateEndpointResponse(TypedDict, total=False):
    EndpointArn: str


class CreatePlatformApplicationInput(TypedDict, total=False):
    Name: Required[str]
    Platform: Required[str]
    Attributes: Required[dict[str, str]]


class CreatePlatformApplicationResponse(TypedDict, total=False):
    PlatformApplicationArn: str


class CreatePlatformEndpointInput(TypedDict, total=False):
    PlatformApplicationArn: Required[str]
    Token: Required[str]
    CustomUserData: str
    Attributes: dict[str, str]


class CreateSMSSandboxPhoneNumberInput(TypedDict, total=False):
    PhoneNumber: Required[str]
    LanguageCode: str


class CreateSMSSandboxPhoneNumberResult(TypedDict, total=False):
    pass


class CreateTopicInput(TypedDict, total=False):
    Name: Required[str]
    Attributes: dict[str, str]
    Tags: list[Tag]
    DataProtectionPolicy: str


class CreateTopicResponse(TypedDict, total=False):
    TopicArn: str


class DeleteEndpointInput(TypedDict, total=False):
    EndpointArn: Required[str]


class DeletePlatformApplicationInput(TypedDict, total=False):
    PlatformApplicationArn: Required[str]


class DeleteSMSSandboxPhoneNumberInput(TypedDict, total=False):
    PhoneNumber: Required[str]


class DeleteSMSSandboxPhoneNumberResult(TypedDict, total=False):
    pass


class DeleteTopicInput(TypedDict, total=False):
    TopicArn: Required[str]


class Endpoint(TypedDict, total=False):
    EndpointArn: str
    Attributes: dict[str, str]


class GetDataProtectionPolicyInput(TypedDict, total=False):
    ResourceArn: Required[str]


class GetDataProtectionPolicyResponse(TypedDict, total=False):
    DataProtectionPolicy: str


class GetEndpointAttributesInput(TypedDict, total=False):
    EndpointArn: Required[str]


class GetEndpointAttributesResponse(TypedDict, total=False):
    Attributes: dict[str, str]


class GetPlatformApplicationAttributesInput(TypedDict, total=False):
    PlatformApplicationArn: Required[str]


class GetPlatformApplicationAttributesResponse(TypedDict, total=False):
    Attributes: dict[str, str]


class GetSMSAttributesInput(TypedDict, total=False):
    attributes: list[str]


class GetSMSAttributesResponse(TypedDict, total=False):
    attributes: dict[str, str]


class GetSMSSandboxAccountStatusInput(TypedDict, total=False):
    pass


class GetSMSSandboxAccountStatusResult(TypedDict, total=False):
    IsInSandbox: Required[bool]


class GetSubscriptionAttributesInput(TypedDict, total=False):
    SubscriptionArn: Required[str]


class GetSubscriptionAttributesResponse(TypedDict, total=False):
    Attributes: dict[str, str]


class GetTopicAttributesInput(TypedDict, total=False):
    TopicArn: Required[str]


class GetTopicAttributesResponse(TypedDict, total=False):
    Attributes: dict[str, str]


class ListEndpointsByPlatformApplicationInput(TypedDict, total=False):
    PlatformApplicationArn: Required[str]
    NextToken: str


class ListEndpointsByPlatformApplicationResponse(TypedDict, total=False):
    Endpoints: list[Endpoint]
    NextToken: str


class ListOriginationNumbersRequest(TypedDict, total=False):
    NextToken: str
    MaxResults: int


class ListOriginationNumbersResult(TypedDict, total=False):
    NextToken: str
    PhoneNumbers: list[PhoneNumberInformation]


class ListPhoneNumbersOptedOutInput(TypedDict, total=False):
    nextToken: str


class ListPhoneNumbersOptedOutResponse(TypedDict, total=False):
    phoneNumbers: list[str]
    nextToken: str


class ListPlatformApplicationsInput(TypedDict, total=False):
    NextToken: str


class ListPlatformApplicationsResponse(TypedDict, total=False):
    PlatformApplications: list[PlatformApplication]
    NextToken: str


class ListSMSSandboxPhoneNumbersInput(TypedDict, total=False):
    NextToken: str
    MaxResults: int


class ListSMSSandboxPhoneNumbersResult(TypedDict, total=False):
    PhoneNumbers: Required[list[SMSSandboxPhoneNumber]]
    NextToken: str


class ListSubscriptionsByTopicInput(TypedDict, total=False):
    TopicArn: Required[str]
    NextToken: str


class ListSubscriptionsByTopicResponse(TypedDict, total=False):
    Subscriptions: list[Subscription]
    NextToken: str


class ListSubscriptionsInput(TypedDict, total=False):
    NextToken: str


class ListSubscriptionsResponse(TypedDict, total=False):
    Subscriptions: list[Subscription]
    NextToken: str


class ListTagsForResourceRequest(TypedDict, total=False):
    ResourceArn: Required[str]


class ListTagsForResourceResponse(TypedDict, total=False):
    Tags: list[Tag]


class ListTopicsInput(TypedDict, total=False):
    NextToken: str


class ListTopicsResponse(TypedDict, total=False):
    Topics: list[Topic]
    NextToken: str


class MessageAttributeValue(TypedDict, total=False):
    DataType: Required[str]
    StringValue: str
    BinaryValue: bytes


class OptInPhoneNumberInput(TypedDict, total=False):
    phoneNumber: Required[str]


class OptInPhoneNumberResponse(TypedDict, total=False):
    pass


class PhoneNumberInformation(TypedDict, total=False):
    CreatedAt: datetime
    PhoneNumber: str
    Status: str
    Iso2CountryCode: str
    RouteType: str
    NumberCapabilities: list[str]


class PlatformApplication(TypedDict, total=False):
    PlatformApplicationArn: str
    Attributes: dict[str, str]


class PublishBatchInput(TypedDict, total=False):
    TopicArn: Required[str]
    PublishBatchRequestEntries: Required[list[PublishBatchRequestEntry]]


class PublishBatchRequestEntry(TypedDict, total=False):
    Id: Required[str]
    Message: Required[str]
    Subject: str
    MessageStructure: str
    MessageAttributes: dict[str, MessageAttributeValue]
    MessageDeduplicationId: str
    MessageGroupId: str


class PublishBatchResponse(TypedDict, total=False):
    Successful: list[PublishBatchResultEntry]
    Failed: list[BatchResultErrorEntry]


class PublishBatchResultEntry(TypedDict, total=False):
    Id: str
    MessageId: str
    SequenceNumber: str


class PublishInput(TypedDict, total=False):
    TopicArn: str
    TargetArn: str
    PhoneNumber: str
    Message: Required[str]
    Subject: str
    MessageStructure: str
    MessageAttributes: dict[str, MessageAttributeValue]
    MessageDeduplicationId: str
    MessageGroupId: str


class PublishResponse(TypedDict, total=False):
    MessageId: str
    SequenceNumber: str


class PutDataProtectionPolicyInput(TypedDict, total=False):
    ResourceArn: Required[str]
    DataProtectionPolicy: Required[str]


class RemovePermissionInput(TypedDict, total=False):
    TopicArn: Required[str]
    Label: Required[str]


class SMSSandboxPhoneNumber(TypedDict, total=False):
    PhoneNumber: str
    Status: str


class SetEndpointAttributesInput(TypedDict, total=False):
    EndpointArn: Required[str]
    Attributes: Required[dict[str, str]]


class SetPlatformApplicationAttributesInput(TypedDict, total=False):
    PlatformApplicationArn: Required[str]
    Attributes: Required[dict[str, str]]


class SetSMSAttributesInput(TypedDict, total=False):
    attributes: Required[dict[str, str]]


class SetSMSAttributesResponse(TypedDict, total=False):
    pass


class SetSubscriptionAttributesInput(TypedDict, total=False):
    SubscriptionArn: Required[str]
    AttributeName: Required[str]
    AttributeValue: str


class SetTopicAttributesInput(TypedDict, total=False):
    TopicArn: Required[str]
    AttributeName: Required[str]
    AttributeValue: str


class SubscribeInput(TypedDict, total=False):
    TopicArn: Required[str]
    Protocol: Required[str]
    Endpoint: str
    Attributes: dict[str, str]
    ReturnSubscriptionArn: bool


class SubscribeResponse(TypedDict, total=False):
    SubscriptionArn: str


class Subscription(TypedDict, total=False):
    SubscriptionArn: str
    Owner: str
    Protocol: str
    Endpoint: str
    TopicArn: str


class Tag(TypedDict, total=False):
    Key: Required[str]
    Value: Required[str]


class TagResourceRequest(TypedDict, total=False):
    ResourceArn: Required[str]
    Tags: Required[list[Tag]]


class TagResourceResponse(TypedDict, total=False):
    pass


class Topic(TypedDict, total=False):
    TopicArn: str


class UnsubscribeInput(TypedDict, total=False):
    SubscriptionArn: Required[str]


class UntagResourceRequest(TypedDict, total=False):
    ResourceArn: Required[str]
    TagKeys: Required[list[str]]


class UntagResourceResponse(TypedDict, total=False):
    pass


class VerifySMSSandboxPhoneNumberInput(TypedDict, total=False):
    PhoneNumber: Required[str]
    OneTimePassword: Required[str]


class VerifySMSSandboxPhoneNumberResult(TypedDict, total=False):
    pass
