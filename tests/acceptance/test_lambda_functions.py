"""Functions through boto3: created, read, changed, listed, deleted, named in every way; packages; what is refused."""

from __future__ import annotations

import base64
import hashlib
import urllib.request
from typing import Any

import pytest
from tests.acceptance.conftest import ROLE, RUNTIME, RunningServer
from tests.acceptance.lambda_kit import ACCOUNT, ECHO, PREFIX, create, invoke, package, refused, unique, updated

ZIP = package({"app.py": ECHO})


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda", parameter_validation=False)


def settings(**changes: Any) -> dict[str, Any]:
    return {"FunctionName": unique(), "Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler", "Code": {"ZipFile": ZIP}} | changes


def test_a_functions_life(functions: Any) -> None:
    name = unique("life")
    made = functions.create_function(**settings(FunctionName=name, MemorySize=256, Timeout=5, Environment={"Variables": {}}))
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["State"], made["StateReason"], made["StateReasonCode"]) == ("Pending", "The function is being created.", "Creating")
    assert "LastUpdateStatus" not in made
    assert made["Environment"] == {"Variables": {}}
    assert made["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    active = functions.get_function(FunctionName=name)["Configuration"]
    assert (active["State"], active["LastUpdateStatus"]) == ("Active", "Successful")
    assert active["RevisionId"] != made["RevisionId"]
    changed = functions.update_function_configuration(FunctionName=name, Description="other", Timeout=9, MemorySize=512)
    assert (changed["LastUpdateStatus"], changed["LastUpdateStatusReasonCode"]) == ("InProgress", "Creating")
    assert changed["State"] == "Active"
    after = updated(functions, name)
    assert (after["Description"], after["Timeout"], after["MemorySize"], after["LastUpdateStatus"]) == ("other", 9, 512, "Successful")
    other = package({"app.py": "def handler(event, context):\n    return 'new'\n"})
    code = functions.update_function_code(FunctionName=name, ZipFile=other)
    assert code["CodeSha256"] == base64.b64encode(hashlib.sha256(other).digest()).decode()
    assert code["CodeSize"] == len(other)
    assert invoke(functions, name) == "new"
    assert functions.delete_function(FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"] == 204
    refused(functions.delete_function, "ResourceNotFoundException", 404, f"Function not found: {PREFIX}{name}", FunctionName=name)


def test_code_can_be_fetched_again(functions: Any) -> None:
    name = create(functions, ZIP)
    found = functions.get_function(FunctionName=name)
    assert found["Code"]["RepositoryType"] == "S3"
    with urllib.request.urlopen(found["Code"]["Location"]) as answer:
        assert answer.read() == ZIP
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(found["Code"]["Location"][:-4] + "0000")
    assert caught.value.code == 403
    caught.value.close()


def test_code_comes_from_s3_by_version(server: RunningServer, functions: Any) -> None:
    s3, bucket, name = server.client("s3"), unique("code"), unique()
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="a/code.zip", Body=package({"app.py": "def handler(e, c): return 1"}))["VersionId"]
    s3.put_object(Bucket=bucket, Key="a/code.zip", Body=package({"app.py": "def handler(e, c): return 2"}))
    functions.create_function(**settings(FunctionName=name, Code={"S3Bucket": bucket, "S3Key": "a/code.zip", "S3ObjectVersion": first}))
    assert invoke(functions, name) == 1
    functions.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="a/code.zip")
    assert invoke(functions, name) == 2
    refused(
        functions.update_function_code,
        "InvalidParameterValueException",
        400,
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
        FunctionName=name,
        S3Bucket=bucket,
        S3Key="nothing.zip",
    )


def test_a_dry_run_changes_nothing(functions: Any) -> None:
    name = create(functions)
    before = functions.get_function_configuration(FunctionName=name)
    other = package({"app.py": "def handler(e, c): return 'other'"})
    told = functions.update_function_code(FunctionName=name, ZipFile=other, DryRun=True)
    assert told["CodeSha256"] != before["CodeSha256"]
    assert functions.get_function_configuration(FunctionName=name)["CodeSha256"] == before["CodeSha256"]
    assert functions.get_function_configuration(FunctionName=name)["RevisionId"] == before["RevisionId"]


