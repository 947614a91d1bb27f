"""SnapStart in the control plane: states, what is refused, what the engine keeps."""

import pytest

from lambent.domain.environments import Ending, Outcome

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
ON = {"ApplyOn": "PublishedVersions"}


async def test_a_version_is_initialised_once_when_it_is_published(bench):
    await bench.create(SnapStart=ON)
    latest = await bench.call("GetFunctionConfiguration", FunctionName="f")
    assert latest["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    assert bench.snapshots.taken == []
    published = await bench.call("PublishVersion", FunctionName="f")
    assert (published["State"], published["SnapStart"]["OptimizationStatus"]) == ("Pending", "On")
    await bench.settle()
    shown = await bench.call("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")
    assert bench.snapshots.taken == [f"{ARN}:1"]
    assert bench.snapshots.kept == {ARN: {f"{ARN}:1"}}
    assert (await bench.catalogue.resolve("123456789012", "us-east-1", "f", "1")).version.snap_start
    assert not (await bench.catalogue.resolve("123456789012", "us-east-1", "f", "")).version.snap_start
    await bench.call("DeleteFunction", FunctionName="f", Qualifier="1")
    await bench.settle()
    assert bench.snapshots.kept == {ARN: set()}


@pytest.mark.parametrize(
    ("outcome", "code", "text"),
    [
        (Outcome(Ending.TIMEOUT), "FunctionError.InitTimeout", "in time"),
        (Outcome(Ending.ERROR, b'{"errorMessage":"No module named x","errorType":"E"}'), "FunctionError.RuntimeInitError", "No module named x"),
        (Outcome(Ending.EXIT, b"no json", out_of_memory=True), "FunctionError.InitResourceExhausted", "could not be initialised"),
    ],
)  # fmt: skip
async def test_a_version_whose_init_fails_is_failed_and_not_invoked(bench, outcome, code, text):
    bench.snapshots.outcome = outcome
    await bench.create(SnapStart=ON)
    await bench.call("PublishVersion", FunctionName="f")
    await bench.settle()
    shown = await bench.call("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
    assert (shown["State"], shown["StateReasonCode"]) == ("Failed", code)
    assert text in shown["StateReason"]
    assert bench.snapshots.kept.get(ARN, set()) == set()
    await bench.refused("Invoke", "ResourceConflictException", FunctionName="f", Qualifier="1")


async def test_what_snapstart_cannot_do_is_refused(bench):
    text = "provided.al2023 is not supported for SnapStart enabled functions."
    await bench.refused("CreateFunction", "InvalidParameterValueException", text, FunctionName="g", Runtime="provided.al2023",
                        Role="arn:aws:iam::123456789012:role/worker", Handler="h", Code={"ZipFile": b""}, SnapStart=ON)  # fmt: skip
    await bench.create()
    for change, text in [({"EphemeralStorage": {"Size": 1024}}, "512 MB"), ({"FileSystemConfigs": [{"Arn": "a"}]}, "EFS")]:
        await bench.refused("UpdateFunctionConfiguration", "InvalidParameterValueException", text, FunctionName="f", SnapStart=ON, **change)
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", SnapStart=ON)
    await bench.settle()
    await bench.call("PublishVersion", FunctionName="f")
    await bench.settle()
    await bench.refused("PutProvisionedConcurrencyConfig", "InvalidParameterValueException", "not supported for SnapStart",
                        FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)  # fmt: skip


async def test_after_a_restart_the_snapshots_are_taken_again(bench):
    await bench.create(SnapStart=ON)
    await bench.call("PublishVersion", FunctionName="f")
    await bench.settle()
    bench.snapshots.kept.clear()
    await bench.service.workers[2].recall()
    await bench.settle()
    assert bench.snapshots.kept == {ARN: {f"{ARN}:1"}}
