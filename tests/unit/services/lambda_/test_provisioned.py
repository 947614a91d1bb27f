"""Provisioned concurrency in the control plane: what is refused and how, what the engine is told, what is shown."""

from lambent.domain.provisioning import Progress

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


async def put(bench, qualifier="1", wanted=1):
    made = await bench.call(
        "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier=qualifier, ProvisionedConcurrentExecutions=wanted
    )
    await bench.settle()
    return made


async def get(bench, qualifier="1"):
    return await bench.call("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier=qualifier)


async def publish(bench, *descriptions):
    await bench.create()
    for each in descriptions:
        await bench.call("UpdateFunctionConfiguration", FunctionName="f", Description=each)
        await bench.settle()
        await bench.call("PublishVersion", FunctionName="f")
    await bench.settle()


async def test_from_the_request_to_ready(bench):
    await publish(bench, "one")
    made = await put(bench, wanted=3)
    assert made["Status"] == "IN_PROGRESS"
    assert made["RequestedProvisionedConcurrentExecutions"] == 3
    assert made["AllocatedProvisionedConcurrentExecutions"] == made["AvailableProvisionedConcurrentExecutions"] == 0
    assert made["LastModified"].endswith("+0000")
    assert bench.environments.aims == {ARN: {f"{ARN}:1": 3}}
    bench.environments.told[f"{ARN}:1"] = Progress(3, 2, "IN_PROGRESS")
    shown = await get(bench)
    assert (shown["Status"], shown["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 2)
    bench.environments.told[f"{ARN}:1"] = Progress(3, 3, "READY")
    assert (await get(bench))["Status"] == "READY"
    listed = await bench.call("ListProvisionedConcurrencyConfigs", FunctionName="f")
    assert [(each["FunctionArn"], each["Status"]) for each in listed["ProvisionedConcurrencyConfigs"]] == [(f"{ARN}:1", "READY")]
    bench.environments.told[f"{ARN}:1"] = Progress(0, 0, "FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert (await get(bench))["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    await bench.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1")
    await bench.settle()
    assert bench.environments.aims == {ARN: {}}
    await bench.refused(
        "GetProvisionedConcurrencyConfig",
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
        FunctionName="f",
        Qualifier="1",
    )
    await bench.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1")


async def test_what_is_not_there_or_not_published(bench):
    await publish(bench, "one")
    for operation in ("GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig", "PutProvisionedConcurrencyConfig"):
        extra = {"ProvisionedConcurrentExecutions": 1} if operation.startswith("Put") else {}
        latest = "unpublished function versions." if extra else "The function resource provided must be an alias or a published version."
        await bench.refused(operation, "InvalidParameterValueException", latest, FunctionName="f", Qualifier="$LATEST", **extra)
        for name, qualifier, text in [
            ("f", "10", f"Function not found: {ARN}:10"),
            ("f", "noalias", f"Cannot find alias arn: {ARN}:noalias"),
            ("g", "1", "Function not found: arn:aws:lambda:us-east-1:123456789012:function:g:1"),
            ("g", "a", "Cannot find alias arn: arn:aws:lambda:us-east-1:123456789012:function:g:a"),
        ]:
            await bench.refused(operation, "ResourceNotFoundException", text, FunctionName=name, Qualifier=qualifier, **extra)
    await bench.refused("ListProvisionedConcurrencyConfigs", "ResourceNotFoundException", "function:g", FunctionName="g")
    await bench.call("CreateAlias", FunctionName="f", Name="newest", FunctionVersion="$LATEST")
    await bench.refused("PutProvisionedConcurrencyConfig", "InvalidParameterValueException", "unpublished", FunctionName="f",
                        Qualifier="newest", ProvisionedConcurrentExecutions=1)  # fmt: skip


async def test_a_version_is_provisioned_by_its_number_or_through_an_alias_not_both(bench):
    await publish(bench, "one")
    await bench.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    await put(bench)
    text = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    both = {"FunctionName": "f", "ProvisionedConcurrentExecutions": 1}
    await bench.refused("PutProvisionedConcurrencyConfig", "ResourceConflictException", text, Qualifier="live", **both)
    await bench.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1")
    await put(bench, "live", 2)
    text = "Version is pointed by a Provisioned Concurrency alias"
    await bench.refused("PutProvisionedConcurrencyConfig", "ResourceConflictException", text, Qualifier="1", **both)
    await bench.call("DeleteAlias", FunctionName="f", Name="live")
    await bench.settle()
    assert bench.environments.aims == {ARN: {}}
    assert (await bench.call("ListProvisionedConcurrencyConfigs", FunctionName="f"))["ProvisionedConcurrencyConfigs"] == []


async def test_an_aliass_environments_are_shared_out_by_weight_and_follow_it(bench):
    await publish(bench, "one", "two")
    weights = {"AdditionalVersionWeights": {"2": 0.25}}
    await bench.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weights)
    await put(bench, "live", 8)
    assert bench.environments.aims == {ARN: {f"{ARN}:1": 6, f"{ARN}:2": 2}}
    bench.environments.told = {f"{ARN}:1": Progress(6, 6, "READY"), f"{ARN}:2": Progress(1, 1, "IN_PROGRESS")}
    shown = await get(bench, "live")
    assert (shown["Status"], shown["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 7)
    await bench.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
    await bench.settle()
    assert bench.environments.aims == {ARN: {f"{ARN}:2": 8}}
    await bench.call("DeleteFunction", FunctionName="f")
    await bench.settle()
    assert bench.environments.aims == {ARN: {}}


async def test_limits_of_the_function_and_of_the_account(bench):
    await publish(bench, "one", "two")
    await bench.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=5)
    await put(bench, "1", 3)
    text = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    await bench.refused("PutProvisionedConcurrencyConfig", "InvalidParameterValueException", text, FunctionName="f", Qualifier="2",
                        ProvisionedConcurrentExecutions=3)  # fmt: skip
    text = " ReservedConcurrentExecutions  2 should not be lower than function's total provisioned concurrency [3]."
    await bench.refused("PutFunctionConcurrency", "InvalidParameterValueException", text, FunctionName="f", ReservedConcurrentExecutions=2)
    assert bench.taken.total("123456789012", "us-east-1") == 5
    await bench.call("DeleteFunctionConcurrency", FunctionName="f")
    await bench.settle()
    assert bench.taken.total("123456789012", "us-east-1") == 3
    for wanted, text in [(1001, "greater than account's unreserved concurrency [1000]"), (898, "below its minimum value of [100]")]:
        await bench.refused("PutProvisionedConcurrencyConfig", "InvalidParameterValueException", text, FunctionName="f", Qualifier="2",
                            ProvisionedConcurrentExecutions=wanted)  # fmt: skip
    await put(bench, "2", 897)
    settings = await bench.call("GetAccountSettings")
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 100


async def test_a_restarted_server_tells_the_engine_again(bench):
    await publish(bench, "one")
    await put(bench, wanted=2)
    bench.environments.aims.clear()
    await bench.service.workers[1].recall()
    await bench.settle()
    assert bench.environments.aims == {ARN: {f"{ARN}:1": 2}}


async def test_a_deleted_functions_environments_are_let_go_of(bench):
    await publish(bench, "one")
    await put(bench, wanted=2)
    await bench.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1")
    await bench.call("DeleteFunction", FunctionName="f", Qualifier="1")
    await bench.settle()
    assert bench.environments.retired == []
    await bench.call("DeleteFunction", FunctionName="f")
    await bench.settle()
    assert bench.environments.retired == [ARN]
    assert bench.environments.aims == {ARN: {}}
