"""What is remembered of functions and accounts, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.engine.fakes import function

from lambent.domain.errors import AwsError
from lambent.domain.functions import FunctionVersion
from lambent.domain.quotas import Quotas
from lambent.engine.invocation.admission import Admission

QUOTAS = Quotas()
REFILLED_S = 10.0  #: what is used up of any rate is there again


@pytest.fixture
def admission() -> Admission:
    return Admission(QUOTAS)


def named(number: int, **changes: Any) -> FunctionVersion:
    return function(f"f{number}", **changes)


def known(admission: Admission) -> tuple[int, int]:
    """Return of how many functions and accounts something is kept."""
    return len(admission._functions), len(admission._accounts)


@pytest.mark.parametrize("reserved", [None, 5])
def test_of_functions_that_come_and_go_nothing_stays(admission: Admission, reserved: int | None) -> None:
    for number in range(1_000):
        mine = named(number, account_id=f"{number // 10:012}", reserved_concurrency=reserved)
        ticket = admission.enter(mine, 0.0)
        admission.scale(mine, 0.0)
        ticket.leave()
    admission.forget(0.0)
    assert known(admission) == (1_000, 100)
    admission.forget(REFILLED_S)
    assert known(admission) == (0, 0)


@pytest.mark.parametrize(("reserved", "provisioned"), [(None, False), (5, False), (None, True)])
def test_what_runs_is_not_forgotten(admission: Admission, reserved: int | None, provisioned: bool) -> None:
    mine, other = named(1, reserved_concurrency=reserved), named(2)
    ticket = admission.enter(mine, 0.0, is_provisioned=provisioned)
    admission.enter(other, 0.0).leave()
    admission.forget(REFILLED_S)
    assert known(admission) == (1, 1)
    assert (admission.busy(mine), admission.busy(other)) == (1, 0)
    second = admission.enter(mine, REFILLED_S, is_provisioned=provisioned)
    ticket.leave()
    admission.forget(2 * REFILLED_S)
    assert admission.busy(mine) == 1
    second.leave()
    admission.forget(3 * REFILLED_S)
    assert known(admission) == (0, 0)


def test_an_account_counts_on_while_any_of_its_functions_is_known(admission: Admission) -> None:
    reserving = admission.enter(named(1, reserved_concurrency=1), 0.0)
    admission.forget(REFILLED_S)
    tickets = [admission.enter(named(number % 7 + 2), REFILLED_S) for number in range(QUOTAS.concurrency_max)]
    reserving.leave()
    admission.forget(2 * REFILLED_S)
    for number in range(9):
        with pytest.raises(AwsError, match="Rate Exceeded"):
            admission.enter(named(number), 2 * REFILLED_S)
    for each in tickets:
        each.leave()
    admission.enter(named(1), 2 * REFILLED_S).leave()


def test_forgetting_gives_nobody_more_than_there_is(admission: Admission) -> None:
    started = 0
    for step in range(100):
        with pytest.raises(AwsError, match="Rate Exceeded"):
            while True:
                admission.scale(named(1), step * 0.1)
                started += 1
        admission.forget(step * 0.1)
    assert started <= QUOTAS.scaling_environments_per_10s + 100 * 0.1 * QUOTAS.scaling_environments_per_10s / 10
