"""Amazon Resource Names: ``arn:partition:service:region:account:resource``."""

from __future__ import annotations

import msgspec

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
)
"""Beginnings of the names of regions, and the partitions of those regions; all others are of ``aws``."""


class Arn(msgspec.Struct, frozen=True):
    """The six parts of an ARN; ``resource`` keeps its own colons and slashes."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Return the ARN in ``text``; ``ValueError`` when it isn't one."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"not an ARN: {text!r}")
        return cls(*parts[1:])

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"


def partition_of(region: str) -> str:
    """Return the partition that AWS keeps the region in."""
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


def arn(service: str, region: str, account_id: str, resource: str) -> str:
    """Return the ARN's text, in the region's partition."""
    return f"arn:{partition_of(region)}:{service}:{region}:{account_id}:{resource}"
