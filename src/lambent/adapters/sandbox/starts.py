"""How a managed runtime is started: moved into a process that waits, or executed. Pure.

What only a starting interpreter, its C library or its loader reads has no effect on one that runs already. A function that sets such
a variable gets an interpreter of its own, and so does one whose runtime is started by a wrapper script
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lambent.adapters.sandbox import layout, roots
from lambent.adapters.sandbox.runtimes import Interpreter

WRAPPER: Final = "AWS_LAMBDA_EXEC_WRAPPER"
_BY_ALL: Final = ("LD_", "LC_", "MALLOC_", "GLIBC_", "OPENSSL_")
_BY_PYTHON: Final = (*_BY_ALL, "PYTHON")
_BY_NODE: Final = (*_BY_ALL, "NODE_", "UV_", "SSL_CERT_")
_DEFAULTS: Final = {"LD_LIBRARY_PATH": layout.LIBRARY_PATH, "LANG": "en_US.UTF-8"}
# Read when they are needed, or seen to by the process that waits, or without a meaning where nothing can be written.
_ANY_TIME: Final = frozenset(
    (
        *("PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONBREAKPOINT", "PYTHONASYNCIODEBUG", "PYTHONSTARTUP"),
        *("NODE_ENV", "NODE_PATH"),
    )
)


def is_read_at_start(name: str, value: str, *, is_node: bool) -> bool:
    """Return whether a variable has an effect only on an interpreter that starts."""
    if name in _DEFAULTS:
        return value != _DEFAULTS[name]
    return name == WRAPPER or (name.startswith(_BY_NODE if is_node else _BY_PYTHON) and name not in _ANY_TIME)


def moves_in(variables: Mapping[str, str], interpreter: Interpreter) -> bool:
    """Return whether a function with such variables can be moved into a process that waits."""
    return not any(is_read_at_start(*each, is_node=interpreter.is_node) for each in variables.items())


def waiting(interpreter: Interpreter) -> dict[str, object]:
    """Return what a Node that waits to be told which function it is is started with."""
    variables = {"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": layout.PATH, "LD_LIBRARY_PATH": layout.LIBRARY_PATH}
    return {"argv": [*command(interpreter), "--wait"], "env": variables | {"NODE_PATH": node_path(interpreter)}}


def command(interpreter: Interpreter) -> tuple[str, ...]:
    """Return the command line of a runtime; the script comes last, as wrappers expect that put options before it."""
    if interpreter.is_node:
        return roots.executable(interpreter), "/var/runtime/index.mjs"
    return roots.executable(interpreter), "-s", "-S", "/var/runtime/bootstrap.py"


def node_path(interpreter: Interpreter) -> str:
    """Return where Node looks for modules of layers."""
    return f"/opt/nodejs/node{interpreter.release}/node_modules:/opt/nodejs/node_modules:/var/task"


def wrapped(argv: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command line with the function's wrapper script, if it names one, before it."""
    wrapper = variables.get(WRAPPER, "")
    return (wrapper, *argv) if wrapper else argv
