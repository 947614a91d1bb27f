"""Times and bytes as SNS's messages write them; pure."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """Return a time as ``2026-01-31T23:59:59.123Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds * 1000) % 1000:03d}Z"


def base64_text(data: bytes) -> str:
    """Return bytes in base64."""
    return b64encode(data).decode()
