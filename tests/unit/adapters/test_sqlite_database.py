"""Opening a data directory: what is refused, how clearly, and that it is left alone. What a restart keeps and releases."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from lambent.adapters.sqlite import DirectoryLock, SqliteStore, migrations
from lambent.base.clock import VirtualClock
from lambent.domain.errors import LambentError, StartupError
from lambent.domain.storage import Acknowledge, Append, Delete, Enqueue, Entry, Postpone, Put, Record, Trim

PAGE_BYTES = 4096


async def filled(directory: Path) -> Path:
    store = SqliteStore.open(directory, VirtualClock())
    await store.commit([Put("t", (index,), b"x" * 500) for index in range(500)])
    await store.close()
    return directory / "lambent.db"


def refused(directory: Path) -> str:
    """Return the refusal's text, having seen that no byte of the file changed and that the lock was let go."""
    path = directory / "lambent.db"
    before = path.read_bytes()
    texts = []
    for _ in range(2):
        with pytest.raises(StartupError) as caught:
            SqliteStore.open(directory, VirtualClock())
        texts.append(str(caught.value))
    assert path.read_bytes() == before
    assert texts[0] == texts[1]
    assert str(path) in texts[0]
    assert "left as it is" in texts[0]
    return texts[0]


async def test_a_second_server_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first = SqliteStore.open(tmp_path, VirtualClock())
    with pytest.raises(StartupError, match=r"in use by another server \(process \d+\).*--data-dir"):
        SqliteStore.open(tmp_path, VirtualClock())
    await first.close()
    await SqliteStore.open(tmp_path, VirtualClock()).close()


async def test_a_directory_may_be_locked_ahead(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(StartupError, match="in use by another server"):
        SqliteStore.open(tmp_path, VirtualClock())
    await SqliteStore.open(tmp_path, VirtualClock(), lock).close()
    await SqliteStore.open(tmp_path, VirtualClock()).close()


async def test_the_lock_holds_between_processes_and_ends_with_them(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from lambent.adapters.sqlite import SqliteStore; from lambent.base.clock import SystemClock\n"
        "store = SqliteStore.open(Path(sys.argv[1]), SystemClock()); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"open\n"
        with pytest.raises(StartupError, match=f"process {server.pid}"):
            SqliteStore.open(tmp_path, VirtualClock())
        server.kill()
    await SqliteStore.open(tmp_path, VirtualClock()).close()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "lambent.db").write_bytes(b"these are my holiday notes " * 1000)
    assert "not a database" in refused(tmp_path)


async def test_a_damaged_beginning(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    path.write_bytes(b"\0" * PAGE_BYTES + path.read_bytes()[PAGE_BYTES:])
    refused(tmp_path)


async def test_damage_in_the_middle(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    data = bytearray(path.read_bytes())
    data[20 * PAGE_BYTES : 30 * PAGE_BYTES] = b"\xa5" * (10 * PAGE_BYTES)
    path.write_bytes(data)
    refused(tmp_path)


async def test_a_cut_off_file(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    path.write_bytes(path.read_bytes()[: 10 * PAGE_BYTES])
    refused(tmp_path)


async def test_an_emptied_file_beside_its_write_ahead_log(tmp_path: Path) -> None:
    (tmp_path / "lambent.db").touch()
    (tmp_path / "lambent.db-wal").write_bytes(b"acknowledged commits")
    refused(tmp_path)
    assert (tmp_path / "lambent.db-wal").read_bytes() == b"acknowledged commits"


async def test_a_newer_version_of_the_file(tmp_path: Path) -> None:
    with closing(sqlite3.connect(await filled(tmp_path))) as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations.steps()) + 3}")
    assert "newer version" in refused(tmp_path)


async def test_another_programs_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "lambent.db")) as connection:
        connection.execute("CREATE TABLE browser_history (url)")
    assert "another program" in refused(tmp_path)


@pytest.mark.parametrize("name", ["lambent.db", "lock"])
async def test_something_else_in_the_way(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(StartupError, match=str(tmp_path)):
        SqliteStore.open(tmp_path, VirtualClock())


async def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="can't be used"):
        SqliteStore.open(tmp_path / "file" / "data", VirtualClock())


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, VirtualClock())
    (first,) = await store.commit([Put("t", ("gone",), b"")])
    await store.commit([Delete("t", ("gone",)), Put("t", ("here",), b"v"), Enqueue("q", "m", b"b", 5.0), Append("l", (Record(1, b"r"),))])
    await store.close()
    store = SqliteStore.open(tmp_path, VirtualClock())
    (version,) = await store.commit([Put("t", ("new",), b"")])
    assert version > first + 1
    assert [document.key for document in await store.range("t")] == [("here",), ("new",)]
    assert await store.next_due("q") == 5.0
    assert await store.commit([Append("l", (Record(2, b"s"),))]) == (2,)
    await store.close()


