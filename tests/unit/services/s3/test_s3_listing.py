from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def keys_of(listing: Any) -> list[str]:
    return [each["Key"] for each in listing["Contents"]]


def prefixes_of(listing: Any) -> list[str]:
    return [each["Prefix"] for each in listing["CommonPrefixes"]]


async def fill(s3: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        await s3("PutObject", Bucket=bucket, Key=key, Body=b"x")


async def test_prefix_and_delimiter(s3: Any, bucket: str) -> None:
    await fill(s3, bucket, "a", "b/1", "b/2/3", "b/2/4", "c/1", "d")
    listing = await s3("ListObjectsV2", Bucket=bucket, Delimiter="/")
    assert (keys_of(listing), prefixes_of(listing), listing["KeyCount"]) == (["a", "d"], ["b/", "c/"], 4)
    listing = await s3("ListObjectsV2", Bucket=bucket, Delimiter="/", Prefix="b/")
    assert (keys_of(listing), prefixes_of(listing)) == (["b/1"], ["b/2/"])
    listing = await s3("ListObjects", Bucket=bucket, Prefix="b/2")
    assert keys_of(listing) == ["b/2/3", "b/2/4"]


async def test_markers_and_start_after(s3: Any, bucket: str) -> None:
    await fill(s3, bucket, "a", "b", "c")
    assert keys_of(await s3("ListObjects", Bucket=bucket, Marker="a")) == ["b", "c"]
    assert keys_of(await s3("ListObjectsV2", Bucket=bucket, StartAfter="bb")) == ["c"]
    empty = await s3("ListObjectsV2", Bucket=bucket, MaxKeys=0)
    assert (keys_of(empty), empty["IsTruncated"]) == ([], False)
    assert (await s3.error("ListObjectsV2", Bucket=bucket, MaxKeys=-1)).code == "InvalidArgument"
    assert (await s3.error("ListObjectsV2", Bucket=bucket, ContinuationToken="%%")).code == "InvalidArgument"


async def test_keys_are_encoded_on_demand(s3: Any, bucket: str) -> None:
    await fill(s3, bucket, "a b+c/é")
    assert keys_of(await s3("ListObjectsV2", Bucket=bucket, EncodingType="url")) == ["a%20b%2Bc/%C3%A9"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.sets(st.text("ab/", min_size=1, max_size=5), max_size=20), prefix=st.text("ab/", max_size=2), limit=st.integers(1, 4))
async def test_pages_together_are_the_whole(s3: Any, keys: set[str], prefix: str, limit: int) -> None:
    bucket = f"bucket-{s3.platform.ids.hex(20)}"
    await s3("CreateBucket", Bucket=bucket)
    await fill(s3, bucket, *keys)
    wanted_keys = sorted(key for key in keys if key.startswith(prefix) and "/" not in key[len(prefix) :])
    wanted_prefixes = sorted(
        {prefix + key[len(prefix) :].split("/")[0] + "/" for key in keys if key.startswith(prefix) and "/" in key[len(prefix) :]}
    )
    got_keys: list[str] = []
    got_prefixes: list[str] = []
    token: dict[str, str] = {}
    for _ in range(30):
        page = await s3("ListObjectsV2", Bucket=bucket, Prefix=prefix, Delimiter="/", MaxKeys=limit, **token)
        got_keys += keys_of(page)
        got_prefixes += prefixes_of(page)
        assert page["KeyCount"] <= limit
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert (got_keys, got_prefixes) == (wanted_keys, wanted_prefixes)