def test_revisions_guard_updates(functions: Any) -> None:
    name = create(functions)
    stale = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    for update in (functions.update_function_configuration, functions.update_function_code, functions.publish_version):
        extra = {"ZipFile": ZIP} if update is functions.update_function_code else {}
        refused(update, "PreconditionFailedException", 412, stale, FunctionName=name, RevisionId="wrong", **extra)
    current = functions.get_function_configuration(FunctionName=name)["RevisionId"]
    functions.update_function_configuration(FunctionName=name, Description="d", RevisionId=current)
    assert updated(functions, name)["RevisionId"] != current


@pytest.mark.parametrize(
    "form", ["{name}", "000000000000:function:{name}", "function:{name}", PREFIX + "{name}", "us-east-1:000000000000:{name}"]
)
def test_every_form_of_a_name_means_the_function(functions: Any, form: str) -> None:
    name = create(functions)
    named = form.format(name=name)
    assert functions.get_function_configuration(FunctionName=named)["FunctionArn"] == PREFIX + name
    qualified = functions.get_function_configuration(FunctionName=f"{named}:$LATEST")
    assert qualified["FunctionArn"] == f"{PREFIX}{name}:$LATEST"
    again = functions.get_function_configuration(FunctionName=named, Qualifier="$LATEST")
    assert (again["FunctionArn"], again["RevisionId"]) == (qualified["FunctionArn"], qualified["RevisionId"])
    assert invoke(functions, f"{named}:$LATEST", {"a": 1}) == {"a": 1}


def test_names_that_mean_nothing(functions: Any) -> None:
    mismatch = "The derived qualifier from the function name does not match the specified qualifier."
    for operation in (functions.get_function, functions.get_function_configuration, functions.delete_function):
        refused(operation, "InvalidParameterValueException", 400, mismatch, FunctionName=f"{PREFIX}x:1", Qualifier="$LATEST")
    elsewhere = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:x"
    text = "Functions from 'eu-central-1' are not reachable in this region ('us-east-1')"
    for operation in (functions.get_function, functions.invoke, functions.get_function_url_config, functions.delete_function):
        refused(operation, "ResourceNotFoundException", 404, text, FunctionName=elsewhere)
    refused(
        functions.get_function, "AccessDeniedException", 403, "User: …", FunctionName="arn:aws:lambda:us-east-1:123456789012:function:x"
    )
    refused(functions.get_function, "ResourceNotFoundException", 404, f"Function not found: {PREFIX}x:7", FunctionName="x", Qualifier="7")
    refused(functions.invoke, "ResourceNotFoundException", 404, f"Function not found: {PREFIX}x:$LATEST", FunctionName="x")
    refused(functions.delete_function, "ResourceNotFoundException", 404, f"Function not found: {PREFIX}x", FunctionName="x", Qualifier="7")
    refused(
        functions.invoke, "ValidationException", 400, "1 validation error detected: Value 'a b' at 'functionName' …", FunctionName="a b"
    )


