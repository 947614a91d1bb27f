"""The words that AWS was seen to answer with."""

from __future__ import annotations

import pytest

from lambent.services.lambda_.json_faults import fault_of

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    ("data", "said", "column"),
    [
        (b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", "Invalid UTF-8 start byte 0x87", 3),
        (b"\x99\xeb,j\x07\xa1zYh", f"Unexpected character ((CTRL-CHAR, code 153)): expected a valid value {VALUES}", 1),
        (b"Hello World", f"Unrecognized token 'Hello': was expecting {VALUES}", 7),
        (b"{c", "Unexpected character ('c' (code 99)): was expecting double-quote to start field name", 2),
        (b'{"a":"b" 1}', "Unexpected character ('1' (code 49)): was expecting comma to separate Object entries", 10),
        (b"[1,]", f"Unexpected character (']' (code 93)): expected a valid value {VALUES}", 4),
        (
            b"-x",
            "Unexpected character ('x' (code 120)): in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value",
            2,
        ),
    ],
)
def test_says_what_lambda_says(data: bytes, said: str, column: int) -> None:
    source = f"[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {column}]"
    assert fault_of(data) == f"{said}\n at {source}"


@pytest.mark.parametrize("data", [b"", b"{", b'"', b'{"a"', b"[" * 5000, b"NaN", b"1 2", b'"\xff"', b"tru", b"-", b'"\\'])
def test_has_words_for_everything(data: bytes) -> None:
    assert fault_of(data)
