"""What happens to objects. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lambent.services.s3.state import Version


class Happening(msgspec.Struct, frozen=True):
    """Something that happened to an object."""

    name: str  #: ``ObjectCreated:Put``; without ``s3:``
    key: str
    version: Version
    until: str = ""  #: of a restored object: when it goes back (ISO 8601)

    @property
    def sequencer(self) -> str:
        """A text that grows with what happens to a key."""
        return f"{self.version.sequence:018X}"


def _all_events() -> Iterator[str]:
    families = {
        "ObjectCreated": ("*", "Put", "Post", "Copy", "CompleteMultipartUpload"),
        "ObjectRemoved": ("*", "Delete", "DeleteMarkerCreated"),
        "ObjectRestore": ("*", "Post", "Completed", "Delete"),
        "ObjectTagging": ("*", "Put", "Delete"),
        "ObjectAcl": ("Put",),
        "LifecycleExpiration": ("*", "Delete", "DeleteMarkerCreated"),
        "Replication": (
            "*",
            "OperationFailedReplication",
            "OperationMissedThreshold",
            "OperationNotTracked",
            "OperationReplicatedAfterThreshold",
        ),
    }
    for family, names in families.items():
        yield from (f"s3:{family}:{name}" for name in names)
    yield from ("s3:ReducedRedundancyLostObject", "s3:LifecycleTransition", "s3:IntelligentTiering")


EVENTS = frozenset(_all_events())
"""What a notification configuration may ask for."""
