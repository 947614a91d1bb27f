"""Layers through boto3: published, listed, used, shared, deleted; what is refused."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from tests.acceptance.conftest import RunningServer
from tests.acceptance.lambda_kit import ACCOUNT, create, invoke, package, refused, unique, updated

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:"
CONTENT = package({"python/shared.py": "WORD = 'layer'\n", "data/file.txt": "text"})
USER = "import shared\ndef handler(event, context):\n    return [shared.WORD, open('/opt/data/file.txt').read() if event else None]\n"


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda", parameter_validation=False)


def publish(functions: Any, name: str = "", **params: Any) -> dict[str, Any]:
    made: dict[str, Any] = functions.publish_layer_version(LayerName=name or unique("layer"), Content={"ZipFile": CONTENT}, **params)
    return made


def test_a_layers_life(functions: Any) -> None:
    name = unique("layer")
    made = publish(
        functions, name, Description="d", LicenseInfo="MIT", CompatibleRuntimes=["python3.11"], CompatibleArchitectures=["x86_64"]
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["LayerArn"], made["LayerVersionArn"], made["Version"]) == (ARN + name, f"{ARN}{name}:1", 1)
    assert made["Content"]["CodeSize"] == len(CONTENT)
    found = functions.get_layer_version(LayerName=name, VersionNumber=1)
    assert found["Content"]["CodeSha256"] == functions.get_layer_version_by_arn(Arn=made["LayerVersionArn"])["Content"]["CodeSha256"]
    assert (found["Description"], found["LicenseInfo"], found["CompatibleRuntimes"]) == ("d", "MIT", ["python3.11"])
    assert publish(functions, name)["Version"] == 2
    pages = functions.get_paginator("list_layer_versions").paginate(LayerName=name, PaginationConfig={"PageSize": 1})
    assert [each["Version"] for page in pages for each in page["LayerVersions"]] == [2, 1]
    matching = functions.list_layer_versions(LayerName=name, CompatibleRuntime="python3.11")["LayerVersions"]
    assert [each["Version"] for each in matching] == [1]
    layers = [each for page in functions.get_paginator("list_layers").paginate() for each in page["Layers"]]
    assert next(each for each in layers if each["LayerName"] == name)["LatestMatchingVersion"]["Version"] == 2
    for version in (1, 2, 2):
        assert functions.delete_layer_version(LayerName=name, VersionNumber=version)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert functions.list_layer_versions(LayerName=name)["LayerVersions"] == []
    assert publish(functions, name)["Version"] == 3, "numbers are never given twice"


def test_a_function_imports_from_its_layers(functions: Any) -> None:
    first = publish(functions)
    name = create(functions, USER, Layers=[first["LayerVersionArn"]])
    assert invoke(functions, name) == ["layer", None]
    shown = functions.get_function_configuration(FunctionName=name)["Layers"]
    assert shown == [{"Arn": first["LayerVersionArn"], "CodeSize": len(CONTENT)}]
    functions.delete_layer_version(LayerName=first["LayerArn"], VersionNumber=1)
    functions.update_function_configuration(FunctionName=name, Description="a new environment")
    updated(functions, name)
    assert invoke(functions, name) == ["layer", None], "a function keeps a layer that is deleted"
    functions.update_function_configuration(FunctionName=name, Layers=[])
    assert "Layers" not in updated(functions, name)


def test_layers_come_from_s3(server: RunningServer, functions: Any) -> None:
    bucket = unique("layers")
    server.client("s3").create_bucket(Bucket=bucket)
    server.client("s3").put_object(Bucket=bucket, Key="layer.zip", Body=CONTENT)
    made = functions.publish_layer_version(LayerName=unique("layer"), Content={"S3Bucket": bucket, "S3Key": "layer.zip"})
    assert invoke(functions, create(functions, USER, Layers=[made["LayerVersionArn"]])) == ["layer", None]


def test_what_functions_refuse_of_layers(functions: Any) -> None:
    name, layer = create(functions), publish(functions)["LayerArn"]
    publish(functions, layer)
    update = functions.update_function_configuration
    for second in (1, 2):
        text = (
            "Two different versions of the same layer are not allowed to be referenced in the same function. "
            f"{layer}:1 and {layer}:{second} are versions of the same layer."
        )
        refused(update, "InvalidParameterValueException", 400, text, FunctionName=name, Layers=[f"{layer}:1", f"{layer}:{second}"])
    text = f"Layer version {layer}:9 does not exist."
    refused(update, "InvalidParameterValueException", 400, text, FunctionName=name, Layers=[f"{layer}:9"])
    text = "Layers are not in the same region as the function. Layers are expected to be in region us-east-1."
    refused(update, "InvalidParameterValueException", 400, text, FunctionName=name, Layers=[f"{layer}:1".replace("us-east-1", "eu-west-1")])
    text = "Cannot reference more than 5 layers."
    refused(update, "InvalidParameterValueException", 400, text, FunctionName=name, Layers=[f"{ARN}{number}:1" for number in range(6)])


def test_what_layers_refuse(functions: Any) -> None:
    name = publish(functions)["LayerArn"].rpartition(":")[2]
    get, delete = functions.get_layer_version, functions.delete_layer_version
    gone = "The resource you requested does not exist."
    refused(get, "ResourceNotFoundException", 404, gone, LayerName=name, VersionNumber=2)
    refused(get, "ResourceNotFoundException", 404, gone, LayerName="no-such-layer", VersionNumber=1)
    refused(functions.get_layer_version_by_arn, "ResourceNotFoundException", 404, gone, Arn=f"{ARN}{name}:2")
    invalid = "1 validation error detected: Value '…"
    refused(functions.get_layer_version_by_arn, "ValidationException", 400, invalid, Arn=ARN + name)
    for operation in (get, delete):
        refused(operation, "InvalidParameterValueException", 400, "Layer Version Cannot be less than 1", LayerName=name, VersionNumber=0)
    assert functions.list_layer_versions(LayerName="no-such-layer")["LayerVersions"] == []
    refused(functions.list_layers, "ValidationException", 400, invalid, CompatibleRuntime="no")
    architecture = (
        "1 validation error detected: Value 'no' at 'compatibleArchitecture' failed to satisfy constraint: "
        "Member must satisfy enum value set: [x86_64, arm64]"
    )
    refused(functions.list_layers, "ValidationException", 400, architecture, CompatibleArchitecture="no")


def test_a_layers_policy(server: RunningServer, functions: Any) -> None:
    made = publish(functions)
    layer = {"LayerName": made["LayerArn"], "VersionNumber": 1}
    other = boto3.Session("123456789012", "x", region_name="us-east-1").client("lambda", endpoint_url=server.url)
    denied = f"User: arn:aws:iam::123456789012:root is not authorized to perform: lambda:GetLayerVersion on resource: {made['LayerVersionArn']} …"
    refused(other.get_layer_version_by_arn, "AccessDeniedException", 403, denied, Arn=made["LayerVersionArn"])
    none = "No policy is associated with the given resource."
    refused(functions.get_layer_version_policy, "ResourceNotFoundException", 404, none, **layer)
    add = {**layer, "Action": "lambda:GetLayerVersion", "Principal": "123456789012", "StatementId": "one"}
    added = functions.add_layer_version_permission(**add)
    assert json.loads(added["Statement"])["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert other.get_layer_version_by_arn(Arn=made["LayerVersionArn"])["Version"] == 1
    policy = functions.get_layer_version_policy(**layer)
    assert [each["Sid"] for each in json.loads(policy["Policy"])["Statement"]] == ["one"]
    taken = "The statement id (one) provided already exists. Please provide a new statement id, or remove the existing statement."
    refused(functions.add_layer_version_permission, "ResourceConflictException", 409, taken, **add)
    stale = "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
    again = {**add, "StatementId": "two", "RevisionId": "wrong"}
    refused(functions.add_layer_version_permission, "PreconditionFailedException", 412, stale, **again)
    missing = "Statement no is not found in resource policy."
    refused(functions.remove_layer_version_permission, "ResourceNotFoundException", 404, missing, **layer, StatementId="no")
    functions.remove_layer_version_permission(**layer, StatementId="one", RevisionId=policy["RevisionId"])
    refused(functions.get_layer_version_policy, "ResourceNotFoundException", 404, none, **layer)
    absent = f"Layer version {made['LayerArn']}:9 does not exist."
    refused(functions.get_layer_version_policy, "ResourceNotFoundException", 404, absent, **{**layer, "VersionNumber": 9})
