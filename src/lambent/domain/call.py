"""One call of one operation: what travels from the gateway, or from another service, through ``Cloud`` to a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from lambent.domain.caller import Caller
from lambent.domain.http import always

Params: TypeAlias = Mapping[str, Any]
"""An operation's input by the model's member names. Timestamps are aware ``datetime``, blobs ``bytes``, streaming blobs ``ByteStream``."""

Result: TypeAlias = Mapping[str, Any]
"""An operation's output by the model's member names. Streaming blobs are ``bytes`` or an ``AsyncIterator[bytes]``; an event stream
is an ``AsyncIterator`` of ``{"EventName": {member: value}}``. The key ``$status`` overrides the HTTP status; ``$headers`` (a mapping)
adds headers."""


class Call(msgspec.Struct, frozen=True):
    """A call of an operation by a caller."""

    service: str  #: botocore's service name: ``lambda``, ``s3``, ``logs``
    operation: str  #: the model's operation name: ``CreateFunction``
    params: Params
    caller: Caller
    region: str
    account_id: str  #: the account whose resources are meant unless an ARN says otherwise
    request_id: str
    host: str = ""  #: what the client addressed, for URLs that are handed out; empty for inside calls
    source_ip: str = "127.0.0.1"
    user_agent: str = ""
    trace_header: str = ""  #: ``X-Amzn-Trace-Id``: who invokes what, hop by hop, also through queues, topics and buckets
    is_wanted: Callable[[], bool] = always  #: whether the caller is still there to take the answer
