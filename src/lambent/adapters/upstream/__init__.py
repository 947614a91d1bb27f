"""Services behind another endpoint: moto's companion process, or any AWS-compatible server."""

from lambent.adapters.upstream.companion import Companion, installed, serves
from lambent.adapters.upstream.endpoint import Endpoint

__all__ = ["Companion", "Endpoint", "installed", "serves"]
