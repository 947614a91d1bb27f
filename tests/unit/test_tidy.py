"""The budgets of the house style, kept as a ratchet.

A file over a budget stands in ``ALLOWED`` with its present figure. It may not grow; when it shrinks, lower the figure or strike the line
out. Nothing is ever added: split the module or the function instead.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.unit import tidy_kit as tidy
from tests.unit.tidy_kit import Source


@dataclass(frozen=True)
class Rule:
    """What is measured of each file, how much of it is allowed, and where."""

    name: str
    measure: Callable[[Source], int]
    budget: int
    folders: tuple[str, ...]
    exempt: tuple[str, ...] = ()  #: beginnings of paths
    findings: Callable[[Source], list[str]] | None = None  #: says what was counted


def _nothing(name: str, findings: Callable[[Source], list[str]], *folders: str, exempt: tuple[str, ...] = ()) -> Rule:
    return Rule(name, tidy.count(findings), 0, folders, exempt, findings)


PACKAGE = "src/lambent"
GUEST = "src/lambent/adapters/sandbox/guest/"
"""Runs inside environments, without our package and with an environment of its own."""

RULES = (
    Rule("lines of a module", tidy.longest_module, 600, (PACKAGE, "tests")),
    Rule("lines of a function", tidy.longest_function, 70, (PACKAGE, "tests")),
    Rule("positional parameters", tidy.most_positional_parameters, 6, (PACKAGE,)),
    _nothing("own imports inside functions", tidy.own_imports_in_functions, PACKAGE),
    # Each takes a millisecond to make, at every start of every command; a msgspec.Struct takes a twentieth.
    _nothing("dataclasses", tidy.dataclasses_made, PACKAGE),
    # A server has a hundred, and needs a few: see ``base/regexes.py``.
    _nothing("expressions compiled at import", tidy.expressions_compiled, PACKAGE, exempt=(GUEST,)),
    _nothing("global statements", tidy.globals_declared, PACKAGE),
    _nothing("reads of the environment", tidy.environment_read, PACKAGE, exempt=("src/lambent/base/settings.py", GUEST)),
    _nothing("broad excepts without a reason", tidy.broad_excepts, PACKAGE, exempt=(GUEST,)),
    _nothing("missing docstrings", tidy.docstrings_missing, PACKAGE),
    _nothing("work put off", tidy.unfinished, PACKAGE, "tests"),
    _nothing("mock.patch", tidy.patched, "tests"),
    # What talks to real processes and servers has to wait for them; all else runs on virtual time.
    _nothing("real sleeps in unit tests", tidy.real_sleeps, "tests/unit", exempt=("tests/unit/adapters/sandbox/",)),
)

ALLOWED: dict[tuple[str, str], int] = {
    ("positional parameters", "src/lambent/gateway/app.py"): 7,
    ("real sleeps in unit tests", "tests/unit/engine/test_invoker.py"): 3,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_file_is_over_its_budget(rule: Rule) -> None:
    complaints = []
    for source in tidy.sources(*rule.folders):
        if source.path.startswith(rule.exempt) and rule.exempt:
            continue
        found = rule.measure(source)
        if found > ALLOWED.get((rule.name, source.path), rule.budget):
            complaints.append(f"{source.path}: {found} {rule.name} {rule.findings(source) if rule.findings else ''}")
    assert not complaints, "\n".join([f"{rule.name}: at most {rule.budget}", *complaints])


def test_allowances_are_needed_and_tight() -> None:
    rules = {rule.name: rule for rule in RULES}
    loose = {}
    for (name, path), allowed in ALLOWED.items():
        assert allowed > rules[name].budget
        found = next((rules[name].measure(source) for source in tidy.sources(*rules[name].folders) if source.path == path), 0)
        if found < allowed:
            loose[name, path] = found
    assert not loose, f"lower these figures in ALLOWED, or strike them out: {loose}"


def test_modules_and_functions_are_small_on_the_whole() -> None:
    sources = tidy.sources(PACKAGE)
    assert statistics.median(len(source.lines) for source in sources if not source.path.endswith("__init__.py")) <= 160
    assert statistics.median((node.end_lineno or 0) - node.lineno + 1 for source in sources for _, node, _ in source.functions) <= 10


@pytest.mark.parametrize(
    ("check", "bad", "good"),
    [
        (
            tidy.own_imports_in_functions,
            "def f():\n    from lambent.base import ids",
            "from lambent.base import ids\ndef f():\n    import os",
        ),
        (tidy.dataclasses_made, "@dataclass(frozen=True)\nclass C:\n    x: int", "class C(msgspec.Struct):\n    x: int"),
        (tidy.globals_declared, "def f():\n    global x\n    x = 1", "x = 1"),
        (tidy.expressions_compiled, "import re\nA = re.compile('a')", "import re\ndef f():\n    re.compile('a')"),
        (tidy.environment_read, "import os\nos.environ['HOME']", "import os\nos.path"),
        (tidy.environment_read, "from os import getenv", "from os import path"),
        (tidy.broad_excepts, "try:\n    f()\nexcept Exception:\n    pass", "try:\n    f()\nexcept (OSError, ValueError):\n    pass"),
        (tidy.broad_excepts, "try:\n    f()\nexcept:\n    pass", "try:\n    f()\nexcept BaseException:\n    g()\n    raise"),
        (
            tidy.broad_excepts,
            "try:\n    f()\nexcept Exception:  # noqa: BLE001\n    pass",
            "try:\n    f()\nexcept Exception:  # noqa: BLE001 - the caller\n    pass",
        ),
        (tidy.docstrings_missing, '"""M."""\nclass C:\n    """C."""\n    def m(self): ...', '"""M."""\ndef _f(): ...'),
        (tidy.docstrings_missing, "x = 1", '"""M."""'),
        (tidy.unfinished, "x = 1  # TO" + "DO later", "x = 'TODOS'"),
        (tidy.patched, "from unittest import mock\nmock.patch('x')", "client.patch('x')"),
        (tidy.patched, "from unittest.mock import patch", "from unittest.mock import sentinel"),
        (tidy.real_sleeps, "import time\ntime.sleep(1)", "import asyncio\nasyncio.sleep(0)"),
    ],
)
def test_the_checks_can_tell(check: Callable[[Source], list[str]], bad: str, good: str) -> None:
    assert check(Source("bad.py", bad))
    assert not check(Source("good.py", good))


def test_the_measures_measure() -> None:
    methods = "class C:\n    def m(self, a, b, /, c, *, d): ...\n\n    @staticmethod\n    def s(a, b, c, e): ...\n"
    source = Source("x.py", methods + "\ndef f():\n    x = 1\n    return x\n")
    assert tidy.longest_module(source) == 9
    assert tidy.longest_function(source) == 3
    assert tidy.most_positional_parameters(source) == 4
