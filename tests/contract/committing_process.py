"""A process that commits until it is killed, saying on stdout what was acknowledged; started by ``test_kill.py``.

Each commit writes the same number into a table, a queue, a log and a running total, all or nothing. Every fifth is a conflict, and
another fifth comes after one that doesn't wait for the disk.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from lambent.adapters.blobs import FileBlobs
from lambent.adapters.sqlite import SqliteStore
from lambent.base.clock import SystemClock
from lambent.domain.documents import keep
from lambent.domain.errors import Conflict
from lambent.domain.http import BytesStream
from lambent.domain.storage import Acknowledge, Append, Delete, Enqueue, Put, Record

COMMITTERS = 16


async def commit_forever(store: SqliteStore, blobs: FileBlobs, run: int, worker: int) -> None:
    for count in itertools.count():
        name = f"{run}-{worker}-{count}"
        data = name.encode()
        writes = [Put("t", (name,), data), Enqueue("q", name, data, 0.0), Append("l", (Record(1, data), Record(2, data)))]
        if count % 5 == 4:
            try:
                await store.commit([*writes, Put("t", (name,), b"", 1)])
            except Conflict:
                os.write(1, f"conflict {name}\n".encode())
            continue
        if count % 5 == 2:
            await store.commit([Put("relaxed", (name,), data)], durable=False)
            os.write(1, f"relaxed {name}\n".encode())
        if count % 7 == 3:
            blob = await blobs.put(BytesStream(data * 1000))
            writes += [keep(blob.digest, name), Put("blobs", (name,), blob.digest.encode())]
        await store.commit(writes)
        os.write(1, f"committed {name}\n".encode())


async def handle_forever(store: SqliteStore, run: int) -> None:
    """Move messages on: a handled one is gone from the queue and its outcome is there, in one commit."""
    while True:
        leases = await store.lease("q", now=1.0, seconds=60, limit=4)
        if not leases:
            await store.wait_enqueued("q")
            continue
        for lease in leases[1:]:
            await store.commit([Acknowledge(lease), Put("handled", (lease.message_id,), b"%d" % run), Delete("t", ("none",))])
            os.write(1, f"handled {lease.message_id}\n".encode())


async def main() -> None:
    directory, run = Path(sys.argv[1]), int(sys.argv[2])
    store = SqliteStore.open(directory, SystemClock())
    blobs = FileBlobs(directory / "blobs", SystemClock())
    await asyncio.gather(handle_forever(store, run), *(commit_forever(store, blobs, run, worker) for worker in range(COMMITTERS)))


asyncio.run(main())
