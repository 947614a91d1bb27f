"""The objects in a field's array: ``{"prefix": "a"}``, ``{"numeric": [">", 0, "<=", 5]}``, ``{"anything-but": {"suffix": [".png"]}}``.

Follows "Comparison operators for use in event patterns" of the EventBridge user guide; reasons are AWS's.
"""

from __future__ import annotations

from collections.abc import Callable

from lambent.patterns.events.addresses import parse_block
from lambent.patterns.events.conditions import Condition
from lambent.patterns.events.errors import PatternError
from lambent.patterns.events.numbers import OUT_OF_RANGE, comparable
from lambent.patterns.events.tokens import Token, Tokens
from lambent.patterns.events.wildcards import WildcardError, split_wildcard

_ONE_KEY = "Only one key allowed in match expression"
_TOO_MANY = "Too many elements in numeric expression"
_ANYTHING_BUT = ("equals-ignore-case", "prefix", "suffix", "wildcard")
_LOWEST, _HIGHEST = 0, 10**16


def read_number(text: str) -> float:
    """Return the number that JSON's text means."""
    return float(text) if any(sign in text for sign in ".eE") else int(text)


def read_condition(tokens: Tokens) -> Condition:
    """Return the condition whose opening brace was read. Raises ``PatternError``."""
    if tokens.next() is not Token.FIELD_NAME:
        raise tokens.fail("Match expression name not found")
    read = _READERS.get(tokens.name)
    if read is None or tokens.name in tokens.refused:
        raise tokens.fail(f"Unrecognized match type {tokens.name}")
    return read(tokens)


def _end(tokens: Tokens, reason: str = _ONE_KEY) -> None:
    if tokens.next() is not Token.END_OBJECT:
        raise tokens.fail(reason)


def _text(tokens: Tokens, reason: str) -> str:
    if tokens.next() is not Token.STRING:
        raise tokens.fail(reason)
    return tokens.text()


def _exactly(tokens: Tokens) -> Condition:
    value = _text(tokens, "exact match pattern must be a string")
    _end(tokens)
    return Condition("exactly", (value,))


def _affix(operator: str) -> Callable[[Tokens], Condition]:
    """Return the reader of ``prefix`` or ``suffix``: a text, or ``{"equals-ignore-case": text}``."""

    def read(tokens: Tokens) -> Condition:
        token = tokens.next()
        if token is Token.START_OBJECT:
            if tokens.next() is not Token.FIELD_NAME:
                raise tokens.fail(f"{operator.capitalize()} expression name not found")
            if tokens.name != "equals-ignore-case":
                raise tokens.fail(f"Unsupported {operator} pattern: {tokens.name}")
            value = _text(tokens, "equals-ignore-case match pattern must be a string")
            _end(tokens)
            _end(tokens)
            return Condition(f"{operator}-ignore-case", (value,))
        if token is not Token.STRING:
            raise tokens.fail(f"{operator} match pattern must be a string")
        value = tokens.text()
        _end(tokens)
        return Condition(operator, (value,))

    return read


def _equals_ignore_case(tokens: Tokens) -> Condition:
    value = _text(tokens, "equals-ignore-case match pattern must be a string")
    _end(tokens)
    return Condition("equals-ignore-case", (value,))


def _cidr(tokens: Tokens) -> Condition:
    block = parse_block(_text(tokens, "prefix match pattern must be a string"))  # AWS's words
    _end(tokens)
    return Condition("cidr", (block,))


def _wildcard(tokens: Tokens) -> Condition:
    value = _checked_wildcard(tokens, _text(tokens, "wildcard match pattern must be a string"))
    _end(tokens)
    return Condition("wildcard", (value,))


def _checked_wildcard(tokens: Tokens, value: str) -> str:
    try:
        split_wildcard(value)
    except WildcardError as error:
        raise tokens.fail(str(error)) from None
    return value


def _exists(tokens: Tokens) -> Condition:
    if tokens.next() is not Token.CONSTANT or tokens.text() == "null":
        raise tokens.fail("exists match pattern must be either true or false.")
    value = tokens.text() == "true"
    _end(tokens)
    return Condition("exists", (value,))


def _numeric(tokens: Tokens) -> Condition:
    if tokens.next() is not Token.START_ARRAY:
        raise tokens.fail("Value of numeric must be an array.")
    token = tokens.next()
    if token is not Token.STRING:
        raise tokens.fail(f"Invalid member in numeric match: {_shown(tokens, token)}")
    operator = tokens.text()
    if operator not in ("=", ">", ">=", "<", "<="):
        raise _at_next(tokens, f"Unrecognized numeric range operator: {operator}")
    number = _operand(tokens, "equals" if operator == "=" else operator)
    bounds = (_LOWEST, False, _HIGHEST, False)
    if operator == "=":
        bounds = (number, False, number, False)
    elif operator in (">", ">="):
        bounds = (number, operator == ">", *_top(tokens, number))
        _end(tokens, _TOO_MANY)
        return Condition("numeric", (bounds,))
    else:
        bounds = (_LOWEST, False, number, operator == "<")
    if tokens.next() is not Token.END_ARRAY:
        raise tokens.fail(_TOO_MANY)
    _end(tokens, _TOO_MANY)
    return Condition("numeric", (bounds,))


