"""Layers and their permissions."""

import hashlib
import json

import pytest

from lambent.domain.caller import Caller
from lambent.domain.documents import is_kept
from lambent.services.lambda_.configuration import RUNTIMES

LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:l"
OTHER = Caller.root("999999999999")


@pytest.fixture
def publish(bench, zip_of):
    async def publish(name="l", text="1", **params):
        return await bench.call("PublishLayerVersion", LayerName=name, Content={"ZipFile": zip_of({"python/m.py": text})}, **params)

    return publish


async def test_versions_count_up(bench, publish):
    first = await publish(Description="d", CompatibleRuntimes=["python3.12"], LicenseInfo="MIT")
    assert (first["Version"], first["LayerArn"], first["LayerVersionArn"]) == (1, LAYER, f"{LAYER}:1")
    second = await publish(text="2")
    assert second["Version"] == 2
    found = await bench.call("GetLayerVersion", LayerName="l", VersionNumber=1)
    assert (found["Description"], found["LicenseInfo"], found["Content"]["CodeSha256"]) == ("d", "MIT", first["Content"]["CodeSha256"])
    by_arn = await bench.call("GetLayerVersionByArn", Arn=f"{LAYER}:1")
    assert by_arn["LayerVersionArn"] == found["LayerVersionArn"]
    listed = await bench.call("ListLayerVersions", LayerName=LAYER)
    assert [each["Version"] for each in listed["LayerVersions"]] == [2, 1]
    listed = await bench.call("ListLayerVersions", LayerName="l", CompatibleRuntime="python3.12")
    assert [each["Version"] for each in listed["LayerVersions"]] == [1]
    await bench.call("DeleteLayerVersion", LayerName="l", VersionNumber=2)
    assert (await publish(text="3"))["Version"] == 3
    await bench.refused("GetLayerVersion", "ResourceNotFoundException", LayerName="l", VersionNumber=2)


async def test_lists_leave_out_a_description_that_is_none(bench, publish):
    assert (await publish())["Description"] == ""
    await publish("other", Description="d")
    [bare] = (await bench.call("ListLayerVersions", LayerName="l"))["LayerVersions"]
    assert "Description" not in bare
    first, second = (await bench.call("ListLayers"))["Layers"]
    assert "Description" not in first["LatestMatchingVersion"]
    assert second["LatestMatchingVersion"]["Description"] == "d"


async def test_a_layer_has_content(bench):
    await bench.refused("PublishLayerVersion", "InvalidParameterValueException", "Missing Content", LayerName="l", Content={})


async def test_layers_are_listed_in_pages(bench, publish):
    for name in ("c", "a", "b"):
        await publish(name)
    first = await bench.call("ListLayers", MaxItems=2)
    second = await bench.call("ListLayers", MaxItems=2, Marker=first["NextMarker"])
    assert [each["LayerName"] for each in first["Layers"] + second["Layers"]] == ["a", "b", "c"]
    assert first["Layers"][0]["LatestMatchingVersion"]["Version"] == 1


async def test_a_function_keeps_its_layers_content(bench, publish, zip_of):
    await publish()
    digest = hashlib.sha256(zip_of({"python/m.py": "1"})).hexdigest()
    created = await bench.create(Layers=[f"{LAYER}:1"])
    assert [each["Arn"] for each in created["Layers"]] == [f"{LAYER}:1"]
    assert (await bench.catalogue.resolve("123456789012", "us-east-1", "f", "")).version.layer_digests == (digest,)
    await bench.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    assert await is_kept(bench.store, digest)
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
    assert not await is_kept(bench.store, digest)


async def test_layers_a_function_cannot_have(bench_with, zip_of):
    bench = bench_with(layers_max=1, code_unzipped_bytes_max=100)
    content = {"ZipFile": zip_of({"a": "1" * 90})}
    for _ in range(2):
        await bench.call("PublishLayerVersion", LayerName="l", Content=content)
    for layers, text in (
        ([f"{LAYER}:1", f"{LAYER}:2"], "Cannot reference more than 1 layers"),
        (["arn:aws:lambda:eu-west-1:123456789012:layer:l:1"], "Layers are not in the same region"),
        ([f"{LAYER}:1"], "Function code combined with layers exceeds"),
    ):
        with pytest.raises(Exception, match=text):
            await bench.create(Layers=layers)
    assert (await bench.call("ListFunctions"))["Functions"] == []


async def test_two_versions_of_a_layer(bench, publish):
    await publish()
    await publish(text="2")
    with pytest.raises(Exception, match="Two different versions of the same layer"):
        await bench.create(Layers=[f"{LAYER}:1", f"{LAYER}:2"])


async def test_other_accounts_need_the_layers_leave(bench, publish):
    await publish()
    await bench.refused("GetLayerVersion", "AccessDeniedException", LayerName=LAYER, VersionNumber=1, caller=OTHER)
    added = await bench.call("AddLayerVersionPermission", LayerName="l", VersionNumber=1, StatementId="s",
                             Action="lambda:GetLayerVersion", Principal="999999999999")  # fmt: skip
    assert json.loads(added["Statement"])["Principal"] == {"AWS": "arn:aws:iam::999999999999:root"}
    assert (await bench.call("GetLayerVersion", LayerName=LAYER, VersionNumber=1, caller=OTHER))["Version"] == 1
    policy = await bench.call("GetLayerVersionPolicy", LayerName="l", VersionNumber=1)
    assert policy["RevisionId"] == added["RevisionId"]
    gone = {"LayerName": "l", "VersionNumber": 1, "StatementId": "s"}
    await bench.refused("RemoveLayerVersionPermission", "PreconditionFailedException", **gone, RevisionId="x")
    await bench.call("RemoveLayerVersionPermission", **gone, RevisionId=added["RevisionId"])
    await bench.refused("GetLayerVersion", "AccessDeniedException", LayerName=LAYER, VersionNumber=1, caller=OTHER)
    await bench.refused("GetLayerVersionPolicy", "ResourceNotFoundException", "No policy", LayerName="l", VersionNumber=1)


async def test_what_a_layer_says_it_suits_is_checked(bench, publish, zip_of):
    text = (
        "2 validation errors detected: Value '[python3.12, cobol]' at 'compatibleRuntimes' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(RUNTIMES)}]; Value '[vax, arm64]' at 'compatibleArchitectures' failed to satisfy "
        "constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]"
    )
    params = {"LayerName": "l", "Content": {"ZipFile": zip_of({"python/m.py": "1"})}}
    wrong = {"CompatibleRuntimes": ["python3.12", "cobol"], "CompatibleArchitectures": ["vax", "arm64"]}
    await bench.refused("PublishLayerVersion", "ValidationException", text, **params, **wrong)
    made = await publish(CompatibleRuntimes=["python3.8"], CompatibleArchitectures=["arm64"])
    assert (made["CompatibleRuntimes"], made["CompatibleArchitectures"]) == (["python3.8"], ["arm64"])
