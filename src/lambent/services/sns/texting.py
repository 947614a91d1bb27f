"""Text messages: an account's settings, opt-outs (there are none here), origination numbers (none), and the sandbox's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.sns import outbox
from lambent.services.sns.context import Sns
from lambent.services.sns.errors import invalid, resource_not_found
from lambent.services.sns.messages import Message
from lambent.services.sns.paging import page
from lambent.services.sns.protocols import is_phone_number
from lambent.services.sns.state import SANDBOX, TEXTING, SandboxNumber, Texting

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

operations: Operations[Sns] = Operations()
_NAMES: Final = frozenset(
    {
        "DefaultSMSType",
        "DefaultSenderID",
        "DeliveryStatusIAMRole",
        "DeliveryStatusSuccessSamplingRate",
        "MonthlySpendLimit",
        "UsageReportS3Bucket",
    }
)
_TYPES: Final = ("Promotional", "Transactional")
_SENDER: Final = Regex(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")
_DEFAULTS: Final = {"MonthlySpendLimit": "1"}
_SANDBOX_MAX: Final = 10


@operations.serves("SetSMSAttributes")
async def set_sms_attributes(sns: Sns, call: Call, request: shapes.SetSMSAttributesInput) -> None:
    """Change the account's settings of text messages."""
    given = request["attributes"]
    for name, value in given.items():
        if name not in _NAMES:
            raise AwsError("InvalidParameter", f"{name} is not a valid attribute")
        if name == "DefaultSMSType" and value not in _TYPES:
            raise AwsError("InvalidParameter", "DefaultSMSType is invalid")
        if name == "DeliveryStatusSuccessSamplingRate" and not (value.isascii() and value.isdecimal() and int(value) <= 100):
            raise AwsError("InvalidParameter", "DeliveryStatusSuccessSamplingRate is invalid")
        if name == "DefaultSenderID" and value and not _SENDER.fullmatch(value):
            raise AwsError("InvalidParameter", "DefaultSenderID is not a valid attribute")
    key = (call.account_id, call.region)
    found = await TEXTING.get(sns.platform.store, key)
    attributes = (found.value.attributes if found is not None else {}) | given
    await sns.platform.store.commit([TEXTING.put(key, Texting(attributes))])


@operations.serves("GetSMSAttributes")
async def get_sms_attributes(sns: Sns, call: Call, request: shapes.GetSMSAttributesInput) -> shapes.GetSMSAttributesResponse:
    """Return the account's settings of text messages, or those that are asked for."""
    found = await TEXTING.get(sns.platform.store, (call.account_id, call.region))
    attributes = _DEFAULTS | (found.value.attributes if found is not None else {})
    wanted = request.get("attributes")
    return {"attributes": {name: value for name, value in attributes.items() if not wanted or name in wanted}}


def _checked_number(number: str) -> str:
    if not is_phone_number(number):
        raise invalid("PhoneNumber Reason: input incorrectly formatted")
    return number


@operations.serves("CheckIfPhoneNumberIsOptedOut")
async def check_if_phone_number_is_opted_out(
    sns: Sns, call: Call, request: shapes.CheckIfPhoneNumberIsOptedOutInput
) -> shapes.CheckIfPhoneNumberIsOptedOutResponse:
    """Say that a number has not opted out: nobody can answer a message here."""
    _checked_number(request["phoneNumber"])
    return {"isOptedOut": False}


@operations.serves("OptInPhoneNumber")
async def opt_in_phone_number(sns: Sns, call: Call, request: shapes.OptInPhoneNumberInput) -> None:
    """Leave a number as it is: opted in."""
    _checked_number(request["phoneNumber"])


@operations.serves("ListPhoneNumbersOptedOut")
async def list_phone_numbers_opted_out(
    sns: Sns, call: Call, request: shapes.ListPhoneNumbersOptedOutInput
) -> shapes.ListPhoneNumbersOptedOutResponse:
    """Return the numbers that have opted out: none."""
    return {"phoneNumbers": []}


@operations.serves("ListOriginationNumbers")
async def list_origination_numbers(
    sns: Sns, call: Call, request: shapes.ListOriginationNumbersRequest
) -> shapes.ListOriginationNumbersResult:
    """Return the numbers that the account has leased: none."""
    return {"PhoneNumbers": []}


@operations.serves("GetSMSSandboxAccountStatus")
async def get_sms_sandbox_account_status(
    sns: Sns, call: Call, request: shapes.GetSMSSandboxAccountStatusInput
) -> shapes.GetSMSSandboxAccountStatusResult:
    """Say that the account is out of the sandbox: text messages to every number are taken."""
    return {"IsInSandbox": False}


@operations.serves("CreateSMSSandboxPhoneNumber")
async def create_sms_sandbox_phone_number(sns: Sns, call: Call, request: shapes.CreateSMSSandboxPhoneNumberInput) -> None:
    """Add a number to be verified; its one-time password goes into the outbox."""
    number = _checked_number(request["PhoneNumber"])
    store, within = sns.platform.store, (call.account_id, call.region)
    there = await SANDBOX.range(store, within)
    if len(there) >= _SANDBOX_MAX and all(each.key[-1] != number for each in there):
        raise AwsError("ValidationException", "You have reached the limit of phone numbers in the SMS sandbox", 400)
    password, now = sns.platform.ids.text(6, "0123456789"), sns.platform.clock.now()
    message = Message(id=sns.platform.ids.uuid(), published=now, text=f"Your verification code is {password}.")
    await store.commit([SANDBOX.put((*within, number), SandboxNumber(password)), outbox.append(now, outbox.item("sms", number, message))])


@operations.serves("VerifySMSSandboxPhoneNumber")
async def verify_sms_sandbox_phone_number(sns: Sns, call: Call, request: shapes.VerifySMSSandboxPhoneNumberInput) -> None:
    """Verify a number by its one-time password."""
    key = (call.account_id, call.region, request["PhoneNumber"])
    found = await SANDBOX.get(sns.platform.store, key)
    if found is None:
        raise resource_not_found()
    if found.value.password != request["OneTimePassword"]:
        raise AwsError("VerificationException", "The one-time password is wrong", 400, members={"Status": "PENDING"})
    await sns.platform.store.commit([SANDBOX.put(key, SandboxNumber(found.value.password, verified=True))])


@operations.serves("DeleteSMSSandboxPhoneNumber")
async def delete_sms_sandbox_phone_number(sns: Sns, call: Call, request: shapes.DeleteSMSSandboxPhoneNumberInput) -> None:
    """Remove a number."""
    key = (call.account_id, call.region, request["PhoneNumber"])
    if await SANDBOX.get(sns.platform.store, key) is None:
        raise resource_not_found()
    await sns.platform.store.commit([SANDBOX.delete(key)])


@operations.serves("ListSMSSandboxPhoneNumbers")
async def list_sms_sandbox_phone_numbers(
    sns: Sns, call: Call, request: shapes.ListSMSSandboxPhoneNumbersInput
) -> shapes.ListSMSSandboxPhoneNumbersResult:
    """Return the numbers that were added, a page at a time."""
    limit = min(request.get("MaxResults", 100), 100)
    found, token = await page(sns.platform.store, SANDBOX, (call.account_id, call.region), request.get("NextToken"), limit=limit)
    numbers: list[shapes.SMSSandboxPhoneNumber] = [
        {"PhoneNumber": str(each.key[-1]), "Status": "Verified" if each.value.verified else "Pending"} for each in found
    ]
    result: shapes.ListSMSSandboxPhoneNumbersResult = {"PhoneNumbers": numbers}
    if token is not None:
        result["NextToken"] = token
    return result
