"""What the audit log and the tripwire cost: `python -m benchmarks.audit`.

Processor time of the gateway's own thread per operation (the simulated vendors run in another), the
same operations with and without the log, in turns; and that of the log's writer per entry.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import msgspec

from auth.access import Policy
from auth.audit.entry import Event, Origin, Result, Seen, Who
from auth.audit.keys import AuditKeys
from auth.audit.writer import Writer
from auth.metadata import SCOPES
from auth.principal import Principal
from connectors.registry import Registry
from gateway.compose import Gateway, open_gateway
from gateway.demo import demo_settings
from gateway.operations import Operations
from gateway.trail import Trail
from resolvers.screening import Screen
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from schema.execution import Operation

ROUNDS = 40
SOURCES = ("salesforce", "stripe_eu", "stripe_us")
QUERIES = {
    "one record": "{ orders(first: 1) { nodes { id number total { amount } } } }",
    "100 orders": "{ orders(first: 100) { nodes { id number total { amount currency } } } }",
    "100 orders joined": """{ orders(first: 100) { nodes { id number total { amount currency }
      customer { name } payments { nodes { id status amount { amount }
      refunds { nodes { id } } } } } } }""",
}


async def spent(work: Callable[[], Any]) -> float:
    """Milliseconds of this thread."""
    began = time.thread_time()
    await work()
    return (time.thread_time() - began) * 1000


async def compare(gateway: Gateway, writer: Writer) -> None:
    principal = Principal(
        issuer="https://as", client_id="bench", subject="bench", scopes=frozenset(SCOPES)
    )
    plain, audited = Operations(gateway), Operations(gateway, Trail(writer))
    roads: dict[str, tuple[Operations, AbstractContextManager[object]]] = {
        "plain": (plain, nullcontext()),
        "log": (audited, nullcontext()),
        "no tripwire": (plain, patch.object(Screen, "__call__", lambda screen, value: value)),
    }
    for name, query in QUERIES.items():
        times: dict[str, list[float]] = {road: [] for road in roads}
        for _ in range(ROUNDS):
            for road, (operations, changed) in roads.items():
                context = gateway.context("bench", principal)
                answer = partial(operations.answer, Operation(query), context)
                with changed:
                    times[road].append(await spent(answer))
        medians = {road: statistics.median(found) for road, found in times.items()}
        print(
            f"{name:20} {medians['plain']:8.2f} ms"
            f"   log {_ratio(medians['log'], medians['plain'])}"
            f"   tripwire {_ratio(medians['plain'], medians['no tripwire'])}"
        )


def _ratio(after: float, before: float) -> str:
    return f"{(after / before - 1) * 100:+.1f}%"


def write(folder: Path, keys: AuditKeys) -> None:
    """Entries with 100 records each, as fast as the writer takes them."""
    ids = tuple(keys.pseudonym(f"record {number}") for number in range(100))
    event = Event(
        action="query",
        origin=Origin.GRAPHQL,
        outcome=Result.ALLOWED,
        principal=Who(iss="https://as", client_id="bench", sub="bench"),
        records={"Order": Seen(100, ids)},
    )
    writer = Writer(folder, keys, "bench", room=100_000)
    writer.start()
    count, began = 20_000, time.process_time()
    wall = time.perf_counter()
    for _ in range(count):
        writer.put(event)
    writer.close()
    cpu, wall = time.process_time() - began, time.perf_counter() - wall
    size = sum(path.stat().st_size for path in folder.glob("*.jsonl"))
    print(
        f"writer               {cpu / count * 1e6:8.1f} us of processor per entry,"
        f" {count / wall:.0f} entries/s, {size // count} bytes each"
    )


async def run(folder: Path) -> None:
    with Sandbox(vendors=discover(("salesforce",)), size=200, rate_limits=False) as sandbox:
        settings = demo_settings(sandbox, Registry(), str(folder))
        own = {name: settings.sources[name] for name in SOURCES}
        settings = msgspec.structs.replace(settings, sources=own)
        keys = AuditKeys(b"k" * 32)
        async with open_gateway(settings, Registry()) as gateway:
            guarded = msgspec.structs.replace(gateway, policy=Policy())
            writer = Writer(folder / "audit", keys, "bench")
            writer.start()
            gc.freeze()
            await compare(guarded, writer)
            writer.close()
        write(folder / "writer", keys)


if __name__ == "__main__":
    with TemporaryDirectory(prefix="tillgate-bench-") as place:
        asyncio.run(run(Path(place)))
