"""SNS through boto3, the AWS CLI and a real HTTP subscriber, against a real server."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer, zipped


def eventually(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "did not come in time"
        time.sleep(0.02)
    return value


class Subscriber:
    """A webhook: keeps what is posted to it and answers with the next of its statuses, else 200."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def post(self, number: int) -> tuple[dict[str, str], dict[str, Any]]:
        """Wait for a post and return its headers and its envelope."""
        eventually(lambda: len(self.posts) > number)
        headers, body = self.posts[number]
        return headers, json.loads(body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def subscriber() -> Iterator[Subscriber]:
    one = Subscriber()
    try:
        yield one
    finally:
        one.close()


def make_queue(server: RunningServer, name: str, topic: str, **attributes: str) -> tuple[str, str]:
    """Create a queue that takes the topic's messages; return its URL and ARN."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    return url, arn


def receive(server: RunningServer, url: str, count: int, seconds: float = 20) -> list[dict[str, Any]]:
    """Receive and delete that many messages."""
    sqs, found, end = server.client("sqs"), [], time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < end, f"only {len(found)} of {count} messages came"
        page = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        for each in page.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
            found.append(each)
    return found


def topic_of(server: RunningServer, suffix: str = "", **attributes: str) -> str:
    name = f"t-{uuid4().hex[:8]}{suffix}"
    return str(server.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"])


def check_signature(message: dict[str, Any], url_name: str = "SigningCertURL") -> None:
    """Verify a message as SDKs' validators do."""
    with urllib.request.urlopen(message[url_name]) as answer:
        public = x509.load_pem_x509_certificate(answer.read()).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    names = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    signed = "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)
    algorithm = hashes.SHA1() if message["SignatureVersion"] == "1" else hashes.SHA256()
    public.verify(base64.b64decode(message["Signature"]), signed.encode(), padding.PKCS1v15(), algorithm)


def test_a_queue_gets_signed_envelopes_or_raw_messages(server: RunningServer) -> None:
    sns, topic = server.client("sns"), topic_of(server, SignatureVersion="2")
    url, arn = make_queue(server, "envelopes", topic)
    raw_url, raw_arn = make_queue(server, "raw", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=raw_arn, Attributes={"RawMessageDelivery": "true"})
    attributes = {"n": {"DataType": "Number", "StringValue": "1"}, "b": {"DataType": "Binary", "BinaryValue": b"\x02\x03"}}
    published = sns.publish(TopicArn=topic, Message="grüße", Subject="s", MessageAttributes=attributes)
    body = json.loads(receive(server, url, 1)[0]["Body"])
    assert (body["Message"], body["MessageId"], body["SignatureVersion"]) == ("grüße", published["MessageId"], "2")
    check_signature(body)
    (raw,) = receive(server, raw_url, 1)
    assert (raw["Body"], raw["MessageAttributes"]) == ("grüße", attributes)


def test_a_queue_whose_policy_does_not_let_the_topic_in_gets_nothing(server: RunningServer) -> None:
    sns, sqs, topic = server.client("sns"), server.client("sqs"), topic_of(server)
    url, arn = make_queue(server, "closed", "arn:aws:sns:us-east-1:000000000000:another")
    dead_url, dead_arn = make_queue(server, "closed-dlq", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn})})
    sns.publish(TopicArn=topic, Message="m")
    assert json.loads(receive(server, dead_url, 1)[0]["Body"])["Message"] == "m"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_webhook_is_confirmed_notified_and_ended(server: RunningServer) -> None:
    sns, topic = server.client("sns"), topic_of(server)
    with subscriber() as hook:
        pending = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url, ReturnSubscriptionArn=True)["SubscriptionArn"]
        headers, envelope = hook.post(0)
        assert headers["x-amz-sns-message-type"] == envelope["Type"] == "SubscriptionConfirmation"
        assert headers["user-agent"] == "Amazon Simple Notification Service Agent"
        check_signature(envelope)
        with urllib.request.urlopen(envelope["SubscribeURL"]) as answer:
            assert pending in answer.read().decode()
        sns.publish(TopicArn=topic, Message="news")
        headers, envelope = hook.post(1)
        assert (envelope["Message"], headers["x-amz-sns-subscription-arn"]) == ("news", pending)
        check_signature(envelope)
        with urllib.request.urlopen(envelope["UnsubscribeURL"]) as answer:
            assert b"UnsubscribeResponse" in answer.read()
        _, envelope = hook.post(2)
        assert envelope["Type"] == "UnsubscribeConfirmation"
        check_signature(envelope)
        with pytest.raises(ClientError, match="Subscription does not exist"):
            sns.get_subscription_attributes(SubscriptionArn=pending)
        assert sns.confirm_subscription(TopicArn=topic, Token=envelope["Token"])["SubscriptionArn"] == pending


