"""What tags may look like, with AWS's answers where they may not."""

from __future__ import annotations

from collections.abc import Mapping

from lambent.domain.errors import AwsError
from lambent.services.logs.errors import invalid

TAGS_MAX = 50


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags; ``InvalidParameterException`` for a key that AWS keeps to itself."""
    for key in tags:
        if key.lower().startswith("aws:"):
            raise invalid("aws: prefixed tag key names are not allowed for external use.")
    return dict(tags)


def merged_tags(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return a group's tags with the new ones among them; ``TooManyTagsException`` when there are more than AWS allows."""
    merged = {**old, **checked_tags(new)}
    if len(merged) > TAGS_MAX:
        raise AwsError("TooManyTagsException", f"The resource cannot have more than {TAGS_MAX} tags.")
    return merged
