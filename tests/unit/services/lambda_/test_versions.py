"""Updates, versions and aliases."""

import asyncio
import hashlib

import pytest

from lambent.domain.documents import is_kept

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


async def test_new_code_new_revision(bench, zip_of):
    created = await bench.create()
    other = zip_of({"other.py": ""})
    updated = await bench.call("UpdateFunctionCode", FunctionName="f", ZipFile=other)
    assert updated["LastUpdateStatus"] == "InProgress"
    assert updated["RevisionId"] != created["RevisionId"]
    assert not await is_kept(bench.store, hashlib.sha256(zip_of()).hexdigest())
    assert await is_kept(bench.store, hashlib.sha256(other).hexdigest())
    await bench.settle()
    assert (await bench.call("GetFunctionConfiguration", FunctionName="f"))["LastUpdateStatus"] == "Successful"
    await bench.refused(
        "UpdateFunctionCode", "PreconditionFailedException", FunctionName="f", ZipFile=other, RevisionId=created["RevisionId"]
    )


async def test_a_dry_run_changes_nothing(bench, zip_of):
    created = await bench.create()
    shown = await bench.call("UpdateFunctionCode", FunctionName="f", ZipFile=zip_of({"other.py": ""}), DryRun=True)
    assert shown["CodeSha256"] != created["CodeSha256"]
    assert (await bench.call("GetFunctionConfiguration", FunctionName="f"))["CodeSha256"] == created["CodeSha256"]


async def test_configuration_changes_only_what_is_given(bench):
    await bench.create(Environment={"Variables": {"A": "1"}}, Description="first")
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9, LoggingConfig={"LogFormat": "JSON"})
    await bench.settle()
    found = await bench.call("GetFunctionConfiguration", FunctionName="f")
    assert (found["Timeout"], found["Description"], found["Environment"]) == (9, "first", {"Variables": {"A": "1"}})
    assert found["LoggingConfig"] == {
        "LogFormat": "JSON",
        "LogGroup": "/aws/lambda/f",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
    }
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {}})
    assert (await bench.call("GetFunctionConfiguration", FunctionName="f"))["Environment"] == {"Variables": {}}


async def test_updates_queue_up_behind_each_other(bench):
    await bench.create()
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    second = asyncio.ensure_future(bench.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=10))
    third = asyncio.ensure_future(bench.call("UpdateFunctionConfiguration", FunctionName="f", MemorySize=256))
    for _ in range(4):
        await bench.settle()
        await bench.clock.advance(0.02)
    await asyncio.gather(second, third)
    found = await bench.call("GetFunctionConfiguration", FunctionName="f")
    assert (found["Timeout"], found["MemorySize"]) == (10, 256)


async def test_publishing_twice_gives_one_version(bench, zip_of):
    created = await bench.create()
    first = await bench.call("PublishVersion", FunctionName="f", Description="one")
    await bench.settle()
    assert (first["Version"], first["FunctionArn"], first["Description"]) == ("1", f"{ARN}:1", "one")
    assert (await bench.call("PublishVersion", FunctionName="f"))["Version"] == "1"
    await bench.call("UpdateFunctionCode", FunctionName="f", ZipFile=zip_of({"b.py": ""}), Publish=True)
    await bench.settle()
    listed = await bench.call("ListVersionsByFunction", FunctionName="f")
    assert [each["Version"] for each in listed["Versions"]] == ["$LATEST", "1", "2"]
    assert listed["Versions"][1]["CodeSha256"] == created["CodeSha256"]
    first_page = await bench.call("ListVersionsByFunction", FunctionName="f", MaxItems=2)
    second_page = await bench.call("ListVersionsByFunction", FunctionName="f", MaxItems=2, Marker=first_page["NextMarker"])
    assert [each["Version"] for each in second_page["Versions"]] == ["2"]


