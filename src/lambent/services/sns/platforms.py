"""Platform applications and their endpoints. What is pushed to them ends in the outbox; credentials are neither checked nor kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import AwsError, Conflict
from lambent.domain.service import Operations
from lambent.domain.storage import ABSENT, Write
from lambent.services.sns.arns import parsed
from lambent.services.sns.catalogue import every
from lambent.services.sns.context import Sns
from lambent.services.sns.errors import application_not_found, endpoint_not_found, invalid
from lambent.services.sns.paging import page
from lambent.services.sns.state import APPLICATIONS, ENDPOINTS, Application, Endpoint

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

operations: Operations[Sns] = Operations()
PLATFORMS: Final = frozenset(
    {"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "MACOS", "MACOS_SANDBOX", "BAIDU", "FCM", "GCM", "MPNS", "WNS"}
)
_NAME: Final = Regex(r"[A-Za-z0-9._-]+")
_SECRETS: Final = frozenset({"PlatformCredential", "PlatformPrincipal"})
_ENDPOINT_NAMES: Final = frozenset({"CustomUserData", "Enabled", "Token"})
_USER_DATA_MAX: Final = 2048
_NULL: Final = "1 validation error detected: Value null at 'attributes' failed to satisfy constraint: Member must not be null"


@operations.serves("CreatePlatformApplication")
async def create_platform_application(
    sns: Sns, call: Call, request: shapes.CreatePlatformApplicationInput
) -> shapes.CreatePlatformApplicationResponse:
    """Create an application; one that is there already gets the attributes."""
    _check_name(request["Name"])
    platform, attributes = request["Platform"], request["Attributes"]
    if platform not in PLATFORMS:
        raise invalid(f"Platform Reason: {platform} is not supported")
    _check_credentials(platform, attributes)
    application = Application(
        account_id=call.account_id,
        region=call.region,
        platform=platform,
        name=request["Name"],
        attributes={"Enabled": "true"} | _told(attributes),
    )
    await sns.platform.store.commit([APPLICATIONS.put(application.key, application)])
    return {"PlatformApplicationArn": application.arn}


def _check_name(name: str) -> None:
    reason = ""
    if not name:
        reason = "cannot be empty"
    elif len(name) > 256:
        reason = "must be at most 256 characters long"
    elif not _NAME.fullmatch(name):
        reason = "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"
    if reason:
        raise invalid(f"{name} Reason: {reason}")


def _check_credentials(platform: str, attributes: Mapping[str, str]) -> None:
    """Raise when one of the two credentials is missing; Google's platforms have but one."""
    if not attributes:
        raise AwsError("ValidationError", _NULL)
    given = _SECRETS & attributes.keys()
    if given == {"PlatformPrincipal"}:
        raise invalid("Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential")
    if given == {"PlatformCredential"} and platform not in {"GCM", "FCM"}:
        raise invalid("Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal")


def _told(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if name not in _SECRETS}


@operations.serves("DeletePlatformApplication")
async def delete_platform_application(sns: Sns, call: Call, request: shapes.DeletePlatformApplicationInput) -> None:
    """Remove an application and its endpoints; nothing happens when it isn't there."""
    key = _application_key(call, request["PlatformApplicationArn"])
    writes: list[Write] = [APPLICATIONS.delete(key)]
    writes += [ENDPOINTS.delete(each.key) for each in await every(sns.platform.store, ENDPOINTS, key)]
    await sns.platform.store.commit(writes)


@operations.serves("ListPlatformApplications")
async def list_platform_applications(
    sns: Sns, call: Call, request: shapes.ListPlatformApplicationsInput
) -> shapes.ListPlatformApplicationsResponse:
    """Return the account's applications, a page at a time."""
    found, token = await page(sns.platform.store, APPLICATIONS, (call.account_id, call.region), request.get("NextToken"))
    listed: list[shapes.PlatformApplication] = [
        {"PlatformApplicationArn": each.value.arn, "Attributes": each.value.attributes} for each in found
    ]
    response: shapes.ListPlatformApplicationsResponse = {"PlatformApplications": listed}
    if token is not None:
        response["NextToken"] = token
    return response


@operations.serves("GetPlatformApplicationAttributes")
async def get_platform_application_attributes(
    sns: Sns, call: Call, request: shapes.GetPlatformApplicationAttributesInput
) -> shapes.GetPlatformApplicationAttributesResponse:
    """Return an application's attributes."""
    return {"Attributes": (await _application(sns, call, request["PlatformApplicationArn"])).value.attributes}


@operations.serves("SetPlatformApplicationAttributes")
async def set_platform_application_attributes(sns: Sns, call: Call, request: shapes.SetPlatformApplicationAttributesInput) -> None:
    """Change an application's attributes."""
    found = await _application(sns, call, request["PlatformApplicationArn"])
    if not request["Attributes"]:
        raise AwsError("ValidationError", _NULL)
    changed = replace(found.value, attributes=found.value.attributes | _told(request["Attributes"]))
    await sns.platform.store.commit([APPLICATIONS.put(found.key, changed)])


def _application_key(call: Call, arn: str) -> tuple[str, str, str, str]:
    found = parsed(arn, "PlatformApplicationArn")
    parts = found.resource.split("/")
    if found.service != "sns" or len(parts) != 3 or parts[0] != "app":
        raise invalid("PlatformApplicationArn Reason: Wrong number of slashes in relative portion of the ARN.")
    if (found.region, found.account_id) != (call.region, call.account_id):
        raise invalid("PlatformApplicationArn")
    return found.account_id, found.region, parts[1], parts[2]


async def _application(sns: Sns, call: Call, arn: str) -> Found[Application]:
    found = await APPLICATIONS.get(sns.platform.store, _application_key(call, arn))
    if found is None:
        raise application_not_found()
    return found


