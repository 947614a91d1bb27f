"""A message: checked as AWS checks it, and as it is kept until it is delivered; pure."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.base.regexes import Regex
from lambent.services.sns.errors import invalid, invalid_value

if TYPE_CHECKING:
    from lambent.services.sns import _generated_shapes as shapes

BYTES_MAX: Final = 262_144
"""Of a message with its attributes, and of a whole batch."""
_SUBJECT_MAX: Final = 100
_NAME_MAX: Final = 256
_NAME_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + ".-_")
_TYPE: Final = Regex(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_CONTROL: Final = Regex(r"[\x00-\x1f\x7f]")
_NO_DEFAULT: Final = "Message Structure - No default entry in JSON message body"


class Attribute(msgspec.Struct, frozen=True, array_like=True):
    """A message attribute."""

    type: str
    text: str
    binary: bytes | None = None  #: the value of type ``Binary``; then there is no text

    @property
    def value(self) -> str | bytes:
        """The value, as its type has it."""
        return self.text if self.binary is None else self.binary

    @property
    def base(self) -> str:
        """``String``, ``Number`` or ``Binary``, without the custom label."""
        return self.type.partition(".")[0]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A published message."""

    id: str
    published: float  #: seconds since 1970
    text: str
    subject: str | None = None
    attributes: dict[str, Attribute] = {}
    texts: dict[str, str] = {}  #: by protocol, where the message says something else for it
    group_id: str | None = None
    deduplication_id: str | None = None
    sequence: int | None = None  #: of a FIFO topic's message
    trace_header: str = ""
    replay_id: str = ""  #: of a message that is replayed: the replay

    def text_for(self, protocol: str) -> str:
        """Return what subscriptions of a protocol are told."""
        return self.texts.get(protocol, self.text)

    @property
    def sequence_number(self) -> str | None:
        """The sequence number as AWS writes it: 20 digits."""
        return None if self.sequence is None else f"{10**19 + self.sequence}"


def checked_attributes(given: Mapping[str, shapes.MessageAttributeValue]) -> dict[str, Attribute]:
    """Return the attributes; ``ParameterValueInvalid`` for one that isn't allowed."""
    return {name: _attribute(name, value) for name, value in given.items()}


def _attribute(name: str, given: shapes.MessageAttributeValue) -> Attribute:
    _check_name(name)
    kind = given["DataType"]
    if not _TYPE.fullmatch(kind):
        text = "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
        raise invalid_value(f"The message attribute '{name}' {text}")
    empty = invalid_value(
        f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."
    )
    if "StringValue" not in given and "BinaryValue" not in given:
        raise empty
    field = "Binary" if kind.startswith("Binary") else "String"
    value: str | bytes | None = given.get("BinaryValue") if field == "Binary" else given.get("StringValue")
    if value is None:
        raise invalid_value(f"The message attribute '{name}' with type '{kind}' must use field '{field}'.")
    if not value:
        raise empty
    if kind.startswith("Number") and isinstance(value, str) and _number(value) is None:
        raise invalid_value(f"Could not cast message attribute '{name}' value to number.")
    return Attribute(kind, "", value) if isinstance(value, bytes) else Attribute(kind, value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_name(name: str) -> None:
    if len(name.encode()) > _NAME_MAX:
        raise invalid_value("Length of message attribute name must be less than 256 bytes.")
    if name.startswith("."):
        raise invalid_value("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise invalid_value("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise invalid_value("Message attribute name can not have successive '.' character.")
    strange = next((character for character in name if character not in _NAME_CHARACTERS), None)
    if strange is not None:
        text = "was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots."
        raise invalid_value(f"Invalid non-alphanumeric character '#x{ord(strange):X}' {text}")


def checked_subject(subject: str | None) -> str | None:
    """Return the subject; ``InvalidParameter`` for one that isn't allowed."""
    if subject is not None and (not subject.strip() or len(subject) > _SUBJECT_MAX or _CONTROL.search(subject)):
        raise invalid("Subject")
    return subject


def checked_texts(text: str, structure: str | None, platform: str = "") -> tuple[str, dict[str, str]]:
    """Return the message's text, and the texts for single protocols when its structure is ``json``.

    For a platform endpoint an entry for its ``platform`` is enough.
    """
    if not text:
        raise invalid("Empty message")
    if structure is None:
        return text, {}
    if structure != "json":
        raise invalid(f"MessageStructure Reason: {structure} is not supported")
    try:
        document = json.loads(text)
    except ValueError:
        raise invalid("Message Structure - JSON message body failed to parse") from None
    texts = {name: value for name, value in document.items() if isinstance(value, str)} if isinstance(document, dict) else {}
    default = texts.pop("default", texts.get(platform) if platform else None)
    if default is None:
        raise invalid(_NO_DEFAULT)
    return default, texts


def size_of(text: str, attributes: Mapping[str, Attribute]) -> int:
    """Return what AWS counts of a message, in bytes: its text, and its attributes' names, types and values."""
    size = len(text.encode())
    for name, each in attributes.items():
        value = each.value if isinstance(each.value, bytes) else each.value.encode()
        size += len(name.encode()) + len(each.type.encode()) + len(value)
    return size


def json_attributes(attributes: Mapping[str, Attribute], base64: Any) -> dict[str, dict[str, str]]:
    """Return the attributes as they stand in envelopes; ``base64`` writes bytes."""
    return {
        name: {"Type": each.type, "Value": base64(each.value) if isinstance(each.value, bytes) else each.value}
        for name, each in attributes.items()
    }