async def test_code_that_was_uploaded_again_is_published_again(bench, zip_of):
    await bench.create(Publish=True)
    await bench.call("UpdateFunctionCode", FunctionName="f", ZipFile=zip_of())
    await bench.settle()
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=3)
    await bench.settle()
    assert (await bench.call("PublishVersion", FunctionName="f"))["Version"] == "2"
    assert (await bench.call("PublishVersion", FunctionName="f"))["Version"] == "2"
    assert (await bench.call("UpdateFunctionCode", FunctionName="f", ZipFile=zip_of(), Publish=True))["Version"] == "3"
    await bench.settle()
    assert (await bench.call("PublishVersion", FunctionName="f"))["Version"] == "3"


async def test_publishing_checks_code_and_revision(bench):
    await bench.create()
    await bench.refused("PublishVersion", "InvalidParameterValueException", "CodeSHA256 (x) is different", FunctionName="f", CodeSha256="x")
    await bench.refused("PublishVersion", "PreconditionFailedException", FunctionName="f", RevisionId="x")


async def test_numbers_are_never_given_twice(bench):
    await bench.create(Publish=True)
    await bench.call("DeleteFunction", FunctionName="f:1")
    await bench.refused("GetFunction", "ResourceNotFoundException", FunctionName="f:1")
    assert (await bench.call("PublishVersion", FunctionName="f"))["Version"] == "2"
    await bench.refused("DeleteFunction", "InvalidParameterValueException", "cannot be deleted", FunctionName="f:$LATEST")


async def test_an_alias_from_cradle_to_grave(bench):
    await bench.create(Publish=True)
    made = await bench.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", Description="d")
    assert (made["AliasArn"], made["FunctionVersion"]) == (f"{ARN}:live", "1")
    assert await bench.call("GetAlias", FunctionName="f", Name="live") == made
    await bench.refused(
        "CreateAlias", "ResourceConflictException", "Alias already exists", FunctionName="f", Name="live", FunctionVersion="1"
    )
    await bench.refused("DeleteFunction", "ResourceConflictException", "[live]", FunctionName="f:1")
    changed = await bench.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="$LATEST", RevisionId=made["RevisionId"])
    assert (changed["FunctionVersion"], changed["Description"]) == ("$LATEST", "d")
    await bench.refused("UpdateAlias", "PreconditionFailedException", FunctionName="f", Name="live", RevisionId=made["RevisionId"])
    assert [each["Name"] for each in (await bench.call("ListAliases", FunctionName="f"))["Aliases"]] == ["live"]
    assert (await bench.call("ListAliases", FunctionName="f", FunctionVersion="1"))["Aliases"] == []
    await bench.call("DeleteAlias", FunctionName="f", Name="live")
    await bench.refused("GetAlias", "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:live", FunctionName="f", Name="live")
    await bench.refused("Invoke", "ResourceNotFoundException", f"Function not found: {ARN}:live", FunctionName="f:live")


async def test_an_alias_draws_by_weight(bench):
    await bench.create(Publish=True)
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await bench.settle()
    await bench.call("PublishVersion", FunctionName="f")
    await bench.settle()
    await bench.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1",
                     RoutingConfig={"AdditionalVersionWeights": {"2": 0.3}})  # fmt: skip
    drawn = [(await bench.call("Invoke", FunctionName="f:live"))["ExecutedVersion"] for _ in range(500)]
    assert 100 < drawn.count("2") < 200
    await bench.call("UpdateAlias", FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {(await bench.call("Invoke", FunctionName="f:live"))["ExecutedVersion"] for _ in range(20)} == {"1"}


@pytest.mark.parametrize(
    ("version", "weights", "text"),
    [
        ("$LATEST", {"1": 0.5}, "$LATEST is not supported"),
        ("1", {"1": 0.5}, "already included"),
        ("1", {"x": 0.5}, "Invalid function version x"),
        ("1", {"2": 0.5, "3": 0.1}, "cannot be greater than 1"),
        ("1", {"$LATEST": 0.5}, "$LATEST is not supported"),
    ],
)
async def test_weights_that_are_refused(bench, version, weights, text):
    await bench.create(Publish=True)
    await bench.refused("CreateAlias", "InvalidParameterValueException", text, FunctionName="f", Name="a", FunctionVersion=version,
                        RoutingConfig={"AdditionalVersionWeights": weights})  # fmt: skip
