"""Which action on which resource a call is."""

import base64

import pytest

from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.policy.actions import needs_of

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"


def needs(service, operation, region="eu-west-1", **params):
    return needs_of(Call(service, operation, params, Caller.root(ACCOUNT), region, ACCOUNT, "r"))


def of(service, rest, account=ACCOUNT, region="eu-west-1"):
    return f"arn:aws:{service}:{region}:{account}:{rest}"


@pytest.mark.parametrize(
    ("service", "operation", "params", "wanted"),
    [
        ("sqs", "SendMessageBatch", {"QueueUrl": f"http://localhost:4566/{ACCOUNT}/q"}, [("sqs:SendMessage", of("sqs", "q"))]),
        ("sqs", "ReceiveMessage", {"QueueUrl": "http://h/210987654321/q"}, [("sqs:ReceiveMessage", of("sqs", "q", "210987654321"))]),
        (
            "sqs",
            "SendMessage",
            {"QueueUrl": f"http://us-east-2.queue.localhost:4566/{ACCOUNT}/q"},
            [("sqs:SendMessage", of("sqs", "q", region="us-east-2"))],
        ),
        (
            "sqs",
            "SendMessage",
            {"QueueUrl": f"http://h/queue/us-east-2/{ACCOUNT}/q"},
            [("sqs:SendMessage", of("sqs", "q", region="us-east-2"))],
        ),
        (
            "sns",
            "Publish",
            {"TopicArn": of("sns", "t"), "TargetArn": of("sns", "u")},
            [("sns:Publish", of("sns", "t")), ("sns:Publish", of("sns", "u"))],
        ),
        (
            "kinesis",
            "GetRecords",
            {"StreamARN": of("kinesis", "stream/mine"), "ShardIterator": base64.encodebytes(b"s:shardId-000:12").decode()},
            [("kinesis:GetRecords", of("kinesis", "stream/mine")), ("kinesis:GetRecords", of("kinesis", "stream/s"))],
        ),
        (
            "kinesis",
            "GetRecords",
            {"StreamARN": of("kinesis", "stream/mine"), "ShardIterator": "AAAA of another Kinesis"},
            [("kinesis:GetRecords", of("kinesis", "stream/mine"))],
        ),
        ("sqs", "GetQueueUrl", {"QueueName": "q"}, [("sqs:GetQueueUrl", of("sqs", "q"))]),
        ("sqs", "ListQueues", {}, [("sqs:ListQueues", "*")]),
        ("sns", "PublishBatch", {"TopicArn": of("sns", "t")}, [("sns:Publish", of("sns", "t"))]),
        ("sns", "Publish", {"PhoneNumber": "+4930"}, [("sns:Publish", "*")]),
        ("sns", "Unsubscribe", {"SubscriptionArn": of("sns", "t:1-2")}, [("sns:Unsubscribe", of("sns", "t"))]),
        ("sns", "CreateTopic", {"Name": "t"}, [("sns:CreateTopic", of("sns", "t"))]),
        ("lambda", "Invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", FUNCTION)]),
        ("lambda", "Invoke", {"FunctionName": "f:live"}, [("lambda:InvokeFunction", f"{FUNCTION}:live")]),
        ("lambda", "Invoke", {"FunctionName": FUNCTION, "Qualifier": "1"}, [("lambda:InvokeFunction", f"{FUNCTION}:1")]),
        ("lambda", "Invoke", {"FunctionName": f"{ACCOUNT}:function:f:1", "Qualifier": "1"}, [("lambda:InvokeFunction", f"{FUNCTION}:1")]),
        ("lambda", "InvokeWithResponseStream", {"FunctionName": "f"}, [("lambda:InvokeFunction", FUNCTION)]),
        (
            "lambda",
            "CreateFunction",
            {"FunctionName": "f", "Role": "arn:aws:iam::1:role/r"},
            [("lambda:CreateFunction", FUNCTION), ("iam:PassRole", "arn:aws:iam::1:role/r")],
        ),
        ("lambda", "ListFunctions", {}, [("lambda:ListFunctions", "*")]),
        ("lambda", "GetLayerVersion", {"LayerName": "l", "VersionNumber": 3}, [("lambda:GetLayerVersion", of("lambda", "layer:l:3"))]),
        ("lambda", "GetEventSourceMapping", {"UUID": "u"}, [("lambda:GetEventSourceMapping", of("lambda", "event-source-mapping:u"))]),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k/1"}, [("s3:GetObject", "arn:aws:s3:::b/k/1")]),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k", "VersionId": "v"}, [("s3:GetObjectVersion", "arn:aws:s3:::b/k")]),
        ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
        ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "p"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3", "ListBuckets", {}, [("s3:ListAllMyBuckets", "*")]),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": "/c/a%20b?versionId=1"},
            [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObjectVersion", "arn:aws:s3:::c/a b")],
        ),
        (
            "s3",
            "PutObject",
            {"Bucket": "b", "Key": "k", "ACL": "private", "Tagging": "a=b"},
            [(f"s3:{each}", "arn:aws:s3:::b/k") for each in ("PutObject", "PutObjectAcl", "PutObjectTagging")],
        ),
        (
            "s3",
            "DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "l", "VersionId": "1"}]}},
            [("s3:DeleteObject", "arn:aws:s3:::b/k"), ("s3:DeleteObjectVersion", "arn:aws:s3:::b/l")],
        ),
        ("logs", "CreateLogGroup", {"logGroupName": "/g"}, [("logs:CreateLogGroup", of("logs", "log-group:/g:log-stream:"))]),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/g", "logStreamName": "s"},
            [("logs:PutLogEvents", of("logs", "log-group:/g:log-stream:s"))],
        ),
        (
            "logs",
            "FilterLogEvents",
            {"logGroupIdentifier": of("logs", "log-group:/g:*")},
            [("logs:FilterLogEvents", of("logs", "log-group:/g:log-stream:"))],
        ),
        (
            "events",
            "PutEvents",
            {"Entries": [{"Source": "a"}, {"Source": "b", "EventBusName": of("events", "event-bus/x")}]},
            [("events:PutEvents", of("events", "event-bus/default")), ("events:PutEvents", of("events", "event-bus/x"))],
        ),
        ("events", "PutRule", {"Name": "r"}, [("events:PutRule", of("events", "rule/r"))]),
        (
            "events",
            "PutTargets",
            {"Rule": "r", "EventBusName": "x", "Targets": [{"Arn": "a", "RoleArn": "arn:aws:iam::1:role/r"}, {"Arn": "b"}]},
            [("events:PutTargets", of("events", "rule/x/r")), ("iam:PassRole", "arn:aws:iam::1:role/r")],
        ),
        ("scheduler", "GetSchedule", {"Name": "s"}, [("scheduler:GetSchedule", of("scheduler", "schedule/default/s"))]),
        ("kinesis", "PutRecords", {"StreamName": "s"}, [("kinesis:PutRecords", of("kinesis", "stream/s"))]),
        (
            "kinesis",
            "GetRecords",
            {"ShardIterator": base64.encodebytes(b"s:shardId-000:12").decode()},
            [("kinesis:GetRecords", of("kinesis", "stream/s"))],
        ),
        ("dynamodb", "PutItem", {"TableName": "t"}, [("dynamodb:PutItem", of("dynamodb", "table/t"))]),
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, [("dynamodb:Query", of("dynamodb", "table/t/index/i"))]),
        (
            "dynamodb",
            "Query",
            {"TableName": of("dynamodb", "table/t"), "IndexName": "i"},
            [("dynamodb:Query", of("dynamodb", "table/t/index/i"))],
        ),
        (
            "dynamodb",
            "BatchWriteItem",
            {"RequestItems": {"t": [], "u": []}},
            [("dynamodb:BatchWriteItem", of("dynamodb", f"table/{each}")) for each in "tu"],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "u"}}]},
            [("dynamodb:PutItem", of("dynamodb", "table/t")), ("dynamodb:ConditionCheckItem", of("dynamodb", "table/u"))],
        ),
        (
            "dynamodb",
            "ExecuteStatement",
            {"Statement": 'SELECT a FROM "t"."i" WHERE b=?'},
            [("dynamodb:PartiQLSelect", of("dynamodb", "table/t/index/i"))],
        ),
        ("dynamodb", "ExecuteStatement", {"Statement": "update t set a=1"}, [("dynamodb:PartiQLUpdate", of("dynamodb", "table/t"))]),
        (
            "dynamodbstreams",
            "GetRecords",
            {"ShardIterator": of("dynamodb", "table/t/stream/2026|1|x")},
            [("dynamodb:GetRecords", of("dynamodb", "table/t/stream/2026"))],
        ),
        ("cloudwatch", "PutMetricData", {"Namespace": "n"}, [("cloudwatch:PutMetricData", "*")]),
        ("sts", "GetCallerIdentity", {}, []),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r"}, [("sts:AssumeRole", "arn:aws:iam::1:role/r")]),
        ("iam", "GetRole", {"RoleName": "r"}, [("iam:GetRole", of("iam", "role/r", region=""))]),
        (
            "ssm",
            "GetParameters",
            {"Names": ["/a/b", "c:1"]},
            [("ssm:GetParameters", of("ssm", "parameter/a/b")), ("ssm:GetParameters", of("ssm", "parameter/c"))],
        ),
        ("stepfunctions", "StartExecution", {"stateMachineArn": of("states", "x")}, [("states:StartExecution", of("states", "x"))]),
        ("sesv2", "GetEmailIdentity", {"Arn": of("ses", "identity/i")}, [("ses:GetEmailIdentity", of("ses", "identity/i"))]),
    ],
)
def test_what_a_call_needs(service, operation, params, wanted):
    found = needs(service, operation, **params)
    assert [(each.action, each.resource) for each in found] == wanted
    assert all(each.certain for each in found)


