"""Services behind another endpoint (moto's companion process, or any AWS-compatible server), and the HTTP of the world outside."""

from lambent.adapters.upstream.companion import Companion, installed, serves
from lambent.adapters.upstream.endpoint import Endpoint
from lambent.adapters.upstream.outside import HttpOutside

__all__ = ["Companion", "Endpoint", "HttpOutside", "installed", "serves"]
