"""HTTP's dates are those of the standard library's ``email``."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate

import pytest

from lambent.base.dates import http_date, parse_http_date


@pytest.mark.parametrize("seconds", [0, 784111777, 951782400, 1709164800.9, 4102444799, -1.5, *range(0, 31_536_000, 2_600_000)])
def test_a_date_is_written_as_email_writes_it(seconds: float) -> None:
    assert http_date(seconds) == formatdate(seconds, usegmt=True)


def test_a_date_is_read() -> None:
    assert parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    with pytest.raises((ValueError, TypeError, IndexError)):
        parse_http_date("yesterday")
