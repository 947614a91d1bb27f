"""How functions and layers are named: by name, partial ARN or full ARN, each with or without a qualifier."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import msgspec

from lambent.base.regexes import Regex
from lambent.domain.arns import arn
from lambent.services.lambda_.errors import invalid, not_found, validation

LATEST = "$LATEST"
FunctionKey: TypeAlias = "tuple[str, str, str]"
"""Account, region, name."""

_NAME = Regex(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?"
)
ALIAS = Regex(r"(?![0-9]+$)[a-zA-Z0-9_-]+")
"""What a qualifier looks like that is an alias, whether there is one or not."""
_LAYER = Regex(r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):layer:(?P<name>[a-zA-Z0-9_-]+)(?::(?P<version>\d+))?")
NAME_LENGTH_MAX = 64


class FunctionRef(msgspec.Struct, frozen=True):
    """A function that a caller named; ``qualifier`` is empty when none was given."""

    account_id: str
    region: str
    name: str
    qualifier: str = ""
    key: FunctionKey = ("", "", "")  #: the function's in the state's tables; follows from the others, whatever is given

    def __post_init__(self) -> None:
        """Derive what is asked for at each invocation."""
        msgspec.structs.force_setattr(self, "key", (self.account_id, self.region, self.name))

    @property
    def function_arn(self) -> str:
        """The ARN without a qualifier."""
        return function_arn(self.key)

    @property
    def arn(self) -> str:
        """The ARN, qualified if the caller was."""
        return function_arn(self.key, self.qualifier)


def function_arn(key: FunctionKey, qualifier: str = "") -> str:
    """Return a function's ARN."""
    account_id, region, name = key
    return arn("lambda", region, account_id, f"function:{name}:{qualifier}" if qualifier else f"function:{name}")


@lru_cache(maxsize=4096)
def parse_function(text: str, account_id: str, region: str, qualifier: str | None = None) -> FunctionRef:
    """Return the function that ``text`` names, seen from an account and region; every form that AWS takes.

    Raises ``AwsError``: the name's qualifier and the other one differ, the ARN is of another region, the name is no name.
    """
    found = _NAME.fullmatch(text)
    if found is None:
        raise validation(f"Value '{text}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern")
    inner = found["qualifier"] or ""
    if inner and qualifier and inner != qualifier:
        raise invalid("The derived qualifier from the function name does not match the specified qualifier.")
    if found["region"] and found["region"] != region:
        raise not_found(f"Functions from '{found['region']}' are not reachable in this region ('{region}')")
    return FunctionRef(found["account"] or account_id, found["region"] or region, found["name"], qualifier or inner)


class LayerRef(msgspec.Struct, frozen=True):
    """A layer, or with a positive ``version`` one version of it."""

    account_id: str
    region: str
    name: str
    version: int = 0

    @property
    def layer_arn(self) -> str:
        """The layer's ARN, without a version."""
        return arn("lambda", self.region, self.account_id, f"layer:{self.name}")

    @property
    def arn(self) -> str:
        """The version's ARN."""
        return f"{self.layer_arn}:{self.version}"


def parse_layer(text: str, *, account_id: str, region: str, version: int = 0) -> LayerRef:
    """Return the layer that a name or ARN means."""
    found = _LAYER.fullmatch(text)
    if found is None:
        return LayerRef(account_id, region, text, version)
    return LayerRef(found["account"], found["region"], found["name"], int(found["version"] or version))


def parse_layer_version(text: str) -> LayerRef | None:
    """Return the version that a layer version's ARN names, or ``None`` when the text isn't one."""
    found = _LAYER.fullmatch(text)
    if found is None or not found["version"]:
        return None
    return LayerRef(found["account"], found["region"], found["name"], int(found["version"]))
