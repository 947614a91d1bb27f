"""Event patterns: EventBridge's rules, Lambda's filter criteria and SNS's filter policies. Pure; no event is ever fetched here.

``compile_pattern(text_or_mapping)`` gives a ``Pattern``; ``pattern.matches(event)`` takes the event as ``json.loads`` gives it. All three
services share one language (Ruler, https://github.com/aws/event-ruler), so there is one compiler; what differs is the caller's:

- **EventBridge** passes the pattern's text as it came, and answers ``InvalidEventPatternException`` with ``str(error)``.
- **Lambda's event source mappings** pass each filter's text and answer their own message. What isn't JSON in a record's body (SQS, Kinesis)
  is decoded by the caller before: a filter on the parsed field never matches a text.
- **SNS** puts ``error.reason + error.where`` into its own message. For the scope ``MessageAttributes`` the caller makes the event:
  name → text, number, or list for ``String.Array``. ``pattern.alternatives`` (for each alternative of the ``$or``s, how many values each
  path allows) is what its limits on keys and combinations are computed from; ``path.count(".")`` is a path's nesting;
  ``pattern.operators`` tells which operators occur.

Semantics worth knowing: a list in the event matches when one of its elements does, and paths through the same list must agree on the
element; keys joined by dots equal nested keys; ``exists`` looks at leaves only; numbers compare as EventBridge compares them (six
decimals, ±5e9; beyond that, literally).
"""

from lambent.patterns.events.errors import PatternError
from lambent.patterns.events.language import Pattern, compile_pattern

__all__ = ["Pattern", "PatternError", "compile_pattern"]
