"""What S3 takes for tags, of buckets and of objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_plus

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError
from lambent.services.s3 import errors

OBJECT_TAGS_MAX: Final = 10
BUCKET_TAGS_MAX: Final = 50
_TEXT: Final = Regex(r"[\w\s+\-=.:/@]*")


def of_header(text: str) -> dict[str, str]:
    """Return the tags of an ``x-amz-tagging`` header, which is written like a query."""
    pairs = []
    for part in text.split("&"):
        key, _, value = part.partition("=")
        if part:
            pairs.append((unquote_plus(key), unquote_plus(value)))
    if len(dict(pairs)) < len(pairs) or not all(_TEXT.fullmatch(key) and _TEXT.fullmatch(value) for key, value in pairs):
        why = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
        raise errors.invalid_argument(why, "x-amz-tagging", text)
    return _checked(sorted(pairs), OBJECT_TAGS_MAX, of_object=True)


def of_object(tag_set: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return an object's tags from a ``TagSet``."""
    return _checked([(each["Key"], each.get("Value", "")) for each in tag_set], OBJECT_TAGS_MAX, of_object=True)


def of_bucket(tag_set: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return a bucket's tags from a ``TagSet``."""
    return _checked([(each["Key"], each.get("Value", "")) for each in tag_set], BUCKET_TAGS_MAX, of_object=False)


def _checked(pairs: Sequence[tuple[str, str]], count_max: int, *, of_object: bool) -> dict[str, str]:
    """Return the tags by key. Raises ``BadRequest`` for too many and ``InvalidTag`` for what S3 doesn't take."""
    if len(pairs) > count_max:
        what = "Object tags cannot be greater than 10" if of_object else f"Bucket tag count cannot be greater than {count_max}"
        raise AwsError("BadRequest", what, 400)
    seen: set[str] = set()
    for key, value in pairs:
        if key in seen:
            raise _invalid("Cannot provide multiple Tags with the same key", key)
        seen.add(key)
        if key.lower().startswith("aws:"):
            raise _invalid(
                "Your TagKey cannot be prefixed with aws:" if of_object else "System tags cannot be added/updated by requester", key
            )
        if not 0 < len(key) <= 128 or not _TEXT.fullmatch(key):
            raise _invalid("The TagKey you have provided is invalid", key)
        if len(value) > 256 or not _TEXT.fullmatch(value):
            raise _invalid("The TagValue you have provided is invalid", key, TagValue=value)
    return dict(pairs)


def _invalid(text: str, key: str, **members: str) -> AwsError:
    return AwsError("InvalidTag", text, 400, members={"TagKey": key, **members})
