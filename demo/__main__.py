"""``make demo``: start a server, deploy, upload, wait for the events, show what came of them, leave nothing running."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.config import Config

from demo.pictures import make

HERE = Path(__file__).parent
WORK = Path(".demo")
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
REGION = "us-east-1"
WAIT_S = 90


class Story:
    """Prints each step with the time since the one before."""

    def __init__(self) -> None:
        self._begun = self._last = time.perf_counter()

    def tell(self, text: str) -> None:
        """Print a step that has just ended."""
        now = time.perf_counter()
        print(f"{now - self._begun:7.2f} s  (+{now - self._last:5.2f})  {text}", flush=True)
        self._last = now


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(story: Story, data: Path) -> Iterator[str]:
    """Run a server of our own; yield its URL."""
    port = free_port()
    log = (WORK / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "lambent", "start", "--port", str(port), "--data-dir", str(data)], stderr=log, stdout=log
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: healthy(url) or process.poll() is not None, "the server")
        if process.poll() is not None:
            sys.exit(f"the server ended with status {process.returncode}:\n{(WORK / 'server.log').read_text()}")
        story.tell(f"server listening on {url} (its log: {WORK}/server.log)")
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
        story.tell(f"server stopped, exit status {process.returncode}")


def healthy(url: str) -> bool:
    """Return whether the server answers."""
    try:
        with urllib.request.urlopen(f"{url}/_lambent/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(condition: Callable[[], object], what: str, seconds: float = WAIT_S, step: float = 0.02) -> None:
    """Return when the condition holds; end the demo when it doesn't in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{what} did not come within {seconds:.0f} s; see {WORK}/server.log")
        time.sleep(step)


