"""``kill -9`` under load, again and again: everything acknowledged is there, nothing is half-written.

``LAMBENT_TEST_KILLS`` sets how often (5 unless told); the seed is printed when it fails.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from lambent.adapters.blobs import FileBlobs
from lambent.adapters.sqlite import SqliteStore
from lambent.base.clock import SystemClock
from lambent.domain.documents import is_kept
from lambent.domain.http import read_all
from lambent.domain.storage import Document, Entry

KILLS = int(os.environ.get("LAMBENT_TEST_KILLS", "5"))
PROCESS = Path(__file__).with_name("committing_process.py")


def run_until_killed(directory: Path, run: int, seconds: float) -> dict[str, set[str]]:
    """Start the process, kill it ``seconds`` after its first commit, and return what it said: names by what became of them."""
    said: dict[str, set[str]] = {"committed": set(), "conflict": set(), "handled": set(), "relaxed": set()}
    with subprocess.Popen([sys.executable, str(PROCESS), str(directory), str(run)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        kill_at = time.monotonic() + seconds
        lines = [first]
        while time.monotonic() < kill_at:
            lines.append(process.stdout.readline())
        process.kill()
        lines += process.stdout.readlines()
    for line in lines:
        if line.endswith(b"\n"):
            what, name = line.decode().split()
            said[what].add(name)
    return said


async def all_documents(store: SqliteStore, table: str) -> dict[str, Document]:
    found: dict[str, Document] = {}
    page = await store.range(table)
    while page:
        found |= {str(document.key[0]): document for document in page}
        page = await store.range(table, after=page[-1].key)
    return found


async def all_entries(store: SqliteStore, log: str) -> list[Entry]:
    found: list[Entry] = []
    while page := await store.read(log, after=found[-1].sequence if found else 0):
        found += page
    return found


async def examine(directory: Path, said: dict[str, set[str]]) -> None:
    store = SqliteStore.open(directory, SystemClock())
    blobs = FileBlobs(directory / "blobs", SystemClock())
    documents = await all_documents(store, "t")
    handled = await all_documents(store, "handled")
    assert said["committed"] <= documents.keys(), "an acknowledged commit is gone"
    assert said["relaxed"] <= (await all_documents(store, "relaxed")).keys(), "a relaxed commit did not outlive its process"
    assert said["handled"] <= handled.keys(), "an acknowledged outcome is gone"
    assert not said["conflict"] & documents.keys(), "a conflicting commit was written"
    assert all(document.value == name.encode() for name, document in documents.items())
    assert len({document.version for document in documents.values()}) == len(documents)

    entries = await all_entries(store, "l")
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert sorted(entry.data for entry in entries) == sorted(2 * [name.encode() for name in documents]), "a commit is half there"
    assert all(one.data == two.data and (one.time_ms, two.time_ms) == (1, 2) for one, two in zip(entries[::2], entries[1::2], strict=True))

    waiting = await store.lease("q", now=1.0, seconds=0.0, limit=1_000_000)
    names = {lease.message_id for lease in waiting}
    assert names | handled.keys() == documents.keys(), "a message was lost"
    assert not names & handled.keys(), "a message was handled and is still there"

    for name, document in (await all_documents(store, "blobs")).items():
        digest = document.value.decode()
        assert await read_all(blobs.read(digest)) == name.encode() * 1000
        assert await is_kept(store, digest)
    await store.close()


async def test_what_was_acknowledged_outlives_kill_9(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    said: dict[str, set[str]] = {"committed": set(), "conflict": set(), "handled": set(), "relaxed": set()}
    for run in range(KILLS):
        for what, names in run_until_killed(tmp_path, run, chance.uniform(0.0, 0.5)).items():
            said[what] |= names
        await examine(tmp_path, said)
    assert min(map(len, said.values())) > 0
