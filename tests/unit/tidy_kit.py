"""What the tidy test measures: each check reads one file's syntax tree and gives its findings."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A Python file of the project."""

    path: str  #: from the root of the project, with slashes
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def functions(self) -> list[tuple[str, Function, bool]]:
        """Every function: its dotted name, its node, whether it is a method."""
        return list(_functions(self.tree, "", False))


def _functions(node: ast.AST, prefix: str, in_class: bool) -> Iterator[tuple[str, Function, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{prefix}{child.name}", child, in_class
            yield from _functions(child, f"{prefix}{child.name}.", False)
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.", True)
        else:
            yield from _functions(child, prefix, in_class)


@lru_cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Return the folders' Python files, but for generated ones."""
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), path.read_text())
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.name.startswith("_generated_")
    )


def longest_module(source: Source) -> int:
    """Return the file's lines."""
    return len(source.lines)


def longest_function(source: Source) -> int:
    """Return the lines of the file's longest function, without its decorators."""
    return max(((node.end_lineno or 0) - node.lineno + 1 for _, node, _ in source.functions), default=0)


def most_positional_parameters(source: Source) -> int:
    """Return how many parameters the most demanding function takes by position, ``self`` and ``cls`` aside."""
    return max((_positional(node, method) for _, node, method in source.functions), default=0)


def _positional(node: Function, method: bool) -> int:
    static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)
    return len(node.args.posonlyargs) + len(node.args.args) - int(method and not static)


def own_imports_in_functions(source: Source) -> list[str]:
    """Return the functions that import our own package."""
    return [
        f"{name} imports {_imported(each)}"
        for name, node, _ in source.functions
        for each in ast.walk(node)
        if isinstance(each, ast.Import | ast.ImportFrom) and _imported(each).split(".")[0] == "lambent"
    ]


def _imported(node: ast.Import | ast.ImportFrom) -> str:
    return (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name


def dataclasses_made(source: Source) -> list[str]:
    """Return the classes that are dataclasses."""
    return [
        node.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(each) for each in node.decorator_list)
    ]


def expressions_compiled(source: Source) -> list[str]:
    """Return the regular expressions that are compiled when the module is imported."""
    inside = {id(each) for _, node, _ in source.functions for each in ast.walk(node)}
    return [
        ast.unparse(each)
        for each in ast.walk(source.tree)
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "re.compile" and id(each) not in inside
    ]


def globals_declared(source: Source) -> list[str]:
    """Return the ``global`` statements."""
    return [f"global {', '.join(each.names)}" for each in ast.walk(source.tree) if isinstance(each, ast.Global)]


def environment_read(source: Source) -> list[str]:
    """Return where the process's environment is looked at."""
    found = [f"os.{each.attr}" for each in ast.walk(source.tree) if isinstance(each, ast.Attribute) and _is_environment(each)]
    found += [
        f"from os import {name.name}"
        for each in ast.walk(source.tree)
        if isinstance(each, ast.ImportFrom) and each.module == "os"
        for name in each.names
        if name.name in ("environ", "environb", "getenv")
    ]
    return found


def _is_environment(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in ("environ", "environb", "getenv", "putenv")


_REASON = re.compile(r"#\s*noqa:[A-Z0-9, ]*\bBLE001\b[A-Z0-9, ]*-\s+\S+")


def broad_excepts(source: Source) -> list[str]:
    """Return the ``except`` clauses that catch everything and don't say who sees the error; cleaning up and raising on is no catching."""
    return [
        source.lines[each.lineno - 1].strip()
        for each in ast.walk(source.tree)
        if isinstance(each, ast.ExceptHandler)
        and _is_broad(each)
        and not _raises_on(each)
        and not _REASON.search(source.lines[each.lineno - 1])
    ]


def _is_broad(node: ast.ExceptHandler) -> bool:
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(each is None or (isinstance(each, ast.Name) and each.id in ("Exception", "BaseException")) for each in kinds)


def _raises_on(node: ast.ExceptHandler) -> bool:
    last = node.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def docstrings_missing(source: Source) -> list[str]:
    """Return what is public and says nothing of itself: the module, its classes, functions and methods."""
    missing = [] if ast.get_docstring(source.tree) else ["module"]
    return missing + list(_undocumented(source.tree, ""))


def _undocumented(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.ClassDef) or child.name.startswith("_") or _is_overload(child):
            continue
        if not ast.get_docstring(child):
            yield f"{prefix}{child.name}"
        if isinstance(child, ast.ClassDef):
            yield from _undocumented(child, f"{prefix}{child.name}.")


def _is_overload(node: Function | ast.ClassDef) -> bool:
    names = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
    return any(ast.unparse(each).split(".")[-1] in ("overload", "override", "setter") for each in names)


_UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def unfinished(source: Source) -> list[str]:
    """Return comments and docstrings that put work off."""
    pieces = tokenize.generate_tokens(io.StringIO(source.text).readline)
    kinds = (tokenize.COMMENT, tokenize.STRING)
    return [each.string.strip()[:80] for each in pieces if each.type in kinds and _UNFINISHED.search(each.string)]


def patched(source: Source) -> list[str]:
    """Return uses of ``mock.patch``, in any of its spellings."""
    return [
        ast.unparse(each)
        for each in ast.walk(source.tree)
        if (isinstance(each, ast.Attribute) and each.attr == "patch" and ast.unparse(each.value).endswith("mock"))
        or (isinstance(each, ast.ImportFrom) and (each.module or "").endswith("mock") and any(name.name == "patch" for name in each.names))
    ]


def real_sleeps(source: Source) -> list[str]:
    """Return calls that wait on the machine's clock; ``asyncio.sleep(0)`` only lets others run."""
    return [
        ast.unparse(each)
        for each in ast.walk(source.tree)
        if isinstance(each, ast.Call)
        and ast.unparse(each.func) in ("time.sleep", "asyncio.sleep")
        and not (each.args and isinstance(each.args[0], ast.Constant) and each.args[0].value == 0)
    ]


def count(check: Callable[[Source], list[str]]) -> Callable[[Source], int]:
    """Return the check as a number of findings."""
    return lambda source: len(check(source))
