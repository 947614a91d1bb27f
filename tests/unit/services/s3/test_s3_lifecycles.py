from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lambent.domain.errors import AwsError
from lambent.services.s3 import lifecycles
from lambent.services.s3.state import Bucket, Version

MODIFIED = datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp()


def bucket_with(*rules: dict[str, Any]) -> Bucket:
    return Bucket(name="b", account_id="1", region="us-east-1", created=0.0, configurations={"lifecycle": {"Rules": list(rules)}})


def rule(**more: Any) -> dict[str, Any]:
    return {"ID": "a b", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 2}, **more}


def test_an_object_expires_at_the_next_midnight() -> None:
    found = lifecycles.expiration_of(bucket_with(rule()), "k", Version(modified=MODIFIED))
    assert found == 'expiry-date="Wed, 04 Mar 2026 00:00:00 GMT", rule-id="a%20b"'


@pytest.mark.parametrize(
    ("given", "matches"),
    [
        (rule(Status="Disabled"), False),
        (rule(Filter={"Prefix": "other/"}), False),
        (rule(Filter={"Tag": {"Key": "t", "Value": "1"}}), True),
        (rule(Filter={"And": {"Prefix": "k", "Tags": [{"Key": "t", "Value": "2"}]}}), False),
        (rule(Filter={"ObjectSizeGreaterThan": 10}), False),
        (rule(Filter={"ObjectSizeLessThan": 11}), True),
        (rule(Expiration={"ExpiredObjectDeleteMarker": True}), False),
        (rule(Expiration={"Days": 2_147_483_647}), True),
    ],
)
def test_which_rules_concern_an_object(given: dict[str, Any], matches: bool) -> None:
    version = Version(modified=MODIFIED, size=10, tags={"t": "1"})
    assert bool(lifecycles.expiration_of(bucket_with(given), "k", version)) is matches


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Status": "enabled"}, "MalformedXML"),
        ({"Prefix": "both"}, "MalformedXML"),
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}, "MalformedXML"),
        ({"Expiration": {"Date": datetime(2030, 1, 1, 1, tzinfo=UTC)}}, "InvalidArgument"),
        ({"Filter": {"Prefix": "", "ObjectSizeGreaterThan": 1}}, "MalformedXML"),
        ({"Filter": {"And": {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}}}, "InvalidRequest"),
        ({"NoncurrentVersionExpiration": {}}, "MalformedXML"),
        ({"Transitions": [{"Days": 1, "StorageClass": "STANDARD"}]}, "MalformedXML"),
        ({"Expiration": None}, "InvalidRequest"),
        ({"ID": "x" * 256}, "InvalidArgument"),
    ],
)
def test_rules_that_are_none(wrong: dict[str, Any], code: str) -> None:
    given = {name: value for name, value in rule(**wrong).items() if value is not None}
    with pytest.raises(AwsError, match=code):
        lifecycles.check(bucket_with(), {"Rules": [given]})
