"""A bucket's notification configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3 import destinations, wishes
from lambent.services.s3.context import S3
from lambent.services.s3.state import Bucket

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import (
        GetBucketNotificationConfigurationRequest,
        PutBucketNotificationConfigurationRequest,
    )

operations: Operations[S3] = Operations()


@operations.serves("PutBucketNotificationConfiguration")
async def put_notification(s3: S3, call: Call, request: PutBucketNotificationConfigurationRequest) -> None:
    """Replace the configuration, when every destination in it takes S3's events for this bucket."""
    bucket = (await s3.bucket(call)).value
    configuration = wishes.checked(call.params["NotificationConfiguration"], s3.platform.ids)
    if not request.get("SkipDestinationValidation"):
        await _try_destinations(s3, bucket, configuration)
    await s3.configure(call, "notification", configuration or None)


async def _try_destinations(s3: S3, bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    complaints = []
    for kind, arn in wishes.targets(configuration):
        trial = destinations.trial(kind.service, arn, bucket, s3.platform.clock.now(), s3.platform.ids)
        try:
            await s3.platform.cloud.call(trial)
        except AwsError as error:
            complaints.append(destinations.complaint(kind.service, arn, error))
    if complaints:
        members: dict[str, object] = {}
        for number, (name, value) in enumerate(complaints, 1):
            members |= {f"ArgumentName{number}": name, f"ArgumentValue{number}": value}
        raise AwsError("InvalidArgument", "Unable to validate the following destination configurations", 400, members=members)


@operations.serves("GetBucketNotificationConfiguration")
async def get_notification(s3: S3, call: Call, request: GetBucketNotificationConfigurationRequest) -> Mapping[str, Any]:
    """Give the configuration; an empty one when nothing is configured."""
    found: dict[str, Any] = (await s3.bucket(call)).value.configurations.get("notification", {})
    return found
