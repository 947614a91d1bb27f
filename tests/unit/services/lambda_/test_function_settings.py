"""Concurrency, event invoke configurations, URLs, tags and the rest that hangs on a function."""

import pytest

from lambent.domain.environments import RuntimeStatus
from lambent.domain.functions import EventInvokeConfig
from lambent.services.lambda_.state import find_url

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
ROLE = "arn:aws:iam::123456789012:role/worker"


async def resolve(bench, qualifier=""):
    return await bench.catalogue.resolve("123456789012", "us-east-1", "f", qualifier)


async def test_reserved_concurrency(bench):
    await bench.create()
    assert await bench.call("GetFunctionConcurrency", FunctionName="f") == {}
    await bench.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=900)
    assert (await resolve(bench)).version.reserved_concurrency == 900
    assert (await bench.call("GetFunction", FunctionName="f"))["Concurrency"] == {"ReservedConcurrentExecutions": 900}
    await bench.create("g")
    text = "below its minimum value of [100]"
    await bench.refused("PutFunctionConcurrency", "InvalidParameterValueException", text, FunctionName="g", ReservedConcurrentExecutions=1)
    settings = await bench.call("GetAccountSettings")
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    assert settings["AccountUsage"]["FunctionCount"] == 2
    await bench.call("DeleteFunctionConcurrency", FunctionName="f")
    assert (await resolve(bench)).version.reserved_concurrency is None


