"""Finding interpreters, with a home directory made for it."""

from __future__ import annotations

from pathlib import Path

from lambent.adapters.sandbox.runtimes import Runtimes


def _fake(path: Path, answer: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {answer}\n")
    path.chmod(0o755)


def test_the_newest_patch_is_found_and_shims_are_not_believed(tmp_path: Path) -> None:
    _fake(tmp_path / ".pyenv/versions/3.14.2/bin/python3.14", "3.14.2")
    _fake(tmp_path / ".pyenv/versions/3.14.10/bin/python3.14", "3.14.10")
    _fake(tmp_path / "shims/python3.14", "3.14.99")
    found = Runtimes(tmp_path, str(tmp_path / "shims")).interpreter("python3.14")
    assert found is not None
    assert (found.version, found.release) == ("3.14.10", "3.14")


def test_another_version_serves_only_when_that_is_wanted(tmp_path: Path) -> None:
    _fake(tmp_path / "bin/node", "v24.1.0")
    exact = {each.runtime: each for each in Runtimes(tmp_path, str(tmp_path / "bin")).status()}
    assert exact["nodejs24.x"].available
    nearest = Runtimes(tmp_path, str(tmp_path / "bin"), "nearest").status_of("nodejs24.x")
    assert nearest.served_by == ""
    if not exact["nodejs22.x"].available:
        assert "nvm install 22" in exact["nodejs22.x"].remedy
        served = Runtimes(tmp_path, str(tmp_path / "bin"), "nearest").status_of("nodejs22.x")
        assert served.served_by in ("nodejs24.x", "nodejs20.x")
        assert served.caveat.startswith(f"nodejs22.x is not installed on this machine: {served.served_by} serves it")


def test_no_version_stands_in_for_a_runtime_that_aws_has_retired(tmp_path: Path) -> None:
    found = {each.runtime: each for each in Runtimes(tmp_path, str(tmp_path), "nearest").status()}
    assert not any(found[each].available for each in ("python2.7", "python3.7", "nodejs16.x", "java21", "go1.x"))


def test_every_identifier_is_answered_with_an_interpreter_or_a_remedy(tmp_path: Path) -> None:
    status = {each.runtime: each for each in Runtimes(tmp_path, str(tmp_path)).status()}
    assert all(each.available != bool(each.remedy) for each in status.values())
    assert {"python3.8", "python3.14", "nodejs18.x", "java21", "ruby3.4", "dotnet8", "provided.al2023"} <= status.keys()


def test_a_broken_interpreter_is_not_taken(tmp_path: Path) -> None:
    _fake(tmp_path / ".pyenv/versions/3.14.1/bin/python3.14", "3.13.1")
    assert Runtimes(tmp_path, str(tmp_path)).interpreter("python3.14") is None
