"""What is said in the documents is what is."""

from __future__ import annotations

import re
from pathlib import Path

from tools import lifecycle

ROOT = Path(__file__).parents[2]


def test_the_diagram_is_the_tables() -> None:
    page = (ROOT / lifecycle.TARGET).read_text()
    assert lifecycle.with_diagram(page) == page, "run python tools/lifecycle.py"


def test_files_that_documents_name_are_there() -> None:
    missing = []
    for page in [ROOT / "README.md", ROOT / "SPECIFICATION.md", *(ROOT / "docs").rglob("*.md")]:
        names = re.findall(r"`((?:src|tests|docs|tools|benchmarks|demo)/[\w./-]+?\.(?:py|md|sql))(?:::\w+)?`", page.read_text())
        missing += [f"{page.relative_to(ROOT)} names {name}" for name in names if not (ROOT / name).exists()]
    assert not missing, missing


def test_tests_that_the_specification_names_are_there() -> None:
    missing = []
    for name, test in re.findall(r"`(tests/[\w./-]+\.py)::(\w+)`", (ROOT / "SPECIFICATION.md").read_text()):
        if f"def {test}(" not in (ROOT / name).read_text():
            missing.append(f"{name}::{test}")
    assert not missing, missing
