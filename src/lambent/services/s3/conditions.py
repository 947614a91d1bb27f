"""Conditional requests and byte ranges (RFC 9110, as S3 follows it). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError
from lambent.services.s3 import errors
from lambent.services.s3.context import instant
from lambent.services.s3.state import Version

_RANGE = Regex(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*\Z", re.ASCII)


def etag_matches(given: str, etag: str) -> bool:
    """Return whether an ``If-Match`` value (one, several, or ``*``; quoted or not) holds the entity tag."""
    return any(each.strip() == "*" or each.strip().removeprefix("W/").strip('"') == etag for each in given.split(","))


def check_read(params: Mapping[str, Any], version: Version, now: float, prefix: str = "") -> None:
    """Raise ``PreconditionFailed`` or 304 when the conditions of a read don't hold. ``prefix`` is ``CopySource`` for a copy's source.

    A time that is still to come is no condition.
    """
    modified = instant(version.modified)
    said = "x-amz-copy-source-" if prefix else ""
    match, none_match = params.get(f"{prefix}IfMatch"), params.get(f"{prefix}IfNoneMatch")
    if match is not None:
        if not etag_matches(match, version.etag):
            raise errors.precondition_failed(f"{said}If-Match")
    elif _earlier(params.get(f"{prefix}IfUnmodifiedSince"), modified):
        raise errors.precondition_failed(f"{said}If-Unmodified-Since")
    if none_match is not None:
        unchanged = etag_matches(none_match, version.etag)
    else:
        since = params.get(f"{prefix}IfModifiedSince")
        unchanged = since is not None and since.timestamp() <= now and not _earlier(since, modified)
    if unchanged and prefix:
        raise errors.precondition_failed(said + ("If-None-Match" if none_match is not None else "If-Modified-Since"))
    if unchanged:
        stamp = modified.strftime("%a, %d %b %Y %H:%M:%S GMT")
        raise AwsError("NotModified", "Not Modified", 304, headers={"etag": f'"{version.etag}"', "last-modified": stamp})


def _earlier(since: datetime | None, modified: datetime) -> bool:
    return since is not None and since < modified


def check_write(params: Mapping[str, Any], key: str, current: Version | None, *, base: int | None = None, delete: bool = False) -> None:
    """Raise when a conditional write's ``IfMatch`` or ``IfNoneMatch`` doesn't hold for the key's current version.

    ``base`` is the sequence that was current when a multipart upload began: nobody may have written since.
    """
    present = current is not None and not current.delete_marker
    if_none_match, if_match = params.get("IfNoneMatch"), params.get("IfMatch")
    changed = base is not None and base != (0 if current is None else current.sequence)
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise errors.header_not_implemented("If-None-Match")
        if present:
            raise errors.precondition_failed("If-None-Match")
        if changed:
            raise errors.conditional_conflict("If-None-Match", key)
    if if_match is not None:
        if if_match.strip() == "*" and not delete:
            raise errors.header_not_implemented("If-Match")
        if current is None or not present:
            raise errors.no_such_key(key)
        if not etag_matches(if_match, current.etag):
            raise errors.precondition_failed("If-Match")
        if changed:
            raise errors.conditional_conflict("If-Match", key)


class Span(msgspec.Struct, frozen=True):
    """The bytes of an object that a read gives."""

    start: int
    end: int  #: exclusive
    partial: bool = False  #: 206 rather than 200


def span_of(text: str | None, size: int) -> Span:
    """Return what a ``Range`` header means for an object of ``size`` bytes; a header that S3 doesn't understand means the whole.

    Raises ``InvalidRange`` (416) when no byte is in the range.
    """
    found = _RANGE.match(text) if text else None
    if found is None or text is None or not (found[1] or found[2]):
        return Span(0, size)
    if not found[1]:
        length = min(int(found[2]), size)
        start, end = size - length, size
    else:
        start = int(found[1])
        end = min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return Span(0, size)
    if start >= end:
        members = {"RangeRequested": text, "ActualObjectSize": str(size)}
        raise AwsError(
            "InvalidRange", "The requested range is not satisfiable", 416, members=members, headers={"content-range": f"bytes */{size}"}
        )
    return Span(start, end, partial=True)
