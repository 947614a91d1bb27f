"""What a server loads before it listens: what only requests need would keep everybody waiting."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded_by(modules: str) -> set[str]:
    code = f"import {modules}, sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return loaded_by("lambent.cli, lambent.server.build")


# What the standard library's and others' modules cost: email 7 ms, h11 16, crcmod 4, xml.etree 3, zoneinfo 3, dataclasses 2 and one more each.
@pytest.mark.parametrize(
    "module",
    [
        *("boto3", "botocore", "crcmod", "dateutil", "h11", "moto", "urllib3"),
        *("calendar", "dataclasses", "email", "gzip", "http.client", "importlib.metadata", "importlib.resources", "tomllib"),
        *("urllib.request", "xml.etree.ElementTree", "zoneinfo"),
    ],
)
def test_what_only_some_requests_need_is_not_loaded(loaded: set[str], module: str) -> None:
    assert "lambent.server.run" in loaded
    assert module not in loaded


def test_shapes_are_for_type_checkers(loaded: set[str]) -> None:
    assert not [each for each in loaded if each.endswith("_generated_shapes")]


@pytest.mark.parametrize("module", ["lambda_.invoke", "logs.filtering", "s3.objects", "sns.publishing", "sqs.sending"])
def test_operations_are_loaded_when_they_are_called(loaded: set[str], module: str) -> None:
    service = module.partition(".")[0]
    assert f"lambent.services.{service}.service" in loaded
    assert f"lambent.services.{module}" not in loaded


def test_a_start_loads_no_more_than_it_needs(loaded: set[str]) -> None:
    """Each module takes a third of a millisecond: lower these when there are fewer, and think of ``families`` before raising them."""
    ours = [each for each in loaded if each.partition(".")[0] == "lambent"]
    assert len(ours) <= 384
    assert len(loaded) <= 680


def test_the_sandbox_begins_before_the_services_are_loaded() -> None:
    before = loaded_by("lambent.cli")
    assert "lambent.server.ground" in before
    later = ("lambent.engine.", "lambent.gateway.app", "lambent.server.build", "lambent.services.", "lambent.wire")
    assert not [each for each in before if each.startswith(later)]