def test_a_broken_link_is_answered_in_awss_words(server: RunningServer) -> None:
    url = f"{server.url}/?Action=ConfirmSubscription&TopicArn={topic_of(server)}&Token=abc123"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url)
    assert caught.value.code == 400
    assert b"<Message>Invalid parameter: Token</Message>" in caught.value.read()


def test_a_webhook_that_fails_is_tried_again_then_its_messages_are_dead_letters(own_server: Callable[..., RunningServer]) -> None:
    server = own_server("--time-scale", "60")
    sns, topic = server.client("sns"), topic_of(server)
    dead_url, dead_arn = make_queue(server, "hook-dlq", topic)
    with subscriber() as hook:
        arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook.url, ReturnSubscriptionArn=True)["SubscriptionArn"]
        sns.confirm_subscription(TopicArn=topic, Token=hook.post(0)[1]["Token"])
        policy = json.dumps({"deadLetterTargetArn": dead_arn})
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=policy)
        hook.statuses = [500, 503, 200]
        sns.publish(TopicArn=topic, Message="third time lucky")
        assert hook.post(3)[1]["Message"] == "third time lucky"
        hook.statuses = [500] * 4
        sns.publish(TopicArn=topic, Message="never")
        assert json.loads(receive(server, dead_url, 1)[0]["Body"])["Message"] == "never"
        assert len(hook.posts) == 8


def function(server: RunningServer, name: str) -> str:
    functions = server.client("lambda")
    code = zipped(app="import json\ndef handler(event, context):\n    print('EVENT', json.dumps(event))\n")
    made = functions.create_function(
        FunctionName=name, Code={"ZipFile": code}, Role=ROLE, Runtime=RUNTIME, Handler="app.handler", Timeout=5
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return str(made["FunctionArn"])


def events_of(server: RunningServer, name: str) -> list[dict[str, Any]]:
    logs = server.client("logs")
    try:
        lines = [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [json.loads(line.partition("EVENT ")[2]) for line in lines if "EVENT " in line]


def test_a_function_is_invoked_when_its_policy_lets_the_topic(server: RunningServer) -> None:
    sns, functions, topic = server.client("sns"), server.client("lambda"), topic_of(server)
    dead_url, dead_arn = make_queue(server, "function-dlq", topic)
    arn = function(server, "on-topic")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn})
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn, Attributes={"RedrivePolicy": redrive})
    sns.publish(TopicArn=topic, Message="denied")
    assert json.loads(receive(server, dead_url, 1)[0]["Body"])["Message"] == "denied"
    functions.add_permission(
        FunctionName="on-topic", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=topic
    )
    sns.publish(TopicArn=topic, Message="Hello world.", Subject="s")
    (event,) = eventually(lambda: events_of(server, "on-topic"))
    message = event["Records"][0]["Sns"]
    assert (event["Records"][0]["EventSource"], message["Message"], message["Subject"]) == ("aws:sns", "Hello world.", "s")
    check_signature(message, "SigningCertUrl")


def test_an_archive_outlives_a_kill_and_is_replayed(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    policy = json.dumps({"MessageRetentionPeriod": "7"})
    topic = topic_of(server, ".fifo", FifoTopic="true", ContentBasedDeduplication="true", ArchivePolicy=policy)
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    for number in range(3):
        server.client("sns").publish(TopicArn=topic, Message=f"m{number}", MessageGroupId="g")
    server.kill()
    server.start()
    sns = server.client("sns")
    url, arn = make_queue(server, f"replayed-{uuid4().hex}.fifo", topic, FifoQueue="true")
    replay = json.dumps({"PointType": "Timestamp", "StartingPoint": start})
    made = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"ReplayPolicy": replay}, ReturnSubscriptionArn=True)
    envelopes = [json.loads(each["Body"]) for each in receive(server, url, 3)]
    assert [(each["Message"], each["Replayed"]) for each in envelopes] == [("m0", True), ("m1", True), ("m2", True)]
    sns.publish(TopicArn=topic, Message="new", MessageGroupId="g")
    assert "Replayed" not in json.loads(receive(server, url, 1)[0]["Body"])
    shown = sns.get_subscription_attributes(SubscriptionArn=made["SubscriptionArn"])["Attributes"]
    assert (json.loads(shown["ReplayPolicy"])["PointType"], shown["ReplayStatus"]) == ("Timestamp", "Completed")


