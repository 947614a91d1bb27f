"""Times on the wire: ISO 8601, RFC 822 and seconds since 1970, by the trait or by the place."""

from __future__ import annotations

from datetime import UTC, datetime

from lambent.base.dates import http_date, parse_http_date
from lambent.wire.faults import Malformed


def parse(value: object, where: str = "body") -> datetime:
    """Return the time in any of AWS's three formats; ``Malformed`` when it is none."""
    try:
        if isinstance(value, bool):
            raise TypeError
        if isinstance(value, datetime):
            return value
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            return _parse_text(value.strip())
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        pass
    raise Malformed(f"Unable to parse timestamp: {str(value)[:100]}", where, value=str(value)[:100])


def _parse_text(text: str) -> datetime:
    if text[:4].isdigit() and text[4:5] == "-":
        found = datetime.fromisoformat(text)
    elif text[:1].isalpha():
        found = parse_http_date(text)
    else:
        return datetime.fromtimestamp(float(text), UTC)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def as_datetime(value: object) -> datetime:
    """Return what a service gave as a time: a ``datetime`` (UTC when naive) or seconds since 1970."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return parse(value)


def unix(value: object) -> int | float:
    """Return seconds since 1970 with milliseconds where there are any."""
    seconds = as_datetime(value).timestamp()
    whole = int(seconds)
    return whole if whole == seconds else round(seconds, 3)


def iso(value: object, *, milliseconds: bool = False) -> str:
    """Return ISO 8601 in UTC; with milliseconds always, or only where there are any."""
    when = as_datetime(value)
    if milliseconds or when.microsecond >= 1000:
        return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"
    return f"{when:%Y-%m-%dT%H:%M:%S}Z"


def rfc822(value: object) -> str:
    """Return the HTTP date."""
    return http_date(as_datetime(value).timestamp())


def text(value: object, style: str, *, milliseconds: bool = False) -> str:
    """Return the time in the style of the trait ``timestampFormat``."""
    if style == "rfc822":
        return rfc822(value)
    return str(unix(value)) if style == "unixTimestamp" else iso(value, milliseconds=milliseconds)
