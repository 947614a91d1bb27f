"""Lambda's errors, with AWS's codes, statuses and texts."""

from __future__ import annotations

from lambent.domain.errors import AwsError

REVISION_MISMATCH = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)


def _user(code: str, message: str, status: int) -> AwsError:
    return AwsError(code, message, status, members={"Type": "User"})


def not_found(message: str, *, typed: bool = True) -> AwsError:
    """Return ``ResourceNotFoundException``; ``typed`` for the most, which say that the caller is to blame."""
    return AwsError("ResourceNotFoundException", message, 404, members={"Type": "User" if typed else None})


def function_not_found(arn: str) -> AwsError:
    """Return the error for a function, or a version of one, that isn't there."""
    return not_found(f"Function not found: {arn}")


def alias_not_found(arn: str) -> AwsError:
    """Return the error for an alias that isn't there, as most operations on aliases and policies say it."""
    return not_found(f"Cannot find alias arn: {arn}")


def conflict(message: str) -> AwsError:
    """Return ``ResourceConflictException``."""
    return _user("ResourceConflictException", message, 409)


def invalid(message: str, *, typed: bool = True) -> AwsError:
    """Return ``InvalidParameterValueException``; ``typed`` for the most, which say that the caller is to blame."""
    return AwsError("InvalidParameterValueException", message, 400, members={"Type": "User" if typed else None})


def validation(*problems: str) -> AwsError:
    """Return ``ValidationException``, as the model's constraints give it."""
    plural = "error" if len(problems) == 1 else "errors"
    return AwsError("ValidationException", f"{len(problems)} validation {plural} detected: {'; '.join(problems)}", 400)


def precondition_failed(message: str = REVISION_MISMATCH) -> AwsError:
    """Return ``PreconditionFailedException``: the caller's ``RevisionId`` isn't the newest."""
    return _user("PreconditionFailedException", message, 412)


def access_denied(message: str) -> AwsError:
    """Return ``AccessDeniedException``."""
    return AwsError("AccessDeniedException", message, 403)


def request_too_large(message: str) -> AwsError:
    """Return ``RequestTooLargeException``."""
    return _user("RequestTooLargeException", message, 413)


def invalid_content(message: str) -> AwsError:
    """Return ``InvalidRequestContentException``."""
    return _user("InvalidRequestContentException", message, 400)


def code_storage_exceeded(limit: int) -> AwsError:
    """Return ``CodeStorageExceededException``; ``limit`` in bytes."""
    return _user("CodeStorageExceededException", f"Code storage limit exceeded: the limit is {limit} bytes.", 400)


def policy_too_long(size: int, limit: int) -> AwsError:
    """Return ``PolicyLengthExceededException``; both in bytes."""
    return _user("PolicyLengthExceededException", f"The final policy size ({size}) is bigger than the limit ({limit}).", 400)


def code_signing_not_found(config_arn: str) -> AwsError:
    """Return ``CodeSigningConfigNotFoundException``."""
    text = f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {config_arn}."
    return _user("CodeSigningConfigNotFoundException", text, 404)


def code_verification_failed(message: str) -> AwsError:
    """Return ``CodeVerificationFailedException``."""
    return _user("CodeVerificationFailedException", message, 400)