def test_fifo_topics_keep_order_and_drop_repetitions(server: RunningServer) -> None:
    sns, topic = server.client("sns"), topic_of(server, ".fifo", FifoTopic="true", ContentBasedDeduplication="true")
    urls = []
    for number in range(3):
        url, arn = make_queue(server, f"order-{number}.fifo", topic, FifoQueue="true")
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        urls.append(url)
    expected = [str(number) for number in range(20)]
    for message in [*expected, *expected]:
        sns.publish(TopicArn=topic, Message=message, MessageGroupId="g")
    for url in urls:
        got = receive(server, url, 20)
        assert [each["Body"] for each in got] == expected
        assert got[0]["Attributes"]["MessageGroupId"] == "g"
        assert "Messages" not in server.client("sqs").receive_message(QueueUrl=url)


def test_filters_batches_and_mail(server: RunningServer) -> None:
    sns, topic = server.client("sns"), topic_of(server)
    url, arn = make_queue(server, "filtered", topic)
    policy = {"FilterPolicy": json.dumps({"n": [{"numeric": [">", 1]}]}), "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=policy)
    entries = [
        {"Id": str(number), "Message": str(number), "MessageAttributes": {"n": {"DataType": "Number", "StringValue": str(number)}}}
        for number in range(5)
    ]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert (len(answer["Successful"]), answer["Failed"]) == (5, [])
    assert sorted(each["Body"] for each in receive(server, url, 3)) == ["2", "3", "4"]
    sns.publish(PhoneNumber="+33000000000", Message="a text")
    with urllib.request.urlopen(f"{server.url}/_lambent/sns/outbox?kind=sms") as found:
        assert json.load(found)["messages"][-1]["message"] == "a text"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(f"{server.url}/_lambent/sns/outbox", headers={"Origin": "https://example.com"}))


def test_the_aws_cli_speaks_to_it(server: RunningServer) -> None:
    environment = os.environ | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}

    def aws(*arguments: str) -> Any:
        command = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", server.url, "--output", "json", "sns", *arguments]
        return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout or "null")

    topic = aws("create-topic", "--name", "cli", "--attributes", "DisplayName=cli", "--tags", "Key=a,Value=b")["TopicArn"]
    assert aws("list-tags-for-resource", "--resource-arn", topic)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert aws("publish", "--topic-arn", topic, "--message", "from the command line")["MessageId"]
    assert aws("get-topic-attributes", "--topic-arn", topic)["Attributes"]["DisplayName"] == "cli"


def test_a_kill_loses_nothing_that_was_acknowledged(own_server: Callable[..., RunningServer]) -> None:
    server = own_server()
    sns, topic = server.client("sns"), topic_of(server)
    fifo = topic_of(server, ".fifo", FifoTopic="true", ContentBasedDeduplication="true")
    url, arn = make_queue(server, "kept", topic)
    fifo_url, fifo_arn = make_queue(server, "kept.fifo", fifo, FifoQueue="true")
    for each, endpoint in ((topic, arn), (fifo, fifo_arn)):
        sns.subscribe(TopicArn=each, Protocol="sqs", Endpoint=endpoint, Attributes={"RawMessageDelivery": "true"})
    acknowledged: list[str] = []
    in_order: list[str] = []
    stop = threading.Event()

    def publish(worker: int) -> None:
        client, number = server.client("sns"), 0
        while not stop.is_set():
            message, number = f"{worker}-{number}", number + 1
            try:
                if worker == 0:
                    client.publish(TopicArn=fifo, Message=message, MessageGroupId="g")
                    in_order.append(message)
                else:
                    client.publish(TopicArn=topic, Message=message)
                    acknowledged.append(message)
            except Exception:  # noqa: BLE001 - the server was killed: this one was not acknowledged
                return

    with ThreadPoolExecutor(4) as pool:
        for worker in range(4):
            pool.submit(publish, worker)
        eventually(lambda: len(acknowledged) > 100 and len(in_order) > 20, 60)
        server.kill()
        stop.set()
    server.start()
    got: set[str] = set()
    end = time.monotonic() + 60
    while not got.issuperset(acknowledged):
        assert time.monotonic() < end, f"{len(set(acknowledged) - got)} acknowledged messages are missing"
        got.update(each["Body"] for each in receive(server, url, 1))
    ordered = [each["Body"] for each in receive(server, fifo_url, len(in_order), 60)]
    assert ordered[: len(in_order)] == in_order
