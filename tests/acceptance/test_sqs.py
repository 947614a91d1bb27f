"""Amazon SQS through boto3, the AWS CLI and raw requests of the query protocol, against a real server process."""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from tests.acceptance.conftest import RunningServer

KILLS = int(os.environ.get("LAMBENT_TEST_KILLS", "5"))


@pytest.fixture
def sqs(server: RunningServer) -> Any:
    return server.client("sqs")


@pytest.fixture
def create(sqs: Any) -> Iterator[Callable[..., str]]:
    """Create queues that go with the test."""
    urls: list[str] = []

    def make(suffix: str = "", **attributes: Any) -> str:
        given = {name: str(value) for name, value in attributes.items()}
        if suffix == ".fifo":
            given["FifoQueue"] = "true"
        urls.append(sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:12]}{suffix}", Attributes=given)["QueueUrl"])
        return urls[-1]

    yield make
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def arn_of(sqs: Any, url: str) -> str:
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


def test_a_message_lives_and_ends(sqs: Any, create: Callable[..., str], server: RunningServer) -> None:
    url = create(VisibilityTimeout=1)
    assert url.startswith(f"{server.url}/000000000000/q-")
    attributes = {"who": {"DataType": "String", "StringValue": "me"}, "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}}
    sent = sqs.send_message(QueueUrl=url, MessageBody="hällo", MessageAttributes=attributes)
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"]
    assert (message["MessageId"], message["Body"], message["MessageAttributes"]) == (sent["MessageId"], "hällo", attributes)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    (again,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=3, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert again["Attributes"] == {"ApproximateReceiveCount": "2"}
    assert again["ReceiptHandle"] != message["ReceiptHandle"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")


def test_batches_and_fifo(sqs: Any, create: Callable[..., str]) -> None:
    url = create(".fifo", ContentBasedDeduplication="true")
    entries = [{"Id": str(number), "MessageBody": f"m{number}", "MessageGroupId": "g"} for number in range(10)]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 10
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [each["Body"] for each in messages] == [f"m{number}" for number in range(10)]
    done = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(messages)]
    assert len(sqs.delete_message_batch(QueueUrl=url, Entries=done)["Successful"]) == 10


def test_long_polling_wakes_at_once(sqs: Any, create: Callable[..., str], server: RunningServer) -> None:
    url = create(ReceiveMessageWaitTimeSeconds=20)
    got: list[tuple[str, float]] = []

    def poll() -> None:
        (message,) = server.client("sqs").receive_message(QueueUrl=url)["Messages"]
        got.append((message["Body"], time.monotonic()))

    pollers = [threading.Thread(target=poll) for _ in range(3)]
    for each in pollers:
        each.start()
    time.sleep(0.5)
    sent = time.monotonic()
    for body in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    for each in pollers:
        each.join(15)
    assert sorted(body for body, _ in got) == ["a", "b", "c"]
    assert max(at for _, at in got) - sent < 5


def test_a_client_that_went_away_takes_no_message(sqs: Any, create: Callable[..., str], server: RunningServer) -> None:
    url = create()
    gone = http.client.HTTPConnection("127.0.0.1", server.port)
    method, path, headers, body = signed(server, "/", {"Action": "ReceiveMessage", "QueueUrl": url, "WaitTimeSeconds": "20"})
    gone.request(method, path, body, headers)
    time.sleep(0.3)
    gone.close()
    time.sleep(0.2)
    sqs.send_message(QueueUrl=url, MessageBody="for the living")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2)["Messages"]
    assert message["Body"] == "for the living"


def test_errors_are_the_clients_own(sqs: Any, create: Callable[..., str]) -> None:
    url = create()
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as missing:
        sqs.send_message(QueueUrl=url + "x", MessageBody="x")
    assert missing.value.response["Error"] == {
        "Code": "AWS.SimpleQueueService.NonExistentQueue",
        "Message": "The specified queue does not exist.",
        "QueryErrorCode": "QueueDoesNotExist",
        "Type": "Sender",
    }
    with pytest.raises(ClientError) as invalid:
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11)
    assert invalid.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert invalid.value.response["Error"]["QueryErrorCode"] == "InvalidParameterValueException"
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="garbage")
    sqs.purge_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress) as purged:
        sqs.purge_queue(QueueUrl=url)
    assert purged.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(sqs.exceptions.QueueNameExists) as exists:
        sqs.create_queue(QueueName=url.rpartition("/")[2], Attributes={"DelaySeconds": "5"})
    assert exists.value.response["Error"]["Code"] == "QueueAlreadyExists"
    with pytest.raises(sqs.exceptions.EmptyBatchRequest):
        sqs.send_message_batch(QueueUrl=url, Entries=[])


