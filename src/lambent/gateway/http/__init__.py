"""HTTP/1.1 as the gateway needs it: an asyncio protocol over httptools. Bytes in, ``HttpRequest`` and ``HttpResponse`` between, bytes out.

``server`` listens and ends what idles or stalls; ``connection`` is one client's socket; ``bodies`` are requests' bodies as they come;
``heads`` reads heads, ``answers`` writes them (pure). Knows no AWS service. Why not an ASGI server:
``docs/decisions/0003-own-http-protocol.md``.
"""

from lambent.gateway.http.server import HttpServer, Timeouts

__all__ = ["HttpServer", "Timeouts"]
