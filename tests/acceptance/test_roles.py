"""Execution roles are held to their policies, by a real server: in functions' own calls, deliveries, mappings and logs, over restarts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.acceptance.conftest import RunningServer
from tests.acceptance.lambda_kit import create, invoke, unique

LAMBDA = "lambda.amazonaws.com"
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
INVALID = "InvalidParameterValueException"
CALLER = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    print("asked")
    if "fail" in event:
        raise ValueError("no")
    client = boto3.client(event["service"])
    try:
        getattr(client, event["operation"])(**event["params"])
    except ClientError as error:
        return {**error.response["Error"], "Status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
    return None
"""


def trust(service: str = LAMBDA) -> str:
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


class Cloud:
    """Clients of one server, and roles made there."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.iam, self.functions, self.sqs, self.s3, self.logs, self.sns = (
            server.client(name) for name in ("iam", "lambda", "sqs", "s3", "logs", "sns")
        )

    def role(self, *statements: dict[str, Any], name: str = "", trusted: str = LAMBDA, **more: Any) -> tuple[str, str]:
        """Return name and ARN of a new role."""
        name = name or unique("role")
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(trusted), **more)["Role"]["Arn"]
        self.iam.attach_role_policy(RoleName=name, PolicyArn=BASIC)
        self.may(name, *statements)
        return name, arn

    def may(self, name: str, *statements: dict[str, Any]) -> None:
        """Let a role do these things, and nothing else."""
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))

    def queue(self, name: str = "", **attributes: str) -> tuple[str, str]:
        """Return URL and ARN of a new queue."""
        url = self.sqs.create_queue(QueueName=name or unique("queue"), Attributes=attributes)["QueueUrl"]
        return url, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def said(self, function: str, service: str, operation: str, **params: Any) -> Any:
        """Return the error that a function gets of a call of its own; ``None`` when it goes well."""
        return invoke(self.functions, function, {"service": service, "operation": operation, "params": params})


@pytest.fixture(scope="module")
def cloud(server: RunningServer) -> Iterator[Cloud]:
    yield Cloud(server)


def refused(operation: Callable[..., Any], text: str, code: str = INVALID, **params: Any) -> None:
    with pytest.raises(ClientError) as caught:
        operation(**params)
    assert (caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]) == (code, text)


def until(holds: Callable[[], Any], seconds: float = 15) -> Any:
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_a_function_may_do_what_its_role_may(cloud: Cloud) -> None:
    name, arn = cloud.role()
    function = create(cloud.functions, CALLER, Role=arn, Timeout=20)
    url, queue = cloud.queue()
    bucket = unique("bucket")
    cloud.s3.create_bucket(Bucket=bucket)
    cloud.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    session = f"arn:aws:sts::000000000000:assumed-role/{name}/{function}"
    said = cloud.said(function, "sqs", "send_message", QueueUrl=url, MessageBody="x")
    why = "because no identity-based policy allows the sqs:sendmessage action"
    text = f"User: {session} is not authorized to perform: sqs:sendmessage on resource: {queue} {why}"
    assert (said["Code"], said["Status"], said["Message"]) == ("AccessDenied", 403, text)
    said = cloud.said(function, "s3", "get_object", Bucket=bucket, Key="k")
    why = "because no identity-based policy allows the s3:GetObject action"
    text = f'User: {session} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::{bucket}/k" {why}'
    assert (said["Code"], said["Status"], said["Message"]) == ("AccessDenied", 403, text)
    cloud.may(name, allow("sqs:SendMessage", resource=queue), allow("s3:*"), {**allow("s3:GetObject"), "Effect": "Deny"})
    assert cloud.said(function, "sqs", "send_message", QueueUrl=url, MessageBody="x") is None
    assert cloud.said(function, "sqs", "receive_message", QueueUrl=url)["Code"] == "AccessDenied"
    assert cloud.said(function, "s3", "put_object", Bucket=bucket, Key="l") is None
    denied = cloud.said(function, "s3", "get_object", Bucket=bucket, Key="k")
    assert denied["Message"].endswith("with an explicit deny in an identity-based policy")
    cloud.may(name, allow("s3:*", resource=f"arn:aws:s3:::{bucket}/*"))
    assert cloud.said(function, "s3", "get_object", Bucket=bucket, Key="missing")["Code"] == "AccessDenied"
    cloud.may(name, allow("s3:ListBucket", "s3:GetObject"), allow("s3:DeleteObject", resource=f"arn:aws:s3:::{bucket}/l"))
    assert cloud.said(function, "s3", "get_object", Bucket=bucket, Key="missing")["Code"] == "NoSuchKey"
    both = {"Objects": [{"Key": "k"}, {"Key": "l"}]}
    assert cloud.said(function, "s3", "delete_objects", Bucket=bucket, Delete=both) is None
    assert [each["Key"] for each in cloud.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    cloud.iam.delete_role_policy(RoleName=name, PolicyName="own")
    assert cloud.said(function, "s3", "put_object", Bucket=bucket, Key="l")["Code"] == "AccessDenied"


def test_a_boundary_and_a_queues_policy_have_a_say(cloud: Cloud) -> None:
    bound = cloud.iam.create_policy(PolicyName=unique("bound"), PolicyDocument=policy(allow("logs:*", "sqs:SendMessage")))["Policy"]["Arn"]
    name, arn = cloud.role(allow("sqs:*"), PermissionsBoundary=bound)
    function = create(cloud.functions, CALLER, Role=arn, Timeout=20)
    url, queue = cloud.queue()
    assert cloud.said(function, "sqs", "send_message", QueueUrl=url, MessageBody="x") is None
    said = cloud.said(function, "sqs", "purge_queue", QueueUrl=url)
    assert said["Message"].endswith("because no permissions boundary allows the sqs:purgequeue action")
    cloud.iam.delete_role_permissions_boundary(RoleName=name)
    cloud.iam.delete_role_policy(RoleName=name, PolicyName="own")
    assert cloud.said(function, "sqs", "send_message", QueueUrl=url, MessageBody="x")["Code"] == "AccessDenied"
    lets_in = policy({**allow("sqs:SendMessage", resource=queue), "Principal": {"AWS": arn}})
    cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": lets_in})
    assert cloud.said(function, "sqs", "send_message", QueueUrl=url, MessageBody="x") is None


def test_a_role_must_be_lambdas_to_assume(cloud: Cloud) -> None:
    _, stranger = cloud.role(trusted="ec2.amazonaws.com")
    _, mine = cloud.role()
    text = "The role defined for the function cannot be assumed by Lambda."
    with pytest.raises(ClientError, match=text):
        create(cloud.functions, CALLER, Role=stranger)
    function = create(cloud.functions, CALLER, Role=mine)
    refused(cloud.functions.update_function_configuration, text, FunctionName=function, Role=stranger)
    refused(cloud.functions.update_function_configuration, text, FunctionName=function, Role=mine.replace(":role/", ":role/other/"))


def test_a_function_hands_over_only_roles_that_it_may(cloud: Cloud) -> None:
    name, arn = cloud.role(allow("lambda:UpdateFunctionConfiguration"))
    _, other = cloud.role()
    function = create(cloud.functions, CALLER, Role=arn, Timeout=20)
    asked = {"FunctionName": function, "Role": other}
    assert "iam:PassRole" in cloud.said(function, "lambda", "update_function_configuration", **asked)["Message"]
    cloud.may(name, allow("lambda:UpdateFunctionConfiguration", "iam:PassRole"))
    asked["Role"] = "arn:aws:iam::000000000000:role/made-up"
    assert "iam:PassRole" in cloud.said(function, "lambda", "update_function_configuration", **asked)["Message"]
    asked["Role"] = other
    assert cloud.said(function, "lambda", "update_function_configuration", **asked) is None


def test_dead_letters_and_destinations(cloud: Cloud) -> None:
    name, arn = cloud.role()
    function = create(cloud.functions, CALLER, Role=arn)
    url, queue = cloud.queue()
    letters = {"DeadLetterConfig": {"TargetArn": queue}}
    text = "The provided execution role does not have permissions to call SendMessage on SQS"
    refused(cloud.functions.update_function_configuration, text, FunctionName=function, **letters)
    topic = cloud.sns.create_topic(Name=unique("topic"))["TopicArn"]
    text = "The provided execution role does not have permissions to call Publish on SNS"
    refused(cloud.functions.update_function_configuration, text, FunctionName=function, DeadLetterConfig={"TargetArn": topic})
    config = {"FunctionName": function, "MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": queue}}}
    text = f"The function's execution role does not have permissions to call SendMessage on {queue}"
    refused(cloud.functions.put_function_event_invoke_config, text, **config)
    cloud.may(name, allow("sqs:SendMessage", resource=queue))
    cloud.functions.put_function_event_invoke_config(**config)
    cloud.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"fail": 1}')
    record = until(lambda: cloud.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages"))[0]
    assert json.loads(record["Body"])["requestContext"]["condition"] == "RetriesExhausted"
    cloud.iam.delete_role_policy(RoleName=name, PolicyName="own")
    cloud.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"fail": 2}')
    until(lambda: _failures(cloud, function))
    assert len(cloud.sqs.receive_message(QueueUrl=url).get("Messages", [])) == 0


def _failures(cloud: Cloud, function: str) -> float:
    """Return how many deliveries to destinations CloudWatch has counted as failed."""
    now = time.time()
    found = cloud.server.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="DestinationDeliveryFailures",
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now - 600,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
    )
    return float(sum(each["Sum"] for each in found["Datapoints"]))


def test_a_mapping_is_as_good_as_its_role(cloud: Cloud) -> None:
    name, arn = cloud.role(allow("sqs:ReceiveMessage"))
    function = create(cloud.functions, CALLER, Role=arn)
    url, queue = cloud.queue(VisibilityTimeout="10")
    mapping = {"FunctionName": function, "EventSourceArn": queue}
    text = "The function execution role does not have permissions to call DeleteMessage on SQS"
    refused(cloud.functions.create_event_source_mapping, text, **mapping)
    cloud.iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole")
    cloud.iam.delete_role_policy(RoleName=name, PolicyName="own")
    uuid = cloud.functions.create_event_source_mapping(**mapping)["UUID"]
    cloud.sqs.send_message(QueueUrl=url, MessageBody="x")
    until(lambda: _handled(cloud, function))
    cloud.iam.detach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole")
    cloud.sqs.send_message(QueueUrl=url, MessageBody="the poll that was under way ends with this one")

    def result() -> str:
        return str(cloud.functions.get_event_source_mapping(UUID=uuid).get("LastProcessingResult", ""))

    until(lambda: result().startswith("PROBLEM: User: arn:aws:sts::"))
    cloud.may(name, allow("sqs:*"))
    until(lambda: not result())
    cloud.functions.delete_event_source_mapping(UUID=uuid)


def _handled(cloud: Cloud, function: str) -> list[Any]:
    try:
        found = cloud.logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern="asked")
    except cloud.logs.exceptions.ResourceNotFoundException:
        return []
    return list(found["events"])


def test_a_role_that_may_not_log_leaves_no_log(cloud: Cloud) -> None:
    name, arn = cloud.role()
    cloud.iam.detach_role_policy(RoleName=name, PolicyArn=BASIC)
    silent = create(cloud.functions, CALLER, Role=arn)
    assert "asked" not in str(cloud.said(silent, "sts", "get_caller_identity"))
    cloud.iam.attach_role_policy(RoleName=name, PolicyArn=BASIC)
    cloud.said(silent, "sts", "get_caller_identity")
    until(lambda: _handled(cloud, silent))
    assert len(_handled(cloud, silent)) == 1, "only what was logged once it might"


def test_streams_are_read_with_the_role(cloud: Cloud) -> None:
    name, arn = cloud.role()
    function = create(cloud.functions, CALLER, Role=arn)
    kinesis, stream = cloud.server.client("kinesis"), unique("stream")
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    source = kinesis.describe_stream(StreamName=stream)["StreamDescription"]["StreamARN"]
    mapping = {"FunctionName": function, "EventSourceArn": source, "StartingPosition": "TRIM_HORIZON"}
    text = (
        f"Cannot access stream {source}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, ListShards, "
        "and ListStreams Actions on your stream in IAM."
    )
    refused(cloud.functions.create_event_source_mapping, text, **mapping)
    cloud.iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole")
    uuid = cloud.functions.create_event_source_mapping(**mapping)["UUID"]
    kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="1")
    until(lambda: _handled(cloud, function))
    cloud.functions.delete_event_source_mapping(UUID=uuid)


def test_sessions_of_a_role_are_held_to_it_outside_too(cloud: Cloud) -> None:
    _, arn = cloud.role(allow("s3:ListAllMyBuckets", "sqs:ListQueues"), trusted="ec2.amazonaws.com")
    session = _assume(cloud, arn)
    assert "Buckets" in session.client("s3", endpoint_url=cloud.server.url).list_buckets()
    with pytest.raises(ClientError, match="not authorized to perform: lambda:ListFunctions"):
        session.client("lambda", endpoint_url=cloud.server.url).list_functions()
    bound = _assume(cloud, arn, Policy=policy(allow("sqs:*")))
    bound.client("sqs", endpoint_url=cloud.server.url).list_queues()
    with pytest.raises(ClientError, match="because no session policy allows the s3:ListAllMyBuckets action"):
        bound.client("s3", endpoint_url=cloud.server.url, config=Config(retries={"total_max_attempts": 1})).list_buckets()


def _assume(cloud: Cloud, arn: str, **more: Any) -> boto3.Session:
    keys = cloud.server.client("sts").assume_role(RoleArn=arn, RoleSessionName="tests", **more)["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name="us-east-1")


def test_a_role_outlives_the_iam_that_forgets_it(own_server: Callable[..., RunningServer]) -> None:
    before = own_server()
    cloud = Cloud(before)
    _, arn = cloud.role(allow("sqs:ListQueues"), name="kept")
    function = create(cloud.functions, CALLER, name="kept", Role=arn, Timeout=20)
    create(cloud.functions, CALLER, name="orphan", Role=cloud.role(allow("sqs:*"), name="gone")[1], Timeout=20)
    cloud.iam.delete_role_policy(RoleName="gone", PolicyName="own")
    cloud.iam.detach_role_policy(RoleName="gone", PolicyArn=BASIC)
    cloud.iam.delete_role(RoleName="gone")
    create(cloud.functions, CALLER, name="free", Timeout=20)
    before.kill()
    after = Cloud(own_server(data_dir=before.data_dir))
    assert after.said(function, "sqs", "list_queues") is None
    assert after.said(function, "sns", "list_topics")["Code"] == "AuthorizationError"
    assert after.said("orphan", "sqs", "list_queues")["Code"] == "AccessDenied"
    assert after.said("free", "sns", "list_topics") is None
    assert after.iam.list_roles()["Roles"] == []
    assert after.said(function, "sns", "list_topics")["Code"] == "AuthorizationError"
    after.role(allow("sns:ListTopics"), name="kept")
    assert after.said(function, "sns", "list_topics") is None
    assert after.said(function, "sqs", "list_queues")["Code"] == "AccessDenied"


def test_only_roles_that_there_are_when_that_is_enforced(own_server: Callable[..., RunningServer]) -> None:
    cloud = Cloud(own_server("--iam", "enforce"))
    with pytest.raises(ClientError, match="The role defined for the function cannot be assumed by Lambda"):
        create(cloud.functions, CALLER)
    _, arn = cloud.role(allow("sqs:ListQueues"))
    function = create(cloud.functions, CALLER, Role=arn, Timeout=20)
    assert cloud.said(function, "sqs", "list_queues") is None


def test_nothing_is_checked_when_that_is_wished(own_server: Callable[..., RunningServer]) -> None:
    cloud = Cloud(own_server("--iam", "off"))
    _, arn = cloud.role(trusted="ec2.amazonaws.com")
    function = create(cloud.functions, CALLER, Role=arn, Timeout=20)
    assert cloud.said(function, "sqs", "list_queues") is None
