"""CloudWatch and its logs, IAM, STS, Systems Manager, Secrets Manager, KMS."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from lambent.policy.actions.tables import Params, Part, Place, Table


def _plain_group(given: str, place: Place) -> str:
    return given.removesuffix(":*")


def _groups(member: str, operation: str, params: Params) -> Sequence[Part]:
    names = params.get(member) or ()
    return [(operation, {"logGroupIdentifier": each}) for each in names] or [(operation, params)]


def _query(params: Params) -> Sequence[Part]:
    several = _groups("logGroupNames", "StartQuery", params) if params.get("logGroupNames") else None
    return several or _groups("logGroupIdentifiers", "StartQuery", params)


LOGS: Final = Table(
    prefix="logs",
    resources=(
        *("log-group:{logGroupName}:log-stream:{logStreamName}", "log-group:{logGroupName}:log-stream:"),
        *("log-group:{logGroupIdentifier}:log-stream:{logStreamName}", "log-group:{logGroupIdentifier}:log-stream:"),
        *("destination:{destinationName}", "{resourceArn}", "{anomalyDetectorArn}"),
    ),
    exceptions={
        "CreateExportTask": ("log-group:{logGroupName}:log-stream:",),
        "CreateDelivery": ("delivery-source:{deliverySourceName}",),
        **dict.fromkeys(("DescribeLogGroups", "ListLogGroups"), ("log-group::log-stream:",)),
        **dict.fromkeys(
            ("PutDeliveryDestination", "GetDeliveryDestination", "DeleteDeliveryDestination"), ("delivery-destination:{name}",)
        ),
        **dict.fromkeys(("PutDeliverySource", "GetDeliverySource", "DeleteDeliverySource"), ("delivery-source:{name}",)),
        **dict.fromkeys(("GetDelivery", "DeleteDelivery", "UpdateDeliveryConfiguration"), ("delivery:{id}",)),
    },
    unscoped=frozenset(
        (
            *("CancelExportTask", "CancelImportTask", "CreateImportTask", "DeleteAccountPolicy", "DeleteIntegration"),
            *("DeleteQueryDefinition", "DeleteResourcePolicy", "DescribeAccountPolicies", "DescribeConfigurationTemplates"),
            *("DescribeDeliveries", "DescribeDeliveryDestinations", "DescribeDeliverySources", "DescribeDestinations"),
            *("DescribeExportTasks", "DescribeImportTasks", "DescribeQueries", "DescribeQueryDefinitions", "DescribeResourcePolicies"),
            *("GetIntegration", "GetQueryResults", "ListIntegrations", "ListLogGroupsForQuery", "PutAccountPolicy", "PutIntegration"),
            *("PutQueryDefinition", "PutResourcePolicy", "StopQuery", "TestMetricFilter", "TestTransformer"),
        )
    ),
    values={"logGroupIdentifier": _plain_group},
    parts={"StartQuery": _query, "StartLiveTail": partial(_groups, "logGroupIdentifiers", "StartLiveTail")},
    roles={"PutSubscriptionFilter": ("roleArn",), "PutDestination": ("roleArn",)},
    passed_to="logs.amazonaws.com",
)


def _each(member: str, single: str, operation: str, params: Params) -> Sequence[Part]:
    """Return one part for each of several names."""
    return [(operation, {single: each}) for each in params.get(member) or ()] or [(operation, params)]


CLOUDWATCH: Final = Table(
    prefix="cloudwatch",
    resources=(
        *("alarm:{AlarmName}", "arn:{partition}:cloudwatch::{account}:dashboard/{DashboardName}", "insight-rule/{RuleName}"),
        "{ResourceARN}",
    ),
    exceptions={
        "DescribeAlarms": ("alarm:{AlarmName}", "alarm:*"),
        **dict.fromkeys(("PutMetricStream", "GetMetricStream", "DeleteMetricStream"), ("metric-stream/{Name}",)),
    },
    unscoped=frozenset(
        (
            *("DeleteAnomalyDetector", "DescribeAlarmsForMetric", "DescribeAnomalyDetectors", "DescribeInsightRules", "GetMetricData"),
            *("GetMetricStatistics", "GetMetricWidgetImage", "ListDashboards", "ListManagedInsightRules", "ListMetricStreams"),
            *("ListMetrics", "PutAnomalyDetector", "PutManagedInsightRules", "PutMetricData"),
        )
    ),
    parts={
        **{
            name: partial(_each, "AlarmNames", "AlarmName", name)
            for name in ("DeleteAlarms", "DisableAlarmActions", "EnableAlarmActions", "DescribeAlarms")
        },
        "DeleteDashboards": partial(_each, "DashboardNames", "DashboardName", "DeleteDashboards"),
        **{
            name: partial(_each, "RuleNames", "RuleName", name)
            for name in ("DeleteInsightRules", "DisableInsightRules", "EnableInsightRules")
        },
    },
    keys={"Namespace": "cloudwatch:namespace"},
)

IAM: Final = Table(
    prefix="iam",
    home="arn:{partition}:iam::{account}:",
    resources=(
        *("role/{RoleName}", "user/{UserName}", "group/{GroupName}", "{PolicyArn}", "{Arn}"),
        *("instance-profile/{InstanceProfileName}", "policy/{PolicyName}", "{PolicySourceArn}"),
        *("{OpenIDConnectProviderArn}", "{SAMLProviderArn}", "server-certificate/{ServerCertificateName}"),
    ),
    exceptions={"AddRoleToInstanceProfile": ("instance-profile/{InstanceProfileName}",)},
    unscoped=frozenset(
        (
            *("CreateAccountAlias", "DeleteAccountAlias", "DeleteAccountPasswordPolicy", "GenerateCredentialReport"),
            *("GetAccountAuthorizationDetails", "GetAccountPasswordPolicy", "GetAccountSummary", "GetContextKeysForCustomPolicy"),
            *("GetCredentialReport", "ListAccountAliases", "ListGroups", "ListInstanceProfiles", "ListOpenIDConnectProviders"),
            *("ListPolicies", "ListRoles", "ListSAMLProviders", "ListServerCertificates", "ListUsers", "ListVirtualMFADevices"),
            *("SetSecurityTokenServicePreferences", "SimulateCustomPolicy", "UpdateAccountPasswordPolicy"),
        )
    ),
    keys={"PermissionsBoundary": "iam:PermissionsBoundary", "PolicyArn": "iam:PolicyARN", "AWSServiceName": "iam:AWSServiceName"},
)

STS: Final = Table(
    prefix="sts",
    home="arn:{partition}:sts::{account}:",
    resources=("{RoleArn}", "federated-user/{Name}", "{TargetPrincipal}"),
    unscoped=frozenset({"DecodeAuthorizationMessage", "GetAccessKeyInfo", "GetWebIdentityToken"}),
    free=frozenset({"GetCallerIdentity"}),
    keys={"RoleSessionName": "sts:RoleSessionName", "ExternalId": "sts:ExternalId"},
)


def _parameter(given: str, place: Place) -> str:
    """Return a parameter's ARN; ``name:version`` and ``name:label`` are the parameter's."""
    if given.startswith("arn:"):
        return given
    name = given.partition(":")[0].lstrip("/")
    return f"arn:{place.partition}:ssm:{place.region}:{place.account_id}:parameter/{name}"


def _parameters(operation: str, params: Params) -> Sequence[Part]:
    return [(operation, {**params, "Parameter": each}) for each in params.get("Names") or (params.get("Name") or params.get("Path"),)]


_ON_PARAMETERS: Final = (
    *("DeleteParameter", "DeleteParameters", "GetParameter", "GetParameterHistory", "GetParameters", "GetParametersByPath"),
    *("LabelParameterVersion", "PutParameter", "UnlabelParameterVersion"),
)
SSM: Final = Table(
    prefix="ssm",
    resources=("{ResourceArn}",),
    exceptions={
        **dict.fromkeys(_ON_PARAMETERS, ("{Parameter}",)),
        **dict.fromkeys(("CreateDocument", "DeleteDocument", "DescribeDocument", "GetDocument", "UpdateDocument"), ("document/{Name}",)),
    },
    unscoped=frozenset(
        (
            *("CancelCommand", "DescribeInstanceInformation", "DescribeParameters", "GetCommandInvocation", "GetInventory"),
            *("ListAssociations", "ListCommandInvocations", "ListCommands", "ListDocuments"),
        )
    ),
    values={"Parameter": _parameter},
    parts={name: partial(_parameters, name) for name in _ON_PARAMETERS},
)


def _secret(given: str, place: Place) -> str:
    """Return a secret's ARN. It ends with six characters that a name doesn't tell."""
    if given.startswith("arn:"):
        return given
    return f"arn:{place.partition}:secretsmanager:{place.region}:{place.account_id}:secret:{given}-??????"


SECRETS_MANAGER: Final = Table(
    prefix="secretsmanager",
    resources=("{SecretId}", "{Name}"),
    unscoped=frozenset({"BatchGetSecretValue", "GetRandomPassword", "ListSecrets"}),
    values={"SecretId": _secret, "Name": _secret},
)


def _key(given: str, place: Place) -> str:
    """Return a key's ARN; nothing for an alias, which doesn't tell its key."""
    if "alias/" in given:
        return ""
    return given if given.startswith("arn:") else f"arn:{place.partition}:kms:{place.region}:{place.account_id}:key/{given}"


KMS: Final = Table(
    prefix="kms",
    resources=("{KeyId}",),
    exceptions={"CreateAlias": ("{TargetKeyId}",), "UpdateAlias": ("{TargetKeyId}",), "DeleteAlias": ("{AliasName}",)},
    actions={"ReEncrypt": "ReEncryptFrom"},
    unscoped=frozenset(
        (
            *("ConnectCustomKeyStore", "CreateCustomKeyStore", "CreateKey", "DeleteCustomKeyStore", "DescribeCustomKeyStores"),
            *("DisconnectCustomKeyStore", "GenerateRandom", "ListAliases", "ListKeys", "ListRetirableGrants", "UpdateCustomKeyStore"),
        )
    ),
    values={"KeyId": _key, "TargetKeyId": _key, "SourceKeyId": _key},
    parts={
        "ReEncrypt": lambda params: [
            ("ReEncryptFrom", {"KeyId": params.get("SourceKeyId")}),
            ("ReEncryptTo", {"KeyId": params.get("DestinationKeyId")}),
        ]
    },
)
