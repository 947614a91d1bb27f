"""Lambda's metrics: what invocations, events and event sources measure, gathered in memory and sent to CloudWatch in batches.

What does not belong here: keeping and asking for metrics (``services/cloudwatch``).
"""

from lambent.engine.measuring.invocations import InvocationMeters
from lambent.engine.measuring.meters import Meters

__all__ = ["InvocationMeters", "Meters"]
