"""SNS's errors, in AWS's words."""

from __future__ import annotations

from lambent.domain.errors import AwsError


def invalid(what: str) -> AwsError:
    """Return an ``InvalidParameter``; most say which parameter, some a whole sentence."""
    return AwsError("InvalidParameter", f"Invalid parameter: {what}")


def invalid_value(message: str) -> AwsError:
    """Return the error for a message attribute that isn't allowed."""
    return AwsError("ParameterValueInvalid", message)


def no_value(name: str) -> AwsError:
    """Return the error for a parameter that isn't there."""
    return invalid(f"{name} Reason: no value for required parameter")


def topic_not_found() -> AwsError:
    """Return the error for a topic that isn't there."""
    return AwsError("NotFound", "Topic does not exist", 404)


def subscription_not_found() -> AwsError:
    """Return the error for a subscription that isn't there."""
    return AwsError("NotFound", "Subscription does not exist", 404)


def application_not_found() -> AwsError:
    """Return the error for a platform application that isn't there."""
    return AwsError("NotFound", "PlatformApplication does not exist", 404)


def endpoint_not_found() -> AwsError:
    """Return the error for a platform endpoint that isn't there."""
    return AwsError("NotFound", "Endpoint does not exist", 404)


def resource_not_found() -> AwsError:
    """Return the error for an ARN that can't be tagged, or names nothing."""
    return AwsError("ResourceNotFound", "Resource does not exist", 404)


def not_authorized(who: str, action: str, resource: str) -> AwsError:
    """Return the error for a caller whom the topic's policy doesn't let in."""
    text = f"User: {who or 'anonymous'} is not authorized to perform: {action} on resource: {resource}"
    return AwsError("AuthorizationError", f"{text} because no resource-based policy allows the {action} action", 403)


def busy() -> AwsError:
    """Return the error for a resource that other requests kept changing."""
    return AwsError("ConcurrentAccess", "Another request is changing this resource. Please try again.")
