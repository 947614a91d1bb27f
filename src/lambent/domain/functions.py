"""What the data plane needs to know of a function's version: the frozen value that Lambda's control plane hands to the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import msgspec

from lambent.domain.arns import partition_of


class LoggingConfig(msgspec.Struct, frozen=True):
    """Where and how a function's output is logged."""

    group: str  #: ``/aws/lambda/<name>`` unless the function says otherwise
    format: str = "Text"  #: ``Text`` or ``JSON``
    application_level: str = ""  #: ``TRACE`` … ``FATAL``; empty with ``Text``
    system_level: str = ""  #: ``DEBUG``, ``INFO`` or ``WARN``; empty with ``Text``


class FunctionVersion(msgspec.Struct, frozen=True):
    """One version of a function, ``$LATEST`` included. Two that are equal may share environments."""

    account_id: str
    region: str
    name: str
    version: str  #: ``$LATEST`` or a number
    arn: str  #: qualified: ``arn:aws:lambda:…:function:name:7``
    revision_id: str  #: changes with every update; environments of an older one are retired
    role_arn: str
    runtime: str  #: ``python3.12``, ``nodejs20.x``, ``provided.al2023`` …
    handler: str
    code_digest: str  #: the zip's blob
    layer_digests: tuple[str, ...] = ()  #: zips, in the order in which they are laid over ``/opt``
    memory_mb: int = 128
    timeout_s: int = 3
    ephemeral_storage_mb: int = 512
    architecture: str = "x86_64"
    environment: Mapping[str, str] = {}
    logging: LoggingConfig = LoggingConfig("/aws/lambda/unnamed")
    tracing_active: bool = False
    snap_start: bool = False
    tenant_isolated: bool = False  #: each tenant has environments of its own
    reserved_concurrency: int | None = None  #: of the function, all versions together; ``None``: none is reserved
    provisioned_concurrency: int = 0  #: of the function, all versions and aliases together
    dead_letter_arn: str = ""
    recursion_allowed: bool = False  #: ``RecursiveLoop`` is ``Allow``
    subnet_ids: tuple[str, ...] = ()  #: of its VPC; empty: it is in none
    security_group_ids: tuple[str, ...] = ()
    function_arn: str = ""  #: without a qualifier; follows from ``arn``, whatever is given

    def __post_init__(self) -> None:
        """Derive what is asked for at each invocation."""
        msgspec.structs.force_setattr(self, "function_arn", self.arn.rpartition(":")[0])


def session_name(function_name: str) -> str:
    """Return how a function's session with its role is called; STS wants two characters."""
    return function_name if len(function_name) > 1 else f"{function_name}@lambda_function"


class EventInvokeConfig(msgspec.Struct, frozen=True):
    """What becomes of an asynchronous invocation that fails."""

    retries: int = 2
    age_s_max: int = 21_600
    on_success_arn: str = ""
    on_failure_arn: str = ""


class ResolvedFunction(msgspec.Struct, frozen=True):
    """A name and qualifier, resolved to the version that runs now."""

    version: FunctionVersion
    invoked_arn: str  #: as the context shows it: qualified if the caller was
    event_config: EventInvokeConfig = EventInvokeConfig()


def runtime_version(runtime: str) -> str:
    """Return a runtime's version as INIT_START shows it: ``python3.12`` → ``python:3.12.v1``."""
    if runtime.startswith("provided."):
        return f"provided:{runtime.removeprefix('provided.')}.v1"
    language = runtime.rstrip("0123456789.x")
    return f"{language}:{runtime[len(language) :].removesuffix('.x')}.v1"


def runtime_version_arn(region: str, runtime: str) -> str:
    """Return the ARN of a runtime's version; its id is a digest of the version's name."""
    digest = hashlib.sha256(runtime_version(runtime).encode()).hexdigest()
    return f"arn:{partition_of(region)}:lambda:{region}::runtime:{digest}"


class FunctionDirectory(Protocol):
    """Finds functions for the data plane. Served by Lambda's control plane from memory: no disk on the warm path."""

    async def resolve(self, account_id: str, region: str, name: str, qualifier: str) -> ResolvedFunction:
        """Return the version that ``qualifier`` (empty: ``$LATEST``; an alias draws by its weights) means.

        Raises ``AwsError``: ``ResourceNotFoundException`` when there is none, ``ResourceConflictException`` while it is pending.
        """
        ...