async def test_records_of_the_first_format_are_read_trimmed_and_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect(tmp_path / "lambent.db")) as connection:
        connection.executescript(f"BEGIN; {migrations.steps()[0]}; PRAGMA user_version = 1; COMMIT;")
        connection.execute("INSERT INTO logs (id, name, last) VALUES (7, 'l', 5)")
        old = [(7, number, 10 * number, b"%d" % number) for number in (1, 2, 4, 5)]
        connection.executemany("INSERT INTO records (log, sequence, time_ms, data) VALUES (?, ?, ?, ?)", old)
        connection.commit()
    store = SqliteStore.open(tmp_path, VirtualClock())
    assert "from format 1 to 2" in caplog.text
    entries = [Entry(*row[1:]) for row in old]
    assert await store.read("l") == entries
    assert await store.read("l", after=1, before=5, reverse=True) == entries[2:0:-1]
    assert await store.commit([Append("l", (Record(15, b"6"), Record(60, b"7"), Record(70, b"8")))]) == (6,)
    await store.commit([Trim("l", 40)])
    assert await store.read("l") == [*entries[2:], Entry(7, 60, b"7"), Entry(8, 70, b"8")]
    await store.close()


async def test_versions_are_not_given_twice_over_restarts(tmp_path: Path) -> None:
    versions: list[int] = []
    for _ in range(3):
        store = SqliteStore.open(tmp_path, VirtualClock())
        versions += await store.commit([Put("t", ("a",), b"")])
        await store.commit([Delete("t", ("a",))])
        await store.close()
    assert versions == sorted(set(versions))


async def test_leases_end_with_the_process_that_gave_them(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, VirtualClock())
    await store.commit([Enqueue("q", "m", b"", 5.0)])
    (old,) = await store.lease("q", now=6.0, seconds=1_000_000)
    await store.close()
    store = SqliteStore.open(tmp_path, VirtualClock())
    assert await store.next_due("q") == 5.0
    (new,) = await store.lease("q", now=6.0, seconds=10)
    assert new.token != old.token
    await store.commit([Acknowledge(old), Postpone(old, 0.0)])
    assert await store.next_due("q") == 16.0
    await store.close()


async def test_a_copy_of_a_running_stores_files_opens(tmp_path: Path) -> None:
    """What is on disk at any moment is a whole store: here with everything still in the write-ahead log."""
    store = SqliteStore.open(tmp_path / "running", VirtualClock())
    await store.commit([Put("t", ("a",), b"1")])
    shutil.copytree(tmp_path / "running", tmp_path / "copy")
    await store.close()
    copy = SqliteStore.open(tmp_path / "copy", VirtualClock())
    assert len(await copy.range("t")) == 1
    await copy.close()


async def test_one_value_that_cannot_be_stored_spoils_no_other_commit(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, VirtualClock())
    bad = [Put("t", ("bad",), "a text"), Append("l", (Record(1 << 70, b""),)), Enqueue("q", "m", object(), 0.0)]  # type: ignore[arg-type]
    good = [Put("t", (index,), b"") for index in range(20)]
    mixed = [*good[:10], Enqueue("q", "\ud800", b"", 0.0), *bad[1:], *good[10:]]
    results = await asyncio.gather(*(store.commit([write]) for write in mixed), return_exceptions=True)
    assert [isinstance(result, Exception) for result in results] == [False] * 10 + [True] * 3 + [False] * 10
    assert len(await store.range("t")) == 20
    await store.close()


async def test_concurrent_commits_share_transactions(tmp_path: Path) -> None:
    """200 commits that wait at once take a few transactions: the write-ahead log grows by far less than 200 times its least."""
    store = SqliteStore.open(tmp_path, VirtualClock())
    log = tmp_path / "lambent.db-wal"
    before = log.stat().st_size
    await asyncio.gather(*(store.commit([Put("t", (index,), b"")]) for index in range(200)))
    assert (log.stat().st_size - before) / PAGE_BYTES < 100
    await store.close()


async def test_many_rows_are_read_whole(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, VirtualClock())
    await store.commit([Put("t", (index,), b"") for index in range(1500)])
    assert [document.key for document in await store.range("t", limit=1200)] == [(index,) for index in range(1200)]
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, VirtualClock())
    await store.close()
    await store.close()
    with pytest.raises(LambentError, match="closed"):
        await store.commit([Put("t", ("a",), b"")])


async def test_a_full_disk_fails_only_what_does_not_fit(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, VirtualClock())
    (before,) = await store.commit([Put("t", ("first",), b"")])
    pages = store._write_connection.execute("PRAGMA page_count").fetchone()[0]
    store._write_connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    sizes = [10, 10, 1_000_000, 10, 10]
    results = await asyncio.gather(
        *(store.commit([Put("t", ("half",), b""), Put("t", (index,), b"x" * size)]) for index, size in enumerate(sizes)),
        return_exceptions=True,
    )
    assert [isinstance(result, LambentError) for result in results] == [False, False, True, False, False]
    assert "full" in str(results[2])
    store._write_connection.execute("PRAGMA max_page_count = 1000000")
    (after,) = await store.commit([Put("t", (2,), b"x" * 1_000_000)])
    assert after > before
    assert [document.key for document in await store.range("t")] == [(0,), (1,), (2,), (3,), (4,), ("first",), ("half",)]
    await store.close()
