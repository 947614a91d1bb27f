"""What isn't a pattern, in AWS's words: the reasons and columns that AWS itself answered."""

from __future__ import annotations

import pytest

from lambent.patterns.events import PatternError, compile_pattern

ANYTHING_BUT_LIST = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
EXPECTED = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    ("pattern", "reason", "column"),
    [
        ('{"int": 42}', '"int" must be an object or an array', 11),
        ('{"string": "my-value"}', '"string" must be an object or an array', 13),
        ('{"resources": []}', "Empty arrays are not allowed", 17),
        ('{"my_key": [{"EXISTS": true}]}', "Unrecognized match type EXISTS", 28),
        ('{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}', "Unrecognized match type NUMERIC", 36),
        ('{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}', "Bad numeric range operator: >", 49),
        ('{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}', "Value of < must be numeric", 50),
        (
            '{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}]}',
            "Consecutive wildcard characters at pos 26",
            72,
        ),
        ('{"EventBusArn": [{"wildcard": 123}]}', "wildcard match pattern must be a string", 34),
        ('{"EventBusArn": [{"wildcard": ["a"]}]}', "wildcard match pattern must be a string", 32),
        ('{"time": [{"prefix": ["2022-07-13"]}]}', "prefix match pattern must be a string", 23),
        ('{"time": [{"prefix": 123}]}', "prefix match pattern must be a string", 25),
        ('{"FileName": [{"suffix": 123}]}', "suffix match pattern must be a string", 29),
        ('{"detail-type": [{"equals-ignore-case": ["ec2"]}]}', "equals-ignore-case match pattern must be a string", 42),
        ('{"detail-type": [{"equals-ignore-case": {"prefix": "ec2"}}]}', "equals-ignore-case match pattern must be a string", 42),
        ('{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}', ANYTHING_BUT_LIST, 66),
        ('{"detail": {"state": [{"anything-but": {"prefix": 123}}]}}', "prefix/suffix match pattern must be a string", 54),
        ('{"detail": {"FilePath": [{"anything-but": {"wildcard": 123}}]}}', "wildcard match pattern must be a string", 59),
        (
            '{"detail": {"FileName": [{"anything-but": {"suffix": {"equals-ignore-case": ".png"}}}]}}',
            "Value of anything-but must be an array or single string/number value.",
            55,
        ),
        ('{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}', "prefix match pattern must be a string", 43),
        ("this is valid json but not a dict", f"Unrecognized token 'this': {EXPECTED}", 5),
        ("{'bad': 'quotation'}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 2),
        ('{"not": closed mark"', f"Unrecognized token 'closed': {EXPECTED}", 15),
        ('["not", "a", "dict", "but valid json"]', "Filter is not an object", 2),
    ],
)
def test_the_reason_and_the_column_are_awss(pattern: str, reason: str, column: int) -> None:
    with pytest.raises(PatternError) as raised:
        compile_pattern(pattern)
    place = f'\n at [Source: (String)"{pattern}"; line: 1, column: {column}]'
    assert str(raised.value) == f"Event pattern is not valid. Reason: {reason}{place}"
    assert (raised.value.reason, raised.value.where) == (reason, place)


