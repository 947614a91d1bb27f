"""CloudWatch Logs' errors, in AWS's words."""

from __future__ import annotations

from lambent.domain.errors import AwsError


def group_not_found() -> AwsError:
    """Return the error for a log group that isn't there."""
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def stream_not_found() -> AwsError:
    """Return the error for a log stream that isn't there."""
    return AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def resource_not_found() -> AwsError:
    """Return the error for an ARN that names nothing."""
    return AwsError("ResourceNotFoundException", "The specified resource does not exist.")


def group_exists() -> AwsError:
    """Return the error for a log group that is there already."""
    return AwsError("ResourceAlreadyExistsException", "The specified log group already exists")


def stream_exists() -> AwsError:
    """Return the error for a log stream that is there already."""
    return AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")


def invalid(message: str) -> AwsError:
    """Return an ``InvalidParameterException``."""
    return AwsError("InvalidParameterException", message)


def limit_exceeded() -> AwsError:
    """Return the error for one resource too many."""
    return AwsError("LimitExceededException", "Resource limit exceeded.")


def busy() -> AwsError:
    """Return the error for a resource that other requests kept changing."""
    return AwsError(
        "OperationAbortedException", "A conflicting operation is currently in progress against this resource. Please try again."
    )
