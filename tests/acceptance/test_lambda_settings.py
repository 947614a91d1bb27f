"""What hangs on a function, through boto3: policies, tags, concurrency, event and URL configurations, runtime and recursion settings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.acceptance.conftest import RunningServer
from tests.acceptance.lambda_kit import ACCOUNT, PREFIX, create, refused, unique


@pytest.fixture(scope="module")
def functions(server: RunningServer) -> Any:
    return server.client("lambda", parameter_validation=False)


def allow(**changes: Any) -> dict[str, Any]:
    return {"Action": "lambda:InvokeFunction", "StatementId": "s3", "Principal": "s3.amazonaws.com"} | changes


def test_a_policys_life(functions: Any) -> None:
    name = create(functions)
    before = functions.get_function_configuration(FunctionName=name)["RevisionId"]
    made = functions.add_permission(FunctionName=name, RevisionId=before, SourceArn="arn:aws:s3:::b", SourceAccount=ACCOUNT, **allow())
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": PREFIX + name,
        "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}},
    }
    assert json.loads(made["Statement"]) == statement
    policy = functions.get_policy(FunctionName=name)
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert policy["RevisionId"] == functions.get_function_configuration(FunctionName=name)["RevisionId"] != before
    functions.remove_permission(FunctionName=name, StatementId="s3", RevisionId=policy["RevisionId"])
    refused(functions.get_policy, "ResourceNotFoundException", 404, "The resource you requested does not exist.", FunctionName=name)


@pytest.mark.parametrize(
    ("principal", "element"),
    [
        ("*", "*"),
        (ACCOUNT, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        (f"arn:aws:iam::{ACCOUNT}:user/u", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/u"}),
    ],
)
def test_principals_become_elements(functions: Any, principal: str, element: Any) -> None:
    made = functions.add_permission(FunctionName=create(functions), **allow(Principal=principal))
    assert json.loads(made["Statement"])["Principal"] == element


def test_qualifiers_have_policies_of_their_own(functions: Any) -> None:
    name = create(functions, Publish=True)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier in ("1", "live"):
        made = functions.add_permission(FunctionName=f"{name}:{qualifier}", Qualifier=qualifier, **allow())
        assert json.loads(made["Statement"])["Resource"] == f"{PREFIX}{name}:{qualifier}"
        assert functions.get_policy(FunctionName=name, Qualifier=qualifier)["RevisionId"]
    refused(functions.get_policy, "ResourceNotFoundException", 404, "The resource you requested does not exist.", FunctionName=name)


def test_what_policies_refuse(functions: Any) -> None:
    name = create(functions)
    add, remove = functions.add_permission, functions.remove_permission
    bad = "1 validation error detected: Value 'a.b' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: "
    refused(add, "ValidationException", 400, bad + "([a-zA-Z0-9-_]+)", FunctionName=name, **allow(StatementId="a.b"))
    latest = "We currently do not support adding policies for $LATEST."
    refused(add, "InvalidParameterValueException", 400, latest, FunctionName=f"{name}:$LATEST", **allow())
    principal = "The provided principal was invalid. Please check the principal and try again."
    refused(add, "InvalidParameterValueException", 400, principal, FunctionName=name, **allow(Principal="invalid.nonaws.com"))
    gone, missing = f"Function not found: {PREFIX}no", f"Cannot find alias arn: {PREFIX}{name}:no"
    refused(add, "ResourceNotFoundException", 404, gone, FunctionName="no", **allow())
    refused(functions.get_policy, "ResourceNotFoundException", 404, gone, FunctionName="no")
    refused(add, "ResourceNotFoundException", 404, missing, FunctionName=f"{name}:no", **allow())
    refused(add, "ResourceNotFoundException", 404, f"Function not found: {PREFIX}{name}:42", FunctionName=name, Qualifier="42", **allow())
    none = "No policy is associated with the given resource."
    refused(remove, "ResourceNotFoundException", 404, none, FunctionName=name, StatementId="s3")
    refused(remove, "ResourceNotFoundException", 404, f"No policy found for: {PREFIX}no", FunctionName="no", StatementId="s3")
    add(FunctionName=name, **allow())
    taken = "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement."
    refused(add, "ResourceConflictException", 409, taken, FunctionName=name, **allow())
    stale = "The Revision Id provided does not match the latest Revision Id. Call the {} API to retrieve the latest Revision Id"
    wrong = {"FunctionName": name, "RevisionId": "wrong"}
    refused(add, "PreconditionFailedException", 412, stale.format("GetPolicy"), **wrong, **allow(StatementId="b"))
    refused(remove, "PreconditionFailedException", 412, stale.format("GetFunction/GetAlias"), **wrong, StatementId="s3")
    refused(remove, "ResourceNotFoundException", 404, "Statement x is not found in resource policy.", FunctionName=name, StatementId="x")


def test_tags(functions: Any) -> None:
    name = create(functions, Tags={"a": "1"})
    arn = PREFIX + name
    functions.tag_resource(Resource=arn, Tags={"b": "2", "a": "3"})
    assert functions.list_tags(Resource=arn)["Tags"] == {"a": "3", "b": "2"} == functions.get_function(FunctionName=name)["Tags"]
    functions.untag_resource(Resource=arn, TagKeys=["a", "not there"])
    assert functions.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    functions.untag_resource(Resource=arn, TagKeys=["b"])
    assert "Tags" not in functions.get_function(FunctionName=name)
    many = {f"k{number}": "v" for number in range(51)}
    refused(
        functions.tag_resource, "InvalidParameterValueException", 400, "Number of tags exceeds resource tag limit.", Resource=arn, Tags=many
    )
    text = "Tags on function aliases and versions are not supported. Please specify a function ARN."
    refused(functions.tag_resource, "InvalidParameterValueException", 400, text, Resource=f"{arn}:$LATEST", Tags={"a": "b"})
    nothing = "An error occurred and the request cannot be processed."
    refused(functions.tag_resource, "InvalidParameterValueException", 400, nothing, Resource=arn, Tags={})
    null = "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"
    refused(functions.untag_resource, "ValidationException", 400, null, Resource=arn, TagKeys=[])
    refused(functions.list_tags, "ResourceNotFoundException", 404, f"Function not found: {PREFIX}no", Resource=f"{PREFIX}no")
    refused(
        functions.list_tags,
        "ValidationException",
        400,
        "1 validation error detected: Value 'arn:aws:x' at 'resource' …",
        Resource="arn:aws:x",
    )


def test_reserved_concurrency(functions: Any) -> None:
    name = create(functions)
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=name)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    caught = refused(functions.invoke, "TooManyRequestsException", 429, "Rate Exceeded.", FunctionName=name)
    assert (caught["Reason"], caught["Type"]) == ("ReservedFunctionConcurrentInvocationLimitExceeded", "User")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 1
    assert functions.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 1}
    limits = functions.get_account_settings()["AccountLimit"]
    assert limits["UnreservedConcurrentExecutions"] == limits["ConcurrentExecutions"] - 1
    functions.delete_function_concurrency(FunctionName=name)
    assert functions.invoke(FunctionName=name)["StatusCode"] == 200
    put = functions.put_function_concurrency
    gone = f"Function not found: {PREFIX}no:$LATEST"
    refused(put, "ResourceNotFoundException", 404, gone, FunctionName="no", ReservedConcurrentExecutions=1)
    qualified = (
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )
    refused(put, "InvalidParameterValueException", 400, qualified, FunctionName=f"{name}:$LATEST", ReservedConcurrentExecutions=0)
    below = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    refused(put, "InvalidParameterValueException", 400, below, FunctionName=name, ReservedConcurrentExecutions=901)


def test_event_invoke_configurations(functions: Any) -> None:
    name, other = create(functions, Publish=True), create(functions)
    put, get = functions.put_function_event_invoke_config, functions.get_function_event_invoke_config
    made = put(FunctionName=name, MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60)
    assert made["FunctionArn"] == f"{PREFIX}{name}:$LATEST"
    assert made["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    changed = functions.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (0, 60)
    put(FunctionName=name, MaximumRetryAttempts=1)
    assert "MaximumEventAgeInSeconds" not in get(FunctionName=name)
    put(FunctionName=f"{name}:1", DestinationConfig={"OnFailure": {"Destination": PREFIX + other}})
    listed = functions.get_paginator("list_function_event_invoke_configs").paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
    found = [each["FunctionArn"] for page in listed for each in page["FunctionEventInvokeConfigs"]]
    assert found == [f"{PREFIX}{name}:$LATEST", f"{PREFIX}{name}:1"]
    functions.delete_function_event_invoke_config(FunctionName=name)
    none = f"The function {PREFIX}{name}:$LATEST doesn't have an EventInvokeConfig"
    refused(get, "ResourceNotFoundException", 404, none, FunctionName=name)
    refused(functions.delete_function_event_invoke_config, "ResourceNotFoundException", 404, none, FunctionName=name)
    nothing = "You must specify at least one of error handling or destination setting."
    refused(put, "InvalidParameterValueException", 400, nothing, FunctionName="no")
    refused(put, "ResourceNotFoundException", 404, "The function doesn't exist.", FunctionName="no", MaximumRetryAttempts=1)
    for arn, text in (
        (f"{PREFIX}no", f"The destination ARN {PREFIX}no is invalid."),
        (PREFIX + name, "You can't specify the function as a destination for itself."),
        (
            f"arn:aws:iam:us-east-1:{ACCOUNT}:x",
            (
                f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam:us-east-1:{ACCOUNT}:x), "
                "onFailure=null) is invalid."
            ),
        ),
    ):
        refused(put, "InvalidParameterValueException", 400, text, FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn}})


def test_url_configurations(functions: Any) -> None:
    name = create(functions, Publish=True)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    made = functions.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert {"InvokeMode", "LastModifiedTime"}.isdisjoint(made)
    assert made["FunctionUrl"].endswith(f".lambda-url.us-east-1.localhost:{functions.meta.endpoint_url.rpartition(':')[2]}/")
    found = functions.get_function_url_config(FunctionName=name)
    assert (found["AuthType"], found["InvokeMode"], found["FunctionUrl"]) == ("NONE", "BUFFERED", made["FunctionUrl"])
    changed = functions.update_function_url_config(FunctionName=name, AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM")
    assert (changed["AuthType"], changed["InvokeMode"], changed["FunctionUrl"]) == ("AWS_IAM", "RESPONSE_STREAM", made["FunctionUrl"])
    functions.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    pages = functions.get_paginator("list_function_url_configs").paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
    assert [each["FunctionArn"] for page in pages for each in page["FunctionUrlConfigs"]] == [PREFIX + name, f"{PREFIX}{name}:live"]
    exists = (
        f"Failed to create function url config for [functionArn = {PREFIX}{name}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function"
    )
    refused(functions.create_function_url_config, "ResourceConflictException", 409, exists, FunctionName=name, AuthType="NONE")
    functions.delete_function_url_config(FunctionName=name)
    gone = "The resource you requested does not exist."
    refused(functions.get_function_url_config, "ResourceNotFoundException", 404, gone, FunctionName=name)
    refused(
        functions.create_function_url_config,
        "ResourceNotFoundException",
        404,
        "Function does not exist",
        FunctionName="no",
        AuthType="NONE",
    )
    refused(functions.update_function_url_config, "ResourceNotFoundException", 404, "Function does not exist", FunctionName="no")
    number = (
        "1 validation error detected: Value '1' at 'qualifier' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"
    )
    refused(functions.create_function_url_config, "ValidationException", 400, number, FunctionName=name, Qualifier="1", AuthType="NONE")
    mode = (
        "1 validation error detected: Value 'X' at 'invokeMode' failed to satisfy constraint: "
        "Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]"
    )
    refused(functions.create_function_url_config, "ValidationException", 400, mode, FunctionName=name, AuthType="NONE", InvokeMode="X")


def test_recursion_and_runtime_management(functions: Any) -> None:
    name = create(functions)
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    functions.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    assert functions.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "Auto"
    functions.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    assert functions.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "FunctionUpdate"
    refused(
        functions.put_runtime_management_config,
        "InvalidParameterValueException",
        400,
        "The runtime …",
        FunctionName=name,
        UpdateRuntimeOn="Manual",
    )


def test_deleting_a_function_takes_everything_with_it(functions: Any) -> None:
    name = unique("gone")
    create(functions, name=name, Tags={"a": "b"}, Publish=True)
    functions.add_permission(FunctionName=name, **allow())
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    functions.create_function_url_config(FunctionName=name, AuthType="NONE")
    functions.delete_function(FunctionName=name)
    create(functions, name=name)
    found = functions.get_function(FunctionName=name)
    assert {"Tags", "Concurrency"}.isdisjoint(found)
    assert len(functions.list_versions_by_function(FunctionName=name)["Versions"]) == 1
    refused(functions.get_policy, "ResourceNotFoundException", 404, "The resource you requested does not exist.", FunctionName=name)
    assert functions.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []
    assert functions.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"] == []
