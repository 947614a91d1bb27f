"""The commands."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from msgspec.structs import asdict

from lambent.base import settings as settings_module
from lambent.base.settings import Settings
from lambent.cli.client import Client, error_text
from lambent.cli.tail import LogTail
from lambent.domain.errors import StartupError
from lambent.server.doctor import examine
from lambent.server.run import serve


def _settings(**flags: Any) -> Settings:
    try:
        return settings_module.load(flags)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _client(port: int | None = None) -> Client:
    settings = _settings(port=port)
    return Client(settings.endpoint_url, settings.region, settings.root_keys)


_port = click.option("--port", type=click.IntRange(1, 65535), help="The server's port (4566).")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lambent")
def main() -> None:
    """AWS Lambda that you run yourself."""


@main.command()
@_port
@click.option("--host", help="Address to listen on (127.0.0.1).")
@click.option("--public-host", help="Host and port in URLs that are handed out (localhost:<port>).")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where state is kept (~/.local/share/lambent).")
@click.option("--ephemeral", is_flag=True, default=None, help="Keep nothing.")
@click.option("--region", help="Region of requests that name none (us-east-1).")
@click.option(
    "--s3-new-buckets",
    type=click.Choice(["closed", "open"]),
    help="Whether new buckets begin as AWS's, or as before April 2023: with ACLs and open to the public.",
)
@click.option("--runtimes", type=click.Choice(["exact", "nearest"]), help="Whether the nearest installed version may serve a runtime.")
@click.option("--sandbox", type=click.Choice(["auto", "namespaces", "process"]), help="How functions are isolated (auto: the best).")
@click.option(
    "--iam",
    type=click.Choice(["known", "enforce", "off"]),
    help="Whose policies are enforced: of roles that IAM knows; of all, those that it doesn't know may do nothing; of none.",
)
@click.option(
    "--network",
    type=click.Choice(["isolated", "internet", "host"]),
    help="What functions reach: the gateway only (isolated), other machines but not this one (internet), or all that this machine does.",
)
@click.option("--time-scale", type=float, help="60: a minute passes in a second.")
@click.option("--upstream", "upstream", multiple=True, metavar="SERVICE=URL", help="Send a service elsewhere; may be repeated.")
def start(upstream: tuple[str, ...], **flags: Any) -> None:
    """Serve until Ctrl-C."""
    if upstream:
        flags["upstreams"] = ",".join(upstream)
    try:
        serve(_settings(**flags))
    except StartupError as error:
        raise click.ClickException(str(error)) from None


@main.command()
@_port
def env(port: int | None) -> None:
    """Print shell variables that point AWS tools at the server: eval "$(lambent env)"."""
    settings = _settings(port=port)
    access_key_id, secret = settings.root_keys or ("test", "test")
    for name, value in {
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_REGION": settings.region,
    }.items():
        click.echo(f"export {name}={value}")


@main.command()
@_port
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(port: int | None, as_json: bool) -> None:
    """Say what the server serves, and how durably."""
    health = _client(port).health()
    if as_json:
        click.echo(json.dumps(health, indent=2))
        return
    for name, value in health.items():
        if isinstance(value, dict):
            click.echo(f"{name}:")
            for key, each in value.items():
                click.echo(f"  {key:<16} {each}")
        else:
            click.echo(f"{name}: {value}")


@main.command()
@click.option("--all", "everything", is_flag=True, help="Runtimes that AWS has retired, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(everything: bool, as_json: bool) -> None:
    """List the runtimes that this machine can serve, and what to install for the others."""
    findings = [each for each in examine(_settings()) if everything or not each.retired]
    if as_json:
        click.echo(json.dumps([asdict(each) for each in findings], indent=2))
        return
    for found in sorted(findings, key=lambda each: not each.available):
        mark = "yes" if found.available else "no "
        click.echo(f"{mark}  {found.runtime:<16} {found.interpreter or found.remedy}")


@main.command()
@_port
@click.argument("function")
@click.argument("payload", default="")
@click.option("--qualifier", default="", help="A version or an alias.")
@click.option("--event", is_flag=True, help="Asynchronously.")
def invoke(port: int | None, function: str, payload: str, qualifier: str, event: bool) -> None:
    """Invoke FUNCTION with PAYLOAD (JSON, or - for standard input); the response goes to stdout, the log's tail to stderr."""
    client = _client(port)
    body = sys.stdin.buffer.read() if payload == "-" else payload.encode()
    headers = {"x-amz-log-type": "Tail", "x-amz-invocation-type": "Event" if event else "RequestResponse"}
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    query = f"Qualifier={quote(qualifier, safe='')}" if qualifier else ""
    code, answer, data = client.call("lambda", "POST", path, body, headers, query)
    tail = base64.b64decode(answer.get("x-amz-log-result", ""))
    click.echo(tail.decode(errors="replace"), err=True, nl=False)
    if code >= 300:
        raise click.ClickException(error_text(code, answer, data))
    click.echo(data.decode(errors="replace"))
    if "x-amz-function-error" in answer:
        raise SystemExit(1)


@main.command()
@_port
@click.argument("function")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--since", type=click.FloatRange(min=0), default=600.0, help="From so many seconds ago (600).")
def logs(port: int | None, function: str, follow: bool, since: float) -> None:
    """Print the log of FUNCTION (or of the log group, when it begins with /)."""
    tail = LogTail(_client(port), function if function.startswith("/") else f"/aws/lambda/{function}", since)
    with contextlib.suppress(KeyboardInterrupt):
        for message in tail.follow() if follow else tail.read():
            click.echo(message)