@pytest.mark.parametrize(
    ("pattern", "reason", "column"),
    [
        ('{"detail": {"state": [{"anything-but": {"equals-ignore-case": [123, 456]}}]}}', ANYTHING_BUT_LIST, 67),
        ('{"detail": {"state": [{"anything-but": {"wildcard": [123, "*/dir/*"]}}]}}', "wildcard match pattern must be a string", 57),
        ('{"detail": {"state": [{"anything-but": {"prefix": [123, "test"]}}]}}', "prefix/suffix match pattern must be a string", 55),
    ],
)
def test_the_place_is_named_twice_within_lists_of_anything_but(pattern: str, reason: str, column: int) -> None:
    with pytest.raises(PatternError) as raised:
        compile_pattern(pattern)
    assert raised.value.reason == reason
    assert raised.value.where == 2 * f'\n at [Source: (String)"{pattern}"; line: 1, column: {column}]'


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (
            {"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]},
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character",
        ),
        ({"ip": [{"cidr": "bad-filter"}]}, "Malformed CIDR, one '/' required"),
        ({"ip": [{"cidr": "10.0.0.0/xx"}]}, "Malformed CIDR, mask bits must be an integer"),
        ({"ip": [{"cidr": "10.0.0.0/-1"}]}, "Malformed CIDR, mask bits must not be negative"),
        ({"ip": [{"cidr": "xx.11.xx/8"}]}, "Nonstandard IP address: xx.11.xx"),
        ({"ip": [{"cidr": "xxxx:db8:1234:1a00::/64"}]}, "Nonstandard IP address: xxxx:db8:1234:1a00::"),
        ({"ip": [{"cidr": "300.0.0.0/8"}]}, "Invalid IP address: 300.0.0.0"),
        ({"ip": [{"cidr": "10.0.0.0/32"}]}, "IPv4 mask bits must be < 32"),
        ({"n": [{"anything-but": 1e10}]}, "Value must be between -5.0E9 and 5.0E9, inclusive"),
    ],
)
def test_some_reasons_name_no_place(pattern: dict[str, object], reason: str) -> None:
    with pytest.raises(PatternError) as raised:
        compile_pattern(pattern)
    assert str(raised.value) == f"Event pattern is not valid. Reason: {reason}"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "Filter is not an object"),
        ('{"a": {}}', "Empty objects are not allowed"),
        ('{"a": [[1]]}', "Match value must be String, number, true, false, or null"),
        ('{"a": [{}]}', "Match expression name not found"),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', "Only one key allowed in match expression"),
        ('{"a": [{"prefix": {"suffix": "y"}}]}', "Unsupported prefix pattern: suffix"),
        ('{"a": [{"prefix": {}}]}', "Prefix expression name not found"),
        ('{"a": [{"exists": "true"}]}', "exists match pattern must be either true or false."),
        ('{"a": [{"exists": null}]}', "exists match pattern must be either true or false."),
        ('{"a": [{"numeric": 1}]}', "Value of numeric must be an array."),
        ('{"a": [{"numeric": [1]}]}', "Invalid member in numeric match: 1"),
        ('{"a": [{"numeric": ["!", 1]}]}', "Unrecognized numeric range operator: !"),
        ('{"a": [{"numeric": ["=", "1"]}]}', "Value of equals must be numeric"),
        ('{"a": [{"numeric": ["<", 1, ">", 0]}]}', "Too many elements in numeric expression"),
        ('{"a": [{"numeric": [">", 1, 2]}]}', "Bad value in numeric range: 2"),
        ('{"a": [{"numeric": [">", 1, "<", 1]}]}', "Bottom must be less than top"),
        ('{"a": [{"numeric": [">", 1, "<", 2, 3]}]}', "Too many terms in numeric range expression"),
        ('{"a": [{"numeric": ["=", 5000000001]}]}', "Value must be between -5.0E9 and 5.0E9, inclusive"),
        ('{"a": [{"anything-but": []}]}', "Inside anything but list, either all values are number or string, mixed type is not supported"),
        (
            '{"a": [{"anything-but": [1, "a"]}]}',
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        ('{"a": [{"anything-but": [null]}]}', "Inside anything but list, start|null|boolean is not supported."),
        ('{"a": [{"anything-but": null}]}', "Value of anything-but must be an array or single string/number value."),
        ('{"a": [{"anything-but": {"prefix": ""}}]}', "Null prefix/suffix not allowed"),
        ('{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', "Unsupported anything-but pattern: numeric"),
        ('{"a": [{"wildcard": "\\\\n"}]}', "Invalid escape character at pos 1"),
        ('{"$or": {}}', "It must be an Array followed with $or."),
        ('{"$or": [{"a": [1]}]}', "There must have at least 2 Objects in $or relationship."),
        ('{"$or": [1, 2]}', "Only JSON object is allowed in array of $or relationship."),
        ('{"$or": [{"a": [1]}, {"prefix": ["x"]}]}', "prefix is Ruler reserved fieldName which cannot be used inside $or."),
        ('{"a": [1] "b"', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries"),
        ('{"a" [1]}', "Unexpected character ('[' (code 91)): was expecting a colon to separate field name and value"),
        ('{"a": ["\\q"]}', "Unrecognized character escape 'q' (code 113)"),
        ('{"a":' * 200 + "[1]" + "}" * 200, "Filter is nested too deeply"),
    ],
)
def test_the_reason_says_what_is_wrong(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError) as raised:
        compile_pattern(pattern)
    assert raised.value.reason == reason


def test_a_long_source_is_cut_and_lines_are_counted() -> None:
    pattern = '{\n  "a": [1],\n  "b": 2' + " " * 600 + "}"
    with pytest.raises(PatternError) as raised:
        compile_pattern(pattern)
    assert raised.value.where.endswith(f"[truncated {len(pattern) - 500} chars]; line: 3, column: 9]")


def test_too_many_combinations_are_refused() -> None:
    choice = [{f"k{index}": [index]} for index in range(11)]
    pattern = {"a": {"$or": choice}, "b": {"$or": choice}, "c": {"$or": choice}}
    with pytest.raises(PatternError, match="too complex"):
        compile_pattern(pattern)