@operations.serves("CreatePlatformEndpoint")
async def create_platform_endpoint(sns: Sns, call: Call, request: shapes.CreatePlatformEndpointInput) -> shapes.CreateEndpointResponse:
    """Create an endpoint for a device's token; one that is there already, and no different, is just named."""
    application = (await _application(sns, call, request["PlatformApplicationArn"])).value
    given = request.get("Attributes", {})
    _check_endpoint_attributes(given)
    attributes = {"Enabled": "true", "Token": request["Token"]}
    if "CustomUserData" in request:
        attributes["CustomUserData"] = request["CustomUserData"]
    attributes |= given
    endpoint = Endpoint(id=_endpoint_id(request["Token"]), application=_quadruple(application), attributes=attributes)
    try:
        await sns.platform.store.commit([ENDPOINTS.put(endpoint.key, endpoint, ABSENT)])
    except Conflict:
        there = await ENDPOINTS.get(sns.platform.store, endpoint.key)
        if there is not None and there.value.attributes != attributes:
            text = f"Token Reason: Endpoint {endpoint.arn} already exists with the same Token, but different attributes."
            raise invalid(text) from None
    return {"EndpointArn": endpoint.arn}


def _quadruple(application: Application) -> tuple[str, str, str, str]:
    return application.account_id, application.region, application.platform, application.name


def _endpoint_id(token: str) -> str:
    """Return an endpoint's id, the same for the same token: so that creating it twice is one conditional write."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _check_endpoint_attributes(attributes: Mapping[str, str]) -> None:
    for name in attributes:
        if name not in _ENDPOINT_NAMES:
            raise invalid(f"Attributes Reason: Invalid attribute name: {name}")
    if len(attributes.get("CustomUserData", "").encode()) > _USER_DATA_MAX:
        text = f"CustomUserData: must be at most {_USER_DATA_MAX} bytes long in UTF-8 encoding"
        raise invalid(f"Attributes Reason: Invalid value for attribute: {text}")
    if attributes.get("Enabled", "true").lower() not in {"true", "false"}:
        raise invalid("Attributes Reason: Invalid value for attribute: Enabled: must be true or false")


@operations.serves("DeleteEndpoint")
async def delete_endpoint(sns: Sns, call: Call, request: shapes.DeleteEndpointInput) -> None:
    """Remove an endpoint; nothing happens when it isn't there."""
    await sns.platform.store.commit([ENDPOINTS.delete(_endpoint_key(call, request["EndpointArn"], "EndpointArn"))])


@operations.serves("ListEndpointsByPlatformApplication")
async def list_endpoints_by_platform_application(
    sns: Sns, call: Call, request: shapes.ListEndpointsByPlatformApplicationInput
) -> shapes.ListEndpointsByPlatformApplicationResponse:
    """Return an application's endpoints, a page at a time."""
    application = await _application(sns, call, request["PlatformApplicationArn"])
    found, token = await page(sns.platform.store, ENDPOINTS, application.key, request.get("NextToken"))
    listed: list[shapes.Endpoint] = [{"EndpointArn": each.value.arn, "Attributes": each.value.attributes} for each in found]
    response: shapes.ListEndpointsByPlatformApplicationResponse = {"Endpoints": listed}
    if token is not None:
        response["NextToken"] = token
    return response


@operations.serves("GetEndpointAttributes")
async def get_endpoint_attributes(sns: Sns, call: Call, request: shapes.GetEndpointAttributesInput) -> shapes.GetEndpointAttributesResponse:
    """Return an endpoint's attributes."""
    return {"Attributes": (await _endpoint(sns, call, request["EndpointArn"])).value.attributes}


@operations.serves("SetEndpointAttributes")
async def set_endpoint_attributes(sns: Sns, call: Call, request: shapes.SetEndpointAttributesInput) -> None:
    """Change an endpoint's attributes."""
    found = await _endpoint(sns, call, request["EndpointArn"])
    if not request["Attributes"]:
        raise AwsError("ValidationError", _NULL)
    _check_endpoint_attributes(request["Attributes"])
    changed = replace(found.value, attributes=found.value.attributes | request["Attributes"])
    await sns.platform.store.commit([ENDPOINTS.put(found.key, changed)])


def _endpoint_key(call: Call, arn: str, parameter: str) -> tuple[str, str, str, str, str]:
    found = parsed(arn, parameter)
    parts = found.resource.split("/")
    if found.service != "sns" or len(parts) != 4 or parts[0] != "endpoint" or found.region != call.region:
        raise invalid(parameter)
    return found.account_id, found.region, parts[1], parts[2], parts[3]


async def _endpoint(sns: Sns, call: Call, arn: str) -> Found[Endpoint]:
    found = await ENDPOINTS.get(sns.platform.store, _endpoint_key(call, arn, "EndpointArn"))
    if found is None:
        raise endpoint_not_found()
    return found


async def known_endpoint(sns: Sns, call: Call, arn: str) -> Endpoint:
    """Return the endpoint that is being subscribed."""
    found = await ENDPOINTS.get(sns.platform.store, _endpoint_key(call, arn, "Endpoint"))
    if found is None:
        raise invalid(f"Endpoint Reason: Endpoint does not exist for endpoint arn{arn}")
    return found.value


async def enabled_endpoint(sns: Sns, call: Call, arn: str) -> Endpoint:
    """Return the endpoint that a message is published to."""
    found = await ENDPOINTS.get(sns.platform.store, _endpoint_key(call, arn, "TargetArn"))
    if found is None:
        raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
    if found.value.attributes["Enabled"].lower() == "false":
        raise AwsError("EndpointDisabled", "Endpoint is disabled")
    return found.value
