"""Amazon S3's objects through boto3, the AWS CLI and plain HTTP, against a real server process."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from tests.acceptance.conftest import RunningServer

MB = 1 << 20
ODD_KEYS = (
    "a+b",
    "a b",
    "%25",
    "a%2Fb",
    "é/日本",
    "a//b",
    "/lead",
    "trail/",
    "./x",
    "../up",
    "a/../b",
    "a&b?c#d=e",
    "'\"<>\\",
    "😀",
    "tab\t",
)


@pytest.fixture
def s3(server: RunningServer) -> Any:
    return server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"objects-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def refused(call: Any, **params: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def http(method: str, url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any, bytes]:
    request = urllib.request.Request(url, data, dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_keys_with_every_odd_character(s3: Any, bucket: str) -> None:
    for key in ODD_KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in ODD_KEYS} == {key: key for key in ODD_KEYS}
    assert {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]} == set(ODD_KEYS)
    assert {each["Key"] for each in s3.list_objects(Bucket=bucket)["Contents"]} == set(ODD_KEYS)
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in ODD_KEYS]})
    assert len(gone["Deleted"]) == len(ODD_KEYS) and "Errors" not in gone
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    s3.delete_bucket(Bucket=bucket)


def test_what_an_object_says_of_itself(s3: Any, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ContentType="text/plain", Metadata={"who": "me"}, Tagging="a=1")
    assert (put["ETag"], put["ServerSideEncryption"], put["ChecksumType"]) == (
        f'"{hashlib.md5(b"hello").hexdigest()}"',
        "AES256",
        "FULL_OBJECT",
    )
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ContentLength"], head["ContentType"], head["Metadata"], head["ChecksumCRC32"]) == (
        5,
        "text/plain",
        {"who": "me"},
        put["ChecksumCRC32"],
    )
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag", "ObjectSize", "Checksum", "StorageClass"])
    assert (attributes["ObjectSize"], attributes["Checksum"]["ChecksumCRC32"]) == (5, put["ChecksumCRC32"])
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert s3.get_object(Bucket=bucket, Key="copy", Range="bytes=1-2")["Body"].read() == b"el"
    s3.put_object_tagging(Bucket=bucket, Key="copy", Tagging={"TagSet": [{"Key": "b", "Value": "2"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "b", "Value": "2"}]
    s3.delete_object_tagging(Bucket=bucket, Key="copy")
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=put["ETag"])[0] == 304
    assert refused(s3.put_object, Bucket=bucket, Key="k", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refused(s3.get_object, Bucket=bucket, Key="k", Range="bytes=9-") == (416, "InvalidRange")
    assert refused(s3.put_object, Bucket=bucket, Key="x" * 1025) == (400, "KeyTooLongError")


def test_a_file_goes_up_in_parts_and_comes_back(s3: Any, bucket: str, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(os.urandom(17 * MB + 1))
    s3.upload_file(str(source), bucket, "big", Config=TransferConfig(multipart_threshold=6 * MB, multipart_chunksize=6 * MB))
    head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"') and head["ChecksumType"] == "COMPOSITE"
    s3.download_file(bucket, "big", str(back))
    assert back.read_bytes() == source.read_bytes()
    part = s3.get_object(Bucket=bucket, Key="big", PartNumber=3)
    assert (part["ContentLength"], part["PartsCount"]) == (5 * MB + 1, 3)


def test_parts_one_by_one(s3: Any, bucket: str) -> None:
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    first = s3.upload_part(**upload, PartNumber=1, Body=b"a" * 5 * MB)["ETag"]
    second = s3.upload_part_copy(**upload, PartNumber=2, CopySource=f"{bucket}/source", CopySourceRange="bytes=2-4")
    assert [each["Size"] for each in s3.list_parts(**upload)["Parts"]] == [5 * MB, 3]
    assert [each["Key"] for each in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["k"]
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]}]
    assert refused(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts[::-1]}) == (400, "InvalidPartOrder")
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-2"') and done["ChecksumType"] == "FULL_OBJECT"
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=-4")["Body"].read() == b"a234"
    upload["UploadId"] = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.abort_multipart_upload(**upload)
    assert refused(s3.list_parts, **upload) == (404, "NoSuchUpload")


def test_versions(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.put_object(Bucket=bucket, Key="k", Body=text)["VersionId"] for text in (b"1", b"2")]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert refused(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=ids[0])["Body"].read() == b"1"
    listing = s3.list_object_versions(Bucket=bucket)
    assert [each["VersionId"] for each in listing["Versions"]] == ids[::-1] and listing["DeleteMarkers"][0]["IsLatest"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_one_of_many_writers_wins(s3: Any, bucket: str) -> None:
    statuses: list[int] = []

    def write(number: int) -> None:
        try:
            s3.put_object(Bucket=bucket, Key="once", Body=str(number), IfNoneMatch="*")
            statuses.append(200)
        except ClientError as error:
            statuses.append(error.response["ResponseMetadata"]["HTTPStatusCode"])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [200] + [412] * 7


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(server: RunningServer, bucket: str, version: str) -> None:
    signer = server.client("s3", signature_version=version)
    url = signer.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b", "Metadata": {"who": "me"}})
    headers = {"x-amz-meta-who": "me"} if version == "s3v4" else {}
    status, answered, _ = http("PUT", url, b"hello", {**headers, "content-type": ""})
    assert status == 200 and answered["x-amz-checksum-crc64nvme"]
    url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b", "ResponseContentType": "text/x"})
    status, answered, body = http("GET", url)
    assert (status, body, answered["content-type"], answered["x-amz-meta-who"]) == (200, b"hello", "text/x", "me")
    expired = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"}, ExpiresIn=-10)
    status, _, body = http("GET", expired)
    assert (status, b"has expired" in body or b"X-Amz-Expires" in body) == ({"s3": 403, "s3v4": 400}[version], True)


def test_virtual_hosts(server: RunningServer, bucket: str, s3: Any) -> None:
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"hello")
    url = urllib.parse.urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a/b"}))
    for host in (
        f"{bucket}.s3.localhost.localstack.cloud:{server.port}",
        f"{bucket}.s3.amazonaws.com",
        f"{bucket}.s3.eu-west-1.amazonaws.com",
    ):
        status, _, body = http("GET", f"{server.url}/a/b?{url.query}", headers={"host": host})
        assert (status, body) == (200, b"hello"), host


def test_bodies_that_are_not_what_they_should_be(s3: Any, bucket: str) -> None:
    digest = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"hello", ContentMD5=digest) == (400, "BadDigest")
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"hello", ContentMD5="YWJj") == (400, "InvalidDigest")
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"hello", ChecksumSHA256=base64.b64encode(bytes(32)).decode()) == (
        400,
        "BadDigest",
    )
    assert refused(s3.head_object, Bucket=bucket, Key="k")[0] == 404


def test_archives_are_restored(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="GLACIER")
    assert refused(s3.get_object, Bucket=bucket, Key="k") == (403, "InvalidObjectState")
    s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 1})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert 'ongoing-request="false"' in s3.head_object(Bucket=bucket, Key="k")["Restore"]


def test_the_command_line(server: RunningServer, bucket: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_PAGER": "",
    }

    def aws(*arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("aws")), "--region", "us-east-1", "s3", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "sp ace+ü.bin").write_bytes(os.urandom(9 * MB))
    for file in (folder / "a.txt", folder / "deep" / "sp ace+ü.bin"):
        os.utime(file, (1_700_000_000, 1_700_000_000))  # S3 tells times in seconds: a file of this second would look newer than its object
    aws("sync", str(folder), f"s3://{bucket}/f", "--quiet")
    assert aws("sync", str(folder), f"s3://{bucket}/f") == ""
    aws("sync", f"s3://{bucket}/f", str(tmp_path / "back"), "--quiet")
    assert (tmp_path / "back/deep/sp ace+ü.bin").read_bytes() == (folder / "deep/sp ace+ü.bin").read_bytes()
    assert "sp ace+ü.bin" in aws("ls", f"s3://{bucket}", "--recursive")
    aws("rb", f"s3://{bucket}", "--force")
    assert bucket not in aws("ls")
