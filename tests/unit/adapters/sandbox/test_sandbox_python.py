"""Python functions in the ``process`` driver, each with real processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.adapters.sandbox.sandbox_kit import running, start, write

from lambent.adapters.sandbox.layout import GUEST, link_python_runtime, sdk_runs_on
from lambent.adapters.sandbox.runtimes import PYTHONS, Runtimes
from lambent.domain.environments import Ending, Sandbox
from lambent.domain.errors import AwsError

_ALL = Runtimes(Path.home())
_FOUND = [f"python{each}" for each in PYTHONS if _ALL.interpreter(f"python{each}")]
_OURS = f"python{sys.version_info[0]}.{sys.version_info[1]}"

EVERYTHING = """
import logging, sys, os
print("importing", flush=True)
log = logging.getLogger(); log.setLevel("INFO")
try:
    import boto3
except ModuleNotFoundError:
    boto3 = None
def handler(event, context):
    print("out"); print("err", file=sys.stderr); os.write(1, b"partial")
    log.info("logged %s", 1)
    if event == "raise":
        raise ValueError("no good")
    return {"event": event, "version": "%d.%d" % sys.version_info[:2], "id": context.aws_request_id, "arn": context.invoked_function_arn,
            "left": context.get_remaining_time_in_millis(), "boto3": hasattr(boto3, "client"), "uvicorn": uvicorn()}
def uvicorn():
    try:
        import uvicorn
    except ImportError:
        return False
    return True
"""


@pytest.mark.parametrize("runtime", _FOUND)
async def test_every_python_serves_and_stays_warm_after_an_exception(sandbox: Sandbox, tmp_path: Path, runtime: str) -> None:
    started = await start(sandbox, tmp_path, {"app.py": EVERYTHING}, runtime=runtime)
    assert started.init.ending is Ending.SUCCESS, started.output.text
    first = await started.result({"a": 1})
    assert first["event"] == {"a": 1}
    assert first["version"] == runtime.removeprefix("python")
    assert 0 < first["left"] <= 10_000
    assert first["boto3"] == sdk_runs_on(runtime.removeprefix("python"))
    assert not first["uvicorn"]
    lines = [line for line, _ in started.output.lines]
    assert lines[:4] == [b"importing", b"out", b"err", b"partial"]
    record, framed = started.output.lines[4]
    assert framed
    assert record.startswith(b"[INFO]\t")
    assert record.endswith(f"\t{first['id']}\tlogged 1".encode())
    failed = await started.invoke("raise")
    assert failed.ending is Ending.ERROR
    assert failed.error_type == "ValueError"
    document = json.loads(failed.payload)  # type: ignore[arg-type]
    assert document["errorMessage"] == "no good"
    assert list(document) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (await started.result(2))["event"] == 2


async def test_import_error_carries_the_runtimes_document(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": "print('before')\nimport nowhere"}, runtime=_OURS)
    assert started.init.ending is Ending.ERROR
    assert started.init.error_type == "Runtime.ImportModuleError"
    assert json.loads(started.init.payload)["errorMessage"] == "Unable to import module 'app': No module named 'nowhere'"  # type: ignore[arg-type]
    assert started.output.text.startswith("before\n")
    assert "[ERROR] Runtime.ImportModuleError" in started.output.text


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("import os; print('last words', flush=True); os._exit(3)", 3, "Runtime exited with error: exit status 3"),
        ("import sys; print('last words'); sys.exit(0)", 0, "Runtime exited without providing a reason"),
        ("import os; os.write(2, b'last words'); os.kill(os.getpid(), 9)", -9, "Runtime exited with error: signal: killed"),
        (
            "import ctypes; print('last words', flush=True); ctypes.string_at(0)",
            -11,
            "Runtime exited with error: signal: segmentation fault",
        ),
    ],
)
async def test_exits_say_how_and_lose_no_output(sandbox: Sandbox, tmp_path: Path, code: str, status: int, message: str) -> None:
    started = await start(sandbox, tmp_path, {"app.py": f"def handler(event, context):\n    {code}"}, runtime=_OURS)
    outcome = await started.invoke()
    assert outcome.ending is Ending.EXIT
    assert outcome.exit_status == status
    document = json.loads(outcome.payload)  # type: ignore[arg-type]
    assert document["errorType"] == "Runtime.ExitError"
    assert document["errorMessage"].startswith("RequestId: request-")
    assert document["errorMessage"].endswith(f" Error: {message}")
    assert started.output.text.startswith("last words")


async def test_exit_while_importing(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": "import os\nos.write(1, b'x')\nos._exit(7)"}, runtime=_OURS)
    assert started.init.ending is Ending.EXIT
    assert started.init.exit_status == 7
    assert started.output.lines == [(b"x", False)]


async def test_timeout_kills_the_whole_tree_and_keeps_output(sandbox: Sandbox, tmp_path: Path) -> None:
    code = """
