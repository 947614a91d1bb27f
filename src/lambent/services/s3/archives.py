"""Archived storage classes: their objects are there, but can be read only after they were restored. Restoring takes no time here.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3 import errors, writing
from lambent.services.s3.context import S3
from lambent.services.s3.state import Version

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import RestoreObjectRequest

operations: Operations[S3] = Operations()

_DAYS_MAX: Final = 36_500
_ARCHIVES: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def is_archived(version: Version, now: float) -> bool:
    """Return whether the version's bytes can't be read now."""
    return version.storage_class in _ARCHIVES and version.restored_until <= now


def check_readable(version: Version, now: float) -> None:
    """Raise ``InvalidObjectState`` for what is archived."""
    if is_archived(version, now):
        raise _invalid_state("The operation is not valid for the object's storage class", version)


def _invalid_state(text: str, version: Version) -> AwsError:
    return AwsError("InvalidObjectState", text, 403, members={"StorageClass": version.storage_class})


def not_active() -> AwsError:
    """A copy's source is archived."""
    text = "The source object of the COPY action is not in the active tier and is only stored in Amazon S3 Glacier."
    return AwsError("ObjectNotInActiveTierError", text, 403)


def restore_text(version: Version) -> str:
    """Return what ``x-amz-restore`` says."""
    return f'ongoing-request="false", expiry-date="{datetime.fromtimestamp(version.restored_until, UTC):%a, %d %b %Y %H:%M:%S} GMT"'


@operations.serves("RestoreObject")
async def restore_object(s3: S3, call: Call, request: RestoreObjectRequest) -> Mapping[str, Any]:
    """Make an archived object readable for some days; again for one that is restored sets the days anew."""
    bucket = (await s3.bucket(call)).value
    found, _ = await writing.readable(s3, bucket.name, request["Key"], request.get("VersionId", ""), "POST", hidden=False)
    version, now = found.value, s3.platform.clock.now()
    if version.storage_class not in _ARCHIVES:
        raise _invalid_state("Restore is not allowed for the object's current storage class", version)
    days = (call.params.get("RestoreRequest") or {}).get("Days")
    if days is None or not 0 < days <= _DAYS_MAX:
        raise errors.malformed_xml()
    until = (datetime.fromtimestamp(now, UTC) + timedelta(days=days + 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    again = version.restored_until > now
    happenings = "" if again else "ObjectRestore:Post ObjectRestore:Completed"
    changes = {"restored_until": until.timestamp()}
    await writing.change_version(s3, call, bucket, changes, happenings, until=until.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    return {"$status": 200 if again else 202}
