"""What a role may do by all the policies that bear on it; the laws of the evaluation, over made-up policies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.policy.evaluation import Principal, Request
from lambent.policy.permissions import ALLOWED, Permissions, Policy, Verdict, judge, with_resource_policy

SESSION = "arn:aws:sts::123456789012:assumed-role/worker/f"
ROLE = "arn:aws:iam::123456789012:role/path/worker"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q"
REQUEST = Request(Principal("123456789012", SESSION), "sqs:SendMessage", QUEUE, {})


def policy(*statements, **changes):
    return Policy.parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements), **changes}))


def allow(action="sqs:SendMessage", resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action="sqs:SendMessage", resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


EVERYTHING = policy(allow("*"))

statements = st.builds(
    lambda effect, action, resource, negated: {
        "Effect": effect,
        "NotAction" if negated == 1 else "Action": action,
        "NotResource" if negated == 2 else "Resource": resource,
    },
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["*", "sqs:*", "sqs:SendMessage", "SQS:send*", "s3:*", ["s3:Get*", "sqs:Receive*"]]),
    st.sampled_from(["*", QUEUE, "arn:aws:sqs:*:*:*", "arn:aws:s3:::b", f"{QUEUE}?"]),
    st.integers(0, 2),
)
policies = st.builds(lambda found: policy(*found), st.lists(statements, max_size=4))


def test_nothing_is_allowed_by_default():
    verdict = judge(Permissions(), REQUEST)
    assert verdict.why_not("sqs:SendMessage") == "because no identity-based policy allows the sqs:SendMessage action"


@given(st.lists(policies, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_policies_does_not_matter(found, random):
    shuffled = found[:]
    random.shuffle(shuffled)
    assert judge(Permissions(tuple(found)), REQUEST) == judge(Permissions(tuple(shuffled)), REQUEST)


@given(st.lists(policies, max_size=4))
def test_one_denial_is_enough(found):
    verdict = judge(Permissions((*found, EVERYTHING, policy(deny()))), REQUEST)
    assert verdict == Verdict(denied_by="identity-based policy")
    assert with_resource_policy(verdict, [policy(allow(Principal="*"))], REQUEST) == verdict


@given(st.lists(policies, max_size=3), policies)
def test_an_allow_only_ever_adds_and_a_boundary_only_ever_takes(found, bound):
    alone = judge(Permissions(tuple(found)), REQUEST)
    more = judge(Permissions((*found, EVERYTHING)), REQUEST)
    assert more.allowed or alone.denied_by
    assert not judge(Permissions(tuple(found), boundary=(bound,)), REQUEST).allowed or alone.allowed
    assert judge(Permissions(tuple(found), boundary=(EVERYTHING,)), REQUEST) == alone
    assert judge(Permissions(tuple(found), session=(EVERYTHING,)), REQUEST) == alone


@pytest.mark.parametrize(
    ("permissions", "why"),
    [
        (Permissions((EVERYTHING,), boundary=()), "because no permissions boundary allows the A action"),
        (Permissions((EVERYTHING,), boundary=(policy(deny()),)), "with an explicit deny in a permissions boundary"),
        (Permissions((EVERYTHING,), session=(policy(allow("s3:*")),)), "because no session policy allows the A action"),
        (Permissions((EVERYTHING,), session=(policy(deny()),)), "with an explicit deny in a session policy"),
        (Permissions((policy(deny()),)), "with an explicit deny in an identity-based policy"),
        (Permissions((), boundary=()), "because no identity-based policy allows the A action"),
    ],
)
def test_it_says_why(permissions, why):
    assert judge(permissions, REQUEST).why_not("A") == why


@pytest.mark.parametrize(
    ("principal", "missing", "allowed"),
    [
        (ROLE, ("identity-based policy",), True),
        (SESSION, ("identity-based policy",), True),
        ("*", ("identity-based policy",), True),
        ("123456789012", ("identity-based policy",), False),
        ("arn:aws:iam::123456789012:root", ("identity-based policy",), False),
        ("arn:aws:iam::123456789012:role/other", ("identity-based policy",), False),
        (ROLE, ("identity-based policy", "permissions boundary"), False),
        ("*", ("permissions boundary",), False),
        (SESSION, ("identity-based policy", "permissions boundary"), True),
        (SESSION, ("session policy",), True),
    ],
)
def test_a_resources_policy_may_stand_in(principal, missing, allowed):
    found = with_resource_policy(Verdict(missing=missing), [policy(allow(Principal={"AWS": principal}))], REQUEST)
    assert found.allowed is allowed


def test_a_resources_denial_wins():
    found = with_resource_policy(ALLOWED, [policy(deny(Principal={"AWS": "123456789012"}))], REQUEST)
    assert found.why_not("A") == "with an explicit deny in a resource-based policy"


@pytest.mark.parametrize("text", ["[]", "{", '{"Statement": ["x"]}'])
def test_what_is_no_policy(text):
    with pytest.raises(ValueError):
        Policy.parse(text)