import os, subprocess, time
def handler(event, context):
    plain = subprocess.Popen(["sleep", "1000"])
    daemon = subprocess.Popen(["setsid", "sh", "-c", "sleep 1001 & sleep 1002"], start_new_session=True)
    double = subprocess.run(["sh", "-c", "setsid sleep 1003 >/dev/null 2>&1 & echo $!"], stdout=subprocess.PIPE)
    print(os.readlink("/proc/self/ns/pid"), plain.pid, daemon.pid, int(double.stdout), os.getpid(), flush=True)
    time.sleep(100)
"""
    started = await start(sandbox, tmp_path, {"app.py": code}, runtime=_OURS)
    outcome = await started.invoke(timeout_s=4)
    assert outcome.ending is Ending.TIMEOUT
    namespace, *pids = started.output.text.split()
    assert len(pids) == 4
    await _gone(namespace, [int(each) for each in pids])


async def test_a_flood_neither_blocks_nor_is_lost(sandbox: Sandbox, tmp_path: Path) -> None:
    code = """
import os
def handler(event, context):
    for number in range(50_000):
        os.write(1, b"%08d %s\\n" % (number, b"x" * 91))
    os.write(2, bytes(range(256)) * 4096)
    return "done"
"""
    started = await start(sandbox, tmp_path, {"app.py": code}, runtime=_OURS)
    assert await started.result() == "done"
    lines = [line for line, _ in started.output.lines]
    assert [int(line[:8]) for line in lines[:50_000]] == list(range(50_000))
    assert all(len(line) == 100 for line in lines[:50_000])
    assert b"\n".join(lines[50_000:]) == (bytes(range(256)) * 4096).replace(b"\r\n", b"\n")


async def test_stop_leaves_no_process_and_no_files(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "import os, tempfile\ndef handler(event, context):\n    tempfile.mkstemp(); return [os.getpid(), tempfile.gettempdir(), os.readlink('/proc/self/ns/pid')]"
    started = await start(sandbox, tmp_path, {"app.py": code}, runtime=_OURS)
    pid, folder, namespace = await started.result()
    own_tmp = namespace != os.readlink("/proc/self/ns/pid")
    assert own_tmp or list(Path(folder).iterdir())
    assert running(namespace, [pid])
    await started.environment.stop()
    await started.environment.stop()
    await _gone(namespace, [int(pid)])
    assert own_tmp or not Path(folder).exists()


async def test_oversized_response_is_the_functions_error(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": "def handler(event, context):\n    return 'x' * event"}, runtime=_OURS)
    outcome = await started.invoke(6_291_556)
    assert outcome.ending is Ending.ERROR
    assert outcome.error_type == "Function.ResponseSizeTooLarge"
    assert await started.result(6_291_554) == "x" * 6_291_554


async def test_layers_and_bundled_packages_come_before_the_runtimes(sandbox: Sandbox, tmp_path: Path) -> None:
    lower = write(tmp_path / "lower", {"python/shared.py": "who = 'lower'", "python/only.py": "who = 'only'", "bin/tool": ""})
    upper = write(tmp_path / "upper", {f"python/lib/{_OURS}/site-packages/shared.py": "who = 'upper'"})
    code = "import shared, only, six\ndef handler(event, context):\n    return [shared.who, only.who, six.who]"
    started = await start(sandbox, tmp_path, {"app.py": code, "six.py": "who = 'mine'"}, runtime=_OURS, layers=(lower, upper))
    assert await started.result() == ["upper", "only", "mine"]


async def test_process_is_limited_and_clean(sandbox: Sandbox, tmp_path: Path) -> None:
    code = """
