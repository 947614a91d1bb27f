"""Floor 3: AWS's protocols, from botocore's models: bytes → parameters, results → bytes. The only folder that imports botocore.

``route`` finds the operation from a request's head, ``parse`` reads and checks its input, ``serialise`` and ``serialise_error`` write
the answer; ``client`` speaks the same protocols to upstreams. No I/O here: whoever calls reads and sends.
"""

from lambent.wire.failures import serialise_error
from lambent.wire.parsing import ParsedRequest, is_streaming_input, parse
from lambent.wire.routing import certain_route, protocol_of, route
from lambent.wire.serialising import serialise, xml_document

__all__ = [
    "ParsedRequest",
    "certain_route",
    "is_streaming_input",
    "parse",
    "protocol_of",
    "route",
    "serialise",
    "serialise_error",
    "xml_document",
]
