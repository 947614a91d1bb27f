"""PutEvents: an event is acknowledged when its deliveries and its place in archives are committed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.domain.call import Call
from lambent.domain.caller import CallerKind
from lambent.domain.errors import NotImplementedHere
from lambent.domain.service import Operations
from lambent.domain.storage import Append, Enqueue, Record, Write
from lambent.services.events import entries, inputs
from lambent.services.events.access import check_put_events
from lambent.services.events.context import Events
from lambent.services.events.errors import invalid
from lambent.services.events.names import bus_ref
from lambent.services.events.rulebook import Page
from lambent.services.events.state import DELIVERIES, HTTP_DELIVERIES, Delivery, Rule

if TYPE_CHECKING:
    from lambent.services.events import _generated_shapes as shapes

operations: Operations[Events] = Operations()

HOPS_MAX = 16
"""After so many buses an event goes no further: rules that send it round would never end."""


@operations.serves("PutEvents")
async def put_events(events: Events, call: Call, request: shapes.PutEventsRequest) -> dict[str, Any]:
    """Take events; each is accepted or refused by itself. What is sent to a bus that isn't there is accepted and lost, as in AWS."""
    if request.get("EndpointId"):
        raise NotImplementedHere("events", "PutEvents", "Global endpoints (EndpointId) are not built.")
    given: list[Mapping[str, Any]] = list(request["Entries"])
    if sum(map(entries.size, given)) > events.platform.quotas.put_events_bytes_max:
        raise invalid("Total size of the entries in the request is over the limit.")
    results: list[dict[str, str]] = []
    writes: list[Write] = []
    for entry in given:
        envelope = {} if call.host else entry.get("$envelope", {})  # by which a bus hands an event on
        failed = entries.fault(entry, may_be_aws=bool(envelope) or call.caller.kind is CallerKind.SERVICE)
        if failed:
            results.append(failed)
            continue
        event = entries.event_of(
            entry, event_id=events.platform.ids.uuid(), account_id=call.account_id, region=call.region, now=events.now
        ) | {key: value for key, value in envelope.items() if key != "hops"}
        ref = bus_ref(call, entry.get("EventBusName"))
        page = await events.book.of(ref)
        if page is not None:
            check_put_events(call, ref, page.statements)
            trace = trace_of(entry.get("TraceHeader") or call.trace_header)
            writes += arrivals(events, page, event, hops=envelope.get("hops", 0), trace_header=trace)
        results.append({"EventId": event["id"]})
    if writes:
        await events.platform.store.commit(writes)
    return {"FailedEntryCount": sum("ErrorCode" in each for each in results), "Entries": results}


def arrivals(events: Events, page: Page, event: Mapping[str, Any], *, hops: int, trace_header: str) -> list[Write]:
    """Return what follows from an event's arrival on a bus: deliveries to the targets of rules that match, records in archives."""
    text = inputs.dump(event).encode()
    writes: list[Write] = []
    for entry in page.waiting(event):
        if entry.rule is not None:
            writes += deliveries(events, entry.rule, text, hops=hops, trace_header=trace_header)
        elif entry.archive is not None:
            writes.append(Append(entry.archive.log, (Record(int(events.now * 1000), text),)))
    return writes


def deliveries(events: Events, rule: Rule, event: bytes, *, hops: int = 0, trace_header: str = "") -> list[Write]:
    """Return a delivery for each of a rule's targets."""
    if hops > HOPS_MAX:
        return []
    made = (
        Delivery(rule=rule.ref, target=target, event=event, ingested=events.now, hops=hops, trace_header=trace_header)
        for target in rule.targets.values()
    )
    return [Enqueue(_queue(each), events.platform.ids.ordered(), msgspec.msgpack.encode(each), events.now) for each in made]


def _queue(delivery: Delivery) -> str:
    return HTTP_DELIVERIES if ":api-destination/" in delivery.target["Arn"] else DELIVERIES


def trace_of(header: str) -> str:
    """Return what of a trace header targets are told: all but the lineage, by which AWS finds loops, but none through EventBridge."""
    return ";".join(each for each in header.split(";") if each and not each.startswith("Lineage="))
