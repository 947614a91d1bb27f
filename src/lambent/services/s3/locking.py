"""Object lock: what a write asks for, how long a version is kept from being deleted, and what of that may change. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lambent.domain.errors import AwsError
from lambent.services.s3 import errors
from lambent.services.s3.state import Bucket, Version

_MODES: Final = ("GOVERNANCE", "COMPLIANCE")


def check_configuration(configuration: Mapping[str, Any]) -> None:
    """Raise ``MalformedXML`` or ``InvalidArgument`` unless this is an object lock configuration."""
    if configuration.get("ObjectLockEnabled") != "Enabled":
        raise errors.malformed_xml()
    if "Rule" not in configuration:
        return
    retention = configuration["Rule"].get("DefaultRetention") or {}
    terms = [each for each in ("Days", "Years") if retention.get(each) is not None]
    if retention.get("Mode") not in _MODES or len(terms) != 1:
        raise errors.malformed_xml()
    if retention[terms[0]] <= 0:
        raise errors.invalid_argument("Default retention period must be a positive integer value.")
    if retention[terms[0]] > {"Days": 36_500, "Years": 100}[terms[0]]:
        raise errors.invalid_argument("Default retention period too large.")


def of_request(bucket: Bucket, params: Mapping[str, Any], now: float) -> tuple[dict[str, Any], str]:
    """Return the retention and the legal hold that a write asks for or that the bucket has as its default."""
    mode, until = params.get("ObjectLockMode"), params.get("ObjectLockRetainUntilDate")
    hold = params.get("ObjectLockLegalHoldStatus", "")
    if not (mode or until or hold):
        return _default(bucket, now), ""
    if not bucket.object_lock:
        raise no_configuration()
    if hold not in ("", "ON", "OFF"):
        raise errors.invalid_argument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold)
    if bool(mode) != bool(until):
        text = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        name = "x-amz-object-lock-retain-until-date" if mode else "x-amz-object-lock-mode"
        raise errors.invalid_argument(text, name)
    if not mode or until is None:
        return _default(bucket, now), hold
    if mode not in _MODES:
        raise errors.invalid_argument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
    if until.timestamp() <= now:
        raise errors.invalid_argument("The retain until date must be in the future!", "x-amz-object-lock-retain-until-date", _iso(until))
    return {"Mode": mode, "RetainUntilDate": until}, hold


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _default(bucket: Bucket, now: float) -> dict[str, Any]:
    retention = bucket.configurations.get("object_lock", {}).get("Rule", {}).get("DefaultRetention")
    if not retention:
        return {}
    days = retention["Days"] if retention.get("Days") else 365 * retention["Years"]
    return {"Mode": retention["Mode"], "RetainUntilDate": datetime.fromtimestamp(now, UTC) + timedelta(days=days)}


def no_configuration() -> AwsError:
    """The bucket has no object lock."""
    return errors.invalid_request("Bucket is missing Object Lock Configuration")


def protected() -> AwsError:
    """The version is locked."""
    return errors.access_denied("Access Denied because object protected by object lock.")


def check_removal(version: Version, now: float, *, bypass: bool) -> None:
    """Raise ``AccessDenied`` when the version may not be deleted yet; ``bypass`` overcomes governance."""
    if version.legal_hold == "ON" or (_in_force(version, now) and not (bypass and version.retention["Mode"] == "GOVERNANCE")):
        raise protected()


def _in_force(version: Version, now: float) -> bool:
    return bool(version.retention) and version.retention["RetainUntilDate"].timestamp() > now


def check_retention(version: Version, wanted: Mapping[str, Any], now: float, *, bypass: bool) -> dict[str, Any]:
    """Return the new retention (empty: none). Raises when it isn't one, or when it would weaken one in force that may not be weakened."""
    mode, until = wanted.get("Mode"), wanted.get("RetainUntilDate")
    if not wanted:
        mode = until = None
    elif mode not in _MODES or until is None:
        raise errors.malformed_xml()
    elif until.timestamp() <= now:
        raise errors.invalid_argument("The retain until date must be in the future!", "RetainUntilDate", _iso(until))
    if _in_force(version, now):
        present = version.retention
        weaker = until is None or until < present["RetainUntilDate"] or mode != present["Mode"]
        stronger_mode = mode == "COMPLIANCE" and until is not None and until >= present["RetainUntilDate"]
        allowed = bypass and present["Mode"] == "GOVERNANCE"
        if weaker and not allowed and not stronger_mode:
            raise protected()
    return {"Mode": mode, "RetainUntilDate": until} if wanted else {}
