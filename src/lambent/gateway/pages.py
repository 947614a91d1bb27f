"""Which web pages may use a key that is believed without proof.

Whatever runs on this machine is trusted on loopback, and a browser does: with it comes every page that its user visits. Browsers say where
a request comes from (``Origin``, ``Sec-Fetch-Site``), and a page can't change that; other clients don't send these headers. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from lambent.domain.http import HttpRequest

_OWN_NAMES = ("localhost", "localhost.localstack.cloud")


def is_foreign(request: HttpRequest, origins: Collection[str] = ()) -> bool:
    """Return whether a page that isn't served from this machine, nor from one of ``origins``, made the request."""
    headers = request.headers
    origin = headers.get("origin")
    if origin is not None:
        return origin not in origins and not _is_own(urlsplit(origin).hostname or "")
    site = headers.get("sec-fetch-site")
    if site is None:
        return False
    # Without an Origin: a plain GET. ``same-origin`` is no proof where a foreign name was made to lead here.
    return site == "cross-site" or not _is_own(urlsplit(f"//{request.host}").hostname or "")


def _is_own(host: str) -> bool:
    if any(host == name or host.endswith(f".{name}") for name in _OWN_NAMES):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
