"""The networks of the settings: read, refused, and what functions of a VPC reach by them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lambent.adapters.sandbox.networks import Target, parse
from lambent.domain.functions import FunctionVersion

FUNCTION = FunctionVersion("0" * 12, "us-east-1", "f", "$LATEST", "arn:f:$LATEST", "r", "", "python3.11", "app.handler", "d")


def test_a_function_reaches_what_its_subnets_and_groups_allow() -> None:
    tables = {
        "db": {"subnets": ["subnet-1"], "allow": ["127.0.0.1:5432", "db.internal:3306", "DB.internal.:3307"]},
        "cache": {"security_groups": ["sg-1"], "allow": ["10.0.0.5:6379", "[fd00::5]:6379", "127.0.0.1:5432"]},
    }
    networks = parse(tables, 4566)
    assert list(networks.vpcs) == ["subnet-1"]
    assert networks.of(FUNCTION) is None
    assert networks.of(replace(FUNCTION, subnet_ids=("subnet-2",), security_group_ids=("sg-2",))) is None
    one = networks.of(replace(FUNCTION, subnet_ids=("subnet-2", "subnet-1")))
    assert one is not None
    assert one.listeners == [["127.0.0.1", 5432], ["127.64.0.1", 3306], ["127.64.0.1", 3307]]
    assert one.names == {"localhost": "127.0.0.1", "db.internal": "127.64.0.1"}
    assert [str(target) for _, _, target in one.openings] == ["127.0.0.1:5432", "db.internal:3306", "db.internal:3307"]
    both = networks.of(replace(FUNCTION, subnet_ids=("subnet-1",), security_group_ids=("sg-1",)))
    assert both is not None
    assert both.listeners == [*one.listeners, ["10.0.0.5", 6379], ["fd00::5", 6379]]


def test_a_network_without_targets_is_closed() -> None:
    found = parse({"none": {"subnets": ["subnet-1"]}}, 4566).of(replace(FUNCTION, subnet_ids=("subnet-1",)))
    assert found is not None
    assert found.listeners == []


def test_localhost_is_the_loopback_address() -> None:
    found = parse({"n": {"subnets": ["subnet-1"], "allow": ["localhost:5432"]}}, 4566).of(replace(FUNCTION, subnet_ids=("subnet-1",)))
    assert found is not None
    assert found.openings == (("127.0.0.1", 5432, Target("localhost", 5432)),)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("text", "is a table"),
        ({"subnet": ["subnet-1"]}, "there is no subnet"),
        ({"allow": ["h:1"]}, "names no subnets"),
        ({"subnets": ["s"]}, "is no id"),
        ({"security_groups": ["subnet-1"]}, "is no id"),
        ({"subnets": "s"}, "list of texts"),
        ({"subnets": ["subnet-1"], "allow": [1]}, "list of texts"),
        *[
            ({"subnets": ["subnet-1"], "allow": [each]}, "is no target")
            for each in ("host", "host:", "host:0", "host:65536", "host:x", "fd00::1:1", "[host]:1")
        ],
        *[
            ({"subnets": ["subnet-1"], "allow": [each]}, "neither an address")
            for each in (":1", "a b:1", "[host:1", "-a:1", "1.2.3:1", "a..b:1", "256.1.1.1:1")
        ],
        *[({"subnets": ["subnet-1"], "allow": [each]}, "no address of one server") for each in ("0.0.0.0:1", "224.0.0.1:1", "[::]:1")],
        *[({"subnets": ["subnet-1"], "allow": [each]}, "is taken") for each in ("127.0.0.1:4566", "localhost:9001", "127.0.0.1:53")],
        ({"subnets": ["subnet-1"], "allow": [f"h:{port}" for port in range(1, 66)]}, "more than 64"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(table: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse({"n": table}, 4566)