def test_what_is_not_known_is_said_to_be():
    [found] = needs("kms", "Decrypt", CiphertextBlob=b"x")
    assert (found.action, found.resource, found.certain) == ("kms:Decrypt", of("kms", ""), False)
    [found] = needs("ecr", "DescribeRepositories")
    assert (found.action, found.resource, found.certain) == ("ecr:DescribeRepositories", of("ecr", ""), False)


def test_a_secrets_name_does_not_tell_its_ending():
    [found] = needs("secretsmanager", "GetSecretValue", SecretId="db")
    assert found.is_pattern
    assert found.resource == of("secretsmanager", "secret:db-??????")


def test_each_service_writes_its_actions_in_its_own_way():
    assert needs("sqs", "SendMessage", QueueUrl=f"http://h/{ACCOUNT}/q")[0].spoken == "sqs:sendmessage"
    assert needs("sns", "Publish", TopicArn=of("sns", "t"))[0].spoken == "SNS:Publish"
    assert needs("lambda", "Invoke", FunctionName="f")[0].spoken == "lambda:InvokeFunction"


def test_condition_keys_come_from_parameters():
    assert needs("s3", "ListObjectsV2", Bucket="b", Prefix="p")[0].conditions == {"s3:prefix": ("p",)}
    passed = needs("lambda", "CreateFunction", FunctionName="f", Role="arn:aws:iam::1:role/r")[1]
    assert passed.conditions == {"iam:PassedToService": ("lambda.amazonaws.com",)}


def test_the_partition_is_the_regions():
    assert needs("sqs", "GetQueueUrl", region="cn-north-1", QueueName="q")[0].resource.startswith("arn:aws-cn:sqs:cn-north-1:")