def test_dead_letters_go_and_come_back(sqs: Any, create: Callable[..., str]) -> None:
    dead = create()
    policy = {"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": "1"}
    url = create(VisibilityTimeout=0, RedrivePolicy=json.dumps(policy))
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    handle = sqs.start_message_move_task(SourceArn=arn_of(sqs, dead))["TaskHandle"]
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "poison"
    (task,) = sqs.list_message_move_tasks(SourceArn=arn_of(sqs, dead))["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        sqs.cancel_message_move_task(TaskHandle=handle)


def test_a_move_is_cancelled(sqs: Any, create: Callable[..., str]) -> None:
    dead, other = create(), create()
    create(RedrivePolicy=json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": "1"}))
    sqs.send_message_batch(QueueUrl=dead, Entries=[{"Id": str(number), "MessageBody": "x"} for number in range(10)])
    params = {"SourceArn": arn_of(sqs, dead), "DestinationArn": arn_of(sqs, other), "MaxNumberOfMessagesPerSecond": 1}
    handle = sqs.start_message_move_task(**params)["TaskHandle"]
    assert sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] < 10
    for _ in range(100):
        (task,) = sqs.list_message_move_tasks(SourceArn=arn_of(sqs, dead))["Results"]
        if task["Status"] == "CANCELLED":
            break
        time.sleep(0.1)
    assert (task["Status"], task["ApproximateNumberOfMessagesToMove"]) == ("CANCELLED", 10)
    counts = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["ApproximateNumberOfMessages"] for url in (dead, other)
    ]
    assert sum(map(int, counts)) == 10
    assert int(counts[1]) == task["ApproximateNumberOfMessagesMoved"]


def test_tags_permissions_and_lists(sqs: Any, create: Callable[..., str]) -> None:
    url = create()
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "b": ""})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": ""}
    sqs.add_permission(QueueUrl=url, Label="l", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    sqs.remove_permission(QueueUrl=url, Label="l")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"] == {"VisibilityTimeout": "7"}
    name = url.rpartition("/")[2]
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name, PaginationConfig={"PageSize": 1})
    assert [each for page in pages for each in page.get("QueueUrls", [])] == [url]
    message = sqs.send_message(QueueUrl=url, MessageBody="x") and sqs.receive_message(QueueUrl=url)["Messages"][0]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    entry = {"Id": "1", "ReceiptHandle": sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"], "VisibilityTimeout": 0}
    assert sqs.change_message_visibility_batch(QueueUrl=url, Entries=[entry])["Successful"] == [{"Id": "1"}]
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_the_command_line(create: Callable[..., str], server: RunningServer) -> None:
    url = create()
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}

    def aws(*arguments: str) -> Any:
        command = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", server.url, "--output", "json", "sqs", *arguments]
        out = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
        return json.loads(out) if out.strip() else None

    aws("send-message", "--queue-url", url, "--message-body", "from the shell")
    (message,) = aws("receive-message", "--queue-url", url, "--attribute-names", "All")["Messages"]
    assert message["Body"] == "from the shell"
    assert aws("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"]) is None


def signed(server: RunningServer, path: str, form: dict[str, str], method: str = "POST") -> tuple[str, str, dict[str, str], str]:
    """Return a signed request of the query protocol: method, path, headers, body."""
    text = urlencode(form)
    url = f"{server.url}{path}" + (f"?{text}" if method == "GET" and text else "")
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    request = AWSRequest(method, url, headers, text if method == "POST" else "")
    SigV4Auth(Credentials("test", "test"), "sqs", "us-east-1").add_auth(request)
    parts = urlsplit(url)
    return method, parts.path + (f"?{parts.query}" if parts.query else ""), dict(request.headers), text if method == "POST" else ""


