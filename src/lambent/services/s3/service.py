"""Puts S3 together."""

from __future__ import annotations

from lambent.domain.ports import Authoriser, Platform
from lambent.domain.service import NativeService, families
from lambent.services.s3.browsers import Browsers, Keys, NoKeys
from lambent.services.s3.context import S3
from lambent.services.s3.delivery import NotificationDelivery

_FAMILIES = families(
    "lambent.services.s3",
    "buckets",
    "acls",
    "locks",
    "policies",
    "numbered",
    "archives",
    "configurations",
    "notifying",
    "objects",
    "copying",
    "multipart",
    "uploads",
    "tagging",
    "listing",
)


def build(
    platform: Platform, keys: Keys | None = None, *, classic: bool = False, authoriser: Authoriser | None = None
) -> NativeService[S3]:
    """Return the service; ``keys`` are those that may sign forms, ``classic`` is how new buckets begin.

    ``authoriser`` decides about each of the keys that one request deletes.
    """
    s3 = S3(platform, classic, authoriser)
    return NativeService("s3", s3, _FAMILIES, raw_handlers=[Browsers(s3, keys or NoKeys())], workers=[NotificationDelivery(s3)])
