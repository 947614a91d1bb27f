"""Creating, reading, listing and deleting functions."""

import base64
import hashlib

import pytest

from lambent.domain.documents import is_kept
from lambent.domain.http import BytesStream, HttpRequest, read_all

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
ROLE = "arn:aws:iam::123456789012:role/worker"


async def test_create_is_pending_and_soon_active(bench, zip_of):
    code = zip_of()
    created = await bench.call(
        "CreateFunction", FunctionName="f", Runtime="python3.12", Role=ROLE, Handler="app.handler", Code={"ZipFile": code}
    )
    assert created["FunctionArn"] == ARN
    assert (created["State"], created["StateReasonCode"], created["Version"]) == ("Pending", "Creating", "$LATEST")
    assert created["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    await bench.settle()
    found = await bench.call("GetFunctionConfiguration", FunctionName="f")
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in found
    assert (found["Timeout"], found["MemorySize"], found["EphemeralStorage"]) == (3, 128, {"Size": 512})


@pytest.mark.parametrize("name", ["f", ARN, "123456789012:function:f", "function:f", "f:$LATEST", f"{ARN}:$LATEST"])
async def test_every_form_of_the_name_means_the_function(bench, name):
    await bench.create()
    found = await bench.call("GetFunction", FunctionName=name)
    assert found["Configuration"]["FunctionName"] == "f"
    qualified = name.endswith("$LATEST")
    assert found["Configuration"]["FunctionArn"] == (f"{ARN}:$LATEST" if qualified else ARN)


async def test_two_qualifiers_must_agree(bench):
    await bench.create()
    text = "The derived qualifier from the function name does not match the specified qualifier."
    await bench.refused("GetFunction", "InvalidParameterValueException", text, FunctionName="f:1", Qualifier="2")


async def test_unknown_functions_and_regions(bench):
    error = await bench.refused("GetFunction", "ResourceNotFoundException", FunctionName="f")
    assert (error.message, error.status) == (f"Function not found: {ARN}", 404)
    await bench.refused("GetFunction", "ResourceNotFoundException", f"Function not found: {ARN}:7", FunctionName="f", Qualifier="7")
    text = "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"
    await bench.refused("GetFunction", "ResourceNotFoundException", text, FunctionName=ARN, region="eu-west-1")


async def test_a_name_is_given_once(bench):
    await bench.create()
    error = await bench.refused(
        "CreateFunction", "ResourceConflictException", FunctionName="f", Runtime="python3.12", Role=ROLE, Handler="a.b", Code={}
    )
    assert (error.message, error.status) == ("Function already exist: f", 409)


async def test_the_code_can_be_fetched_from_its_location(bench, zip_of):
    await bench.create()
    found = await bench.call("GetFunction", FunctionName="f")
    path, _, query = found["Code"]["Location"].removeprefix("http://localhost:4566").partition("?")
    handler = bench.service.raw_handlers[0]
    request = HttpRequest("GET", path, query, {}, BytesStream(b""))
    assert handler.claims(request)
    answer = await handler.handle(request)
    assert answer.status == 200
    assert await read_all(answer.body) == zip_of()
    forged = HttpRequest("GET", path, query.replace("token=", "token=0"), {}, BytesStream(b""))
    assert (await handler.handle(forged)).status == 403
    await bench.clock.advance(601)
    assert (await handler.handle(request)).status == 403


async def test_listing_gives_pages_in_order(bench_with):
    bench = bench_with()
    for name in ("c", "a", "b"):
        await bench.create(name, Publish=name == "b")
    first = await bench.call("ListFunctions", MaxItems=2)
    assert [each["FunctionName"] for each in first["Functions"]] == ["a", "b"]
    assert "State" not in first["Functions"][0]
    second = await bench.call("ListFunctions", MaxItems=2, Marker=first["NextMarker"])
    assert [each["FunctionName"] for each in second["Functions"]] == ["c"]
    assert "NextMarker" not in second
    everything = await bench.call("ListFunctions", FunctionVersion="ALL")
    assert [each["FunctionArn"].partition(":function:")[2] for each in everything["Functions"]] == [
        "a:$LATEST",
        "b:$LATEST",
        "b:1",
        "c:$LATEST",
    ]
    await bench.refused("ListFunctions", "InvalidParameterValueException", Marker="nonsense")


async def test_code_comes_from_s3(bench, zip_of):
    bench.s3.objects["deployments", "f.zip"] = zip_of({"x.py": "1" * 1000})
    created = await bench.create(Code={"S3Bucket": "deployments", "S3Key": "f.zip"})
    assert created["CodeSize"] == len(zip_of({"x.py": "1" * 1000}))
    text = "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
    with pytest.raises(Exception, match=text):
        await bench.create("g", Code={"S3Bucket": "deployments", "S3Key": "other"})


async def test_a_deleted_function_keeps_no_code(bench, zip_of):
    await bench.create(Publish=True)
    digest = hashlib.sha256(zip_of()).hexdigest()
    assert await is_kept(bench.store, digest)
    assert (await bench.call("DeleteFunction", FunctionName="f"))["StatusCode"] == 204
    assert not await is_kept(bench.store, digest)
    await bench.refused("GetFunction", "ResourceNotFoundException", FunctionName="f")
    await bench.refused("DeleteFunction", "ResourceNotFoundException", FunctionName="f")


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"Runtime": "python9"}, "InvalidParameterValueException", "Member must satisfy enum value set: [nodejs20.x, "),
        ({"Runtime": "python3.8"}, "InvalidParameterValueException", "uv python install 3.8"),
        ({"Handler": None}, "InvalidParameterValueException", "Runtime and Handler are mandatory parameters"),
        ({"Timeout": 901}, "ValidationException", "Member must have value less than or equal to 900"),
        ({"MemorySize": 10241}, "InvalidParameterValueException", "'MemorySize' value failed to satisfy constraint"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", "request: AWS_REGION"),
        ({"Environment": {"Variables": {"X": "y" * 4096}}}, "InvalidParameterValueException", "exceeded the 4KB limit"),
        ({"Code": {}}, "InvalidParameterValueException", "Please provide a source for function code."),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
        ({"Code": {"ZipFile": b""}}, "InvalidParameterValueException", "Uploaded file must be a non-empty zip"),
        ({"FunctionName": "f" * 65}, "InvalidParameterValueException", "less than or equal to 64"),
        ({"PackageType": "Image"}, "InvalidParameterValueException", "container image"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"]}, "InvalidParameterValueException", "does not exist"),
        ({"Tags": {"aws:x": "1"}}, "InvalidParameterValueException", "reserved prefix"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "provided.al2023"}, "InvalidParameterValueException", "SnapStart"),
        ({"LoggingConfig": {"ApplicationLogLevel": "INFO"}}, "InvalidParameterValueException", "LogLevel is not supported"),
    ],
)
async def test_what_creation_refuses(bench, zip_of, params, code, text):
    request = {"FunctionName": "f", "Runtime": "python3.12", "Role": ROLE, "Handler": "a.b", "Code": {"ZipFile": zip_of()}} | params
    await bench.refused("CreateFunction", code, text, **{key: value for key, value in request.items() if value is not None})
    await bench.refused("GetFunction", "ResourceNotFoundException", FunctionName="f")


async def test_code_storage_is_limited(bench_with, zip_of):
    bench = bench_with(code_storage_bytes_max=len(zip_of()) + 1)
    await bench.create()
    with pytest.raises(Exception, match="CodeStorageExceededException"):
        await bench.create("g")


async def test_transitions_end_after_a_restart(bench, zip_of):
    await bench.call("CreateFunction", FunctionName="f", Runtime="python3.12", Role=ROLE, Handler="a.b", Code={"ZipFile": zip_of()})
    assert await bench.store.depth("lambda.transitions") == 1
    await bench.settle()
    assert await bench.store.depth("lambda.transitions") == 0
