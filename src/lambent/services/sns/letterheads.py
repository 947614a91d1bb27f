"""What all envelopes of one message share: its fields and their signature, made once however many subscribers there are."""

from __future__ import annotations

import asyncio

from lambent.services.sns import envelopes
from lambent.services.sns.context import Sns
from lambent.services.sns.dispatches import Dispatch, Kind
from lambent.services.sns.state import Subscription, Topic


class Letterhead:
    """The shared part of a dispatch's envelopes."""

    def __init__(self, sns: Sns, topic: Topic, dispatch: Dispatch) -> None:
        self._sns = sns
        self._topic = topic
        self._dispatch = dispatch
        self._made: dict[str, asyncio.Task[tuple[dict[str, str], envelopes.Sheet]]] = {}  #: by what the message says

    async def fields(self, protocol: str) -> dict[str, str]:
        """Return an envelope's fields, signed unless they are a FIFO topic's."""
        return (await self._for(protocol))[0]

    async def envelope(self, subscription: Subscription, protocol: str) -> str:
        """Return a subscription's envelope."""
        fields, sheet = await self._for(protocol)
        return sheet.to(subscription.id) if self._dispatch.kind is Kind.NOTIFICATION else envelopes.about_subscription(fields)

    async def _for(self, protocol: str) -> tuple[dict[str, str], envelopes.Sheet]:
        said = self._dispatch.message.text_for(protocol)
        making = self._made.get(said)
        if making is None:
            making = self._made[said] = asyncio.create_task(self._make(protocol), name=f"envelope {self._dispatch.message.id}")
        return making.result() if making.done() else await making

    async def _make(self, protocol: str) -> tuple[dict[str, str], envelopes.Sheet]:
        host, topic_arn, message = self._sns.platform.public_host, self._topic.arn, self._dispatch.message
        fields = envelopes.fields_of(self._dispatch, topic_arn, protocol, host)
        if not self._topic.fifo:
            version = self._topic.attributes.get("SignatureVersion", "1")
            signature = await self._sns.signer.sign(fields, version)
            fields |= {"SignatureVersion": version, "Signature": signature, "SigningCertURL": await self._sns.signer.certificate_url()}
        return fields, envelopes.notification(fields, message, host, topic_arn)
