"""EventBridge's errors, in AWS's words. All are HTTP 400."""

from __future__ import annotations

from lambent.domain.errors import AwsError


def invalid(message: str) -> AwsError:
    """A parameter isn't allowed."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    """Something that the request names isn't there."""
    return AwsError("ResourceNotFoundException", message)


def bus_not_found(name: str) -> AwsError:
    """There is no such event bus."""
    return not_found(f"Event bus {name} does not exist.")


def rule_not_found(rule: str, bus: str) -> AwsError:
    """There is no such rule."""
    return not_found(f"Rule {rule} does not exist on EventBus {bus}.")


def managed(rule: str) -> AwsError:
    """The rule is an AWS service's own."""
    return AwsError("ManagedRuleException", f"{rule} is a managed rule. Set 'force' parameter to true to override.")


def already_exists(what: str) -> AwsError:
    """The name is taken; ``what`` is like ``Event bus orders``."""
    return AwsError("ResourceAlreadyExistsException", f"{what} already exists.")


def limit_exceeded() -> AwsError:
    """A quota is used up."""
    return AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def busy() -> AwsError:
    """Another request changed the same thing, again and again."""
    return AwsError("ConcurrentModificationException", "The resource is being modified by another request. Please try again.")
