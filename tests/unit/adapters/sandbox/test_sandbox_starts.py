"""Which functions are moved into a process that waits, which get an interpreter of their own, and wrapper scripts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.unit.adapters.sandbox.sandbox_kit import launch_of, start, write

from lambent.adapters.sandbox import layout, starts
from lambent.adapters.sandbox.runtimes import NODES, Interpreter, Runtimes
from lambent.adapters.sandbox.snapshots import AnewSnapshot
from lambent.domain.environments import Ending, Sandbox

_PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_NODES = [f"nodejs{each}.x" for each in NODES if Runtimes(Path.home()).interpreter(f"nodejs{each}.x")]
needs_node = pytest.mark.skipif(not _NODES, reason="no Node on this machine")


@pytest.mark.parametrize(
    ("name", "value", "python", "node"),
    [
        ("TABLE", "orders", True, True),
        ("TZ", "Europe/Berlin", True, True),
        ("PYTHONPATH", "/opt/lib", True, True),
        ("PYTHONUNBUFFERED", "1", True, True),
        ("PYTHONHASHSEED", "0", False, True),
        ("NODE_ENV", "production", True, True),
        ("NODE_OPTIONS", "--enable-source-maps", True, False),
        ("UV_THREADPOOL_SIZE", "8", True, False),
        ("SSL_CERT_FILE", "/opt/ca.pem", True, False),
        ("LD_LIBRARY_PATH", layout.LIBRARY_PATH, True, True),
        ("LD_LIBRARY_PATH", "/opt/mine", False, False),
        ("LD_PRELOAD", "/opt/lib/libjemalloc.so", False, False),
        ("LANG", "en_US.UTF-8", True, True),
        ("LANG", "C", False, False),
        ("AWS_LAMBDA_EXEC_WRAPPER", "/opt/wrapper", False, False),
    ],
)
def test_what_only_a_starting_interpreter_reads(name: str, value: str, python: bool, node: bool) -> None:
    assert starts.moves_in({"A": "b", name: value}, Interpreter(Path("/usr/bin/python3.12"), "3.12.1")) is python
    assert starts.moves_in({"A": "b", name: value}, Interpreter(Path("/usr/bin/node"), "22.1.0")) is node


ASKED = """
import sys, os
def handler(event, context):
    return {"flags": [sys.flags.hash_randomization, sys.flags.optimize], "x": sorted(sys._xoptions), "argv": sys.argv[0][-12:], "who": os.environ["WHO"],
            "paths": [each for each in os.environ if "LAMBENT" in each], "through": sys.stdout.write_through}
"""


async def test_a_python_that_needs_to_start_is_started(sandbox: Sandbox, tmp_path: Path) -> None:
    variables = {"PYTHONHASHSEED": "0", "PYTHONOPTIMIZE": "1", "WHO": "me"}
    started = await start(sandbox, tmp_path, {"app.py": ASKED}, runtime=_PYTHON, variables=variables)
    assert started.init.ending is Ending.SUCCESS, started.output.text
    result = await started.result()
    assert result["flags"] == [0, 1]
    assert result["argv"] == "bootstrap.py"
    assert (result["who"], result["paths"], result["through"]) == ("me", [], False)
    assert (await started.invoke()).memory_peak_mb > 5


async def test_output_is_written_through_when_the_function_asks_for_it(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": ASKED}, runtime=_PYTHON, variables={"PYTHONUNBUFFERED": "1", "WHO": "me"})
    assert (await started.result())["through"] is True


# As AWS's guide shows it: the options go before the last argument.
PYTHON_WRAPPER = """#!/bin/bash
echo "wrapped $#"
export WHO=wrapper
last=${@: -1}
set -- "${@:1:$#-1}" -X importtime "$last"
exec "$@"
"""


async def test_a_wrapper_script_of_a_layer_starts_a_python(sandbox: Sandbox, tmp_path: Path) -> None:
    layer = write(tmp_path / "layer", {"wrapper": PYTHON_WRAPPER})
    (layer / "wrapper").chmod(0o755)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper", "WHO": "nobody"}
    started = await start(sandbox, tmp_path, {"app.py": ASKED}, runtime=_PYTHON, variables=variables, layers=(layer,))
    assert started.init.ending is Ending.SUCCESS, started.output.text
    result = await started.result()
    assert result["who"] == "wrapper"
    assert "importtime" in result["x"]
    assert "wrapped" in started.output.text
    assert "import time:" in started.output.text


async def test_a_wrapper_script_that_is_not_there(sandbox: Sandbox, tmp_path: Path) -> None:
    started = await start(sandbox, tmp_path, {"app.py": ASKED}, runtime=_PYTHON, variables={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/none"})
    assert started.init.error_type == "Runtime.InvalidEntrypoint"
    assert isinstance(started.init.payload, bytes)
    assert b"fork/exec /opt/none: no such file or directory" in started.init.payload


NODE = """
require('fs').writeSync(1, `loaded for ${process.env.WHO}\\n`);
exports.handler = async () => ({who: process.env.WHO, argv: process.argv.length, title: process.title, args: process.execArgv,
  cwd: process.cwd() === process.env.LAMBDA_TASK_ROOT, home: process.env.HOME, hours: new Date(0).getHours(), flag: globalThis.flag});
