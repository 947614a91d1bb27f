"""What a multipart upload's completion makes of its parts. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from lambent.domain.errors import AwsError
from lambent.services.s3 import checksums, errors
from lambent.services.s3.intake import bad_checksum
from lambent.services.s3.state import Checksum, Part, Piece, Upload, Version


class Plan(msgspec.Struct, frozen=True):
    """The object to be, and the pieces that it doesn't use."""

    version: Version
    unused: tuple[Piece, ...]


def plan(
    upload: Upload, stored: Mapping[int, Part], wanted: Sequence[Mapping[str, Any]], params: Mapping[str, Any], bytes_min: int
) -> Plan:
    """Return what the completion makes. Raises ``MalformedXML``, ``InvalidPart``, ``InvalidPartOrder``, ``EntityTooSmall``,
    ``BadDigest`` or ``InvalidRequest`` for parts, a size or a checksum that don't fit."""
    if not wanted:
        raise errors.malformed_xml()
    numbers = [each.get("PartNumber", 0) for each in wanted]
    if any(second <= first for first, second in pairwise(numbers)):
        text = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise AwsError("InvalidPartOrder", text, 400, members={"UploadId": upload.upload_id})
    parts = [_part(upload, stored, each) for each in wanted]
    for part in parts[:-1]:
        if part.piece.size < bytes_min:
            raise _too_small(part, bytes_min)
    size = sum(each.piece.size for each in parts)
    if params.get("MpuObjectSize") is not None and int(params["MpuObjectSize"]) != size:
        text = f"The provided 'x-amz-mp-object-size' header value {params['MpuObjectSize']} does not match what was computed: {size}"
        raise errors.invalid_request(text)
    digests = b"".join(bytes.fromhex(each.etag) for each in parts)
    version = msgspec.structs.replace(
        upload.draft,
        size=size,
        etag=f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}",
        pieces=tuple(each.piece for each in parts),
        checksum=_checksum(upload, parts, params),
    )
    used = set(numbers)
    return Plan(version, tuple(each.piece for number, each in stored.items() if number not in used))


def _part(upload: Upload, stored: Mapping[int, Part], wanted: Mapping[str, Any]) -> Part:
    number, etag = wanted.get("PartNumber", 0), wanted.get("ETag", "").strip('"')
    part = stored.get(number)
    given = checksums.given(wanted)
    if upload.checksum_type == "COMPOSITE" and not given:
        algorithm = upload.checksum_algorithm.lower()
        text = (
            f"The upload was created using a {algorithm} checksum. The complete request must include the checksum for each part. "
            f"It was missing for part {number} in the request."
        )
        raise errors.invalid_request(text)
    kept = part.piece.checksum if part is not None and upload.checksum_algorithm else None
    differs = given and kept and (kept.algorithm, kept.value) != given
    if part is None or part.etag != etag or differs:
        text = (
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag "
            "may not match the part's entity tag."
        )
        members = {"UploadId": upload.upload_id, "PartNumber": str(number), "ETag": etag}
        raise AwsError("InvalidPart", text, 400, members=members)
    return part


def _too_small(part: Part, bytes_min: int) -> AwsError:
    text = "Your proposed upload is smaller than the minimum allowed size"
    members = {
        "ProposedSize": str(part.piece.size),
        "MinSizeAllowed": str(bytes_min),
        "PartNumber": str(part.piece.number),
        "ETag": part.etag,
    }
    return AwsError("EntityTooSmall", text, 400, members=members)


def _checksum(upload: Upload, parts: Sequence[Part], params: Mapping[str, Any]) -> Checksum | None:
    """Return the object's checksum from its parts'; check the one that the request says."""
    found = [(each.piece.checksum, each.piece.size) for each in parts if each.piece.checksum is not None]
    algorithm = upload.checksum_algorithm or checksums.DEFAULT
    if len(found) < len(parts) or any(each.algorithm != algorithm for each, _ in found):
        return None
    checksum = checksums.of_parts(algorithm, upload.checksum_type or "FULL_OBJECT", found)
    given = checksums.given(params)
    if given is not None and given not in ((algorithm, checksum.value), (algorithm, checksum.value.partition("-")[0])):
        raise bad_checksum(given[0])
    return checksum
