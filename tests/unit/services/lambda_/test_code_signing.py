"""Code signing configurations, and deployments to functions that have one."""

import io
import zipfile

import pytest

PUBLISHER = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/releases/v1"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
UNTRUSTED = (
    "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to "
    "accept. Check the provided signature for f."
)


async def make(bench, policy="Enforce", **params):
    made = await bench.call(
        "CreateCodeSigningConfig",
        AllowedPublishers={"SigningProfileVersionArns": [PUBLISHER]},
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": policy},
        **params,
    )
    return made["CodeSigningConfig"]["CodeSigningConfigArn"]


def package(*names):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "#")
    return data.getvalue()


async def test_a_configuration_from_beginning_to_end(bench):
    made = (await bench.call("CreateCodeSigningConfig", AllowedPublishers={"SigningProfileVersionArns": [PUBLISHER]}))["CodeSigningConfig"]
    config_id, arn = made["CodeSigningConfigId"], made["CodeSigningConfigArn"]
    assert config_id.startswith("csc-") and len(config_id) == 21
    assert arn == f"arn:aws:lambda:us-east-1:123456789012:code-signing-config:{config_id}"
    assert made["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    assert made["Description"] == ""
    assert (await bench.call("UpdateCodeSigningConfig", CodeSigningConfigArn=arn))["CodeSigningConfig"] == made
    await bench.clock.advance(5)
    changed = await bench.call(
        "UpdateCodeSigningConfig",
        CodeSigningConfigArn=arn,
        Description="ours",
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )
    shown = changed["CodeSigningConfig"]
    assert (shown["Description"], shown["AllowedPublishers"]) == ("ours", {"SigningProfileVersionArns": [PUBLISHER]})
    assert shown["LastModified"] > made["LastModified"]
    assert await bench.call("GetCodeSigningConfig", CodeSigningConfigArn=arn) == {"CodeSigningConfig": shown}
    assert await bench.call("ListCodeSigningConfigs") == {"CodeSigningConfigs": [shown]}
    await bench.call("DeleteCodeSigningConfig", CodeSigningConfigArn=arn)
    for operation in ("GetCodeSigningConfig", "DeleteCodeSigningConfig", "UpdateCodeSigningConfig", "ListFunctionsByCodeSigningConfig"):
        error = await bench.refused(
            operation,
            "ResourceNotFoundException",
            f"The Lambda code signing configuration {arn} can not be found.",
            CodeSigningConfigArn=arn,
        )
        assert error.members["Type"] is None


async def test_a_function_has_one_or_none(bench):
    arn = await make(bench)
    await bench.create()
    assert await bench.call("GetFunctionCodeSigningConfig", FunctionName="f") == {}
    await bench.call("DeleteFunctionCodeSigningConfig", FunctionName="f")
    put = await bench.call("PutFunctionCodeSigningConfig", FunctionName=FUNCTION, CodeSigningConfigArn=arn)
    assert put == {"CodeSigningConfigArn": arn, "FunctionName": "f"}
    assert await bench.call("GetFunctionCodeSigningConfig", FunctionName="f") == put
    assert await bench.call("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=arn) == {"FunctionArns": [FUNCTION]}
    await bench.refused("DeleteCodeSigningConfig", "ResourceConflictException", "among them f", CodeSigningConfigArn=arn)
    await bench.call("DeleteFunctionCodeSigningConfig", FunctionName="f")
    await bench.call("DeleteCodeSigningConfig", CodeSigningConfigArn=arn)
    text = f"Check that the provided configuration is not deleted: {arn}."
    for name in ("f", "nobody"):  # the configuration is looked for first
        await bench.refused(
            "PutFunctionCodeSigningConfig", "CodeSigningConfigNotFoundException", text, FunctionName=name, CodeSigningConfigArn=arn
        )
    for operation in ("GetFunctionCodeSigningConfig", "DeleteFunctionCodeSigningConfig"):
        await bench.refused(operation, "ResourceNotFoundException", "Function not found", FunctionName="nobody")


async def test_lists_come_in_pages(bench):
    arns = sorted([await make(bench) for _ in range(3)])
    first = await bench.call("ListCodeSigningConfigs", MaxItems=2)
    rest = await bench.call("ListCodeSigningConfigs", MaxItems=2, Marker=first["NextMarker"])
    assert [each["CodeSigningConfigArn"] for page in (first, rest) for each in page["CodeSigningConfigs"]] == arns
    assert "NextMarker" not in rest
    for name in ("a", "b", "c"):
        await bench.create(name)
        await bench.call("PutFunctionCodeSigningConfig", FunctionName=name, CodeSigningConfigArn=arns[0])
    page = await bench.call("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=arns[0], MaxItems=2)
    more = await bench.call("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=arns[0], MaxItems=2, Marker=page["NextMarker"])
    assert [arn.rpartition(":")[2] for arn in (*page["FunctionArns"], *more["FunctionArns"])] == ["a", "b", "c"]
    assert "NextMarker" not in more


async def test_enforced_trust_blocks_deployments(bench):
    arn = await make(bench)
    created = {"FunctionName": "f", "Runtime": "python3.12", "Role": "arn:aws:iam::123456789012:role/r", "Handler": "a.b"}
    code = {"ZipFile": package("a.py")}
    await bench.refused("CreateFunction", "CodeVerificationFailedException", UNTRUSTED, **created, Code=code, CodeSigningConfigArn=arn)
    assert (await bench.call("ListFunctions"))["Functions"] == []
    await bench.create()  # code that is there stays
    await bench.call("PutFunctionCodeSigningConfig", FunctionName="f", CodeSigningConfigArn=arn)
    await bench.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=5)
    await bench.settle()
    await bench.refused("UpdateFunctionCode", "CodeVerificationFailedException", UNTRUSTED, FunctionName="f", **code)
    signed = package("a.py", "META-INF/aws_signer_signature_v1.0.SF")
    text = "does not verify the signatures of AWS Signer"
    await bench.refused("UpdateFunctionCode", "CodeVerificationFailedException", text, FunctionName="f", ZipFile=signed)
    layer = await bench.call("PublishLayerVersion", LayerName="l", Content={"ZipFile": package("python/a.py")})
    layers = [layer["LayerVersionArn"]]
    await bench.refused("UpdateFunctionConfiguration", "CodeVerificationFailedException", UNTRUSTED, FunctionName="f", Layers=layers)
    assert ("SignatureValidationErrors", 1.0, {"FunctionName": "f"}) in bench.metrics.seen


async def test_a_warning_lets_code_through_and_is_counted(bench):
    arn = await make(bench, "Warn")
    await bench.create(CodeSigningConfigArn=arn)
    assert bench.metrics.seen == [("SignatureValidationErrors", 1.0, {"FunctionName": "f"})]
    assert (await bench.call("GetFunctionCodeSigningConfig", FunctionName="f"))["CodeSigningConfigArn"] == arn
    await bench.call("UpdateFunctionCode", FunctionName="f", ZipFile=package("a.py"))
    assert len(bench.metrics.seen) == 2
    await bench.settle()
    await bench.call("DeleteFunction", FunctionName="f")
    await bench.call("DeleteCodeSigningConfig", CodeSigningConfigArn=arn)


@pytest.mark.parametrize("arn", ["arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-" + "0" * 17, "nonsense"])
async def test_a_configuration_of_elsewhere_is_none(bench, arn):
    params = {"Runtime": "python3.12", "Role": "arn:aws:iam::123456789012:role/r", "Handler": "a.b", "Code": {"ZipFile": package("a.py")}}
    await bench.refused("CreateFunction", "CodeSigningConfigNotFoundException", FunctionName="f", CodeSigningConfigArn=arn, **params)


async def test_tags(bench):
    arn = await make(bench, Tags={"team": "a"})
    await bench.call("TagResource", Resource=arn, Tags={"stage": "live"})
    assert (await bench.call("ListTags", Resource=arn))["Tags"] == {"team": "a", "stage": "live"}
    await bench.call("UntagResource", Resource=arn, TagKeys=["team"])
    assert (await bench.call("ListTags", Resource=arn))["Tags"] == {"stage": "live"}
    gone = arn[:-1] + ("0" if arn[-1] != "0" else "1")
    await bench.refused("ListTags", "ResourceNotFoundException", "can not be found", Resource=gone)
