"""What the server and the runtime in an environment tell each other, whatever carries it: frames, or the HTTP Runtime API.

The server hands over events. A runtime *reports*: ``ready`` (it takes events), ``result``, ``error``, ``init_error``, and for a response
in pieces ``stream``, ``chunk`` …, ``end``. All of a report may be forged: the function can say whatever its runtime can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec


class EventHeader(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is handed over with an event."""

    request_id: str
    arn: str  #: as it was invoked
    deadline_ms: int  #: since 1970
    trace: str = ""  #: ``X-Amzn-Trace-Id``
    client_context: str = ""  #: JSON
    tenant: str = ""
    cognito: str = ""  #: JSON


class ReportHeader(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a runtime says with a report; empty: nothing."""

    request_id: str = ""  #: of the event; without it, the present one is meant
    content_type: str = ""
    error_type: str = ""
    peak_kb: str = ""  #: the largest resident size of its process so far: reading ``/proc`` for it costs more than the rest of the talk
    unread: str = ""  #: ``0``: the server has read all output
    too_large: bool = False  #: the body was so large that it wasn't kept


Report: TypeAlias = Callable[[str, ReportHeader, bytes], None]
"""Takes what a runtime reports: kind, header, body. Never blocks."""
