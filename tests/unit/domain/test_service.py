"""A service's operations: imported at the first need, each served once."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import NotImplementedHere
from lambent.domain.service import NativeService, Operations, families

SERVICES = Path(__file__).parents[3] / "src/lambent/services"


def family(*names: str) -> Operations[str]:
    operations: Operations[str] = Operations()
    for name in names:

        @operations.serves(name)
        async def serve(context: str, call: Call, request: dict[str, str]) -> Result:
            return {"context": context, **request}

    return operations


async def test_families_are_asked_for_at_the_first_need_and_once() -> None:
    asked: list[str] = []

    def load() -> list[Operations[str]]:
        asked.append("loaded")
        return [family("A"), family("B")]

    service = NativeService("s", "here", load)
    assert not asked
    call = Call(service="s", operation="A", params={"x": "y"}, caller=Caller.anonymous(), region="", account_id="", request_id="")
    assert await service.handler("A")(call) == {"context": "here", "x": "y"}
    service.load()
    assert set(service.operations) == {"A", "B"}
    assert asked == ["loaded"]
    with pytest.raises(NotImplementedHere):
        service.handler("C")


def test_no_operation_is_served_twice() -> None:
    service = NativeService("s", "here", lambda: [family("A"), family("B", "A")])
    with pytest.raises(ValueError, match="served twice"):
        service.load()


def test_families_are_modules_by_name() -> None:
    load = families("lambent.services.scheduler", "groups", "schedules")
    assert all(each.handlers for each in load())
    assert "lambent.services.scheduler.groups" in sys.modules


@pytest.mark.parametrize("service", sorted(path.parent.name for path in SERVICES.glob("*/service.py")))
def test_every_family_of_a_service_is_served(service: str) -> None:
    package = f"lambent.services.{service}"
    served = importlib.import_module(f"{package}.service")._FAMILIES()
    modules = [path.stem for path in (SERVICES / service).glob("*.py") if "\noperations: Operations" in path.read_text()]
    assert modules
    assert {id(importlib.import_module(f"{package}.{each}").operations) for each in modules} == {id(each) for each in served}
