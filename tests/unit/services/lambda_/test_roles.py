"""What Lambda asks of an execution role before it takes a configuration."""

from __future__ import annotations

import pytest
from tests.unit.services.lambda_.conftest import ACCOUNT, ROLE, Bench, make_zip

INVALID = "InvalidParameterValueException"
CANNOT = "The role defined for the function cannot be assumed by Lambda."
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:letters"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:letters"
NEW = {"FunctionName": "f", "Runtime": "python3.12", "Role": ROLE, "Handler": "app.handler", "Code": {"ZipFile": make_zip()}}
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"


async def test_the_role_must_trust_lambda(bench: Bench) -> None:
    bench.roles.trusting = False
    await bench.refused("CreateFunction", INVALID, CANNOT, **NEW)
    bench.roles.trusting = True
    await bench.create()
    bench.roles.trusting = False
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Description="the same role")
    await bench.settle()
    await bench.refused("UpdateFunctionConfiguration", INVALID, CANNOT, FunctionName="f", Role=OTHER)


@pytest.mark.parametrize(
    ("given", "denied", "said"),
    [
        ({"DeadLetterConfig": {"TargetArn": QUEUE}}, ("sqs", "SendMessage"), "SendMessage on SQS"),
        ({"DeadLetterConfig": {"TargetArn": TOPIC}}, ("sns", "Publish"), "Publish on SNS"),
        ({"TracingConfig": {"Mode": "Active"}}, ("xray", "PutTraceSegments"), "PutTraceSegments on XRAY"),
    ],
)
async def test_the_role_may_do_what_it_will_have_to(bench: Bench, given: dict[str, object], denied: tuple[str, str], said: str) -> None:
    bench.roles.denied = {denied}
    text = f"The provided execution role does not have permissions to call {said}"
    await bench.refused("CreateFunction", INVALID, text, **NEW, **given)
    await bench.create()
    await bench.refused("UpdateFunctionConfiguration", INVALID, text, FunctionName="f", **given)
    bench.roles.denied = set()
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", **given)
    await bench.settle()
    bench.roles.denied = {denied}
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Description="nothing that is asked again")
    await bench.settle()
    await bench.refused("UpdateFunctionConfiguration", INVALID, text, FunctionName="f", Role=OTHER)


@pytest.mark.parametrize(
    ("target", "denied", "action"),
    [
        (QUEUE, ("sqs", "SendMessage"), "SendMessage"),
        (TOPIC, ("sns", "Publish"), "Publish"),
        (f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:g", ("lambda", "Invoke"), "InvokeFunction"),
        (f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/b", ("events", "PutEvents"), "PutEvents"),
        ("arn:aws:s3:::failures", ("s3", "PutObject"), "PutObject"),
    ],
)
async def test_the_role_may_reach_its_destinations(bench: Bench, target: str, denied: tuple[str, str], action: str) -> None:
    await bench.create()
    await bench.create("g")
    bench.roles.denied = {denied}
    text = f"The function's execution role does not have permissions to call {action} on {target}"
    destination = {"OnFailure": {"Destination": target}}
    await bench.refused("PutFunctionEventInvokeConfig", INVALID, text, FunctionName="f", DestinationConfig=destination)
    bench.roles.denied = set()
    await bench.call("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=destination)
    assert {call.caller.arn for call in bench.roles.asked} == {f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/f@lambda_function"}
