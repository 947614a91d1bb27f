"""Versions and aliases through boto3."""

from __future__ import annotations

from typing import Any

import pytest
from tests.acceptance.conftest import RunningServer
from tests.acceptance.lambda_kit import ECHO, PREFIX, create, invoke, package, refused, updated

SAYS = "import os\ndef handler(event, context):\n    return [os.environ.get('STAGE'), context.function_version, context.invoked_function_arn]\n"


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda", parameter_validation=False)


def two_versions(functions: Any) -> str:
    """Return a function with the versions 1 (``STAGE=one``) and 2 (``STAGE=two``)."""
    name = create(functions, SAYS, Environment={"Variables": {"STAGE": "one"}})
    functions.publish_version(FunctionName=name)
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"STAGE": "two"}})
    updated(functions, name)
    functions.publish_version(FunctionName=name)
    return name


def test_publishing_keeps_what_latest_is(functions: Any) -> None:
    name = create(functions, SAYS, Description="latest", Environment={"Variables": {"STAGE": "one"}})
    before = functions.get_function_configuration(FunctionName=name)
    first = functions.publish_version(FunctionName=name, Description="first", RevisionId=before["RevisionId"])
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (first["Version"], first["Description"], first["FunctionArn"]) == ("1", "first", f"{PREFIX}{name}:1")
    assert (first["State"], first["LastUpdateStatus"]) == ("Active", "Successful")
    assert functions.get_function_configuration(FunctionName=name)["RevisionId"] not in {before["RevisionId"], first["RevisionId"]}
    assert functions.get_function_configuration(FunctionName=name, Qualifier="1")["RevisionId"] == first["RevisionId"]
    again = functions.publish_version(FunctionName=name, Description="not a new one")
    assert (again["Version"], again["Description"], again["RevisionId"]) == ("1", "first", first["RevisionId"])
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"STAGE": "two"}})
    updated(functions, name)
    second = functions.publish_version(FunctionName=name)
    assert (second["Version"], second["Description"]) == ("2", "latest")
    assert invoke(functions, name, Qualifier="1") == ["one", "1", f"{PREFIX}{name}:1"]
    assert invoke(functions, f"{name}:2") == ["two", "2", f"{PREFIX}{name}:2"]
    assert invoke(functions, name) == ["two", "$LATEST", f"{PREFIX}{name}"]
    versions = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
    listed = [each for page in versions for each in page["Versions"]]
    assert [each["FunctionArn"].rpartition(":")[2] for each in listed] == ["$LATEST", "1", "2"]


def test_publishing_at_once(functions: Any) -> None:
    name = create(functions, Publish=True)
    # The version gets ready by itself, a moment before or after the function.
    functions.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    other = package({"app.py": "def handler(e, c): return 'two'"})
    made = functions.update_function_code(FunctionName=name, ZipFile=other, Publish=True)
    assert (made["Version"], made["State"], "LastUpdateStatus" in made) == ("2", "Pending", False)
    assert invoke(functions, name, Qualifier="2") == "two"
    assert invoke(functions, name, {"a": 1}, Qualifier="1") == {"a": 1}


def test_only_the_code_that_is_meant_is_published(functions: Any) -> None:
    name = create(functions)
    digest = functions.get_function_configuration(FunctionName=name)["CodeSha256"]
    refused(
        functions.publish_version,
        "InvalidParameterValueException",
        400,
        f"CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({digest}). Please try again with the CodeSHA256 in $LATEST.",
        FunctionName=name,
        CodeSha256="other",
    )
    assert functions.publish_version(FunctionName=name, CodeSha256=digest)["Version"] == "1"


def test_a_version_can_be_deleted_unless_an_alias_names_it(functions: Any) -> None:
    name = two_versions(functions)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    text = "Unable to delete version because the following aliases reference it: [live]"
    refused(functions.delete_function, "ResourceConflictException", 409, text, FunctionName=name, Qualifier="1")
    functions.delete_function(FunctionName=name, Qualifier="2")
    functions.delete_function(FunctionName=name, Qualifier="2")
    refused(functions.invoke, "ResourceNotFoundException", 404, f"Function not found: {PREFIX}{name}:2", FunctionName=name, Qualifier="2")
    functions.update_function_configuration(FunctionName=name, Description="so that there is something to publish")
    updated(functions, name)
    assert functions.publish_version(FunctionName=name)["Version"] == "3", "numbers are never given twice"
    refused(
        functions.delete_function,
        "InvalidParameterValueException",
        400,
        "$LATEST version cannot be deleted without deleting the function.",
        FunctionName=name,
        Qualifier="$LATEST",
    )
    refused(
        functions.delete_function,
        "InvalidParameterValueException",
        400,
        "Deletion of aliases is not currently supported.",
        FunctionName=name,
        Qualifier="live",
    )


