"""AWS Lambda and Step Functions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from lambent.base.regexes import Regex
from lambent.policy.actions.tables import Params, Part, Place, Table

_NAME: Final = Regex(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?(?:function:)?(?P<rest>[^:]+(?::.+)?)"
)


def _function(given: str, place: Place) -> str:
    """Return a function's ARN, with its qualifier if there is one in the name."""
    found = _NAME.fullmatch(given)
    if found is None:
        return ""
    region, account_id = found["region"] or place.region, found["account"] or place.account_id
    return f"arn:{place.partition}:lambda:{region}:{account_id}:function:{found['rest']}"


def _layer(given: str, place: Place) -> str:
    return given if given.startswith("arn:") else f"arn:{place.partition}:lambda:{place.region}:{place.account_id}:layer:{given}"


def _qualified(params: Params) -> Params:
    """Return the parameters with the qualifier as part of the name, where it isn't already."""
    name, qualifier = params.get("FunctionName"), params.get("Qualifier")
    if not isinstance(name, str) or not qualifier or name.endswith(f":{qualifier}"):
        return params
    return {**params, "FunctionName": f"{name}:{qualifier}"}


def _with_qualifier(operation: str, params: Params) -> Sequence[Part]:
    return [(operation, _qualified(params))]


_OF_QUALIFIED: Final = (
    *("Invoke", "InvokeWithResponseStream", "GetFunction", "GetFunctionConfiguration", "DeleteFunction", "GetPolicy"),
    *("AddPermission", "RemovePermission", "PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"),
    *("GetFunctionEventInvokeConfig", "DeleteFunctionEventInvokeConfig", "PutProvisionedConcurrencyConfig"),
    *("GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig", "CreateFunctionUrlConfig"),
    *("GetFunctionUrlConfig", "UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig"),
)
"""Operations on a function, version or alias: their resource is what the qualifier names."""

TABLE: Final = Table(
    prefix="lambda",
    resources=(
        "{FunctionName}",
        "{LayerName}:{VersionNumber}",
        "{LayerName}",
        "event-source-mapping:{UUID}",
        "{Resource}",
        "{Arn}",
        "{CodeSigningConfigArn}",
        "{ResourceArn}",
    ),
    exceptions={"UpdateEventSourceMapping": ("event-source-mapping:{UUID}",)},
    actions={
        "Invoke": "InvokeFunction",
        "InvokeWithResponseStream": "InvokeFunction",
        "GetLayerVersionByArn": "GetLayerVersion",
    },
    unscoped=frozenset(
        (
            *("CreateCodeSigningConfig", "CreateEventSourceMapping", "GetAccountSettings", "ListCapacityProviders"),
            *("ListCodeSigningConfigs", "ListEventSourceMappings", "ListFunctions", "ListLayerVersions", "ListLayers"),
        )
    ),
    values={"FunctionName": _function, "LayerName": _layer},
    keys={"FunctionUrlAuthType": "lambda:FunctionUrlAuthType", "FunctionArn": "lambda:FunctionArn"},
    parts={name: partial(_with_qualifier, name) for name in _OF_QUALIFIED},
    roles={"CreateFunction": ("Role",), "UpdateFunctionConfiguration": ("Role",)},
    passed_to="lambda.amazonaws.com",
)

STEP_FUNCTIONS: Final = Table(
    prefix="states",
    resources=(
        *("{stateMachineArn}", "{executionArn}", "{activityArn}", "{mapRunArn}", "{stateMachineVersionArn}", "{stateMachineAliasArn}"),
        *("{resourceArn}", "stateMachine:{name}"),
    ),
    exceptions={"CreateActivity": ("activity:{name}",)},
    unscoped=frozenset(
        (
            *("ListActivities", "ListStateMachines", "SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess", "TestState"),
            "ValidateStateMachineDefinition",
        )
    ),
    roles={"CreateStateMachine": ("roleArn",), "UpdateStateMachine": ("roleArn",)},
    passed_to="states.amazonaws.com",
)
