"""Functions that assume other roles, of their account and of others, and use what they are given, by a real server."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from tests.acceptance.conftest import ROLE, RunningServer
from tests.acceptance.lambda_kit import ACCOUNT, create, invoke, unique

OTHER = "111122223333"
SOURCE = """
import boto3
from botocore.exceptions import ClientError

def client(service, keys):
    names = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"
    return boto3.client(service, **dict(zip(names, keys or ())))

def handler(event, context):
    keys = event.get("keys")
    try:
        for role in event.get("roles", ()):
            given = client("sts", keys).assume_role(**{"RoleSessionName": "tests", **role})["Credentials"]
            keys = [given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]]
        for service, operation, params in event.get("calls", ()):
            answer = getattr(client(service, keys), operation)(**params)
    except ClientError as error:
        return {"error": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
    return {"keys": keys, "arn": answer.get("Arn") if event.get("calls") else None}
"""
WHO = ("sts", "get_caller_identity", {})
TRUSTS_NOBODY = "not authorized to perform: sts:AssumeRole on resource: "


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trusting(principal: dict[str, str], **more: Any) -> str:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


class Account:
    """Clients and roles of one account, by its root."""

    def __init__(self, server: RunningServer, account_id: str) -> None:
        session = boto3.Session(account_id, "x", region_name="us-east-1")
        self.iam, self.s3, self.sqs, self.sts = (session.client(name, endpoint_url=server.url) for name in ("iam", "s3", "sqs", "sts"))

    def role(self, trust: str, *statements: dict[str, Any]) -> str:
        name = unique("role")
        arn: str = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return arn

    def bucket(self) -> str:
        name = unique("bucket")
        self.s3.create_bucket(Bucket=name)
        return name


class World:
    """A server with two accounts, and functions of the first."""

    def __init__(self, server: RunningServer) -> None:
        self.functions = server.client("lambda")
        with urllib.request.urlopen(f"{server.url}/_lambent/health") as answer:
            self.is_walled = json.load(answer)["sandbox"] == "namespaces"
        self.mine, self.other = Account(server, ACCOUNT), Account(server, OTHER)

    def function(self, *statements: dict[str, Any]) -> tuple[str, str]:
        """Return name and role of a new function that may do this."""
        arn = self.mine.role(trusting({"Service": "lambda.amazonaws.com"}), *statements)
        return create(self.functions, SOURCE, Role=arn, Timeout=20), arn

    def does(self, function: str, *calls: Any, roles: Any = (), keys: Any = None) -> dict[str, Any]:
        wanted = [each if isinstance(each, dict) else {"RoleArn": each} for each in roles]
        found: dict[str, Any] = invoke(self.functions, function, {"calls": calls, "roles": wanted, "keys": keys})
        return found


@pytest.fixture(scope="module")
def world(server: RunningServer) -> Iterator[World]:
    yield World(server)


def put(bucket: str) -> tuple[str, str, dict[str, Any]]:
    return "s3", "put_object", {"Bucket": bucket, "Key": "k", "Body": "x"}


@pytest.mark.parametrize("account_id", [ACCOUNT, OTHER])
def test_a_function_uses_a_role_that_it_assumes(world: World, account_id: str) -> None:
    owner = world.mine if account_id == ACCOUNT else world.other
    function, own = world.function(allow("sts:AssumeRole"))
    bucket, queue = owner.bucket(), owner.sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    role = owner.role(trusting({"AWS": own}), allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    session = f"arn:aws:sts::{account_id}:assumed-role/{role.rpartition('/')[2]}/tests"
    assert world.does(function, WHO, put(bucket), WHO, roles=[role])["arn"] == session
    assert owner.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    send = ("sqs", "send_message", {"QueueUrl": queue, "MessageBody": "x"})
    refused = world.does(function, send, roles=[role])
    assert refused["message"].startswith(f"User: {session} is not authorized to perform: sqs:sendmessage")
    owner.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="own", PolicyDocument=policy(allow("sqs:*")))
    assert "error" not in world.does(function, send, roles=[role])
    assert world.does(function, put(bucket), roles=[role])["error"] == "AccessDenied"
    assert world.does(function, put(bucket))["error"] == "AccessDenied"  # its own role never could
    assert world.does(function, WHO)["arn"].endswith(f":assumed-role/{own.rpartition('/')[2]}/{function}")


def test_a_session_is_bound_by_the_policy_that_it_is_begun_with(world: World) -> None:
    function, own = world.function(allow("sts:AssumeRole"))
    mine, other = world.mine.bucket(), world.mine.bucket()
    role = world.mine.role(trusting({"AWS": own}), allow("s3:*"))
    narrow = {"RoleArn": role, "Policy": policy(allow("s3:*", f"arn:aws:s3:::{mine}/*"))}
    assert "error" not in world.does(function, put(mine), roles=[narrow])
    assert "because no session policy allows" in world.does(function, put(other), roles=[narrow])["message"]
    assert "error" not in world.does(function, put(other), roles=[role])


def test_both_sides_have_to_allow_it(world: World) -> None:
    function, own = world.function(allow("sts:AssumeRole"))
    bare, bare_role = world.function()
    for owner in (world.mine, world.other):
        distrustful = owner.role(trusting({"Service": "ec2.amazonaws.com"}), allow("*"))
        assert TRUSTS_NOBODY + distrustful in world.does(function, roles=[distrustful])["message"]
        trustful = owner.role(trusting({"AWS": ACCOUNT}), allow("*"))
        assert "error" not in world.does(function, WHO, roles=[trustful])
        assert TRUSTS_NOBODY + trustful in world.does(bare, roles=[trustful])["message"]
    # Who is named by a role of its own account needs no policy beside; elsewhere it does.
    assert "error" not in world.does(bare, WHO, roles=[world.mine.role(trusting({"AWS": bare_role}), allow("*"))])
    far = world.other.role(trusting({"AWS": bare_role}), allow("*"))
    assert TRUSTS_NOBODY + far in world.does(bare, roles=[far])["message"]
    secretive = world.other.role(trusting({"AWS": own}, Condition={"StringEquals": {"sts:ExternalId": "42"}}))
    assert TRUSTS_NOBODY + secretive in world.does(function, roles=[secretive])["message"]
    assert "error" not in world.does(function, WHO, roles=[{"RoleArn": secretive, "ExternalId": "42"}])
    assert TRUSTS_NOBODY in world.does(function, roles=[f"arn:aws:iam::{OTHER}:role/nobodys"])["message"]


def test_an_assumed_role_assumes_further_ones(world: World) -> None:
    function, own = world.function(allow("sts:AssumeRole"))
    first = world.other.role(trusting({"AWS": own}), allow("sts:AssumeRole"))
    second = world.mine.role(trusting({"AWS": first}), allow("s3:PutObject"))
    bucket = world.mine.bucket()
    assert "error" not in world.does(function, put(bucket), roles=[first, second])
    assert TRUSTS_NOBODY + second in world.does(function, roles=[second])["message"]


def test_keys_of_others_are_refused_whoever_gave_them(world: World) -> None:
    function, _ = world.function(allow("sts:AssumeRole"))
    if not world.is_walled:
        pytest.skip("without walls any key counts")
    stranger, _ = world.function(allow("*"))
    role = world.mine.role(trusting({"AWS": ACCOUNT}), allow("*"))
    keys = world.does(function, roles=[role])["keys"]
    assert "error" not in world.does(function, WHO, keys=keys)
    assert world.does(stranger, WHO, keys=keys)["error"] == "InvalidClientTokenId"
    assert world.does(stranger, roles=[role], keys=keys)["error"] == "InvalidClientTokenId"
    given = world.mine.sts.assume_role(RoleArn=role, RoleSessionName="outside")["Credentials"]
    outside = [given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]]
    for wrong in (outside, ["test", "test"], [OTHER, "x"], [keys[0], keys[1], outside[2]], [keys[0], "x" * 40, keys[2]]):
        assert world.does(function, WHO, keys=wrong)["error"] in {"InvalidClientTokenId", "SignatureDoesNotMatch"}
    # Outside they are anybody's who has them, as the function's own are.
    client = boto3.client("sts", "us-east-1", None, True, None, world.functions.meta.endpoint_url, *keys)
    assert client.get_caller_identity()["Arn"].endswith("/tests")


def test_a_role_that_iam_never_knew_is_nobody_elsewhere(world: World) -> None:
    function = create(world.functions, SOURCE, Role=ROLE, Timeout=20)
    here, there = (f"arn:aws:iam::{each}:role/made-up" for each in (ACCOUNT, OTHER))
    assert world.does(function, WHO, roles=[here])["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/made-up/tests"
    assert TRUSTS_NOBODY + there in world.does(function, roles=[there])["message"]
    assert TRUSTS_NOBODY + there in world.does(function, roles=[here, there])["message"]
    for owner in (world.mine, world.other):
        distrustful = owner.role(trusting({"Service": "ec2.amazonaws.com"}), allow("*"))
        assert TRUSTS_NOBODY + distrustful in world.does(function, roles=[distrustful])["message"]
        assert "error" not in world.does(function, WHO, roles=[owner.role(trusting({"AWS": ROLE}))])


def test_without_iam_everybody_is_assumed(own_server: Callable[..., RunningServer]) -> None:
    world = World(own_server("--iam", "off"))
    function = create(world.functions, SOURCE, Role=ROLE, Timeout=20)
    there = f"arn:aws:iam::{OTHER}:role/made-up"
    assert world.does(function, put(world.other.bucket()), roles=[there])["keys"][0].startswith("ASIA")
