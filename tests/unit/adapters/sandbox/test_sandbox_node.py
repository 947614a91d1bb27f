"""Node functions in the ``process`` driver."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.adapters.sandbox.sandbox_kit import start

from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.adapters.sandbox.responses import StreamBroken
from lambent.adapters.sandbox.runtimes import NODES, Runtimes
from lambent.domain.environments import Ending

_FOUND = [f"nodejs{each}.x" for each in NODES if Runtimes(Path.home()).interpreter(f"nodejs{each}.x")]
pytestmark = pytest.mark.skipif(not _FOUND, reason="no Node on this machine")
_NODE = _FOUND[-1] if _FOUND else ""


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (
            "app.js",
            "exports.handler = (event, context, done) => setTimeout(() => done(null, {event, id: context.awsRequestId}), 5)",
        ),
        ("app.js", "exports.handler = async (event, context) => ({event, id: context.awsRequestId})"),
        ("app.js", "exports.handler = (event, context) => Promise.resolve({event, id: context.awsRequestId})"),
        ("app.js", "exports.handler = (event, context) => context.succeed({event, id: context.awsRequestId})"),
        ("app.cjs", "exports.handler = async (event, context) => ({event, id: context.awsRequestId})"),
        (
            "app.mjs",
            "await import('./x.mjs'); export const handler = async (event, {awsRequestId: id}) => ({event, id})",
        ),
    ],
)
async def test_every_kind_of_handler(sandbox: ProcessSandbox, tmp_path: Path, file: str, code: str) -> None:
    started = await start(sandbox, tmp_path, {file: code, "x.mjs": "export const x = 1"}, runtime=_NODE)
    assert started.init.ending is Ending.SUCCESS, started.output.text
    for number in range(3):
        result = await started.result({"n": number})
        assert result["event"] == {"n": number}
        assert result["id"].startswith("request-")


async def test_es_module_by_package_json_and_nested_handler(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    files = {"package.json": '{"type":"module"}', "src/app.js": "export const deep = {handler: async () => import.meta.url.slice(-10)}"}
    started = await start(sandbox, tmp_path, files, runtime=_NODE, handler="src/app.deep.handler")
    assert await started.result() == "src/app.js"


async def test_an_error_keeps_it_warm_and_has_awss_shape(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    code = "exports.handler = async (e) => { console.log('got %s\\nmore', e); if (e) throw new TypeError('bad'); return 'ok' }"
    started = await start(sandbox, tmp_path, {"app.js": code}, runtime=_NODE)
    outcome = await started.invoke(1)
    assert (outcome.ending, outcome.error_type) == (Ending.ERROR, "TypeError")
    document = json.loads(outcome.payload)  # type: ignore[arg-type]
    assert list(document) == ["errorType", "errorMessage", "trace"]
    assert document["errorMessage"] == "bad"
    assert document["trace"][0] == "TypeError: bad"
    line, framed = started.output.lines[0]
    assert framed
    time, request_id, level, message = line.decode().split("\t")
    assert (level, message) == ("INFO", "got 1\nmore")
    assert request_id.startswith("request-")
    assert time.endswith("Z")
    assert b"\tERROR\tInvoke Error \t{" in started.output.lines[1][0]
    assert await started.result(0) == "ok"


@pytest.mark.parametrize(
    ("files", "error_type"),
    [
        ({"other.js": ""}, "Runtime.ImportModuleError"),
        ({"app.js": "require('nowhere')"}, "Runtime.ImportModuleError"),
        ({"app.js": "exports.handler = ("}, "Runtime.UserCodeSyntaxError"),
        ({"app.js": "exports.other = 1"}, "Runtime.HandlerNotFound"),
        ({"app.js": "throw new RangeError('x')"}, "RangeError"),
    ],
)
async def test_init_errors(sandbox: ProcessSandbox, tmp_path: Path, files: dict[str, str], error_type: str) -> None:
    started = await start(sandbox, tmp_path, files, runtime=_NODE)
    assert started.init.ending is Ending.ERROR
    assert started.init.error_type == error_type
    assert "Uncaught Exception" in started.output.text


async def test_exit_and_unhandled_rejection(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    code = "exports.handler = (e, c, cb) => { if (e) { process.stdout.write('bye'); process.exit(e) } Promise.reject(new Error('lost')) }"
    started = await start(sandbox, tmp_path, {"app.js": code}, runtime=_NODE)
    outcome = await started.invoke(5)
    assert (outcome.ending, outcome.exit_status) == (Ending.EXIT, 5)
    assert started.output.text == "bye"
    again = await start(sandbox, tmp_path, {"app.js": code}, runtime=_NODE)
    rejected = await again.invoke(0)
    assert rejected.error_type == "Runtime.UnhandledPromiseRejection"


STREAMING = """
const handler = async (event, out, context) => {
  out = awslambda.HttpResponseStream.from(out, {statusCode: 201});
  for (let i = 0; i < event.pieces; i++) { if (!out.write('x'.repeat(event.size))) await new Promise((r) => out.once('drain', r)); }
  if (event.fail) throw new Error('midway');
  if (event.exit) process.exit(4);
  if (event.hang) await new Promise((r) => setTimeout(r, 100000));
  out.end();
};
exports.handler = awslambda.streamifyResponse(handler);
"""


async def test_streamed_response_in_pieces_and_whole(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.js": STREAMING}, runtime=_NODE)
    outcome = await started.invoke({"pieces": 200, "size": 50_000}, streamed=True)
    assert isinstance(outcome.payload, AsyncIterator)
    assert outcome.content_type == "application/vnd.awslambda.http-integration-response"
    body = b"".join([piece async for piece in outcome.payload])
    assert body == b'{"statusCode":201}' + bytes(8) + b"x" * 10_000_000
    whole = await started.invoke({"pieces": 2, "size": 3})
    assert whole.payload == b'{"statusCode":201}' + bytes(8) + b"xxxxxx"


@pytest.mark.parametrize(("how", "code"), [("fail", "Error"), ("exit", "Runtime.ExitError"), ("hang", "Sandbox.Timedout")])
async def test_streamed_response_that_breaks(sandbox: ProcessSandbox, tmp_path: Path, how: str, code: str) -> None:
    started = await start(sandbox, tmp_path, {"app.js": STREAMING}, runtime=_NODE)
    outcome = await started.invoke({"pieces": 1, "size": 3, how: True}, streamed=True, timeout_s=1.0)
    with pytest.raises(StreamBroken) as broken:
        async for _ in outcome.payload:  # type: ignore[union-attr]
            pass
    assert broken.value.code == code


async def test_json_logs(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    code = "exports.handler = async () => { console.debug('no'); console.warn('a', {b: 1}); console.error(new Error('e')) }"
    names = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    started = await start(sandbox, tmp_path, {"app.js": code}, runtime=_NODE, variables=names)
    assert await started.result() is None
    first, second = (json.loads(line) for line, _ in started.output.lines)
    assert (first["level"], first["message"]) == ("WARN", "a { b: 1 }")
    assert (second["level"], second["errorType"], second["errorMessage"]) == ("ERROR", "Error", "e")
