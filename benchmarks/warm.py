"""Warm invocations over signed HTTP on the full path, against the floor."""

from __future__ import annotations

from benchmarks import load, server
from benchmarks.report import Row, micros

ROUNDS = 15
_BATCH = 300


def rows() -> list[Row]:
    """Latency of one client and throughput of sixteen."""
    latency, floor_latency, through, floor_through = [], [], [], []
    spent = floor_spent = 0.0
    with server.running() as ours, server.floor(1) as one, server.floor(2) as two:
        key = ours.role_key()
        ours.deploy("echo")
        load.latencies(ours.port, load.invocations(ours.port, "echo", _BATCH, key))
        load.throughput(ours.port, load.invocations(ours.port, "echo", _BATCH, key), 16)
        load.throughput(two.port, load.plain(two.port, _BATCH), 16)
        for _ in range(ROUNDS):
            floor_latency.append(load.median(load.latencies(one.port, load.plain(one.port, _BATCH))))
            latency.append(load.median(load.latencies(ours.port, load.invocations(ours.port, "echo", _BATCH, key))))
            before = server.processor_s(two.pid)
            floor_through.append(load.throughput(two.port, load.plain(two.port, _BATCH * 8), 16))
            floor_spent += (server.processor_s(two.pid) - before) / (_BATCH * 8)
            before = server.processor_s(ours.process.pid)
            through.append(load.throughput(ours.port, load.invocations(ours.port, "echo", _BATCH * 3, key), 16))
            spent += (server.processor_s(ours.process.pid) - before) / (_BATCH * 3)
    return [
        Row(
            "warm invoke, p50, one client, signed HTTP, full path",
            "floor: HTTP → socket pair → handler → HTTP",
            "≤ 4 ×, stretch 2.5 ×",
            [a / b for a, b in zip(latency, floor_latency, strict=True)],
            f"{micros(latency)}, floor {micros(floor_latency)}",
            4.0,
        ),
        Row(
            "warm throughput, 16 clients",
            "the same floor with 2 workers",
            "≥ 0.3 ×, stretch 0.45 ×",
            [a / b for a, b in zip(through, floor_through, strict=True)],
            f"{load.median(through):,.0f}/s, floor {load.median(floor_through):,.0f}/s",
            0.3,
            at_least=True,
            notes=[
                f"processor time each, environments included: {spent / ROUNDS * 1e6:.0f} µs, floor {floor_spent / ROUNDS * 1e6:.0f} µs",
                "16 environments: Lambda queues no synchronous invocation",
            ],
        ),
    ]
