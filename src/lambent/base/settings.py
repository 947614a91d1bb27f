"""Settings: read once from flags, ``LAMBENT_*`` variables and ``lambent.toml`` (in that order of strength), then passed.

The only file that reads the process's environment.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace


class Settings(msgspec.Struct, frozen=True):
    """Everything that a user may choose. Each field says its unit, and why its default is what it is."""

    host: str = "127.0.0.1"  #: loopback: whoever can connect is trusted as far as the identity rules say
    port: int = 4566  #: what awslocal, samlocal, cdklocal and tflocal expect
    public_host: str = ""  #: in URLs that are handed out; empty: ``localhost:<port>``
    data_dir: Path = Path()  #: durable state; default ``$XDG_DATA_HOME/lambent``
    ephemeral: bool = False  #: keep nothing: state in memory, files in a temporary folder
    root_access_key_id: str = ""  #: the default account's root; demanded, with its secret, where strangers can connect
    root_secret_access_key: str = ""
    browser_origins: tuple[str, ...] = ()  #: web pages (``https://app.example``) that may use keys which are taken on trust
    region: str = "us-east-1"  #: of requests that name none
    time_scale: float = 1.0  #: 60 makes retries that take a minute take a second
    runtimes: str = "exact"  #: ``exact``, or ``nearest``: the nearest installed version serves a missing runtime
    sandbox: str = "auto"  #: ``auto``: the strongest driver that works here; ``namespaces`` or ``process``: that one or none
    network: str = "isolated"  #: of functions: ``isolated`` (the gateway only), ``internet`` (other machines, too) or ``host`` (no walls)
    networks: Mapping[str, Any] = {}  #: tables: what functions reach whose ``VpcConfig`` names one
    network_deny: tuple[str, ...] = ()  #: networks (``10.0.0.0/8``) that functions with ``internet`` do not reach either
    idle_s: float = 600.0  #: an environment that was not used for so long is stopped
    audit_file_mb: int = 64  #: MB, about 150,000 calls; a file of the audit log that is as large is set aside
    audit_files: int = 5  #: of the audit log that are kept, the one that is written to included
    upstreams: Mapping[str, str] = {}  #: service name → URL of an AWS-compatible endpoint
    s3_new_buckets: str = "closed"  #: as AWS makes them; ``open``: as before April 2023, with ACLs and without blocked public access
    iam: str = "known"
    """Roles that IAM has are held to their policies; ``enforce``: roles that it doesn't have may do nothing; ``off``: all may do all.
    The default lets local development go on with role ARNs that are made up."""
    companion: bool = True  #: serve what isn't native by moto in a process of its own, when it is installed
    home: Path = Path()  #: where pyenv, uv and nvm keep interpreters
    search_path: str = ""  #: ``PATH``: where interpreters are looked for

    @property
    def advertised_host(self) -> str:
        """Host and port for URLs that are handed out."""
        return self.public_host or f"localhost:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only processes of this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def root_keys(self) -> tuple[str, str] | None:
        """Access key id and secret of the default account's root, when they are set."""
        return (self.root_access_key_id, self.root_secret_access_key) if self.root_access_key_id and self.root_secret_access_key else None

    @property
    def endpoint_url(self) -> str:
        """Where clients on this machine reach the gateway."""
        return f"http://127.0.0.1:{self.port}" if self.host in {"127.0.0.1", "0.0.0.0", "localhost"} else f"http://{self.host}:{self.port}"  # noqa: S104


def load(flags: Mapping[str, Any], environ: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """Return the settings. ``flags`` are by field name; ``None`` values count as not given. ``ValueError`` names what is wrong."""
    environ = os.environ if environ is None else environ
    home = Path(environ.get("HOME", "/"))
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "lambent"
    settings = Settings(data_dir=data, home=home, search_path=environ.get("PATH", os.defpath))
    path = file or Path("lambent.toml")
    if path.exists():
        import tomllib  # noqa: PLC0415 - most starts have no such file

        settings = _apply(settings, tomllib.loads(path.read_text()), str(path))
    variables = {name[8:].lower(): value for name, value in environ.items() if name.startswith("LAMBENT_")}
    settings = _apply(settings, variables, "LAMBENT_* variables")
    return _apply(settings, {name: value for name, value in flags.items() if value is not None}, "flags")


def _apply(settings: Settings, values: Mapping[str, Any], origin: str) -> Settings:
    known = set(settings.__struct_fields__)
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{origin}: there is no setting {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    changes: dict[str, Any] = {name: _convert(value, getattr(settings, name), f"{origin}: {name}") for name, value in values.items()}
    return replace(settings, **changes)


def _convert(value: Any, example: object, name: str) -> object:
    """Return the value as the type of the default, from TOML's types or from text."""
    if isinstance(example, bool):
        if isinstance(value, bool):
            return value
        if str(value).lower() in {"1", "true", "yes", "on"}:
            return True
        if str(value).lower() in {"0", "false", "no", "off", ""}:
            return False
        raise ValueError(f"{name} is yes or no, not {value!r}")
    if isinstance(example, (int, float)):
        try:
            return type(example)(value)
        except (TypeError, ValueError):
            raise ValueError(f"{name} is a number, not {value!r}") from None
    if isinstance(example, Path):
        return Path(str(value)).expanduser().absolute()
    if isinstance(example, tuple):
        given = value if isinstance(value, list) else str(value).split(",")
        return tuple(text for each in given if (text := str(each).strip()))
    if isinstance(example, Mapping):
        if isinstance(value, Mapping):
            return dict(value)
        pairs = [each.strip() for each in str(value).split(",") if each.strip()]
        if not all("=" in each for each in pairs):
            raise ValueError(f"{name} is NAME=VALUE, or several with commas between, not {value!r}")
        return dict(each.split("=", 1) for each in pairs)
    return str(value)
