"""Which IAM action, on which resource, a call of an operation is: data by service, after the Service Authorization Reference, and how it
is read. No service's behaviour belongs here."""

from lambent.policy.actions.needs import Need, needs_of

__all__ = ["Need", "needs_of"]
