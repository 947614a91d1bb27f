"""Admission and routing of invocations. ``admission`` and ``results`` are pure; ``invoker`` acts. Knows nothing of queues or retries."""

from lambent.engine.invocation.invoker import LocalInvoker
from lambent.engine.invocation.provisioning import Provisioner

__all__ = ["LocalInvoker", "Provisioner"]
