from __future__ import annotations

from typing import Any

from lambent.domain.documents import is_kept


async def versioning(s3: Any, bucket: str, status: str = "Enabled") -> None:
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": status})


async def test_versions_stay_until_they_are_deleted(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"0")
    await versioning(s3, bucket)
    first = (await s3("PutObject", Bucket=bucket, Key="k", Body=b"1"))["VersionId"]
    second = (await s3("PutObject", Bucket=bucket, Key="k", Body=b"2"))["VersionId"]
    assert len({first, second}) == 2 and len(first) == 32
    for version_id, body in ((first, b"1"), (second, b"2"), ("null", b"0")):
        assert (await s3("GetObject", Bucket=bucket, Key="k", VersionId=version_id))["Body"] == body
    assert (await s3("DeleteObject", Bucket=bucket, Key="k", VersionId=second)) == {"VersionId": second}
    assert (await s3("GetObject", Bucket=bucket, Key="k"))["Body"] == b"1"
    assert (await s3.error("GetObject", Bucket=bucket, Key="k", VersionId=second)).code == "NoSuchVersion"
    assert (await s3.error("GetObject", Bucket=bucket, Key="k", VersionId="nonsense")).code == "InvalidArgument"


async def test_delete_markers_hide(s3: Any, bucket: str) -> None:
    await versioning(s3, bucket)
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"1")
    gone = await s3("DeleteObject", Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] is True
    error = await s3.error("GetObject", Bucket=bucket, Key="k")
    assert (error.code, error.headers["x-amz-delete-marker"]) == ("NoSuchKey", "true")
    assert (await s3.error("GetObject", Bucket=bucket, Key="k", VersionId=gone["VersionId"])).code == "MethodNotAllowed"
    assert (await s3("ListObjectsV2", Bucket=bucket))["Contents"] == []
    assert (await s3("DeleteObject", Bucket=bucket, Key="k", VersionId=gone["VersionId"]))["DeleteMarker"] is True
    assert (await s3("GetObject", Bucket=bucket, Key="k"))["Body"] == b"1"


async def test_suspended_versioning_writes_null(s3: Any, bucket: str) -> None:
    await versioning(s3, bucket)
    first = (await s3("PutObject", Bucket=bucket, Key="k", Body=b"1"))["VersionId"]
    await versioning(s3, bucket, "Suspended")
    for body in (b"2", b"3"):
        assert "VersionId" not in await s3("PutObject", Bucket=bucket, Key="k", Body=body)
        assert (await s3("HeadObject", Bucket=bucket, Key="k"))["VersionId"] == "null"
    await versioning(s3, bucket)
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"4")
    await versioning(s3, bucket, "Suspended")
    assert (await s3("DeleteObject", Bucket=bucket, Key="k"))["VersionId"] == "null"
    listing = await s3("ListObjectVersions", Bucket=bucket)
    assert [each["IsLatest"] for each in listing["DeleteMarkers"]] == [True]
    assert [each["VersionId"] for each in listing["Versions"]][1:] == [first]


async def test_versions_are_listed_in_pages(s3: Any, bucket: str) -> None:
    await versioning(s3, bucket)
    wanted = []
    for key in "abc":
        made = [(await s3("PutObject", Bucket=bucket, Key=key, Body=b"x"))["VersionId"] for _ in range(3)]
        wanted += [(key, each) for each in reversed(made)]
    got: list[tuple[str, str]] = []
    marker: dict[str, str] = {}
    while True:
        page = await s3("ListObjectVersions", Bucket=bucket, MaxKeys=2, **marker)
        got += [(each["Key"], each["VersionId"]) for each in page["Versions"]]
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert got == wanted


async def test_tags_are_of_a_version(s3: Any, bucket: str) -> None:
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=%20")
    assert (await s3("GetObjectTagging", Bucket=bucket, Key="k"))["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": " "}]
    await s3("PutObjectTagging", Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert (await s3("HeadObject", Bucket=bucket, Key="k"))["TagCount"] == 1
    await s3("DeleteObjectTagging", Bucket=bucket, Key="k")
    assert (await s3("GetObjectTagging", Bucket=bucket, Key="k"))["TagSet"] == []
    many = [{"Key": str(each), "Value": ""} for each in range(11)]
    assert (await s3.error("PutObjectTagging", Bucket=bucket, Key="k", Tagging={"TagSet": many})).code == "BadRequest"
    assert await is_kept(s3.platform.store, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")


async def test_configurations_are_given_back(s3: Any, bucket: str) -> None:
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    assert (await s3.error("GetBucketCors", Bucket=bucket)).code == "NoSuchCORSConfiguration"
    await s3("PutBucketCors", Bucket=bucket, CORSConfiguration=rules)
    assert await s3("GetBucketCors", Bucket=bucket) == rules
    await s3("DeleteBucketCors", Bucket=bucket)
    assert (await s3.error("GetBucketCors", Bucket=bucket)).status == 404
    policy = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::pictures/*"}]}'
    assert (await s3.error("PutBucketPolicy", Bucket=bucket, Policy=policy)).code == "AccessDenied"
    await s3("DeletePublicAccessBlock", Bucket=bucket)
    await s3("PutBucketPolicy", Bucket=bucket, Policy=policy)
    assert (await s3("GetBucketPolicy", Bucket=bucket))["Policy"] == policy
    assert (await s3("GetBucketPolicyStatus", Bucket=bucket))["PolicyStatus"] == {"IsPublic": True}
    assert (await s3.error("PutBucketPolicy", Bucket=bucket, Policy="x")).code == "MalformedPolicy"
    assert (await s3("GetBucketEncryption", Bucket=bucket))["ServerSideEncryptionConfiguration"]["Rules"]
    assert (await s3.error("GetPublicAccessBlock", Bucket=bucket)).code == "NoSuchPublicAccessBlockConfiguration"


async def test_a_version_that_is_gone_can_be_deleted_again(s3: Any, bucket: str) -> None:
    await versioning(s3, bucket)
    version_id = (await s3("PutObject", Bucket=bucket, Key="k", Body=b"1"))["VersionId"]
    one = {"Key": "k", "VersionId": version_id}
    for _ in range(2):
        assert await s3("DeleteObjects", Bucket=bucket, Delete={"Objects": [one]}) == {"Deleted": [one]}
    unknown = await s3("DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": "nonsense"}]})
    assert [each["Code"] for each in unknown["Errors"]] == ["NoSuchVersion"]
