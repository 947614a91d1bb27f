"""EventBridge Scheduler's errors, in AWS's words."""

from __future__ import annotations

from lambent.domain.errors import AwsError


def invalid(message: str) -> AwsError:
    """A parameter isn't allowed."""
    return AwsError("ValidationException", message)


def not_found(what: str) -> AwsError:
    """Something isn't there; ``what`` is like ``Schedule nightly``."""
    return AwsError("ResourceNotFoundException", f"{what} does not exist.", 404)


def conflict(what: str) -> AwsError:
    """The name is taken."""
    return AwsError("ConflictException", f"{what} already exists.", 409)


def busy() -> AwsError:
    """Another request changed the same thing, again and again."""
    return AwsError("ConflictException", "The resource is being modified by another request.", 409)


def quota_exceeded() -> AwsError:
    """A quota is used up."""
    return AwsError("ServiceQuotaExceededException", "The request exceeds a service quota.", 402)
