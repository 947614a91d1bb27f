"""Puts S3 together."""

from __future__ import annotations

from lambent.domain.ports import Platform
from lambent.domain.service import NativeService
from lambent.services.s3 import buckets, configurations, copying, listing, multipart, notifying, objects, tagging, uploads
from lambent.services.s3.browsers import Browsers, Keys, NoKeys
from lambent.services.s3.context import S3
from lambent.services.s3.delivery import NotificationDelivery

_FAMILIES = (buckets, configurations, notifying, objects, copying, multipart, uploads, tagging, listing)


def build(platform: Platform, keys: Keys | None = None) -> NativeService[S3]:
    """Return the service; ``keys`` are those that may sign forms."""
    s3 = S3(platform)
    return NativeService(
        "s3", s3, [each.operations for each in _FAMILIES], raw_handlers=[Browsers(s3, keys or NoKeys())], workers=[NotificationDelivery(s3)]
    )
