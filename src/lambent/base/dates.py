"""Dates as HTTP says them. Pure.

The standard library's ``email`` knows all their forms, and takes a fiftieth of a server's start to import; botocore brings it along later.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def http_date(seconds: float) -> str:
    """Return seconds since 1970 as ``Sun, 06 Nov 1994 08:49:37 GMT``."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(seconds)
    return f"{_DAYS[weekday]}, {day:02} {MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


def parse_http_date(text: str) -> datetime:
    """Return the time of a date in any form that there is; naive when that names no zone. ``ValueError``, ``TypeError`` or ``IndexError``
    when it is none."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - see above

    return parsedate_to_datetime(text)
