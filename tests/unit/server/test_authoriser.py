"""What a role may do, what it hears, and what is known of it."""

from __future__ import annotations

import json

import pytest
from tests.unit.server.iam_kit import ACCOUNT, QUEUE, QUEUE_URL, ROLE, World, allow, policy

from lambent.domain.call import Call
from lambent.domain.caller import Caller, CallerKind
from lambent.domain.errors import AwsError
from lambent.server.identities import SessionPolicies

SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/f"
SEND = "sqs:SendMessage"
LIKE_ADMIN = [
    f"arn:aws:iam::{ACCOUNT}:admin",
    f"arn:aws:iam::{ACCOUNT}:role/path/admin",
    f"arn:aws-cn:iam::{ACCOUNT}:role/admin",
    "arn:aws:iam::{account}:role/admin",
]


@pytest.fixture
def world() -> World:
    return World()


async def test_a_role_may_do_what_its_policies_allow(world: World) -> None:
    world.iam.add("worker", allow(SEND, resource=QUEUE))
    assert await world.refusal() == ""
    assert await world.refusal(QueueUrl=f"http://localhost/{ACCOUNT}/other") == (
        f"AccessDenied 403: User: {SESSION} is not authorized to perform: sqs:sendmessage on resource: {QUEUE[:-1]}other "
        "because no identity-based policy allows the sqs:sendmessage action"
    )


async def test_others_than_roles_are_not_even_looked_at(world: World) -> None:
    assert world.authoriser.authorise(Call("sqs", "SendMessage", {}, Caller.root(ACCOUNT), "eu-west-1", ACCOUNT, "r")) is None
    assert world.iam.calls == []


async def test_managed_policies_and_boundaries_count(world: World) -> None:
    world.iam.add("worker", boundary="arn:aws:iam::aws:policy/Bound")
    world.iam.roles["worker"]["attached"] = ["arn:aws:iam::aws:policy/Send", f"arn:aws:iam::{ACCOUNT}:policy/gone"]
    world.iam.managed = {"arn:aws:iam::aws:policy/Send": policy(allow("sqs:*")), "arn:aws:iam::aws:policy/Bound": policy(allow("s3:*"))}
    assert (await world.refusal()).endswith("because no permissions boundary allows the sqs:sendmessage action")
    world.iam.roles["worker"]["role"].pop("PermissionsBoundary")
    await world.wrote("DeleteRolePermissionsBoundary", RoleName="worker")
    assert await world.refusal() == ""


