"""Compares the bootstrap's short way through JSON with awslambdaric's own, on any Python from 3.8: ``plain_json.py <guest> <runtime>``.

Prints what differs. There are values and texts that are known to be odd, and others from a seed.
"""

import collections
import datetime
import decimal
import enum
import functools
import importlib
import json
import os
import random
import sys

SEED, ROUNDS = 7, 2_000
LETTERS = 'ab "\\/\b\f\n\r\t\x00\x1f\x7f\x80é\u2028\u2029\ufeff\ufffe😀\ud800\udc00'
Named = collections.namedtuple("Named", "a b")


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "not what it holds"


class Number(int):
    def __repr__(self):
        return "not a number"


class Real(float):
    def __repr__(self):
        return "not a number"


class Colour(enum.IntEnum):
    RED = 1


class Mapping(dict):
    def items(self):
        return [("other", 1)]


class Listed(list):
    def __iter__(self):
        return iter(["other"])


class Described:
    def _asdict(self):
        return {"described": True}


class DescribedList(list):
    def _asdict(self):
        return {"described": True}


def circular():
    found = [1]
    found.append({"again": found})
    return found


def nested(levels):
    found = []
    for _ in range(levels):
        found = [found]
    return found


ODD = [
    *(Named(1, [Named(2, 3)]), Text("text"), Number(5), Real(2.5), Colour.RED, Mapping(a=1), Listed([1]), Described(), DescribedList()),
    *(decimal.Decimal("1.10"), decimal.Decimal("NaN"), decimal.Decimal("-Infinity"), decimal.Decimal("1E+400"), b"bytes", b"\xff"),
    *({1, 2}, frozenset(), bytearray(b"a"), memoryview(b"a"), object(), len, datetime.date(2026, 1, 1), 1j, ..., StopIteration),
    *(collections.OrderedDict(b=1, a=2), collections.Counter("aab"), collections.defaultdict(list), range(3), (each for each in ())),
    *(float("nan"), float("inf"), -float("inf"), -0.0, 1e16, 1e-7, 5e-324, 10**400, -(10**4000), 10**5000, True, None, "", [], {}, ()),
    *({b"key": 1}, {(1, 2): 3}, {1.5: 1}, {float("nan"): 1}, {True: 1}, {None: 1}, {Colour.RED: 1}, {Number(5): 1}, {Text("t"): 1}),
    *({decimal.Decimal(1): 1}, {1: "a", "1": "b"}, circular(), nested(100), nested(200_000)),
]
WORDS = r"""
NaN -NaN Infinity -Infinity nul nulll truE None 01 - -0 -0.0 +1 .5 1. 1.e5 1e 1e5 1E+5 1e999 -1e999 1٢ ٢ 0x10 1_000 1// /**/1 'a'
"a "\x" "\u12" "\uZZZZ" "\ud83d\ude00" "\ud83d" "\ude00\ud83d" "\ud83d\u0041" "\u00e9é" [1,] [,1] [ ] [} [[],{},[{}]] {1:2} {"a"1} {"a":1,}
{"a":1}} {"a":1,"a":2,"b":3,"a":4} {"":{"":{}}} ï»¿1
"""
TEXTS = [
    *(
        *WORDS.split(),
        "",
        " ",
        "\ufeff1",
        "\ufeff",
        "1 2",
        " 1",
        "1 ",
        "\n1\t\r",
        "1\x0b",
        "\xa01",
        "1\x00",
        "\u20281",
        '"\n"',
        '"\x00"',
        '"\\u 12"',
    ),
    *("9" * 4300, "9" * 4301, "-" + "9" * 4301, "0." + "1" * 5000, "[" * 100 + "]" * 100, "[" * 200_000 + "]" * 200_000, '{"a":' * 200_000),
]
BROKEN = [b"\xff", b'"\xe9"', b'"\xed\xa0\x80"', b"\xff\xfe1\x00", b"\x00"]


def value(chance, depth, odd=()):
    """Return something plain, or now and then something odd."""
    kind = chance.randrange(12 if depth else 8)
    if odd and chance.random() < 0.03:
        return chance.choice(odd)
    if kind < 3:
        return "".join(chance.choice(LETTERS) for _ in range(chance.randrange(6)))
    if kind < 8:
        return chance.choice([None, True, False, 0, -1, chance.getrandbits(70), chance.random() * 10 ** chance.randrange(-300, 300), 1.0])
    if kind < 10:
        made = [value(chance, depth - 1, odd) for _ in range(chance.randrange(4))]
        return made if kind == 8 else tuple(made)
    keys = ["", "a", "é", 1, 1.5, None, True, "".join(chance.choice(LETTERS) for _ in range(3))]
    return {chance.choice(keys): value(chance, depth - 1, odd) for _ in range(chance.randrange(4))}


def damaged(chance, data):
    """Return a text with a byte or two replaced, or none."""
    data = bytearray(data)
    for _ in range(min(len(data), chance.randrange(3))):
        data[chance.randrange(len(data))] = chance.choice(b'[]{},:"\\0123456789.eE+- \ntfnuN\xff\xc3')
    return bytes(data)


def outcome(call, given):
    """Return what a call gives, so that it can be compared."""
    try:
        found = call(given)
    except Exception as error:  # noqa: BLE001 - is compared
        told = vars(error).get("msg") or str(error)
        # Where the interpreter's stack ends is told in several ways, and objects have addresses.
        return type(error).__name__, "recursion" if "recursion" in told else told.partition(" at 0x")[0]
    return repr(found)


def compare(what, ours, theirs, given):
    """Say it when two calls differ."""
    found, wanted = outcome(ours, given), outcome(theirs, given)
    if found != wanted:
        print(what, repr(given)[:200], "ours:", repr(found)[:300], "theirs:", repr(wanted)[:300])


def main():
    """Compare."""
    sys.path[:0] = sys.argv[1:3]
    marshaller = importlib.import_module("awslambdaric.lambda_runtime_marshaller").LambdaMarshaller
    original = type("Original", (), {name: each for name, each in vars(marshaller).items() if callable(each)})
    importlib.import_module("python_bootstrap").load()
    chance = random.Random(SEED)
    for version in ("3.11", "3.12"):  # decides what becomes of letters beyond ASCII
        os.environ["AWS_EXECUTION_ENV"] = "AWS_Lambda_python" + version
        ours, theirs = marshaller(), original()
        some = ODD[:-1]
        values = ODD + [[each] for each in some] + [{"a": each} for each in some] + [value(chance, 4, some) for _ in range(ROUNDS)]
        for each in values:
            compare("response", ours.marshal_response, theirs.marshal_response, each)
        for setting in (
            {"ensure_ascii": version == "3.12"},
            {"item_separator": ","},
            {"sort_keys": True, "item_sort_key": None},
            {"indent": " "},
        ):
            changed = [each() for each in (marshaller, original)]
            for each in changed:
                vars(each.jsonEncoder).update(setting)
            for each in values[-100:]:
                compare(f"response {setting}", changed[0].marshal_response, changed[1].marshal_response, each)
        texts = TEXTS + [f"[{each}]" for each in TEXTS]
        texts += [json.dumps(value(chance, 4), ensure_ascii=chance.random() < 0.5) for _ in range(ROUNDS)]
        for each in BROKEN + [text.encode("utf-8", "surrogatepass") for text in texts]:
            for event in (each, damaged(chance, each)):
                compare("event", ours.unmarshal_request, theirs.unmarshal_request, event)
        as_text = [functools.partial(each.unmarshal_request, content_type="text/plain") for each in (ours, theirs)]
        compare("text", *as_text, b"a")


if __name__ == "__main__":
    main()
