"""Resource policies: who, what, on which resource, under which condition."""

import pytest

from lambent.policy.conditions import hold
from lambent.policy.resource import Decision, Principal, Request, evaluate
from lambent.policy.wildcards import arn_matches, matches

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
S3 = Principal(service="s3.amazonaws.com")
ROLE = Principal("123456789012", "arn:aws:sts::123456789012:assumed-role/worker/session")


def ask(statement, principal=S3, **context):
    request = Request(principal, "lambda:InvokeFunction", FUNCTION, {key.replace("_", ":"): (value,) for key, value in context.items()})
    return evaluate([{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION, **statement}], request)


@pytest.mark.parametrize(
    ("statement", "principal", "decision"),
    [
        ({"Principal": {"Service": "s3.amazonaws.com"}}, S3, Decision.ALLOW),
        ({"Principal": {"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}}, S3, Decision.ALLOW),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, S3, Decision.SILENT),
        ({"Principal": "*"}, Principal(), Decision.ALLOW),
        ({"Principal": {"AWS": "*"}}, Principal(), Decision.ALLOW),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, ROLE, Decision.ALLOW),
        ({"Principal": {"AWS": "123456789012"}}, ROLE, Decision.ALLOW),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:role/worker"}}, ROLE, Decision.ALLOW),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:role/other"}}, ROLE, Decision.SILENT),
        ({"Principal": {"AWS": "123456789012"}}, Principal(), Decision.SILENT),
        ({}, S3, Decision.SILENT),
        ({"Principal": "*", "Action": "lambda:*"}, S3, Decision.ALLOW),
        ({"Principal": "*", "Action": "LAMBDA:invoke*"}, S3, Decision.ALLOW),
        ({"Principal": "*", "Action": "s3:*"}, S3, Decision.SILENT),
        ({"Principal": "*", "Resource": f"{FUNCTION}:*"}, S3, Decision.SILENT),
        ({"Principal": "*", "Resource": "arn:aws:lambda:*:function:?"}, S3, Decision.ALLOW),
        ({"Principal": "*", "Effect": "Deny"}, S3, Decision.DENY),
        ({"NotPrincipal": {"Service": "s3.amazonaws.com"}}, S3, Decision.SILENT),
    ],
)
def test_who_and_what(statement, principal, decision):
    assert ask(statement, principal) is decision


def test_a_denial_wins_in_any_order():
    allow = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    request = Request(S3, "lambda:InvokeFunction", FUNCTION, {})
    assert evaluate([allow, {**allow, "Effect": "Deny"}], request) is Decision.DENY
    assert evaluate([{**allow, "Effect": "Deny"}, allow], request) is Decision.DENY


def test_the_source_counts():
    statement = {"Principal": "*", "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::pictures*"}}}
    assert ask(statement, aws_SourceArn="arn:aws:s3:::pictures-1") is Decision.ALLOW
    assert ask(statement, aws_SourceArn="arn:aws:s3:::other") is Decision.SILENT
    assert ask(statement) is Decision.SILENT


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "holds"),
    [
        ("StringEquals", ["a", "b"], ("b",), True),
        ("StringEquals", "a", ("A",), False),
        ("StringEqualsIgnoreCase", "a", ("A",), True),
        ("StringNotEquals", "a", ("b",), True),
        ("StringNotEquals", "a", (), True),
        ("StringNotEquals", ["a", "b"], ("b",), False),
        ("StringLike", "a*c?", ("abbcd",), True),
        ("StringLikeIfExists", "x", (), True),
        ("StringEquals", "x", (), False),
        ("Bool", True, ("true",), True),
        ("Bool", "false", ("true",), False),
        ("Null", "true", (), True),
        ("Null", "false", (), False),
        ("IpAddress", "10.0.0.0/8", ("10.1.2.3",), True),
        ("NotIpAddress", "10.0.0.0/8", ("10.1.2.3",), False),
        ("NumericLessThan", 10, ("9",), True),
        ("NumericLessThan", 10, ("x",), False),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", ("2026-06-01T00:00:00Z",), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
        ("ForAllValues:StringEquals", ["a"], ("a", "b"), False),
        ("ForAnyValue:StringEquals", ["a"], ("a", "b"), True),
        ("ForAllValues:StringEquals", ["a"], (), True),
        ("Unheard", "a", ("a",), False),
    ],
)
def test_conditions(operator, wanted, given, holds):
    assert hold({operator: {"aws:Key": wanted}}, {"AWS:key": given} if given else {}) is holds


def test_wildcards():
    assert matches("a***b", "ab")
    assert not matches("a?b", "ab")
    assert matches("a.b", "a.b")
    assert not matches("a.b", "axb")
    assert arn_matches("arn:aws:s3:*:*:b/*", "arn:aws:s3:::b/c:d")
    assert not arn_matches("arn:aws:*:b", "arn:aws:s3:::b")