def test_an_aliass_life(functions: Any) -> None:
    name = two_versions(functions)
    arn = f"{PREFIX}{name}:live"
    made = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1", Description="d")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["AliasArn"], made["FunctionVersion"], made["Description"]) == (arn, "1", "d")
    assert "RoutingConfig" not in made
    assert functions.get_alias(FunctionName=name, Name="live")["RevisionId"] == made["RevisionId"]
    shown = functions.get_function(FunctionName=name, Qualifier="live")["Configuration"]
    assert (shown["FunctionArn"], shown["Version"]) == (arn, "1")
    assert invoke(functions, arn) == ["one", "1", arn]
    moved = functions.update_alias(FunctionName=name, Name="live", FunctionVersion="2", RevisionId=made["RevisionId"])
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "d")
    assert invoke(functions, name, Qualifier="live") == ["two", "2", arn]
    stale = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    refused(
        functions.update_alias, "PreconditionFailedException", 412, stale, FunctionName=name, Name="live", RevisionId=made["RevisionId"]
    )
    functions.create_alias(FunctionName=name, Name="other", FunctionVersion="1")
    pages = functions.get_paginator("list_aliases").paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
    assert [each["Name"] for page in pages for each in page["Aliases"]] == ["live", "other"]
    assert [each["Name"] for each in functions.list_aliases(FunctionName=name, FunctionVersion="2")["Aliases"]] == ["live"]
    assert functions.delete_alias(FunctionName=name, Name="live")["ResponseMetadata"]["HTTPStatusCode"] == 204
    functions.delete_alias(FunctionName=name, Name="live")
    refused(functions.get_alias, "ResourceNotFoundException", 404, f"Cannot find alias arn: {arn}", FunctionName=name, Name="live")
    refused(functions.update_alias, "ResourceNotFoundException", 404, f"Alias not found: {arn}", FunctionName=name, Name="live")
    refused(functions.get_function, "ResourceNotFoundException", 404, f"Function not found: {arn}", FunctionName=arn)
    refused(functions.invoke, "ResourceNotFoundException", 404, f"Function not found: {arn}", FunctionName=arn)


def test_weights_share_out_invocations(functions: Any) -> None:
    name = two_versions(functions)
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    made = functions.create_alias(FunctionName=name, Name="both", FunctionVersion="1", RoutingConfig=weights)
    assert made["RoutingConfig"] == weights
    seen = {functions.invoke(FunctionName=name, Qualifier="both")["ExecutedVersion"] for _ in range(60)}
    assert seen == {"1", "2"}, "by chance all the same: once in 10^17"
    assert "RoutingConfig" not in functions.update_alias(FunctionName=name, Name="both", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {functions.invoke(FunctionName=name, Qualifier="both")["ExecutedVersion"] for _ in range(10)} == {"1"}


BOUND = "1 validation error detected: Value '{}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: {}"
WEIGHT = (
    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
    "Member must have value greater than or equal to 0.0, Member must not be null]"
)
NUMBER = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, "
    "Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"
)


@pytest.mark.parametrize(
    ("version", "weights", "code", "status", "message"),
    [
        (
            "1",
            {"1": 0.8, "2": 0.2},
            "InvalidParameterValueException",
            400,
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ),
        ("1", {"2": 2}, "ValidationException", 400, BOUND.format("{2=2.0}", WEIGHT)),
        ("1", {"2": -1}, "ValidationException", 400, BOUND.format("{2=-1.0}", WEIGHT)),
        (
            "1",
            {"1": 0.5},
            "InvalidParameterValueException",
            400,
            "Invalid function version 1. Function version 1 is already included in routing configuration.",
        ),
        ("10", {"2": 0.5}, "ResourceNotFoundException", 404, "Function not found: {arn}:10"),
        ("1", {"10": 0.5}, "ResourceNotFoundException", 404, "Function not found: {arn}:10"),
        (
            "$LATEST",
            {"1": 0.5},
            "InvalidParameterValueException",
            400,
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
        ("1", {"$LATEST": 0.5}, "ValidationException", 400, BOUND.format("{$LATEST=0.5}", NUMBER)),
    ],
)
def test_weights_that_are_refused(functions: Any, version: str, weights: dict[str, float], code: str, status: int, message: str) -> None:
    name = two_versions(functions)
    refused(
        functions.create_alias,
        code,
        status,
        message.replace("{arn}", PREFIX + name),
        FunctionName=name,
        Name="a",
        FunctionVersion=version,
        RoutingConfig={"AdditionalVersionWeights": weights},
    )


def test_names_of_aliases(functions: Any) -> None:
    name = create(functions, ECHO, Publish=True)
    functions.create_alias(FunctionName=name, Name="2024-01-02", FunctionVersion="1")
    assert invoke(functions, f"{name}:2024-01-02", 7) == 7
    text = (
        "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    )
    refused(functions.create_alias, "ValidationException", 400, text, FunctionName=name, Name="2024", FunctionVersion="1")
    taken = f"Alias already exists: {PREFIX}{name}:2024-01-02"
    refused(functions.create_alias, "ResourceConflictException", 409, taken, FunctionName=name, Name="2024-01-02", FunctionVersion="1")
    missing = f"Function not found: {PREFIX}{name}-no:1"
    refused(functions.create_alias, "ResourceNotFoundException", 404, missing, FunctionName=f"{name}-no", Name="a", FunctionVersion="1")
