"""The short form of ``make soak``: a server under mixed load is killed a few times, and every acknowledged event is accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.soak import soak


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_acknowledged_event_is_handled_or_given_up_where_it_should_be(seed: int, tmp_path: Path) -> None:
    ledger, wrong = soak(tmp_path, seed, kills=3, pause_s=0.02)
    assert wrong == [], f"seed {seed}"
    assert all(ledger.acknowledged.values()), f"seed {seed}: {ledger.acknowledged}"
