"""Multipart uploads: parts are blobs of their own, and the object that they become is the list of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.documents import Found, drop, keep
from lambent.domain.errors import Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Write
from lambent.services.s3 import assembling, checksums, copying, drafts, encrypting, errors, names, objects, writing
from lambent.services.s3.context import ATTEMPTS_MAX, S3, instant
from lambent.services.s3.intake import check_length_given, take_in
from lambent.services.s3.state import CURRENT, PARTS, UPLOADS, Bucket, Part, Piece, Upload

if TYPE_CHECKING:
    from lambent.services.s3._generated_shapes import (
        AbortMultipartUploadRequest,
        CompleteMultipartUploadRequest,
        CreateMultipartUploadRequest,
        UploadPartCopyRequest,
        UploadPartRequest,
    )

operations: Operations[S3] = Operations()

_COPY_RANGE = Regex(r"bytes=(\d{1,18})-(\d{1,18})\Z", re.ASCII)


@operations.serves("CreateMultipartUpload")
async def create_multipart_upload(s3: S3, call: Call, request: CreateMultipartUploadRequest) -> Mapping[str, Any]:
    """Begin an upload."""
    bucket = (await s3.bucket(call)).value
    names.check_key(request["Key"], s3.platform.quotas.key_bytes_max)
    algorithm, kind = request.get("ChecksumAlgorithm", ""), request.get("ChecksumType", "")
    if kind and not algorithm:
        raise errors.invalid_request("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
    if algorithm:
        checksums.hasher(algorithm)
        kind = kind or checksums.default_type(algorithm)
        checksums.check_type(algorithm, kind)
    now = s3.platform.clock.now()
    current = await CURRENT.get(s3.platform.store, (bucket.name, request["Key"]))
    upload = Upload(
        upload_id=s3.platform.ids.text(64, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"),
        initiated=now,
        initiator=call.caller.account_id,
        draft=drafts.draft_of(bucket, call, s3.platform.quotas.metadata_bytes_max, now),
        base=0 if current is None else current.value.sequence,
        checksum_algorithm=algorithm,
        checksum_type=kind,
    )
    await s3.platform.store.commit([UPLOADS.put((bucket.name, request["Key"], upload.upload_id), upload)])
    answer = {"Bucket": bucket.name, "Key": request["Key"], "UploadId": upload.upload_id, **upload.draft.encryption}
    return answer | ({"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if algorithm else {})


async def open_upload(s3: S3, call: Call) -> tuple[Bucket, Found[Upload]]:
    """Return the bucket and the upload that the call names. ``NoSuchUpload`` when there is none."""
    bucket = (await s3.bucket(call)).value
    upload_id = call.params["UploadId"]
    found = await UPLOADS.get(s3.platform.store, (bucket.name, call.params["Key"], upload_id))
    if found is None:
        raise errors.no_such_upload(upload_id)
    return bucket, found


def _check_number(s3: S3, number: int) -> None:
    most = s3.platform.quotas.parts_max
    if not 1 <= number <= most:
        raise errors.invalid_argument(f"Part number must be an integer between 1 and {most}, inclusive", "partNumber", number)


@operations.serves("UploadPart")
async def upload_part(s3: S3, call: Call, request: UploadPartRequest) -> Mapping[str, Any]:
    """Store a part; one of the same number is replaced."""
    _check_number(s3, request["PartNumber"])
    check_length_given(call)
    _, found = await open_upload(s3, call)
    upload = found.value
    encrypting.check_customer_key(call.params, upload.draft)
    given = checksums.given(call.params)
    algorithm = given[0] if given else request.get("ChecksumAlgorithm", "")
    wanted = upload.checksum_algorithm
    if wanted and algorithm != wanted and (algorithm or upload.checksum_type == "COMPOSITE"):
        actual = algorithm.lower() or "null"
        text = f"Checksum Type mismatch occurred, expected checksum Type: {wanted.lower()}, actual checksum Type: {actual}"
        raise errors.invalid_request(text)
    arrived = await take_in(s3.platform.blobs, call.params, s3.platform.quotas.put_bytes_max, wanted or checksums.DEFAULT, both=True)
    keeper = f"s3:{upload.upload_id}:{s3.platform.ids.hex(16)}"
    piece = Piece(arrived.digest, arrived.size, keeper, request["PartNumber"], arrived.own)
    await _store_part(s3, upload.upload_id, Part(piece=piece, etag=arrived.md5.hex(), modified=s3.platform.clock.now()), found)
    answer = {"ETag": f'"{arrived.md5.hex()}"', **upload.draft.encryption}
    return answer | checksums.members(arrived.checksum if algorithm or wanted else arrived.own, with_type=False)


async def _store_part(s3: S3, upload_id: str, part: Part, upload: Found[Upload]) -> None:
    """Keep the part's blob and let go of the one that it replaces.

    The upload is written again, unchanged: so no completion and no abort can miss a part that came meanwhile.
    """
    key = (upload_id, part.piece.number)
    for _ in range(ATTEMPTS_MAX):
        old = await PARTS.get(s3.platform.store, key)
        found = await UPLOADS.get(s3.platform.store, upload.key)
        if found is None:
            raise errors.no_such_upload(upload_id)
        writes: list[Write] = [
            UPLOADS.put(found.key, found.value, expect=found.version),
            PARTS.put(key, part, expect=ABSENT if old is None else old.version),
            keep(part.piece.digest, part.piece.keeper),
        ]
        if old is not None:
            writes.append(drop(old.value.piece.digest, old.value.piece.keeper))
        try:
            await s3.platform.store.commit(writes)
        except Conflict:
            continue
        return
    raise errors.conditional_conflict()


@operations.serves("UploadPartCopy")
async def upload_part_copy(s3: S3, call: Call, request: UploadPartCopyRequest) -> Mapping[str, Any]:
    """Make a part of an object that is there, or of a range of it."""
    _check_number(s3, request["PartNumber"])
    _, found = await open_upload(s3, call)
    source_bucket, source, _, _ = await copying.open_source(s3, call)
    start, end = _copy_range(request.get("CopySourceRange"), source.size)
    body = copying.PieceStream(s3.platform.blobs, source, start, end)
    params = {"Body": body}
    algorithm = found.value.checksum_algorithm
    arrived = await take_in(s3.platform.blobs, params, s3.platform.quotas.put_bytes_max, algorithm or checksums.DEFAULT, both=True)
    keeper = f"s3:{found.value.upload_id}:{s3.platform.ids.hex(16)}"
    now = s3.platform.clock.now()
    piece = Piece(arrived.digest, arrived.size, keeper, request["PartNumber"], arrived.checksum)
    await _store_part(s3, found.value.upload_id, Part(piece=piece, etag=arrived.md5.hex(), modified=now), found)
    shown = checksums.members(arrived.own if algorithm else None, with_type=False)
    result = {"ETag": f'"{arrived.md5.hex()}"', "LastModified": instant(now), **shown}
    answer: dict[str, Any] = {"CopyPartResult": result, **found.value.draft.encryption}
    return answer | ({"CopySourceVersionId": source.version_id} if source_bucket.versioning else {})


def _copy_range(text: str | None, size: int) -> tuple[int, int]:
    if text is None:
        return 0, size
    found = _COPY_RANGE.match(text)
    if found is None or int(found[1]) > int(found[2]):
        why = (
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets "
            "of the first and last bytes to copy"
        )
        raise errors.invalid_argument(why, "x-amz-copy-source-range", text)
    if int(found[1]) >= size:
        raise errors.invalid_request("The specified copy range is invalid for the source object size")
    if int(found[2]) >= size:
        raise errors.invalid_argument(f"Range specified is not valid for source object of size: {size}", "x-amz-copy-source-range", text)
    return int(found[1]), int(found[2]) + 1


@operations.serves("CompleteMultipartUpload")
async def complete_multipart_upload(s3: S3, call: Call, request: CompleteMultipartUploadRequest) -> Mapping[str, Any]:
    """Make the object of the parts that are named; the others are let go."""
    bucket = (await s3.bucket(call)).value
    for _ in range(ATTEMPTS_MAX):
        upload = await UPLOADS.get(s3.platform.store, (bucket.name, request["Key"], request["UploadId"]))
        if upload is None:
            return await _completed_before(s3, call, bucket)
        if "MultipartUpload" not in call.params:
            raise errors.invalid_request("You must specify at least one part")
        try:
            return await _complete(s3, call, bucket, upload)
        except Conflict:
            continue  # a part came meanwhile
    raise errors.conditional_conflict()


async def _complete(s3: S3, call: Call, bucket: Bucket, upload: Found[Upload]) -> Mapping[str, Any]:
    key = call.params["Key"]
    stored = await parts_of(s3, upload.value.upload_id)
    wanted = call.params.get("MultipartUpload", {}).get("Parts", [])
    plan = assembling.plan(
        upload.value, {number: each.value for number, each in stored.items()}, wanted, call.params, s3.platform.quotas.part_bytes_min
    )
    also: list[Write] = [UPLOADS.delete(upload.key, expect=upload.version)]
    also += [PARTS.delete(each.key, expect=each.version) for each in stored.values()]
    also += [drop(each.digest, each.keeper) for each in plan.unused]
    if not plan.version.size:
        also += [drop(each.digest, each.keeper) for each in plan.version.pieces]
    event, base = "ObjectCreated:CompleteMultipartUpload", upload.value.base
    version = await writing.put_version(s3, call, (bucket, key), plan.version, event, tuple(also), base=base)
    answer = _completed(s3, bucket, key, version.etag, version.version_id)
    return answer | objects.common(bucket, key, version) | checksums.members(version.checksum)


def _completed(s3: S3, bucket: Bucket, key: str, etag: str, version_id: str) -> dict[str, Any]:
    location = f"http://{s3.platform.public_host}/{bucket.name}/{quote(key, safe='')}"
    answer = {"Location": location, "Bucket": bucket.name, "Key": key, "ETag": f'"{etag}"'}
    return {**answer, "VersionId": version_id} if bucket.versioning == "Enabled" else answer


async def _completed_before(s3: S3, call: Call, bucket: Bucket) -> Mapping[str, Any]:
    """Answer a repeated completion as the first one, when its object is still there."""
    current = await CURRENT.get(s3.platform.store, (bucket.name, call.params["Key"]))
    wanted = [each.get("ETag", "").strip('"') for each in call.params.get("MultipartUpload", {}).get("Parts", [])]
    upload_id = call.params["UploadId"]
    if current is None or not current.value.multipart or not current.value.pieces[0].keeper.startswith(f"s3:{upload_id}:"):
        raise errors.no_such_upload(upload_id)
    try:
        digest = hashlib.md5(b"".join(bytes.fromhex(each) for each in wanted), usedforsecurity=False).hexdigest()
    except ValueError:
        digest = ""
    if current.value.etag != f"{digest}-{len(wanted)}":
        raise errors.no_such_upload(upload_id)
    return _completed(s3, bucket, call.params["Key"], current.value.etag, current.value.version_id)


@operations.serves("AbortMultipartUpload")
async def abort_multipart_upload(s3: S3, call: Call, request: AbortMultipartUploadRequest) -> None:
    """Forget an upload and let go of its parts."""
    _, found = await open_upload(s3, call)
    for _ in range(ATTEMPTS_MAX):
        try:
            await s3.platform.store.commit(await writes_for_abort(s3, found))
        except Conflict:
            _, found = await open_upload(s3, call)
            continue
        return
    raise errors.conditional_conflict()


async def writes_for_abort(s3: S3, found: Found[Upload]) -> list[Write]:
    """Return the writes that forget an upload and its parts."""
    writes: list[Write] = [UPLOADS.delete(found.key, expect=found.version)]
    for part in (await parts_of(s3, found.value.upload_id)).values():
        writes += [PARTS.delete(part.key), drop(part.value.piece.digest, part.value.piece.keeper)]
    return writes


async def parts_of(s3: S3, upload_id: str) -> dict[int, Found[Part]]:
    """Return an upload's parts by number, in order."""
    found = await PARTS.range(s3.platform.store, (upload_id,), limit=s3.platform.quotas.parts_max)
    return {each.value.piece.number: each for each in found}
