"""The server at rest: how soon it listens, and what it holds."""

from __future__ import annotations

import time

from benchmarks import load, server
from benchmarks.report import Row, millis

ROUNDS = 5
_SETTLES_S = 1.0  #: some of what a server needs it loads when nobody waits for it


def rows() -> list[Row]:
    """Listening and memory."""
    listening, memory, base, bare = [], [], [], []
    for _ in range(ROUNDS):
        base += server.timed([server.PYTHON, "-c", "pass"], 3)
        with server.running("--ephemeral") as ours:
            listening.append(ours.listening_s)
            time.sleep(_SETTLES_S)
            memory.append(ours.rss_mb())
    bare = [load.median(base)] * ROUNDS
    return [
        Row(
            "listening after the command",
            "0.5 s",
            "≤ 0.5 s",
            [each / 0.5 for each in listening],
            f"{millis(listening)}; `python3 -c pass` {millis(bare)}",
            1.0,
        ),
        Row(
            "resident memory at rest, without templates",
            "80 MB",
            "≤ 80 MB",
            [each / 80 for each in memory],
            f"{load.median(memory):.0f} MB",
            1.0,
        ),
    ]
