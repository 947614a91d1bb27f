"""A bucket's notification configuration: checked, its destinations asked, kept, given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambent.domain.arns import Arn
from lambent.domain.call import Call
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.s3 import events
from lambent.services.s3.context import S3
from lambent.services.s3.state import Bucket

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import (
        GetBucketNotificationConfigurationRequest,
        PutBucketNotificationConfigurationRequest,
    )

operations: Operations[S3] = Operations()

PRINCIPAL = "s3.amazonaws.com"


@operations.serves("PutBucketNotificationConfiguration")
async def put_notification(s3: S3, call: Call, request: PutBucketNotificationConfigurationRequest) -> None:
    """Replace the configuration, when every function in it lets S3 invoke it for this bucket."""
    bucket = (await s3.bucket(call)).value
    configuration = events.check(call.params["NotificationConfiguration"], s3.platform.ids)
    if not request.get("SkipDestinationValidation"):
        arns = [each["LambdaFunctionArn"] for each in configuration.get("LambdaFunctionConfigurations", [])]
        await _ask_functions(s3, bucket, list(dict.fromkeys(arns)))
    await s3.configure(call, "notification", configuration or None)


async def _ask_functions(s3: S3, bucket: Bucket, arns: list[str]) -> None:
    refused = []
    for each in arns:
        try:
            await s3.platform.cloud.call(invocation(s3, each, bucket.account_id, bucket.arn, {"InvocationType": "DryRun"}))
        except AwsError as error:
            refused.append((each, error))
    if refused:
        members: dict[str, object] = {}
        for number, (arn, _) in enumerate(refused, 1):
            suffix = str(number) if len(refused) > 1 else ""
            members |= {f"ArgumentName{suffix}": arn, f"ArgumentValue{suffix}": f"Not authorized to invoke function [{arn}]"}
        raise AwsError("InvalidArgument", "Unable to validate the following destination configurations", 400, members=members)


def invocation(s3: S3, function_arn: str, account_id: str, bucket_arn: str, params: Mapping[str, Any]) -> Call:
    """Return the call by which S3, for a bucket, invokes a function."""
    arn = Arn.parse(function_arn)
    caller = Caller.service(PRINCIPAL, account_id, source_arn=bucket_arn)
    everything = {"FunctionName": function_arn, **params}
    return Call("lambda", "Invoke", everything, caller, arn.region, arn.account_id, s3.platform.ids.uuid(), user_agent=PRINCIPAL)


@operations.serves("GetBucketNotificationConfiguration")
async def get_notification(s3: S3, call: Call, request: GetBucketNotificationConfigurationRequest) -> Mapping[str, Any]:
    """Give the configuration; an empty one when nothing is configured."""
    found: dict[str, Any] = (await s3.bucket(call)).value.configurations.get("notification", {})
    return found