def ask(server: RunningServer, path: str, method: str = "POST", **form: str) -> tuple[int, ElementTree.Element]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    method, path, headers, body = signed(server, path, form, method)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.getheader("content-type") == "text/xml"
    return answer.status, ElementTree.fromstring(text.replace(' xmlns="http://queue.amazonaws.com/doc/2012-11-05/"', ""))


def test_the_query_protocol(create: Callable[..., str], server: RunningServer) -> None:
    path = urlsplit(create()).path
    attribute = {"MessageAttribute.1.Name": "A", "MessageAttribute.1.Value.StringValue": "x", "MessageAttribute.1.Value.DataType": "String"}
    status, sent = ask(server, path, Action="SendMessage", MessageBody="h&i", **attribute)
    assert (status, sent.tag) == (200, "SendMessageResponse")
    assert sent.findtext("SendMessageResult/MD5OfMessageAttributes") == "786dfed7f522eb6d216c5bcd0098de7f"
    entries = {f"SendMessageBatchRequestEntry.{n}.{key}": value for n in (1, 2) for key, value in (("Id", str(n)), ("MessageBody", "b"))}
    status, batch = ask(server, "/", Action="SendMessageBatch", QueueUrl=server.url + path, **entries)
    assert [each.findtext("Id") for each in batch.iterfind("SendMessageBatchResult/SendMessageBatchResultEntry")] == ["1", "2"]
    wanted = {"AttributeName.1": "All", "MessageAttributeName.1": "All", "MaxNumberOfMessages": "10"}
    status, received = ask(server, path, "GET", Action="ReceiveMessage", **wanted)
    messages = received.findall("ReceiveMessageResult/Message")
    assert [each.findtext("Body") for each in messages] == ["h&i", "b", "b"]
    assert {each.findtext("Name") for each in messages[0].iterfind("Attribute")} >= {"SenderId", "SentTimestamp"}
    assert messages[0].findtext("MessageAttribute/Value/StringValue") == "x"
    status, deleted = ask(server, path, Action="DeleteMessage", ReceiptHandle=str(messages[0].findtext("ReceiptHandle")))
    assert (status, deleted.tag) == (200, "DeleteMessageResponse")
    status, told = ask(server, path, Action="GetQueueAttributes", **{"AttributeName.1": "VisibilityTimeout"})
    assert [told.findtext(f"GetQueueAttributesResult/Attribute/{each}") for each in ("Name", "Value")] == ["VisibilityTimeout", "30"]


@pytest.mark.parametrize(
    ("form", "status", "code", "message"),
    [
        ({"Action": "FooBar"}, 400, "InvalidAction", "The action FooBar is not valid for this endpoint."),
        ({"Action": "ListQueues"}, 400, "InvalidAction", "The action ListQueues is not valid for this endpoint."),
        ({"Action": "CreateQueue", "QueueName": "x"}, 400, "InvalidAction", "The action CreateQueue is not valid for this endpoint."),
        ({"Action": "SendMessage"}, 400, "MissingParameter", "The request must contain the parameter MessageBody."),
        (
            {"Action": "DeleteMessageBatch"},
            400,
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one DeleteMessageBatchRequestEntry in the request.",
        ),
        ({"Action": "GetQueueAttributes", "AttributeName.1": "Foobar"}, 400, "InvalidAttributeName", "Unknown Attribute Foobar."),
        (
            {"Action": "DeleteQueue", "QueueUrl": "http://localhost/000000000000/nobody"},
            400,
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist for this wsdl version.",
        ),
    ],
)
def test_errors_of_the_query_protocol(
    create: Callable[..., str], server: RunningServer, form: dict[str, str], status: int, code: str, message: str
) -> None:
    for method in ("GET", "POST"):
        found, error = ask(server, urlsplit(create()).path, method, **form)
        assert found == status
        assert [error.findtext(f"Error/{each}") for each in ("Type", "Code", "Message")] == ["Sender", code, message]


