"""Amazon SQS's errors, in AWS's words. ``wire`` adds the codes of the query protocol (``wire/sqs_query.py``)."""

from __future__ import annotations

from lambent.domain.errors import AwsError


def no_such_queue() -> AwsError:
    """Return the error for a queue that isn't there."""
    return AwsError("QueueDoesNotExist", "The specified queue does not exist.")


def queue_exists(attribute: str) -> AwsError:
    """Return the error for a queue that is there already with another value of an attribute."""
    return AwsError("QueueNameExists", f"A queue already exists with the same name and a different value for attribute {attribute}")


def deleted_recently() -> AwsError:
    """Return the error for a name that was freed less than a minute ago."""
    return AwsError(
        "QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name."
    )


def invalid_value(value: object, parameter: str, reason: str) -> AwsError:
    """Return the error for a parameter's value."""
    return invalid(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def invalid(message: str) -> AwsError:
    """Return an ``InvalidParameterValue``."""
    return AwsError("InvalidParameterValue", message)


def too_long(limit: int, *, in_batch: bool) -> AwsError:
    """Return the error for a message that is longer than its queue takes."""
    said = "cannot be validated" if in_batch else "are invalid"
    return invalid(f"One or more parameters {said}. Reason: Message must be shorter than {limit} bytes.")


def missing(parameter: str) -> AwsError:
    """Return the error for a parameter that isn't there."""
    return AwsError("MissingParameter", f"The request must contain the parameter {parameter}.")


def unknown_attribute(name: str) -> AwsError:
    """Return the error for a queue attribute that AWS doesn't know, or that this type of queue doesn't have."""
    return AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")


def invalid_attribute(name: str, reason: str = "") -> AwsError:
    """Return the error for a queue attribute's value."""
    return AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}." + (f" Reason: {reason}" if reason else ""))


def not_a_handle(handle: str) -> AwsError:
    """Return the error for a receipt handle that was never given out."""
    return AwsError("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.', 404)


def empty_batch(entry: str) -> AwsError:
    """Return the error for a batch without entries; ``entry`` is the name of the shape."""
    return AwsError("EmptyBatchRequest", f"There should be at least one {entry} in the request.")


def no_such_resource(parameter: str) -> AwsError:
    """Return the error for an ARN in a parameter that names no queue."""
    return AwsError("ResourceNotFoundException", f"The resource that you specified for the {parameter} parameter doesn't exist.", 404)


def access_denied(who: str, action: str, resource: str, *, denied: bool) -> AwsError:
    """Return the error for a caller whom the queue's policy doesn't let in, or keeps out."""
    why = "with an explicit deny in a resource-based policy" if denied else f"because no resource-based policy allows the {action} action"
    return AwsError("AccessDenied", f"User: {who or 'anonymous'} is not authorized to perform: {action} on resource: {resource} {why}", 403)
