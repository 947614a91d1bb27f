"""Resource policies: AWS's statements, and what they let in."""

import json

import pytest

from lambent.domain.caller import Caller

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
BUCKET = "arn:aws:s3:::pictures"


def s3(bucket: str = BUCKET, account: str = "123456789012") -> Caller:
    return Caller.service("s3.amazonaws.com", account, bucket)


async def allow(bench, **params):
    request = {"FunctionName": "f", "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"} | params
    return await bench.call("AddPermission", **request)


async def test_the_statement_is_awss(bench):
    await bench.create()
    answer = await allow(bench, SourceArn=BUCKET, SourceAccount="123456789012")
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}, "ArnLike": {"AWS:SourceArn": BUCKET}},
    }
    assert json.loads(answer["Statement"]) == statement
    policy = await bench.call("GetPolicy", FunctionName="f")
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert policy["RevisionId"] == (await bench.call("GetFunctionConfiguration", FunctionName="f"))["RevisionId"]


@pytest.mark.parametrize(
    ("caller", "allowed"),
    [
        (s3(), True),
        (s3("arn:aws:s3:::others"), False),
        (s3(account="999999999999"), False),
        (Caller.service("sns.amazonaws.com", "1"), False),
    ],
)
async def test_a_service_gets_in_by_its_source(bench, caller, allowed):
    await bench.create()
    await allow(bench, SourceArn="arn:aws:s3:::pic*", SourceAccount="123456789012")
    if allowed:
        assert (await bench.call("Invoke", FunctionName=ARN, InvocationType="Event", caller=caller))["StatusCode"] == 202
    else:
        await bench.refused("Invoke", "AccessDeniedException", FunctionName=ARN, InvocationType="Event", caller=caller)


async def test_policies_of_aliases_are_their_own(bench):
    await bench.create(Publish=True)
    await bench.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    await allow(bench, Qualifier="live", Principal="999999999999")
    other = Caller.root("999999999999")
    assert (await bench.call("Invoke", FunctionName=f"{ARN}:live", caller=other))["ExecutedVersion"] == "1"
    await bench.refused("Invoke", "AccessDeniedException", FunctionName=ARN, caller=other)
    await bench.refused("AddPermission", "InvalidParameterValueException", "$LATEST", FunctionName="f", Qualifier="$LATEST",
                        StatementId="a", Action="*", Principal="*")  # fmt: skip


async def test_statements_are_unique_and_removable(bench):
    await bench.create()
    before = (await bench.call("GetFunctionConfiguration", FunctionName="f"))["RevisionId"]
    running = (await bench.catalogue.resolve("123456789012", "us-east-1", "f", "")).version
    await allow(bench, RevisionId=before)
    assert (await bench.catalogue.resolve("123456789012", "us-east-1", "f", "")).version == running
    with pytest.raises(Exception, match="ResourceConflictException: The statement id \\(s3\\) provided already exists"):
        await allow(bench)
    with pytest.raises(Exception, match="PreconditionFailedException"):
        await allow(bench, StatementId="t", RevisionId=before)
    await bench.refused("RemovePermission", "ResourceNotFoundException", "Statement x is not found", FunctionName="f", StatementId="x")
    await bench.call("RemovePermission", FunctionName="f", StatementId="s3")
    await bench.refused("GetPolicy", "ResourceNotFoundException", "The resource you requested does not exist.", FunctionName="f")
    await bench.refused("Invoke", "AccessDeniedException", FunctionName=ARN, caller=s3())


async def test_bad_principals_and_long_policies(bench_with):
    bench = bench_with(policy_bytes_max=400)
    await bench.create()
    with pytest.raises(Exception, match="The provided principal was invalid"):
        await allow(bench, Principal="nobody")
    await allow(bench)
    with pytest.raises(Exception, match="PolicyLengthExceededException"):
        await allow(bench, StatementId="x" * 100)
