"""What every batch must keep to, and how entries that failed are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError
from lambent.services.sqs.errors import empty_batch

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

ENTRIES_MAX: Final = 10
_ID: Final = Regex(r"[A-Za-z0-9_-]{1,80}")


def check(entries: Sequence[Mapping[str, Any]], shape: str) -> None:
    """Raise AWS's errors for a batch that is refused as a whole; ``shape`` is the name of its entries."""
    if not entries:
        raise empty_batch(shape)
    if len(entries) > ENTRIES_MAX:
        text = f"Maximum number of entries per request are {ENTRIES_MAX}. You have sent {len(entries)}."
        raise AwsError("TooManyEntriesInBatchRequest", text)
    seen: set[str] = set()
    for entry in entries:
        if not _ID.fullmatch(entry["Id"]):
            raise AwsError(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            )
        if entry["Id"] in seen:
            raise AwsError("BatchEntryIdsNotDistinct", f"Id {entry['Id']} repeated.")
        seen.add(entry["Id"])


def result(successful: Sequence[Any], failures: Sequence[shapes.BatchResultErrorEntry]) -> dict[str, Any]:
    """Return a batch's result; AWS leaves out a list that is empty."""
    return {name: entries for name, entries in (("Successful", successful), ("Failed", failures)) if entries}


def failed(entry_id: str, error: AwsError) -> shapes.BatchResultErrorEntry:
    """Return how an entry that failed is told."""
    return {"Id": entry_id, "SenderFault": error.status < 500, "Code": error.code, "Message": error.message}
