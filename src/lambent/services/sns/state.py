"""The documents of SNS. Times are in seconds since 1970."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.domain.arns import arn
from lambent.domain.documents import Table
from lambent.domain.storage import Key
from lambent.services.sns.arns import TopicKey

TOKEN_S: Final = 172_800.0
"""How long a token confirms: two days."""


class Owned(msgspec.Struct, frozen=True):
    """That an account has a subscription, under its owner's key."""

    key: tuple[str, str, str, str]  #: of the subscription


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic; its attributes are those that were set, as text."""

    account_id: str
    region: str
    name: str
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    deleted: int = 0  #: how many of its subscriptions were deleted
    archive: str = ""  #: id of its archive; empty when its messages are not archived
    archived_since: float = 0.0

    @property
    def key(self) -> TopicKey:
        """The document's key."""
        return (self.account_id, self.region, self.name)

    @property
    def arn(self) -> str:
        """The topic's ARN."""
        return arn("sns", self.region, self.account_id, self.name)

    @property
    def fifo(self) -> bool:
        """Whether it keeps the order of its messages."""
        return self.name.endswith(".fifo")


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription; its attributes are those that were set, as text."""

    id: str
    topic: tuple[str, str, str]  #: account, region, name
    owner: str  #: the account that subscribed
    principal: str  #: the ARN of who subscribed
    protocol: str
    endpoint: str
    pending: bool = False  #: whether its endpoint has yet to confirm
    authenticated: bool = False  #: whether it was confirmed by a signed request
    unsubscribe_authenticated: bool = False  #: whether only its owner may end it
    attributes: dict[str, str] = {}

    @property
    def key(self) -> Key:
        """The document's key."""
        return (*self.topic, self.id)

    @property
    def topic_arn(self) -> str:
        """The ARN of its topic."""
        account_id, region, name = self.topic
        return arn("sns", region, account_id, name)

    @property
    def arn(self) -> str:
        """The subscription's ARN."""
        return f"{self.topic_arn}:{self.id}"

    @property
    def owned(self) -> Key:
        """The key under which its owner lists it."""
        return (self.owner, self.topic[1], self.topic[0], self.topic[2], self.id)

    @property
    def reference(self) -> Owned:
        """What stands under that key."""
        return Owned((*self.topic, self.id))

    @property
    def raw(self) -> bool:
        """Whether messages arrive as they were published."""
        return self.attributes.get("RawMessageDelivery") == "true"

    @property
    def replays_only(self) -> bool:
        """Whether it gets no new messages, since its replay has an end."""
        return '"EndingPoint"' in self.attributes.get("ReplayPolicy", "")

    @property
    def body_scope(self) -> bool:
        """Whether its filter looks at the message's body."""
        return self.attributes.get("FilterPolicyScope") == "MessageBody"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a confirmation's token stands for: the subscription as it was, so that an ended one can be restored."""

    subscription: Subscription
    expires: float
    restores: bool = False  #: whether it brings back a subscription that was ended


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """A platform application; credentials are not kept."""

    account_id: str
    region: str
    platform: str
    name: str
    attributes: dict[str, str]

    @property
    def key(self) -> Key:
        """The document's key."""
        return (self.account_id, self.region, self.platform, self.name)

    @property
    def arn(self) -> str:
        """The application's ARN."""
        return arn("sns", self.region, self.account_id, f"app/{self.platform}/{self.name}")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A device that an application is on."""

    id: str
    application: tuple[str, str, str, str]  #: account, region, platform, name
    attributes: dict[str, str]  #: ``Enabled``, ``Token`` and, if there is any, ``CustomUserData``

    @property
    def key(self) -> Key:
        """The document's key."""
        return (*self.application, self.id)

    @property
    def arn(self) -> str:
        """The endpoint's ARN."""
        account_id, region, platform, name = self.application
        return arn("sns", region, account_id, f"endpoint/{platform}/{name}/{self.id}")


class Texting(msgspec.Struct, frozen=True):
    """An account's settings of text messages."""

    attributes: dict[str, str] = {}


class SandboxNumber(msgspec.Struct, frozen=True):
    """A phone number that was added to be verified."""

    password: str  #: the one-time password that was texted
    verified: bool = False


TOPICS: Table[Topic] = Table("sns.topics", Topic)
SUBSCRIPTIONS: Table[Subscription] = Table("sns.subscriptions", Subscription)
OWNED: Table[Owned] = Table("sns.owned", Owned)
TOKENS: Table[Token] = Table("sns.tokens", Token)
APPLICATIONS: Table[Application] = Table("sns.applications", Application)
ENDPOINTS: Table[Endpoint] = Table("sns.endpoints", Endpoint)
TEXTING: Table[Texting] = Table("sns.texting", Texting)
SANDBOX: Table[SandboxNumber] = Table("sns.sandbox", SandboxNumber)
