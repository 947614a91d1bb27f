from pathlib import Path

import pytest

from lambent.base.settings import load


def test_flags_beat_variables_beat_the_file(tmp_path: Path) -> None:
    file = tmp_path / "lambent.toml"
    file.write_text('port = 1\nregion = "eu-west-1"\n[upstreams]\ns3 = "http://localhost:9000"\n')
    settings = load({"port": 3, "region": None}, {"HOME": "/h", "LAMBENT_PORT": "2", "LAMBENT_EPHEMERAL": "yes"}, file)
    assert (settings.port, settings.region, settings.ephemeral) == (3, "eu-west-1", True)
    assert settings.upstreams == {"s3": "http://localhost:9000"}
    assert settings.data_dir == Path("/h/.local/share/lambent")
    assert settings.endpoint_url == "http://127.0.0.1:3"


@pytest.mark.parametrize(
    ("name", "value", "says"), [("PORT", "many", "a number"), ("EPHEMERAL", "perhaps", "yes or no"), ("PROT", "1", "no setting")]
)
def test_a_wrong_setting_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        load({}, {f"LAMBENT_{name}": value}, Path("/nonexistent"))


def test_networks_are_tables_and_pairs_are_pairs(tmp_path: Path) -> None:
    file = tmp_path / "lambent.toml"
    file.write_text('network = "internet"\nnetwork_deny = ["10.0.0.0/8"]\n[networks.db]\nsubnets = ["subnet-1"]\nallow = ["db:5432"]\n')
    settings = load({}, {"HOME": "/h"}, file)
    assert (settings.network, settings.network_deny) == ("internet", ("10.0.0.0/8",))
    assert settings.networks == {"db": {"subnets": ["subnet-1"], "allow": ["db:5432"]}}
    with pytest.raises(ValueError, match="NAME=VALUE"):
        load({"upstreams": "s3"}, {}, Path("/nonexistent"))