def _at_next(tokens: Tokens, reason: str) -> PatternError:
    """Return the error at the token that follows; AWS has read it by then."""
    tokens.next()
    return tokens.fail(reason)


def _shown(tokens: Tokens, token: Token) -> str:
    return tokens.text() if token in (Token.NUMBER, Token.CONSTANT) else token.value


def _operand(tokens: Tokens, operator: str) -> int:
    if tokens.next() is not Token.NUMBER:
        raise tokens.fail(f"Value of {operator} must be numeric")
    place = comparable(read_number(tokens.text()))
    if place is None:
        raise tokens.fail(OUT_OF_RANGE)
    return place


def _top(tokens: Tokens, bottom: int) -> tuple[int, bool]:
    """Return the upper bound of a range and whether it is open; the end of the array means there is none."""
    token = tokens.next()
    if token is Token.END_ARRAY:
        return _HIGHEST, False
    if token is not Token.STRING:
        raise tokens.fail(f"Bad value in numeric range: {_shown(tokens, token)}")
    operator = tokens.text()
    if operator not in ("<", "<="):
        raise tokens.fail(f"Bad numeric range operator: {operator}")
    top = _operand(tokens, operator)
    if tokens.next() is not Token.END_ARRAY:
        raise tokens.fail("Too many terms in numeric range expression")
    if bottom >= top:
        raise tokens.fail("Bottom must be less than top")
    return top, operator == "<"


def _anything_but(tokens: Tokens) -> Condition:
    token, operator = tokens.next(), ""
    if token is Token.START_OBJECT:
        if tokens.next() is not Token.FIELD_NAME:
            raise tokens.fail("Anything-But expression name not found")
        operator = tokens.name
        if operator not in _ANYTHING_BUT or f"anything-but/{operator}" in tokens.refused:
            raise tokens.fail(f"Unsupported anything-but pattern: {operator}")
        token = tokens.next()
        if tokens.refused and token not in (Token.START_ARRAY, Token.STRING):  # the words of those who have fewer operators
            raise tokens.fail(f"{operator} match pattern must be a string")
    if token not in (Token.START_ARRAY, Token.STRING, Token.NUMBER):
        raise tokens.fail("Value of anything-but must be an array or single string/number value.")
    values: tuple[str | float, ...]
    if token is Token.START_ARRAY:
        values = _excluded_list(tokens, operator)
    else:
        values = (_nested(tokens, token, operator) if operator else _excluded(tokens, token),)
    _end(tokens, _TOO_MANY)
    if operator:
        _end(tokens, _TOO_MANY)
    return Condition(operator or "exactly", values, negated=True)


def _excluded_list(tokens: Tokens, operator: str) -> tuple[str | float, ...]:
    values: list[str | float] = []
    try:
        while (token := tokens.next()) is not Token.END_ARRAY:
            values.append(_nested(tokens, token, operator) if operator else _excluded(tokens, token))
    except PatternError as error:
        raise tokens.fail(error.reason, error.where) from None  # AWS names the place twice
    if not operator and len({isinstance(value, str) for value in values}) != 1:
        raise tokens.fail("Inside anything but list, either all values are number or string, mixed type is not supported")
    return tuple(values)


def _excluded(tokens: Tokens, token: Token) -> str | float:
    if token is Token.STRING:
        return tokens.text()
    if token is not Token.NUMBER:
        raise tokens.fail("Inside anything but list, start|null|boolean is not supported.")
    number = read_number(tokens.text())
    if comparable(number) is None:
        raise PatternError(OUT_OF_RANGE)
    return number


def _nested(tokens: Tokens, token: Token, operator: str) -> str:
    if token is not Token.STRING:
        if operator == "equals-ignore-case":
            raise tokens.fail("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
        kind = "wildcard" if operator == "wildcard" else "prefix/suffix"
        raise tokens.fail(f"{kind} match pattern must be a string")
    value = tokens.text()
    if operator in ("prefix", "suffix") and not value:
        raise tokens.fail("Null prefix/suffix not allowed")
    return _checked_wildcard(tokens, value) if operator == "wildcard" else value


_READERS: dict[str, Callable[[Tokens], Condition]] = {
    "exactly": _exactly,
    "prefix": _affix("prefix"),
    "suffix": _affix("suffix"),
    "equals-ignore-case": _equals_ignore_case,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "exists": _exists,
    "wildcard": _wildcard,
}
