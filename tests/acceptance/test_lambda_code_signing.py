"""Code signing configurations through boto3, and the deployments that they refuse."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.acceptance.conftest import RunningServer
from tests.acceptance.lambda_kit import ACCOUNT, PREFIX, create, package, refused, unique, updated

PUBLISHERS = {"SigningProfileVersionArns": [f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/releases/v1"]}


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda")


def make(functions: Any, policy: str) -> str:
    policies = {"UntrustedArtifactOnDeployment": policy}
    made = functions.create_code_signing_config(AllowedPublishers=PUBLISHERS, CodeSigningPolicies=policies)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    return str(made["CodeSigningConfig"]["CodeSigningConfigArn"])


def test_a_configurations_life(functions: Any) -> None:
    arn = make(functions, "Warn")
    functions.update_code_signing_config(CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"})
    shown = functions.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    assert shown["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Enforce"}
    assert shown["AllowedPublishers"] == PUBLISHERS and shown["CodeSigningConfigArn"].endswith(shown["CodeSigningConfigId"])
    assert shown in functions.list_code_signing_configs()["CodeSigningConfigs"]
    name = create(functions)
    none = functions.get_function_code_signing_config(FunctionName=name)
    assert set(none) == {"ResponseMetadata"}
    functions.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=arn)
    assert functions.get_function_code_signing_config(FunctionName=name)["CodeSigningConfigArn"] == arn
    assert functions.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"] == [PREFIX + name]
    used = f"The code signing configuration {arn} can't be deleted: functions use it, among them {name}."
    refused(functions.delete_code_signing_config, "ResourceConflictException", 409, used, CodeSigningConfigArn=arn)
    assert functions.delete_function_code_signing_config(FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert functions.delete_code_signing_config(CodeSigningConfigArn=arn)["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = f"The Lambda code signing configuration {arn} can not be found."
    refused(functions.get_code_signing_config, "ResourceNotFoundException", 404, missing, CodeSigningConfigArn=arn)
    gone = f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
    refused(
        functions.put_function_code_signing_config,
        "CodeSigningConfigNotFoundException",
        404,
        gone,
        FunctionName=name,
        CodeSigningConfigArn=arn,
    )


def test_enforced_trust_refuses_and_a_warning_counts(server: RunningServer, functions: Any) -> None:
    strict, lenient = make(functions, "Enforce"), make(functions, "Warn")
    name = unique()
    settings = {"Runtime": "python3.12", "Role": f"arn:aws:iam::{ACCOUNT}:role/any", "Handler": "app.handler"}
    code = package({"app.py": "x = 1"})
    text = (
        "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured "
        f"to accept. Check the provided signature for {name}."
    )
    refused(
        functions.create_function,
        "CodeVerificationFailedException",
        400,
        text,
        FunctionName=name,
        Code={"ZipFile": code},
        CodeSigningConfigArn=strict,
        **settings,
    )
    create(functions, name=name, CodeSigningConfigArn=lenient)
    functions.update_function_code(FunctionName=name, ZipFile=code)
    updated(functions, name)
    functions.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=strict)
    refused(functions.update_function_code, "CodeVerificationFailedException", 400, text, FunctionName=name, ZipFile=code)
    assert _counted(server.client("cloudwatch"), name, 4) == 4


def _counted(cloudwatch: Any, name: str, wanted: int) -> float:
    """Return how many failed validations CloudWatch knows of; metrics are sent every ten seconds."""
    now, found = datetime.now(UTC), 0.0
    for _ in range(60):
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="SignatureValidationErrors",
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=3600,
            Statistics=["Sum"],
        )
        found = sum(each["Sum"] for each in answer["Datapoints"])
        if found >= wanted:
            break
        time.sleep(0.5)
    return found
