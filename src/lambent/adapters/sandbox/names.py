"""DNS messages, as far as an environment's resolver needs to read and write them (RFC 1035). Pure; the questions are hostile."""

from __future__ import annotations

import ipaddress
import struct
from typing import Final

import msgspec

_HEAD: Final = struct.Struct("!6H")
_RESPONSE, _AUTHORITATIVE, _DESIRED, _AVAILABLE = 0x8000, 0x0400, 0x0100, 0x0080
_OPCODE: Final = 0x7800
NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NO_NAME, NOT_IMPLEMENTED = 0, 1, 2, 3, 4
_ADDRESS, _ADDRESS_6, _INTERNET = 1, 28, 1
_TTL_S: Final = 5  # what a name means changes only with the environment; short costs nothing here
_HERE: Final = (".localhost", ".localhost.localstack.cloud")


class Question(msgspec.Struct, frozen=True):
    """What is asked for."""

    number: int  #: of the query: its answer carries it, too
    name: str  #: in lower case, without the last dot
    kind: int
    text: bytes  #: the question section, for the answer to repeat
    recursion: bool


def read(query: bytes) -> Question | None:
    """Return a query's question; ``None`` for what is no query with one question."""
    if len(query) < _HEAD.size:
        return None
    number, flags, questions, *_ = _HEAD.unpack_from(query)
    if flags & (_RESPONSE | _OPCODE) or questions != 1:
        return None
    labels, at = [], _HEAD.size
    while at < len(query) and query[at]:
        size = query[at]
        if size > 63 or at + size >= len(query):
            return None
        labels.append(query[at + 1 : at + 1 + size])
        at += 1 + size
    end = at + 5
    if len(query) < end or at - _HEAD.size > 254:
        return None
    kind, family = struct.unpack_from("!2H", query, at + 1)
    if family != _INTERNET:
        return None
    name = b".".join(labels).decode("ascii", "replace").lower()
    return Question(number, name, kind, query[_HEAD.size : end], bool(flags & _DESIRED))


def is_here(name: str) -> bool:
    """Return whether a name means the gateway: what an AWS client makes of ``localhost`` and the LocalStack wrappers' domain."""
    return f".{name}".endswith(_HERE)


def answer(question: Question, address: str) -> bytes:
    """Return the answer that a name has one address; none of another family, and nothing else."""
    packed = ipaddress.ip_address(address).packed
    if question.kind != (_ADDRESS if len(packed) == 4 else _ADDRESS_6):
        return _head(question, NO_ERROR, 0) + question.text
    record = struct.pack("!3HIH", 0xC000 | _HEAD.size, question.kind, _INTERNET, _TTL_S, len(packed)) + packed
    return _head(question, NO_ERROR, 1) + question.text + record


def refusal(question: Question, code: int) -> bytes:
    """Return an answer without any."""
    return _head(question, code, 0) + question.text


def answers(question: Question, reply: bytes) -> bool:
    """Return whether a datagram from outside is an answer to a question, and to no other."""
    if len(reply) < _HEAD.size + len(question.text):
        return False
    number, flags, *_ = _HEAD.unpack_from(reply)
    asked = reply[_HEAD.size : _HEAD.size + len(question.text)]
    return number == question.number and bool(flags & _RESPONSE) and asked.lower() == question.text.lower()


def _head(question: Question, code: int, count: int) -> bytes:
    flags = _RESPONSE | _AUTHORITATIVE | _AVAILABLE | (_DESIRED if question.recursion else 0) | code
    return _HEAD.pack(question.number, flags, 1, count, 0, 0)