BOUND = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}"


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        (
            {"FunctionName": "a" * 65},
            "InvalidParameterValueException",
            BOUND.format("a" * 65, "functionName", "Member must have length less than or equal to 64"),
        ),
        ({"FunctionName": "a:b:c"}, "ValidationException", "1 validation error detected: Value 'a:b:c' at 'functionName' …"),
        (
            {"Role": "r1"},
            "ValidationException",
            BOUND.format(
                "r1",
                "role",
                r"Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
            ),
        ),
        (
            {"Runtime": "nope"},
            "InvalidParameterValueException",
            "Value nope at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.14, …",
        ),
        ({"Runtime": "python3.6"}, "InvalidParameterValueException", "The runtime parameter of python3.6 is no longer supported …"),
        ({"Runtime": "java21"}, "InvalidParameterValueException", "The runtime java21 is not available on this machine. …"),
        (
            {"Architectures": ["x86_64", "arm64"]},
            "ValidationException",
            BOUND.format("[x86_64, arm64]", "architectures", "Member must have length less than or equal to 1"),
        ),
        (
            {"Architectures": ["X86_64"]},
            "ValidationException",
            BOUND.format(
                "[X86_64]",
                "architectures",
                "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
            ),
        ),
        (
            {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "python3.11"},
            "InvalidParameterValueException",
            "python3.11 is not supported for SnapStart enabled functions.",
        ),
        ({"Timeout": 901}, "ValidationException", BOUND.format(901, "timeout", "Member must have value less than or equal to 900")),
        ({"MemorySize": 64}, "ValidationException", BOUND.format(64, "memorySize", "Member must have value greater than or equal to 128")),
        (
            {"MemorySize": 10241},
            "InvalidParameterValueException",
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240",
        ),
        (
            {"Environment": {"Variables": {"LARGE_VAR": "x" * (4096 - 15)}}},
            "InvalidParameterValueException",
            (
                "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. "
                'String measured: {"LARGE_VAR":"xxx…'
            ),
        ),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x"}}},
            "InvalidParameterValueException",
            (
                "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys "
                "that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"
            ),
        ),
        (
            {"LoggingConfig": {"LogFormat": "Text", "ApplicationLogLevel": "INFO"}},
            "InvalidParameterValueException",
            (
                'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" '
                "and try again."
            ),
        ),
        ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:no:1"]}, "InvalidParameterValueException", "Layer version arn:aws:…"),
        (
            {"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:no"]},
            "ValidationException",
            "1 validation error detected: Value '[arn:…",
        ),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_what_creation_refuses(functions: Any, changes: dict[str, Any], code: str, message: str) -> None:
    refused(functions.create_function, code, 400, message, **settings(**changes))


def test_just_fitting_settings_are_taken(functions: Any) -> None:
    name = create(functions, Environment={"Variables": {"LARGE_VAR": "x" * (4096 - 16)}}, Timeout=900, MemorySize=10240)
    functions.delete_function(FunctionName=name)
    create(functions, name="n" * 64)


def test_a_second_function_of_a_name_is_a_conflict(functions: Any) -> None:
    name = create(functions)
    refused(functions.create_function, "ResourceConflictException", 409, f"Function already exist: {name}", **settings(FunctionName=name))
    refused(
        functions.update_function_code,
        "InvalidParameterValueException",
        400,
        "Please don't provide ImageUri when updating a function with packageType Zip.",
        FunctionName=name,
        ImageUri="x:y",
    )


def test_listing_pages_through_all(server: RunningServer) -> None:
    functions = server.client("lambda", parameter_validation=False)
    names = {create(functions, name=unique("listed")) for _ in range(3)}
    functions.publish_version(FunctionName=min(names))
    pages = functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    listed = [each for page in pages for each in page["Functions"]]
    assert names <= {each["FunctionName"] for each in listed}
    assert len({each["FunctionArn"] for each in listed}) == len(listed)
    assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & listed[0].keys()
    pages = functions.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 2})
    arns = {each["FunctionArn"] for page in pages for each in page["Functions"]}
    assert {f"{PREFIX}{min(names)}:$LATEST", f"{PREFIX}{min(names)}:1"} <= arns
    text = BOUND.format("no", "functionVersion", "Member must satisfy enum value set: [ALL]")
    refused(functions.list_functions, "ValidationException", 400, text, FunctionVersion="no")
    refused(functions.list_functions, "InvalidParameterValueException", 400, "Invalid pagination token provided.", Marker="no marker")


def test_the_account_is_told_what_it_uses(functions: Any) -> None:
    before = functions.get_account_settings()
    name = create(functions, ZIP)
    functions.publish_version(FunctionName=name)
    after = functions.get_account_settings()
    assert after["AccountUsage"]["TotalCodeSize"] - before["AccountUsage"]["TotalCodeSize"] == 2 * len(ZIP)
    assert after["AccountUsage"]["FunctionCount"] - before["AccountUsage"]["FunctionCount"] == 1
    assert set(after["AccountLimit"]) == {
        *("TotalCodeSize", "CodeSizeUnzipped", "CodeSizeZipped", "ConcurrentExecutions", "UnreservedConcurrentExecutions")
    }
