"""Services that are not native: the companion process, and ``--upstream``."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.acceptance.conftest import RUNTIME, RunningServer, alive, zipped
from tests.acceptance.test_command_line import children
from tests.acceptance.test_main_path import eventually


def table(tables: Any, name: str) -> None:
    tables.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )


def test_tables_and_their_streams(server: RunningServer) -> None:
    tables, streams = server.client("dynamodb"), server.client("dynamodbstreams")
    table(tables, "things")
    item = {
        "k": {"S": "a"},
        "b": {"B": b"\x00\xff"},
        "n": {"N": "1.50"},
        "l": {"L": [{"BOOL": True}, {"NULL": True}]},
        "s": {"SS": ["x", "y"]},
    }
    tables.put_item(TableName="things", Item=item)
    found = tables.get_item(TableName="things", Key={"k": {"S": "a"}})["Item"]
    assert {**found, "s": {"SS": sorted(found["s"]["SS"])}} == item
    (stream,) = streams.list_streams(TableName="things")["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    cursor = streams.get_shard_iterator(StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=cursor["ShardIterator"])["Records"]
    assert [each["dynamodb"]["Keys"] for each in records] == [{"k": {"S": "a"}}]
    with pytest.raises(tables.exceptions.ResourceNotFoundException):
        tables.get_item(TableName="nothing", Key={"k": {"S": "a"}})


def test_each_protocol_reaches_it(server: RunningServer) -> None:
    assert server.client("sts").get_caller_identity()["Account"] == "000000000000"  # query
    server.client("ssm").put_parameter(Name="/p", Value="v", Type="SecureString")  # json
    assert server.client("ssm").get_parameter(Name="/p", WithDecryption=True)["Parameter"]["Value"] == "v"
    server.client("cloudwatch").put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}])  # cbor
    assert [each["MetricName"] for each in server.client("cloudwatch").list_metrics(Namespace="n")["Metrics"]] == ["m"]
    key = server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    sealed = server.client("kms").encrypt(KeyId=key, Plaintext=b"\x00secret")["CiphertextBlob"]
    assert server.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"\x00secret"
    server.client("secretsmanager").create_secret(Name="s", SecretBinary=b"\x01")
    assert server.client("secretsmanager").get_secret_value(SecretId="s")["SecretBinary"] == b"\x01"
    assert server.client("apigateway").get_rest_apis()["items"] == []  # rest-json


def test_accounts_are_apart(server: RunningServer) -> None:
    def tables(account: str) -> Any:
        return boto3.Session(account, "any", region_name="eu-west-1").client("dynamodb", endpoint_url=server.url)

    table(tables("111111111111"), "mine")
    assert tables("111111111111").list_tables()["TableNames"] == ["mine"]
    assert tables("222222222222").list_tables()["TableNames"] == []


def test_keys_that_iam_issues_are_checked(server: RunningServer) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="somebody")
    key = iam.create_access_key(UserName="somebody")["AccessKey"]

    def caller(secret: str) -> dict[str, Any]:
        session = boto3.Session(key["AccessKeyId"], secret, region_name="us-east-1")
        return dict(session.client("sts", endpoint_url=server.url).get_caller_identity())

    assert caller(key["SecretAccessKey"])["Arn"] == "arn:aws:iam::000000000000:user/somebody"
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        caller("wrong")
    iam.update_access_key(UserName="somebody", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        caller(key["SecretAccessKey"])


def test_a_host_may_be_anything(server: RunningServer) -> None:
    tables = server.client("dynamodb")
    tables.meta.events.register("before-sign", lambda request, **_: request.headers.add_header("Host", "é%{x}"))
    assert "TableNames" in tables.list_tables()


def test_what_nobody_serves_is_named(server: RunningServer) -> None:
    with pytest.raises(ClientError, match="does not serve braket:SearchDevices yet") as failed:
        server.client("braket").search_devices(filters=[])
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_it_begins_anew_when_it_dies(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    before = children(server.process.pid)  # no companion: not before it is needed
    server.client("dynamodb").list_tables()
    (companion,) = children(server.process.pid) - before
    os.kill(companion, signal.SIGKILL)
    eventually(lambda: not alive(companion))
    assert server.client("dynamodb").list_tables()["TableNames"] == []
    assert children(server.process.pid) - before != {companion}


def test_an_upstream_serves_in_its_place(own_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    behind = own_server(data_dir=tmp_path / "behind")
    front = own_server("--upstream", f"s3={behind.url}", data_dir=tmp_path / "front")
    with urllib.request.urlopen(f"{front.url}/_lambent/health") as page:
        told = json.load(page)
    assert told["services"]["s3"] == f"upstream {behind.url}"
    front.client("s3").create_bucket(Bucket="there")
    front.client("s3").put_object(Bucket="there", Key="k é/1", Body=b"bytes\x00", Metadata={"a": "b"})
    answer = behind.client("s3").get_object(Bucket="there", Key="k é/1")
    assert (answer["Body"].read(), answer["Metadata"]) == (b"bytes\x00", {"a": "b"})
    assert front.client("s3").get_object(Bucket="there", Key="k é/1")["Body"].read() == b"bytes\x00"
    with pytest.raises(ClientError, match="NoSuchKey"):
        front.client("s3").get_object(Bucket="there", Key="other")
    behind.kill()
    with pytest.raises(ClientError, match="gives no answer") as failed:
        front.client("s3").list_buckets()
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_bad_upstreams_are_refused_at_the_start(own_server: Callable[..., RunningServer]) -> None:
    with pytest.raises(AssertionError, match="no service of that name"):
        own_server("--upstream", "nonsense=http://localhost:1")
    with pytest.raises(AssertionError, match="is an http"):
        own_server("--upstream", "s3=localhost")


def test_a_function_reaches_what_the_companion_serves(server: RunningServer) -> None:
    source = "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"
    functions = server.client("lambda")
    functions.create_function(
        FunctionName="who",
        Runtime=RUNTIME,
        Role="arn:aws:iam::000000000000:role/service/reader",
        Handler="app.handler",
        Timeout=30,
        Code={"ZipFile": zipped(app=source)},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="who", WaiterConfig={"Delay": 1})
    answer = functions.invoke(FunctionName="who")
    assert json.load(answer["Payload"]) == "arn:aws:sts::000000000000:assumed-role/reader/who"


def test_an_upstream_may_have_keys_of_its_own(own_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    behind = own_server(data_dir=tmp_path / "behind")
    front = own_server("--upstream", f"lambda=http://333333333333:secret@127.0.0.1:{behind.port}", data_dir=tmp_path / "front")
    assert front.client("lambda", retries={"total_max_attempts": 1}).list_functions()["Functions"] == []
    session = boto3.Session("333333333333", "any", region_name="us-east-1")
    layer = front.client("lambda").publish_layer_version(LayerName="l", Content={"ZipFile": zipped(a="")})
    found = session.client("lambda", endpoint_url=behind.url, config=Config(retries={"total_max_attempts": 1})).list_layers()["Layers"]
    assert [each["LayerName"] for each in found] == ["l"]
    assert ":333333333333:" in layer["LayerArn"]