def zipped(files: dict[str, Path]) -> bytes:
    """Return a zip of the files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.write(path, name)
    return data.getvalue()


def pillow_layer() -> bytes:
    """Return a layer with the Pillow that is installed beside this; kept for the next run."""
    pillow = importlib.metadata.distribution("pillow")
    kept = WORK / f"pillow-{pillow.version}-{RUNTIME}.zip"
    if not kept.exists():
        files = {
            f"python/{each}": Path(str(each.locate())) for each in pillow.files or [] if ".." not in each.parts and each.suffix != ".pyc"
        }
        kept.write_bytes(zipped(files))
    return kept.read_bytes()


class Application:
    """The demo's resources, made as a user makes them, with boto3."""

    def __init__(self, url: str) -> None:
        session = boto3.Session("test", "test", region_name=REGION)
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        self.s3, self.functions, self.logs, self.iam, self.tables = (
            session.client(name, endpoint_url=url, config=config) for name in ("s3", "lambda", "logs", "iam", "dynamodb")
        )

    def deploy(self, story: Story) -> None:
        """Create buckets, table, role, layer, functions and the trigger."""
        for bucket in ("pictures", "thumbnails"):
            self.s3.create_bucket(Bucket=bucket)
        story.tell("buckets: pictures, thumbnails")
        self.tables.create_table(
            TableName="pictures",
            KeySchema=[{"AttributeName": "picture", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "picture", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
        role = self.iam.create_role(RoleName="pictures", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self.iam.attach_role_policy(RoleName="pictures", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
        work = {
            "s3:GetObject": "arn:aws:s3:::pictures/*",
            "s3:PutObject": "arn:aws:s3:::thumbnails/*",
            "dynamodb:PutItem": f"arn:aws:dynamodb:{REGION}:*:table/pictures",
            "lambda:InvokeFunction": f"arn:aws:lambda:{REGION}:*:function:failures",
        }
        allowed = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in work.items()]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        self.iam.put_role_policy(RoleName="pictures", PolicyName="work", PolicyDocument=document)
        story.tell("table and role (by the companion process); the functions may do what the role's policies allow")
        layer = self.functions.publish_layer_version(LayerName="pillow", Content={"ZipFile": pillow_layer()}, CompatibleRuntimes=[RUNTIME])
        story.tell(f"layer with Pillow: {layer['Content']['CodeSize'] / 1e6:.1f} MB")
        variables = {"Variables": {"TABLE": "pictures", "THUMBNAILS": "thumbnails"}}
        for name, layers in (("thumbnails", [layer["LayerVersionArn"]]), ("failures", [])):
            self.functions.create_function(
                FunctionName=name,
                Runtime=RUNTIME,
                Handler=f"{name}.handler",
                Role=role,
                Timeout=30,
                MemorySize=512,
                Layers=layers,
                Environment=variables,
                Code={"ZipFile": zipped({f"{name}.py": HERE / "functions" / f"{name}.py"})},
            )
            self.functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        arn = self.functions.get_function_configuration(FunctionName="thumbnails")["FunctionArn"]
        failures = self.functions.get_function_configuration(FunctionName="failures")["FunctionArn"]
        self.functions.put_function_event_invoke_config(
            FunctionName="thumbnails", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": failures}}
        )
        story.tell(f"functions on {RUNTIME}: thumbnails, and failures as its on-failure destination")
        self.functions.add_permission(
            FunctionName="thumbnails",
            StatementId="s3",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn="arn:aws:s3:::pictures",
        )
        self.s3.put_bucket_notification_configuration(
            Bucket="pictures",
            NotificationConfiguration={"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
        )
        story.tell("trigger: s3:ObjectCreated:* on pictures → thumbnails")

    def rows(self) -> list[dict[str, Any]]:
        """Return the table's rows by picture."""
        items = self.tables.scan(TableName="pictures")["Items"]
        return sorted(
            ({name: next(iter(value.values())) for name, value in item.items()} for item in items), key=lambda row: str(row["picture"])
        )

    def arrived(self, picture: str) -> bool:
        """Return whether the table has a row of the picture."""
        return "Item" in self.tables.get_item(TableName="pictures", Key={"picture": {"S": picture}})

    def lines(self, function: str, pattern: str) -> list[str]:
        """Return the lines of a function's log that match a filter pattern."""
        try:
            events = self.logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", filterPattern=pattern)["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].rstrip() for event in events]


def upload(app: Application, path: Path, name: str = "") -> float:
    """Upload a picture and wait for its row; return the milliseconds between."""
    begun = time.perf_counter()
    app.s3.upload_file(str(path), "pictures", name or path.name)
    wait_for(lambda: app.arrived(name or path.name), f"the row of {name or path.name}", step=0.002)
    return (time.perf_counter() - begun) * 1000


def run(app: Application, story: Story) -> None:
    """Upload, wait, and show."""
    app.deploy(story)
    pictures = make(WORK / "pictures")
    story.tell(f"{len(pictures)} pictures drawn in {WORK}/pictures, one of them broken")
    first = next(path for path in pictures if path.suffix == ".png")
    story.tell(f"{first.name} uploaded, its thumbnail and row are there after {upload(app, first):.0f} ms: a cold start")
    again = statistics.median(upload(app, first, f"again-{number}.png") for number in range(5))
    story.tell(f"five more of it, one after the other: {again:.0f} ms each (median), warm")
    others = [path for path in pictures if path != first]
    for path in others:
        app.s3.upload_file(str(path), "pictures", path.name)
    story.tell(f"{len(others)} others uploaded at once; each upload is an event")
    wait_for(lambda: all(app.arrived(path.name) for path in pictures), "a row for each picture")
    story.tell("every event has ended: a row for each picture")
    wait_for(lambda: len(app.lines("thumbnails", '"REPORT RequestId"')) >= len(pictures) + 5, "the function's log")
    report(app, story)
    show(app)


def report(app: Application, story: Story) -> None:
    """Say what the REPORT lines in the log say, and what became of the broken picture."""
    reports = app.lines("thumbnails", '"REPORT RequestId"')
    inits = [float(found) for line in reports for found in re.findall(r"Init Duration: ([\d.]+)", line)]
    durations = [float(found) for line in reports for found in re.findall(r"\tDuration: ([\d.]+)", line)]
    story.tell(
        f"the log has {len(reports)} REPORT lines: {len(inits)} cold starts with an init of {statistics.median(inits):.0f} ms, "
        f"handlers ran {statistics.median(durations):.0f} ms (medians)"
    )
    wait_for(lambda: app.lines("failures", '"failed after"'), "the log of the on-failure destination")
    for line in app.lines("failures", '"failed after"'):
        story.tell(f"on-failure destination: {line}")


def show(app: Application) -> None:
    """Fetch the thumbnails and print the table."""
    target = WORK / "thumbnails"
    target.mkdir(exist_ok=True)
    print(f"\n{'picture':<14} {'status':<7} {'format':<7} {'size':<11} thumbnail")
    for row in app.rows():
        if row["picture"].startswith("again"):
            continue
        if row["status"] == "OK":
            app.s3.download_file("thumbnails", row["thumbnail"], str(target / row["thumbnail"]))
            size = f"{row['width']}x{row['height']}"
            print(f"{row['picture']:<14} {row['status']:<7} {row['format']:<7} {size:<11} {target / row['thumbnail']}")
        else:
            print(f"{row['picture']:<14} {row['status']:<7} {row['why']}")
    print()


def main() -> None:
    """Run the demo; end with status 0 when all of it went well."""
    WORK.mkdir(exist_ok=True)
    story = Story()
    with TemporaryDirectory(prefix="data-", dir=WORK) as data, server(story, Path(data).absolute()) as url:
        run(Application(url), story)


if __name__ == "__main__":
    os.environ.pop("AWS_PROFILE", None)
    main()