import os, resource
def handler(event, context):
    return {"files": resource.getrlimit(resource.RLIMIT_NOFILE), "core": resource.getrlimit(resource.RLIMIT_CORE),
            "fds": sorted(os.listdir("/proc/self/fd")),
            "leader": os.getsid(0) == os.getpid(), "env": dict(os.environ), "cwd": os.getcwd()}
"""
    started = await start(sandbox, tmp_path, {"app.py": code}, runtime=_OURS, variables={"MINE": "1"})
    seen = await started.result()
    assert seen["files"] == [1024, 1024]
    assert seen["core"] == [0, 0]
    assert len(seen["fds"]) <= 6
    assert seen["leader"]
    assert seen["env"]["MINE"] == "1"
    assert "HOME" not in seen["env"]
    assert seen["env"]["LAMBDA_TASK_ROOT"] == seen["cwd"]
    assert not set(seen["env"]) & (
        set(os.environ) - {"PATH", "LANG", "TZ", "TMPDIR", "PYTHONPATH", "LC_CTYPE", "LD_LIBRARY_PATH", "AWS_REGION"}
    )


async def test_unknown_and_missing_runtimes_are_refused_with_a_remedy(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(AwsError, match="java21"):
        await start(sandbox, tmp_path, {}, runtime="java21")


async def _gone(namespace: str, pids: list[int]) -> None:
    """Return when the killed processes have left, or wait to be reaped; on a busy machine that takes the kernel a moment."""
    left = pids
    for _ in range(500):
        left = running(namespace, pids)
        if not left:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"still running: {left}")


async def test_a_variable_names_further_folders_of_modules(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "import further\ndef handler(event, context):\n    return further.who"
    there = "/var/task/more" if sandbox.name == "namespaces" else str(tmp_path / "more")
    files = {"app.py": code, "more/further.py": "who = 'there'"}
    write(tmp_path, {"more/further.py": files["more/further.py"]})
    started = await start(sandbox, tmp_path, files, runtime=_OURS, variables={"PYTHONPATH": there})
    assert await started.result() == "there"


@pytest.mark.parametrize("runtime", [each for each in _FOUND if each in ("python3.11", "python3.12", "python3.13")])
async def test_what_awslambdaric_reads_when_it_is_imported_is_the_functions(sandbox: Sandbox, tmp_path: Path, runtime: str) -> None:
    code = "def handler(event, context):\n    if event:\n        return event\n    raise ValueError('no')\n"
    variables = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}"}
    started = await start(sandbox, tmp_path, {"app.py": code}, runtime=runtime, variables=variables)
    answer = await started.invoke("é")
    assert answer.payload == ('"é"'.encode() if runtime != "python3.11" else b'"\\u00e9"')
    assert (await started.invoke()).ending is Ending.ERROR
    line, framed = started.output.lines[-1]
    assert framed
    record = json.loads(line)
    assert (record["level"], record["errorType"], record["errorMessage"]) == ("ERROR", "ValueError", "no")


UNTOUCHED = """
import logging, os, random, ssl, sys, threading
born = random.random()
def handler(event, context):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        logging.getLogger().warning("from the child")
        os.write(write, str(random.random()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return {"born": born, "child": float(os.read(read, 99)), "mine": random.random(), "secret": ssl.RAND_bytes(8).hex(),
            "thread": threading.main_thread().native_id == os.getpid(),
            "handlers": len(logging.root.handlers), "rehearsed": [each for each in sys.modules if "rehears" in each], "argv": sys.argv[1:],
            "variable": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"), "hooks": os.register_at_fork.__name__}
"""


async def test_a_fork_is_like_a_fresh_interpreter(sandbox: Sandbox, tmp_path: Path) -> None:
    found = []
    for number in range(2):
        started = await start(sandbox, tmp_path / str(number), {"app.py": UNTOUCHED}, runtime=_OURS)
        found.append(await started.result())
        assert any(b"from the child" in line for line, _ in started.output.lines)
        await started.environment.stop()
    assert len({each[name] for each in found for name in ("born", "child", "mine", "secret")}) == 8
    for each in found:
        assert each["thread"]
        assert (each["handlers"], each["rehearsed"], each["argv"], each["variable"]) == (1, [], [], "f")
        assert each["hooks"] == "register_at_fork"


@pytest.mark.parametrize("runtime", _FOUND)
def test_the_short_way_through_json_is_awslambdarics(tmp_path: Path, runtime: str) -> None:
    interpreter = _ALL.interpreter(runtime)
    assert interpreter is not None
    folder = link_python_runtime(tmp_path / "runtime", interpreter.release)
    script = Path(__file__).with_name("plain_json.py")
    argv = [str(interpreter.path), "-S", str(script), str(GUEST), str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


WRAPPING = """
import sys
bootstrap = sys.modules["__main__"].bootstrap
Client = bootstrap.LambdaRuntimeClient
Marshaller = type(Client.marshaller)
seen = []
def wrap(owner, name):
    wrapped = getattr(owner, name)
    def wrapper(*args, **kwargs):
        seen.append(name)
        return wrapped(*args, **kwargs)
    setattr(owner, name, wrapper)
wrap(bootstrap, "handle_event_request")
wrap(Marshaller, "unmarshal_request")
wrap(Marshaller, "marshal_response")
wrap(Client, "post_invocation_result")
def handler(event, context):
    told, seen[:] = seen[:], []
    return told
"""


async def test_who_wraps_what_is_awslambdarics_is_called(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": WRAPPING}, runtime=_OURS)
    assert await started.result() == ["handle_event_request", "unmarshal_request"]
    after = ["marshal_response", "post_invocation_result"]
    assert await started.result() == [*after, "handle_event_request", "unmarshal_request"]
    await started.environment.stop()


CONTEXT = """
import os
theirs = os.environ
def handler(event, context):
    os.environ = theirs
    if event == "replaced":
        os.environ = {"AWS_LAMBDA_FUNCTION_NAME": "another"}
    elif event is None:
        os.environ.pop("AWS_LAMBDA_FUNCTION_NAME", None)
    else:
        os.environ["AWS_LAMBDA_FUNCTION_NAME"] = event
    return context.function_name
"""


async def test_a_context_has_the_variables_as_they_are_now(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": CONTEXT}, runtime=_OURS)
    events = ["g", "g", None, None, "", "h", "replaced", "replaced", "i", "i"]
    names = [await started.result(event) for event in events]
    assert names == ["f", "g", "g", None, None, "", "h", "another", "another", "i"]


TRACE = """
import ctypes, os, subprocess
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_void_p
def handler(event, context):
    place = getenv(b"_X_AMZN_TRACE_ID")
    told = [os.environ.get("_X_AMZN_TRACE_ID"), place and ctypes.string_at(place).decode()]
    told.append(subprocess.run(["/bin/sh", "-c", 'printf "%s" "$_X_AMZN_TRACE_ID"'], stdout=subprocess.PIPE).stdout.decode() or None)
    if event == "set":
        os.environ["_X_AMZN_TRACE_ID"] = "the function's"
    elif event == "unset":
        del os.environ["_X_AMZN_TRACE_ID"]
    elif event == "same":
        os.environ["_X_AMZN_TRACE_ID"] = os.environ["_X_AMZN_TRACE_ID"]
    elif event == "all":
        others = dict(os.environ)
        os.environ.clear()
        os.environ.update(others)
    return told, place
"""


async def test_a_trace_is_in_the_environment_and_takes_no_memory_each_time(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": TRACE}, runtime=_OURS)
    places = []
    for event, trace in [
        ("", "Root=1"),
        ("set", "Root=2;é"),
        ("unset", "Root=3"),
        ("", "R" * 2_000),
        ("", ""),
        ("same", "Root=4"),
        ("all", "Root=5"),
        ("", "Root=6"),
        ("", "Root=7"),
    ]:
        told, place = await started.result(event, trace_header=trace)
        assert told == [trace or None] * 3
        places.append(place)
    if sandbox.name == "namespaces":
        assert len({places[at] for at in (0, 1, 2, 5, 6, 7, 8)}) == 1


STREAMS = """
import io, sys
def handler(event, context):
    if event == "below":
        sys.stdout.buffer.write(b"from below\\n")
        sys.__stderr__.write("past it")
    elif event == "closed":
        sys.stdout = io.StringIO()
        sys.stdout.close()
        sys.stderr = None
    return event
"""


async def test_what_was_written_past_the_runtime_comes_before_the_answer(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": STREAMS}, runtime=_OURS)
    assert await started.result("below") == "below"
    assert [line for line, _ in started.output.lines] == [b"from below", b"past it"]
    assert await started.result("closed") == "closed"
    assert await started.result("after") == "after"
