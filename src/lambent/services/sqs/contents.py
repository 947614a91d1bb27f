"""What a message may hold. Pure.

Follows "Amazon SQS message quotas" and ``SendMessage`` in the API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError
from lambent.services.sqs.digests import Attribute
from lambent.services.sqs.errors import invalid, missing

if TYPE_CHECKING:
    from lambent.services.sqs import _generated_shapes as shapes

ATTRIBUTES_MAX: Final = 10
_FORBIDDEN: Final = Regex("[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]")
_CONTROLS: Final = bytes(set(range(0x20)) - set(b"\t\n\r"))
_ALLOWED: Final = "Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
_NAME_LETTERS: Final = Regex(r"[\w.-]+")  # whatever AWS says when it refuses one, it takes letters of all alphabets
_NAME: Final = Regex(r"[\w\-]+(\.[\w\-]+)*")
_TYPE: Final = Regex(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NUMBER: Final = Regex(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")
_RESERVED: Final = ("aws.", "amazon.")
_ID: Final = Regex(r"[!-~]{1,128}")


def check_body(body: str) -> None:
    """Raise AWS's errors for a body that no message may have."""
    if not body:
        raise missing("MessageBody")
    if _is_forbidden(body):
        raise AwsError(
            "InvalidMessageContents",
            f"Invalid characters found. {_ALLOWED}",
        )


def _is_forbidden(text: str) -> bool:
    """Return whether a text has a character that no message may have. (ASCII is looked through at four times the pattern's speed.)"""
    if text.isascii():
        return len(text.encode().translate(None, _CONTROLS)) != len(text)
    return _FORBIDDEN.search(text) is not None


def attributes_of(given: Mapping[str, shapes.MessageAttributeValue | None], kind: str = "user") -> dict[str, Attribute]:
    """Return a message's attributes; raise AWS's errors for what no attribute may be. ``kind`` is ``user`` or ``system``."""
    if len(given) > ATTRIBUTES_MAX:
        raise invalid(f"Number of message attributes [{len(given)}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].")
    return {name: _attribute(name, value, f"Message ({kind}) attribute '{name}'") for name, value in given.items()}


def _attribute(name: str, given: shapes.MessageAttributeValue | None, what: str) -> Attribute:
    value: shapes.MessageAttributeValue = {"DataType": ""} if given is None else given
    if name and not _NAME_LETTERS.fullmatch(name):
        raise invalid(
            f"The message attribute name '{name}' is invalid. "
            "Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters."
        )
    if not name or len(name) > 256 or not _NAME.fullmatch(name) or name.lower().startswith(_RESERVED):
        raise invalid(
            f"{what} has an invalid name: letters, digits, hyphens, underscores and periods are allowed; it can't start or end with a "
            "period, have two in a row, or start with AWS. or Amazon."
        )
    data_type = value.get("DataType") or ""
    found = _TYPE.fullmatch(data_type)
    if not data_type:
        raise invalid(f"{what} must contain a non-empty message attribute type.")
    if not found or len(data_type) > 256:
        raise invalid(
            f"The message attribute '{name}' has an invalid message attribute type, "
            "the set of supported type prefixes is Binary, Number, and String."
        )
    if found[1] == "Binary":
        data = value.get("BinaryValue") or b""
        if not data:
            raise invalid(f"{what} must contain a non-empty value of type 'Binary'.")
        return Attribute(data_type, data=data)
    text = value.get("StringValue") or ""
    if not text:
        raise invalid(f"{what} must contain a non-empty value of type '{found[1]}'.")
    if found[1] == "Number" and not _NUMBER.fullmatch(text):
        raise invalid(f"Can't cast the value of message attribute '{name}' to a number.")
    if _is_forbidden(text):
        raise invalid(f"{what} has a value with invalid characters. {_ALLOWED}")
    return Attribute(data_type, text)


def size_of(body: str, attributes: Mapping[str, Attribute]) -> int:
    """Return a message's size in bytes: the body, and each attribute's name, type and value."""
    total = len(body.encode("utf-8", "surrogatepass"))
    for name, attribute in attributes.items():
        total += len(name.encode()) + len(attribute.data_type.encode()) + len(attribute.value)
    return total


def check_id(value: str, parameter: str) -> None:
    """Raise AWS's ``InvalidParameterValue`` for a group or deduplication id that isn't 1 to 128 letters, digits or punctuation."""
    if not _ID.fullmatch(value):
        raise invalid(
            f"Value {value} for parameter {parameter} is invalid. "
            f"Reason: {parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        )