async def test_a_sessions_own_policies_bound_it(world: World) -> None:
    world.iam.add("worker", allow("*"))
    world.iam.managed["arn:aws:iam::aws:policy/Send"] = policy(allow(SEND))
    world.begun = {
        "ASIA1": SessionPolicies(inline=(policy(allow("s3:*")),)),
        "ASIA2": SessionPolicies(arns=("arn:aws:iam::aws:policy/Send",)),
    }
    assert (await world.refusal(key="ASIA1")).endswith("because no session policy allows the sqs:sendmessage action")
    assert await world.refusal(key="ASIA2") == ""
    assert await world.refusal(key="ASIA3") == ""


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"aws:PrincipalArn": ROLE}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "blue", "aws:RequestedRegion": "eu-west-1"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": "192.168.0.0/16"}}, False),
        ({"StringLike": {"aws:userid": "AROA1:*"}, "Bool": {"aws:SecureTransport": "false"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2100-01-01T00:00:00Z"}}, False),
        ({"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}, True),
    ],
)
async def test_condition_keys(world: World, condition: dict[str, object], allowed: bool) -> None:
    world.iam.add("worker", allow(SEND, Condition=condition), Tags=[{"Key": "team", "Value": "blue"}])
    assert (await world.refusal() == "") is allowed


async def test_tags_of_a_request_are_conditions(world: World) -> None:
    tagged = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}, "StringEquals": {"aws:RequestTag/team": "blue"}}
    world.iam.add("worker", allow("lambda:*", Condition=tagged))
    assert await world.refusal("lambda", "TagResource", Resource=ROLE, Tags={"team": "blue"}) == ""
    assert await world.refusal("sns", "CreateTopic", Name="t", Tags=[{"Key": "team", "Value": "blue"}]) != ""
    assert await world.refusal("lambda", "TagResource", Resource=ROLE, Tags={"team": "blue", "more": "x"}) != ""


async def test_a_resources_policy_may_let_the_role_in(world: World) -> None:
    world.iam.add("worker")
    world.iam.answers["GetQueueAttributes"] = {"Attributes": {"Policy": policy(allow(SEND, Principal={"AWS": ROLE}))}}
    assert await world.refusal() == ""
    world.iam.answers["GetQueueAttributes"] = {"Attributes": {"Policy": policy(allow(SEND, Principal={"AWS": ACCOUNT}))}}
    assert await world.refusal() != ""
    assert {call.caller.arn for call in world.iam.calls if call.service == "sqs"} == {f"arn:aws:iam::{ACCOUNT}:root"}


async def test_a_resource_of_another_account_takes_the_roles_own_policies(world: World) -> None:
    world.iam.add("worker")
    world.iam.answers["GetQueueAttributes"] = {"Attributes": {"Policy": policy(allow(SEND, Principal="*"))}}
    assert await world.refusal(QueueUrl="http://localhost/210987654321/q") != ""


@pytest.mark.parametrize(
    ("service", "operation", "params", "wanted"),
    [
        ("s3", "GetObject", {"Bucket": "b", "Key": "k"}, 'AccessDenied 403: … s3:GetObject on resource: "arn:aws:s3:::b/k" because'),
        ("sns", "Publish", {"TopicArn": "arn:aws:sns:eu-west-1:1:t"}, "AuthorizationError 403: … SNS:Publish on resource: arn:aws:sns"),
        ("lambda", "Invoke", {"FunctionName": "f"}, "AccessDeniedException 403: … lambda:InvokeFunction on resource: arn:aws:lambda"),
        ("dynamodb", "GetItem", {"TableName": "t"}, "AccessDeniedException 400: … dynamodb:GetItem on resource: arn:aws:dynamodb"),
        ("cloudwatch", "PutMetricData", {"Namespace": "n"}, "AccessDenied 403: … cloudwatch:PutMetricData on resource: * because"),
        ("ec2", "DescribeVpcs", {"X": "x"}, "UnauthorizedOperation 403: … ec2:DescribeVpcs on resource: * because"),
        (
            "secretsmanager",
            "GetSecretValue",
            {"SecretId": "db"},
            "AccessDeniedException 400: … secretsmanager:GetSecretValue on resource: db b",
        ),
    ],
)
async def test_each_service_refuses_in_its_own_way(world: World, service: str, operation: str, params: dict[str, str], wanted: str) -> None:
    world.iam.add("worker")
    said = await world.refusal(service, operation, **params)
    assert said.replace(f"User: {SESSION} is not authorized to perform:", "…").startswith(wanted)


async def test_whether_an_object_is_there_is_for_those_who_may_list(world: World) -> None:
    world.iam.add("worker", allow("s3:GetObject"))
    world.iam.add("lister", allow("s3:GetObject", "s3:ListBucket"))
    gone = AwsError("NoSuchKey", "The specified key does not exist.", 404)
    seen = await world.seen(gone, role="worker")
    assert (seen.code, seen.status) == ("AccessDenied", 403)
    assert 's3:ListBucket on resource: "arn:aws:s3:::b" because' in seen.message
    assert await world.seen(gone, role="lister") is gone
    assert await world.seen(gone) is gone


async def test_a_secret_that_is_named_is_the_one_whose_arn_a_policy_has(world: World) -> None:
    world.iam.add("worker", allow("secretsmanager:*", resource=f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-AbCdEf"))
    assert await world.refusal("secretsmanager", "GetSecretValue", SecretId="db") == ""
    assert await world.refusal("secretsmanager", "GetSecretValue", SecretId="db2") != ""


async def test_roles_are_handed_over_and_assumed_only_when_they_exist_and_trust(world: World) -> None:
    world.iam.add("worker", allow("*"))
    create = {"FunctionName": "g", "Role": f"arn:aws:iam::{ACCOUNT}:role/made-up"}
    assert "iam:PassRole" in await world.refusal("lambda", "CreateFunction", **create)
    assert await world.refusal("lambda", "CreateFunction", FunctionName="g", Role=ROLE) == ""
    assume = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/admin", "RoleSessionName": "s"}
    denied = f"AccessDenied 403: User: {SESSION} is not authorized to perform: sts:AssumeRole on resource: {assume['RoleArn']}"
    assert await world.refusal("sts", "AssumeRole", **assume) == denied
    world.iam.add("admin", allow("*"))
    await world.wrote("CreateRole", RoleName="admin")
    assert await world.refusal("sts", "AssumeRole", **assume) == denied  # it trusts Lambda only
    trusting = {"Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}}
    world.iam.add("admin", allow("*"), AssumeRolePolicyDocument=json.dumps(trusting))
    await world.wrote("UpdateAssumeRolePolicy", RoleName="admin")
    assert await world.refusal("sts", "AssumeRole", **assume) == ""
    for like in LIKE_ADMIN:  # the session would be of a role that nobody knows
        assert await world.refusal("sts", "AssumeRole", RoleArn=like) != ""


async def test_a_role_that_nobody_knows_assumes_what_trusts_it_and_what_nobody_knows_here(world: World) -> None:
    assert await world.refusal("sts", "AssumeRole", role="stranger", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/made-up") == ""
    for wrong in ("arn:aws:iam::999999999999:role/made-up", "made-up", ""):
        assert await world.refusal("sts", "AssumeRole", role="stranger", RoleArn=wrong) != ""
    assert await world.refusal("sts", "GetCallerIdentity", role="stranger", X="x") == ""
    admin = f"arn:aws:iam::{ACCOUNT}:role/admin"
    world.iam.add("admin")
    assert await world.refusal("sts", "AssumeRole", role="stranger", RoleArn=admin) != ""  # it trusts Lambda only
    trusting = {"Statement": {"Effect": "Allow", "Principal": {"AWS": admin.replace("admin", "stranger")}, "Action": "sts:AssumeRole"}}
    world.iam.add("admin", AssumeRolePolicyDocument=json.dumps(trusting))
    await world.wrote("UpdateAssumeRolePolicy", RoleName="admin")
    assert await world.refusal("sts", "AssumeRole", role="stranger", RoleArn=admin) == ""
    assert await world.refusal("sts", "AssumeRole", role="another", RoleArn=admin) != ""
    for like in LIKE_ADMIN:
        assert await world.refusal("sts", "AssumeRole", role="stranger", RoleArn=like) != ""
    world.iam.roles.clear()
    await world.wrote("DeleteRole", RoleName="admin")
    assert await world.refusal("sts", "AssumeRole", role="stranger", RoleArn=admin) != ""


async def test_a_session_gets_no_keys_of_its_own_and_may_always_ask_who_it_is(world: World) -> None:
    world.iam.add("worker", allow("*"))
    assert await world.refusal("sts", "GetSessionToken", X="x") == "AccessDenied 403: Cannot call GetSessionToken with session credentials"
    world.iam.add("idle")
    assert await world.refusal("sts", "GetCallerIdentity", role="idle", X="x") == ""


async def test_whom_a_role_trusts(world: World) -> None:
    world.iam.add("worker")
    function = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    assert await world.authoriser.is_assumable(ROLE, "lambda.amazonaws.com", function)
    assert not await world.authoriser.is_assumable(ROLE, "events.amazonaws.com", function)
    assert not await world.authoriser.is_assumable(f"arn:aws:iam::{ACCOUNT}:role/path/worker", "lambda.amazonaws.com", function)
    made_up = f"arn:aws:iam::{ACCOUNT}:role/made-up"
    assert await world.authoriser.is_assumable(made_up, "lambda.amazonaws.com", function)
    world.strict = True
    world.restart()
    assert not await world.authoriser.is_assumable(made_up, "lambda.amazonaws.com", function)


async def test_a_role_that_nobody_knows_may_do_all_and_is_told_of_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert await world.refusal(role="made-up") == ""
    assert caplog.text.count("IAM does not know the role made-up") == 1


async def test_unless_roles_must_be_known() -> None:
    world = World(strict=True)
    assert (await world.refusal(role="made-up")).endswith("because no identity-based policy allows the sqs:sendmessage action")


async def test_when_iam_gives_no_answer_nothing_is_allowed_that_was_never_known(world: World) -> None:
    world.iam.failing = AwsError("ServiceUnavailable", "down", 503)
    with pytest.raises(AwsError, match="down"):
        await world.refusal()


async def test_a_role_that_becomes_known_is_looked_at_from_then_on(world: World) -> None:
    assert [await world.refusal(), await world.refusal()] == ["", ""]
    caller = Caller(CallerKind.ROLE, ACCOUNT, SESSION)
    asked = Call("sqs", "SendMessage", {"QueueUrl": QUEUE_URL}, caller, "eu-west-1", ACCOUNT, "r")
    assert world.authoriser.authorise(asked) is None
    world.iam.add("worker", allow("s3:*"))
    await world.wrote("CreateRole", RoleName="worker")
    assert (await world.refusal()).startswith("AccessDenied")
    world.iam.add("worker", allow(SEND))
    await world.wrote("PutRolePolicy", RoleName="worker")
    assert await world.refusal() == ""
    await world.wrote("DeleteRole", RoleName="worker")
    assert (await world.refusal()).startswith("AccessDenied")


async def test_what_is_known_of_an_unknown_role_is_asked_anew_after_a_while(world: World) -> None:
    assert await world.refusal() == ""
    world.iam.add("worker", allow("s3:*"))  # behind our back
    assert await world.refusal() == ""
    await world.clock.advance(61)
    assert (await world.refusal()).startswith("AccessDenied")