async def test_event_configs(bench):
    await bench.create(Publish=True)
    await bench.refused("GetFunctionEventInvokeConfig", "ResourceNotFoundException", f"{ARN}:$LATEST doesn't have", FunctionName="f")
    await bench.refused("PutFunctionEventInvokeConfig", "InvalidParameterValueException", "at least one", FunctionName="f")
    made = await bench.call("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=0,
                            DestinationConfig={"OnFailure": {"Destination": QUEUE}})  # fmt: skip
    assert made["FunctionArn"] == f"{ARN}:$LATEST"
    assert made["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}}
    await bench.call("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60)
    assert (await resolve(bench)).event_config == EventInvokeConfig(0, 60, "", QUEUE)
    assert (await resolve(bench, "1")).event_config == EventInvokeConfig()
    await bench.call("PutFunctionEventInvokeConfig", FunctionName="f:1", MaximumRetryAttempts=1)
    listed = await bench.call("ListFunctionEventInvokeConfigs", FunctionName="f")
    assert [each["FunctionArn"] for each in listed["FunctionEventInvokeConfigs"]] == [f"{ARN}:$LATEST", f"{ARN}:1"]
    await bench.call("DeleteFunctionEventInvokeConfig", FunctionName="f")
    assert (await resolve(bench)).event_config == EventInvokeConfig()
    await bench.refused("DeleteFunctionEventInvokeConfig", "ResourceNotFoundException", FunctionName="f")
    await bench.refused("UpdateFunctionEventInvokeConfig", "ResourceNotFoundException", FunctionName="f", MaximumRetryAttempts=1)


async def test_urls(bench):
    await bench.create()
    made = await bench.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    url_id = made["FunctionUrl"].removeprefix("http://").partition(".")[0]
    assert made["FunctionUrl"] == f"http://{url_id}.lambda-url.us-east-1.localhost:4566/"
    owner = await find_url(bench.store, url_id)
    assert (owner.name, owner.qualifier) == ("f", "")
    await bench.refused(
        "CreateFunctionUrlConfig", "ResourceConflictException", "FunctionUrlConfig exists", FunctionName="f", AuthType="NONE"
    )
    changed = await bench.call("UpdateFunctionUrlConfig", FunctionName="f", InvokeMode="RESPONSE_STREAM")
    assert (changed["InvokeMode"], changed["Cors"]) == ("RESPONSE_STREAM", {"AllowOrigins": ["*"]})
    assert len((await bench.call("ListFunctionUrlConfigs", FunctionName="f"))["FunctionUrlConfigs"]) == 1
    await bench.call("DeleteFunction", FunctionName="f")
    assert await find_url(bench.store, url_id) is None
    await bench.refused("GetFunctionUrlConfig", "ResourceNotFoundException", FunctionName="f")
    await bench.refused(
        "CreateFunctionUrlConfig", "ResourceNotFoundException", "Function does not exist", FunctionName="f", AuthType="NONE"
    )


async def test_tags(bench_with):
    bench = bench_with(tags_max=2)
    await bench.create(Tags={"a": "1"})
    await bench.call("TagResource", Resource=ARN, Tags={"b": "2"})
    assert (await bench.call("ListTags", Resource=ARN))["Tags"] == {"a": "1", "b": "2"}
    await bench.refused("TagResource", "InvalidParameterValueException", "tag limit", Resource=ARN, Tags={"c": "3"})
    await bench.call("UntagResource", Resource=ARN, TagKeys=["a", "z"])
    assert (await bench.call("GetFunction", FunctionName="f"))["Tags"] == {"b": "2"}
    await bench.refused("ListTags", "InvalidParameterValueException", "aliases and versions", Resource=f"{ARN}:$LATEST")
    await bench.refused("ListTags", "ResourceNotFoundException", Resource=ARN[:-1] + "g")


@pytest.mark.parametrize("mode", ["Auto", "FunctionUpdate"])
async def test_management(bench, mode):
    await bench.create()
    assert (await bench.call("GetRuntimeManagementConfig", FunctionName="f"))["UpdateRuntimeOn"] == "Auto"
    await bench.call("PutRuntimeManagementConfig", FunctionName="f", UpdateRuntimeOn=mode)
    assert (await bench.call("GetRuntimeManagementConfig", FunctionName="f"))["UpdateRuntimeOn"] == mode
    await bench.refused("PutRuntimeManagementConfig", "InvalidParameterValueException", FunctionName="f", UpdateRuntimeOn="Manual")
    assert (await bench.call("GetFunctionRecursionConfig", FunctionName="f"))["RecursiveLoop"] == "Terminate"
    await bench.call("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Allow")
    text = "Value 'Maybe' at 'recursiveLoop' failed to satisfy constraint: Member must satisfy enum value set: [Terminate, Allow]"
    await bench.refused("PutFunctionRecursionConfig", "ValidationException", text, FunctionName="f", RecursiveLoop="Maybe")
    assert (await bench.call("GetFunctionRecursionConfig", FunctionName="f"))["RecursiveLoop"] == "Allow"
    assert (await bench.call("ListEventSourceMappings"))["EventSourceMappings"] == []


async def test_a_runtime_that_another_one_serves_says_so(bench, zip_of, caplog):
    bench.statuses.append(RuntimeStatus("python3.11", True, "/usr/bin/python3.12", served_by="python3.12"))
    code = {"ZipFile": zip_of()}
    created = await bench.call("CreateFunction", FunctionName="other", Runtime="python3.11", Role=ROLE, Handler="app.handler", Code=code)
    said = 'python3.11 is not installed on this machine: python3.12 serves it, as the setting runtimes = "nearest" allows.'
    assert created["RuntimeVersionConfig"]["Error"] == {"ErrorCode": "RuntimeStandIn", "Message": said}
    assert [each.message for each in caplog.records] == [said]
    await bench.settle()
    updated = await bench.call("UpdateFunctionConfiguration", FunctionName="other", Runtime="python3.12")
    assert "Error" not in updated["RuntimeVersionConfig"]


async def test_tagging_changes_the_revision(bench):
    before = (await bench.create())["RevisionId"]
    seen = {before}
    await bench.call("TagResource", Resource=ARN, Tags={"a": "b"})
    seen.add((await bench.call("GetFunctionConfiguration", FunctionName="f"))["RevisionId"])
    await bench.call("UntagResource", Resource=ARN, TagKeys=["a"])
    seen.add((await bench.call("GetFunctionConfiguration", FunctionName="f"))["RevisionId"])
    assert len(seen) == 3


async def test_an_empty_dead_letter_config_changes_nothing(bench):
    await bench.create(DeadLetterConfig={"TargetArn": QUEUE})
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", DeadLetterConfig={})
    assert (await bench.call("GetFunctionConfiguration", FunctionName="f"))["DeadLetterConfig"] == {"TargetArn": QUEUE}
    await bench.settle()
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in await bench.call("GetFunctionConfiguration", FunctionName="f")


async def test_what_is_said_before_the_function_is_looked_for(bench):
    text = "$LATEST version cannot be deleted without deleting the function."
    await bench.refused("DeleteFunction", "InvalidParameterValueException", text, FunctionName="nobody", Qualifier="$LATEST")
    missing = "function:nobody:$LATEST"
    await bench.refused(
        "PutFunctionConcurrency", "ResourceNotFoundException", missing, FunctionName="nobody", ReservedConcurrentExecutions=1
    )
    await bench.create()
    elsewhere = ["arn:aws:lambda:eu-west-1:123456789012:layer:l:1"]
    params = {"Runtime": "python3.12", "Role": ROLE, "Handler": "a.b", "Code": {"ZipFile": b"x"}, "Layers": elsewhere}
    await bench.refused("CreateFunction", "InvalidParameterValueException", "not in the same region", FunctionName="f", **params)


async def test_a_retired_runtime_is_refused_though_it_is_there(bench):
    bench.statuses.append(RuntimeStatus("provided", True))
    params = {"Role": ROLE, "Handler": "a.b", "Code": {"ZipFile": b"x"}}
    text = "The runtime parameter of provided is no longer supported"
    await bench.refused("CreateFunction", "InvalidParameterValueException", text, FunctionName="f", Runtime="provided", **params)