"""


@needs_node
async def test_a_node_that_waited_is_the_functions(sandbox: Sandbox, tmp_path: Path) -> None:
    for number in range(2):
        folder = tmp_path / str(number)
        variables = {"WHO": str(number), "TZ": "Asia/Tokyo", "AWS_LAMBDA_LOG_FORMAT": "JSON"}
        started = await start(sandbox, folder, {"app.js": NODE + "console.log('hi')"}, runtime=_NODES[-1], variables=variables)
        assert started.init.ending is Ending.SUCCESS, started.output.text
        result = await started.result()
        assert (result["who"], result["argv"], result["cwd"], result["args"], result["hours"]) == (str(number), 2, True, [], 9)
        assert "home" not in result
        assert f"loaded for {number}" in started.output.text
        assert any(framed and line.startswith(b"{") for line, framed in started.output.lines)
        assert 10 < (await started.invoke()).memory_peak_mb < 200
        await started.environment.stop()


@needs_node
async def test_a_node_with_options_is_started(sandbox: Sandbox, tmp_path: Path) -> None:
    variables = {"NODE_OPTIONS": "--title=optional", "WHO": "me"}
    started = await start(sandbox, tmp_path, {"app.js": NODE}, runtime=_NODES[-1], variables=variables)
    assert (await started.result())["title"] == "optional"


@needs_node
async def test_a_wrapper_script_starts_a_node(sandbox: Sandbox, tmp_path: Path) -> None:
    script = '#!/bin/sh\nWHO=wrapper\nnode=$1\nshift\nexec "$node" --title=wrapped "$@"\n'
    layer = write(tmp_path / "layer", {"scripts/wrapper": script})
    (layer / "scripts" / "wrapper").chmod(0o755)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/scripts/wrapper", "WHO": "nobody"}
    started = await start(sandbox, tmp_path, {"app.js": NODE}, runtime=_NODES[-1], variables=variables, layers=(layer,))
    assert started.init.ending is Ending.SUCCESS, started.output.text
    result = await started.result()
    assert (result["who"], result["title"], result["argv"]) == ("wrapper", "wrapped", 2)


async def test_a_python_that_needs_to_start_is_not_forked_from_a_snapshot(sandbox: Sandbox, tmp_path: Path) -> None:
    code = write(tmp_path / "code", {"app.py": ASKED})
    snapshot = await sandbox.snapshot(launch_of("source", code, runtime=_PYTHON, variables={"PYTHONHASHSEED": "0", "WHO": "me"}), 20.0)
    assert snapshot.outcome.ending is Ending.SUCCESS
    assert isinstance(snapshot, AnewSnapshot)
    await snapshot.close()
