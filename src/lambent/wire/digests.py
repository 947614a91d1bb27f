"""Digests of requests whose bodies are read whole: one that is given must hold. (S3 demands one here and there; we do not.)"""

from __future__ import annotations

import base64
import binascii
import hashlib

from lambent.domain.errors import AwsError
from lambent.domain.http import HttpRequest


def check(request: HttpRequest, body: bytes) -> None:
    """Raise ``InvalidDigest`` for a ``Content-MD5`` that is none, ``BadDigest`` for a wrong one."""
    given = request.headers.get("content-md5")
    if given is None:
        return
    digest = _decoded(given)
    if len(digest) != 16:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400, members={"Content-MD5": given})
    found = hashlib.md5(body, usedforsecurity=False).digest()
    if found != digest:
        members = {"ExpectedDigest": given, "CalculatedDigest": base64.b64encode(found).decode()}
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400, members=members)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
