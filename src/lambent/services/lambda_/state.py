"""Lambda's documents: what is on disk, and under which keys.

====================== =================================== ==========================================
table                  key                                 document
====================== =================================== ==========================================
lambda.functions       account, region, name               ``Function``: what all versions share
lambda.versions        account, region, name, number       ``Version``; ``$LATEST`` is number 0
lambda.aliases         account, region, name, alias        ``Alias``
lambda.policies        account, region, name, qualifier    ``Policy``; the empty qualifier is the function
lambda.event_configs   account, region, name, qualifier    ``EventConfig``
lambda.provisioned     account, region, name, qualifier    ``Provisioned``; the qualifier is a number or an alias
lambda.urls            account, region, name, qualifier    ``Url``
lambda.url_ids         url id                              ``UrlOwner``
lambda.mappings        account, region, uuid               ``domain.mappings.EventSourceMapping``
lambda.mapping_tags    account, region, uuid               ``MappingTags``
lambda.layers          account, region, name               ``LayerCounter``: numbers are never given twice
lambda.layer_versions  account, region, name, number       ``LayerVersion``
lambda.code_signing    account, region, id                 ``CodeSigning``
====================== =================================== ==========================================
"""

from __future__ import annotations

from typing import Any

import msgspec

from lambent.domain.documents import Table
from lambent.domain.mappings import EventSourceMapping
from lambent.domain.storage import Store


class Layer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A layer version as a function refers to it."""

    arn: str
    digest: str
    size: int  #: bytes, zipped
    unzipped: int = 0  #: bytes


class Configuration(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that a user sets of a version. Two that are equal are the same version to ``PublishVersion``."""

    runtime: str
    role: str
    handler: str
    code_digest: str
    code_size: int  #: bytes, zipped
    code_unzipped: int = 0  #: bytes
    description: str = ""
    timeout_s: int = 3
    memory_mb: int = 128
    environment: dict[str, str] | None = None
    kms_key_arn: str = ""
    tracing_mode: str = "PassThrough"
    dead_letter_arn: str = ""
    layers: tuple[Layer, ...] = ()
    architecture: str = "x86_64"
    ephemeral_storage_mb: int = 512
    snap_start: str = "None"
    tenant_isolation: str = ""  #: ``PER_TENANT``; cannot be changed
    log_format: str = "Text"
    log_application_level: str = ""
    log_system_level: str = ""
    log_group: str = ""  #: empty: ``/aws/lambda/<name>``
    vpc: dict[str, Any] | None = None
    file_systems: tuple[dict[str, Any], ...] = ()


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version of a function: ``$LATEST``, or a published one, which never changes but for its state and description."""

    version: str
    configuration: Configuration
    revision_id: str  #: for callers: changes with whatever they may change
    code_revision: str  #: for the data plane: changes with code and configuration only
    last_modified: float  #: seconds since 1970
    state: str = "Pending"
    state_reason: str = ""
    state_reason_code: str = ""
    update_status: str = ""  #: empty until the version is active for the first time
    update_reason: str = ""
    update_reason_code: str = ""
    code_updated: bool = False  #: of ``$LATEST``: ``UpdateFunctionCode`` was called since a version was published
    latest_description: str = ""  #: of a published version: what ``$LATEST`` said then, for ``PublishVersion`` may say otherwise


class Function(msgspec.Struct, frozen=True, omit_defaults=True):
    """What all versions of a function share."""

    created: float  #: seconds since 1970
    instance: str = ""  #: tells a function from an earlier one of the same name
    published: int = 0  #: the newest number given; numbers are never given twice
    tags: dict[str, str] = {}
    reserved_concurrency: int | None = None
    recursive_loop: str = "Terminate"
    runtime_updates: dict[str, tuple[str, str]] = {}  #: by qualifier: UpdateRuntimeOn, RuntimeVersionArn
    code_signing_arn: str = ""  #: of its code signing configuration


class Alias(msgspec.Struct, frozen=True, omit_defaults=True):
    """A name for a version, or for two by weight."""

    name: str
    version: str
    revision_id: str
    description: str = ""
    weights: dict[str, float] = {}  #: of further versions; the rest goes to ``version``


class Policy(msgspec.Struct, frozen=True):
    """A resource policy: its statements as AWS's JSON objects."""

    statements: tuple[dict[str, Any], ...]
    revision_id: str = ""  #: of a layer version's policy


class EventConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What becomes of asynchronous invocations; ``None`` is what the caller left out."""

    last_modified: float
    retries: int | None = None
    age_s_max: int | None = None
    on_success_arn: str = ""
    on_failure_arn: str = ""


class Provisioned(msgspec.Struct, frozen=True):
    """How many environments of a version, or of an alias's versions, are to be ready. How far that has come, only the engine knows."""

    requested: int
    last_modified: float  #: seconds since 1970


class Url(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function URL."""

    url_id: str
    auth_type: str
    created: float
    last_modified: float
    invoke_mode: str = ""  #: empty: nothing was said, which is ``BUFFERED``
    cors: dict[str, Any] | None = None


class UrlOwner(msgspec.Struct, frozen=True):
    """Whose a function URL is."""

    account_id: str
    region: str
    name: str
    qualifier: str


class MappingTags(msgspec.Struct, frozen=True):
    """An event source mapping's tags."""

    tags: dict[str, str]


class LayerCounter(msgspec.Struct, frozen=True):
    """The newest number given to a layer's versions."""

    published: int


class LayerVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A published version of a layer."""

    version: int
    digest: str
    size: int  #: bytes, zipped
    unzipped: int  #: bytes
    created: float
    description: str = ""
    license_info: str = ""
    runtimes: tuple[str, ...] | None = None  #: ``None``: nothing was said; empty: an empty list was given
    architectures: tuple[str, ...] | None = None
    statements: tuple[dict[str, Any], ...] = ()
    revision_id: str = ""  #: of the policy


class CodeSigning(msgspec.Struct, frozen=True, omit_defaults=True):
    """A code signing configuration."""

    config_id: str
    publishers: tuple[str, ...]  #: ARNs of versions of signing profiles
    last_modified: float  #: seconds since 1970
    description: str = ""
    untrusted: str = "Warn"  #: what becomes of code that no publisher signed: ``Warn``, ``Enforce``
    tags: dict[str, str] = {}


FUNCTIONS = Table("lambda.functions", Function)
VERSIONS = Table("lambda.versions", Version)
ALIASES = Table("lambda.aliases", Alias)
POLICIES = Table("lambda.policies", Policy)
EVENT_CONFIGS = Table("lambda.event_configs", EventConfig)
PROVISIONED = Table("lambda.provisioned", Provisioned)
URLS = Table("lambda.urls", Url)
URL_IDS = Table("lambda.url_ids", UrlOwner)
MAPPINGS = Table("lambda.mappings", EventSourceMapping)
MAPPING_TAGS = Table("lambda.mapping_tags", MappingTags)
LAYERS = Table("lambda.layers", LayerCounter)
LAYER_VERSIONS = Table("lambda.layer_versions", LayerVersion)
CODE_SIGNING = Table("lambda.code_signing", CodeSigning)
TRANSITIONS = "lambda.transitions"
"""The queue of versions whose state is about to become ``Active`` or whose update is about to be ``Successful``."""


async def find_url(store: Store, url_id: str) -> UrlOwner | None:
    """Return whose a function URL is, by the first label of its host."""
    found = await URL_IDS.get(store, (url_id,))
    return None if found is None else found.value
