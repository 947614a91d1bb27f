"""Resource policies: who, what, on which resource, under which condition."""

import pytest

from lambent.policy.conditions import hold
from lambent.policy.evaluation import Decision, Principal, Request, evaluate
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


def identity(statement, action="s3:GetObject", resource="arn:aws:s3:::pictures/ann/1.png", version="2012-10-17", certain=True, **context):
    values = {key.replace("_", ":", 1): (value,) if isinstance(value, str) else value for key, value in context.items()}
    request = Request(ROLE, action, resource, values, certain)
    whole = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", **statement}
    whole = {name: value for name, value in whole.items() if value is not None}
    return evaluate([whole], request, of_identity=True, has_variables=version == "2012-10-17")


@pytest.mark.parametrize(
    ("statement", "decision"),
    [
        ({}, Decision.ALLOW),
        ({"Action": None}, Decision.SILENT),
        ({"Action": None, "NotAction": "s3:Put*"}, Decision.ALLOW),
        ({"Action": None, "NotAction": ["s3:Get*", "s3:Put*"]}, Decision.SILENT),
        ({"Resource": None, "NotResource": "arn:aws:s3:::pictures/bob/*"}, Decision.ALLOW),
        ({"Resource": None, "NotResource": "arn:aws:s3:::pictures/*"}, Decision.SILENT),
        ({"Resource": ["arn:aws:s3:::other/*", "arn:aws:s3:::pictures/*/?.png"]}, Decision.ALLOW),
        ({"Resource": "arn:aws:s3:::pictures/${aws:PrincipalTag/name}/*"}, Decision.ALLOW),
        ({"Resource": "arn:aws:s3:::pictures/${aws:PrincipalTag/other}/*"}, Decision.SILENT),
        ({"Resource": "arn:aws:s3:::pictures/${aws:PrincipalTag/other, 'ann'}/*"}, Decision.ALLOW),
        ({"Effect": "Deny", "Resource": "arn:aws:s3:::pictures/*"}, Decision.DENY),
        ({"Effect": "Deny", "Resource": "arn:aws:s3:::other/*"}, Decision.SILENT),
    ],
)
def test_identity_policies(statement, decision):
    assert identity(statement, **{"aws_PrincipalTag/name": "ann"}) is decision


def test_variables_are_of_the_newer_version_only():
    statement = {"Resource": "arn:aws:s3:::pictures/${aws:PrincipalTag/name}/*"}
    assert identity(statement, version="2008-10-17", **{"aws_PrincipalTag/name": "ann"}) is Decision.SILENT
    literally = "arn:aws:s3:::pictures/${aws:PrincipalTag/name}/1"
    assert identity(statement, resource=literally, version="2008-10-17", **{"aws_PrincipalTag/name": "ann"}) is Decision.ALLOW


def test_a_value_is_no_wildcard():
    statement = {"Resource": "arn:aws:s3:::pictures/${aws:PrincipalTag/name}/*"}
    assert identity(statement, **{"aws_PrincipalTag/name": "*"}) is Decision.SILENT
    assert identity(statement, resource="arn:aws:s3:::pictures/*/1", **{"aws_PrincipalTag/name": "*"}) is Decision.ALLOW
    assert identity({"Resource": "arn:aws:s3:::a${*}b"}, resource="arn:aws:s3:::a*b") is Decision.ALLOW
    assert identity({"Resource": "arn:aws:s3:::a${*}b"}, resource="arn:aws:s3:::axb") is Decision.SILENT


@pytest.mark.parametrize(
    ("operator", "wanted", "holds"),
    [
        ("StringEquals", "${aws:PrincipalTag/name}", True),
        ("StringEquals", "${aws:PrincipalTag/other}", False),
        ("StringLike", "${aws:PrincipalTag/name}*", True),
        ("StringNotEquals", "${aws:PrincipalTag/name}", False),
    ],
)
def test_variables_in_conditions(operator, wanted, holds):
    context = {"aws:PrincipalTag/name": ("ann",), "s3:prefix": ("ann",)}
    assert hold({operator: {"s3:prefix": wanted}}, context, has_variables=True) is holds


def test_an_uncertain_resource_is_judged_with_caution():
    known = {"resource": "arn:aws:ssm:eu-west-1:1:", "action": "ssm:Get", "certain": False}
    for resource in ("*", "arn:aws:ssm:*", "arn:aws:ssm:eu-west-1:1:*", "arn:*:ssm:*:1:*"):
        assert identity({"Action": "*", "Resource": resource}, **known) is Decision.ALLOW
    for resource in ("arn:aws:ssm:eu-west-1:1:parameter/*", "arn:aws:ssm:us-east-1:1:*", "*:parameter"):
        assert identity({"Action": "*", "Resource": resource}, **known) is Decision.SILENT
    assert identity({"Action": "*", "Resource": None, "NotResource": "arn:aws:ssm:*:*:parameter/x"}, **known) is Decision.SILENT
    assert identity({"Action": "*", "Effect": "Deny", "Resource": "arn:aws:ssm:*:*:parameter/x"}, **known) is Decision.DENY


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "holds"),
    [
        ("ForAnyValue:StringNotEquals", ["a"], (), False),
        ("ForAnyValue:StringNotEquals", ["a"], ("a", "b"), True),
        ("ForAllValues:StringNotEquals", ["a"], ("b", "c"), True),
        ("ForAllValues:StringNotEquals", ["a"], ("a", "b"), False),
        ("ForAnyValue:StringLike", ["a*"], ("b", "ab"), True),
        ("ForSomeValues:StringEquals", ["a"], ("a",), False),
        ("BinaryEquals", "QmluYXJ5", ("QmluYXJ5",), True),
        ("NumericNotEquals", "3", ("4",), True),
        ("NumericGreaterThanEquals", "3", ("3",), True),
        ("DateLessThanEquals", "1767225600", ("2026-01-01T00:00:00Z",), True),
        ("DateNotEquals", "2026-01-01T00:00:00Z", ("2026-01-02T00:00:00Z",), True),
        ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], ("2001:db8::1",), True),
        ("ArnLike", "arn:aws:sns:*:*:t?", ("arn:aws:sns:eu-west-1:1:t1",), True),
        ("ArnNotEquals", "arn:aws:sns:*:1:t", ("arn:aws:sns:eu-west-1:1:t",), False),
        ("BoolIfExists", "true", (), True),
        ("BoolIfExists", "true", ("false",), False),
        ("NumericLessThanIfExists", "3", (), True),
        ("NullIfExists", "true", (), False),
    ],
)
def test_more_conditions(operator, wanted, given, holds):
    assert hold({operator: {"aws:Key": wanted}}, {"AWS:key": given} if given else {}) is holds
