"""Puts S3 together."""

from __future__ import annotations

from lambent.domain.ports import Platform
from lambent.domain.service import NativeService
from lambent.services.s3 import buckets, listing, objects
from lambent.services.s3.context import S3

_FAMILIES = (buckets, objects, listing)


def build(platform: Platform) -> NativeService[S3]:
    """Return the service."""
    s3 = S3(platform)
    return NativeService("s3", s3, [each.operations for each in _FAMILIES])