def test_a_form_without_an_action(create: Callable[..., str], server: RunningServer) -> None:
    status, root = ask(server, urlsplit(create()).path, "GET")
    assert (status, root.tag) == (404, "UnknownOperationException")


def test_strangers_are_let_in_by_the_policy_alone(sqs: Any, create: Callable[..., str], server: RunningServer) -> None:
    url = create()

    def send() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", urlsplit(url).path + "?Action=SendMessage&MessageBody=x")
        status = connection.getresponse().status
        connection.close()
        return status

    assert send() == 403
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn_of(sqs, url)}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    assert send() == 200


class Producer(threading.Thread):
    """Sends one group's messages in order, each until it is acknowledged; dies with no server."""

    def __init__(self, client: Callable[[], Any], url: str, group: str, stopped: threading.Event) -> None:
        super().__init__()
        self.client, self.url, self.group, self.stopped = client, url, group, stopped
        self.acknowledged: list[str] = []

    def run(self) -> None:
        sqs, number = self.client(), 0
        while not self.stopped.is_set():
            body = f"{self.group}-{number}"
            try:
                sqs.send_message(QueueUrl=self.url, MessageBody=body, MessageGroupId=self.group, MessageDeduplicationId=body)
            except (EndpointConnectionError, HTTPClientError, ClientError, ConnectionError):
                time.sleep(0.02)
                sqs = self.client()
                continue
            self.acknowledged.append(body)
            number += 1


@pytest.mark.slow
def test_fifo_survives_kill_9_at_random_moments(own_server: Callable[..., RunningServer]) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    server = own_server()
    port = server.port
    url = server.client("sqs").create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "1"})["QueueUrl"]
    stopped = threading.Event()
    producers = [Producer(lambda: server.client("sqs"), url, group, stopped) for group in "abc"]
    for each in producers:
        each.start()
    seen: dict[str, list[str]] = defaultdict(list)
    deleted: set[str] = set()
    consumer = threading.Thread(target=consume, args=(lambda: server.client("sqs"), url, seen, deleted, stopped, rng))
    consumer.start()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.2, 1.0))
        server.kill()
        server.port = port
        server.start()
    time.sleep(0.5)
    stopped.set()
    for each in (*producers, consumer):
        each.join(30)
    drain(server.client("sqs"), url, seen)
    sent = {each.group: each.acknowledged for each in producers}
    assert min(map(len, sent.values())) > 5
    for group, bodies in sent.items():
        first = list(dict.fromkeys(seen[group]))
        assert set(bodies) <= set(first), f"acknowledged and lost: {sorted(set(bodies) - set(first))}"
        assert first == sorted(first, key=number_of), f"out of order: {first}"
    assert deleted


def number_of(body: str) -> int:
    return int(body.rpartition("-")[2])


def consume(
    client: Callable[[], Any], url: str, seen: dict[str, list[str]], deleted: set[str], stopped: threading.Event, rng: random.Random
) -> None:
    """Receive and delete, and now and then forget to; a group's deleted messages never come again."""
    sqs = client()
    while not stopped.is_set():
        try:
            messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=rng.randrange(1, 5)).get("Messages", [])
            for message in messages:
                body = message["Body"]
                assert body not in deleted, f"{body} was deleted and came again"
                seen[body.partition("-")[0]].append(body)
            for message in messages:
                if rng.random() < 0.8:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    deleted.add(message["Body"])
                else:
                    break
        except (EndpointConnectionError, HTTPClientError, ClientError, ConnectionError):
            time.sleep(0.02)
            sqs = client()


def drain(sqs: Any, url: str, seen: dict[str, list[str]]) -> None:
    """Receive and delete what is left."""
    while messages := sqs.receive_message(QueueUrl=url, WaitTimeSeconds=3, MaxNumberOfMessages=10, VisibilityTimeout=30).get("Messages"):
        for message in messages:
            seen[message["Body"].partition("-")[0]].append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
