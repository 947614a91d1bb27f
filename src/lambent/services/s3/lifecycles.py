"""Lifecycle rules: what S3 refuses in them, and what an answer says of an object's expiry. Pure. Nothing expires by itself yet.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from lambent.services.s3 import errors
from lambent.services.s3.state import Bucket, Version

_DAYS_SHOWN_MAX: Final = 2_000_000  #: beyond, a date has no four-digit year
_ACTIONS: Final = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionTransitions",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
)
_CLASSES: Final = ("GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR")


def check(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Raise ``MalformedXML``, ``InvalidArgument`` or ``InvalidRequest`` for rules that S3 doesn't take."""
    del bucket
    rules = configuration.get("Rules", [])
    if not 0 < len(rules) <= 1000:
        raise errors.malformed_xml()
    names = [each["ID"] for each in rules if each.get("ID")]
    if len(set(names)) < len(names):
        raise errors.invalid_argument("Rule ID must be unique. Found same ID for more than one rule")
    for each in rules:
        _check_rule(each)


def _check_rule(rule: Mapping[str, Any]) -> None:
    if rule.get("Status") not in ("Enabled", "Disabled"):
        raise errors.malformed_xml()
    if len(rule.get("ID", "")) > 255:
        raise errors.invalid_argument("ID length should not exceed allowed limit of 255", "ID", rule["ID"])
    if ("Filter" in rule) == ("Prefix" in rule):
        raise errors.malformed_xml()
    if not any(rule.get(each) for each in _ACTIONS):
        raise errors.invalid_request("At least one action needs to be specified in a rule.")
    _check_filter(rule.get("Filter") or {})
    _check_expiration(rule.get("Expiration"))
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if noncurrent is not None:
        if noncurrent.get("NoncurrentDays") is None:
            raise errors.malformed_xml()
        _positive(noncurrent["NoncurrentDays"], "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
    for each in rule.get("Transitions", []):
        if ("Days" in each) == ("Date" in each) or each.get("StorageClass") not in _CLASSES:
            raise errors.malformed_xml()
        _midnight(each.get("Date"))
    for each in rule.get("NoncurrentVersionTransitions", []):
        if each.get("NoncurrentDays") is None or each.get("StorageClass") not in _CLASSES:
            raise errors.malformed_xml()


def _check_filter(found: Mapping[str, Any]) -> None:
    """A filter has one condition, or an ``And`` of several."""
    if len(found) > 1:
        raise errors.malformed_xml()
    both = found.get("And")
    if both is None:
        return
    tags = [each["Key"] for each in both.get("Tags", [])]
    if len(set(tags)) < len(tags):
        raise errors.invalid_request("Duplicate Tag Keys are not allowed.")
    if len(tags) + len([each for each in both if each != "Tags"]) < 2:
        raise errors.malformed_xml()


def _check_expiration(expiration: Mapping[str, Any] | None) -> None:
    if expiration is None:
        return
    if len(expiration) != 1:
        raise errors.malformed_xml()
    if "Days" in expiration:
        _positive(expiration["Days"], "'Days' for Expiration action must be a positive integer")
    _midnight(expiration.get("Date"))


def _positive(days: int, text: str) -> None:
    if days <= 0:
        raise errors.invalid_argument(text)


def _midnight(date: datetime | None) -> None:
    if date is not None and (date.hour, date.minute, date.second, date.microsecond) != (0, 0, 0, 0):
        raise errors.invalid_argument("'Date' must be at midnight GMT", "Date", date.strftime("%Y-%m-%dT%H:%M:%S.000Z"))


def with_ids(configuration: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the configuration with an id for each rule that has none."""
    rules = [{**rule, "ID": rule.get("ID") or name} for rule, name in zip(configuration["Rules"], names, strict=True)]
    return {**configuration, "Rules": rules}


def expiration_of(bucket: Bucket, key: str, version: Version) -> str:
    """Return what ``x-amz-expiration`` says of a current version; nothing when no rule lets it expire. The earliest expiry counts."""
    found: list[tuple[datetime, str]] = []
    for rule in bucket.configurations.get("lifecycle", {}).get("Rules", []):
        expiration = rule.get("Expiration") or {}
        if rule["Status"] != "Enabled" or not _concerns(rule, key, version):
            continue
        if expiration.get("Date") is not None:
            found.append((expiration["Date"], rule["ID"]))
        elif expiration.get("Days"):
            found.append((_next_midnight(version.modified, expiration["Days"]), rule["ID"]))
    if not found:
        return ""
    when, name = min(found)
    return f'expiry-date="{when:%a, %d %b %Y %H:%M:%S} GMT", rule-id="{quote(name, safe="")}"'


def _next_midnight(modified: float, days: int) -> datetime:
    moment = datetime.fromtimestamp(modified, UTC) + timedelta(days=min(days, _DAYS_SHOWN_MAX))
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _concerns(rule: Mapping[str, Any], key: str, version: Version) -> bool:
    found = rule.get("Filter") or {}
    conditions = {**found, **found.get("And", {})}
    tags = [*conditions.get("Tags", []), *([conditions["Tag"]] if "Tag" in conditions else [])]
    prefix = conditions.get("Prefix", rule.get("Prefix", "")) or ""
    return (
        key.startswith(prefix)
        and all(version.tags.get(each["Key"]) == each["Value"] for each in tags)
        and version.size > conditions.get("ObjectSizeGreaterThan", -1)
        and version.size < conditions.get("ObjectSizeLessThan", version.size + 1)
    )
