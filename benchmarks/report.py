"""What a run showed, as tables and as JSON."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from typing import Any

import msgspec

from benchmarks.clients import Cost
from benchmarks.compare import Cell, Check, Comparison

PACKAGES = (
    "tillgate",
    "strawberry-graphql",
    "graphql-core",
    "aiodataloader",
    "httpx",
    "httpx-aiohttp",
    "aiohttp",
    "msgspec",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
)


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def shown(values: Sequence[float]) -> str:
    """The median and, of several values, the least and the greatest."""
    middle = _figure(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({_figure(min(values))}–{_figure(max(values))})"


def comparison(found: Comparison) -> str:
    """Two tables: what one query is, and how the two sides compare under load."""
    return f"{_checks(found.checks, found.sides)}\n\n{_cells(found.cells, found.sides)}\n"


def clients(costs: Sequence[Cost]) -> str:
    levels = list(dict.fromkeys(cost.concurrency for cost in costs))
    by_client: dict[str, list[str]] = {}
    for cost in costs:
        by_client.setdefault(cost.client, []).append(shown(cost.cpu_us))
    head = ["HTTP client", *(f"CPU µs per GET, {level} at once" for level in levels)]
    return table([head, *([name, *cells] for name, cells in by_client.items())]) + "\n"


def as_json(seconds: float, rounds: int, found: Mapping[str, Any]) -> bytes:
    facts = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.machine(),
        "versions": versions(),
        "seconds": seconds,
        "rounds": rounds,
    }
    return msgspec.json.format(msgspec.json.encode({**facts, **found}), indent=2)


def _checks(checks: Sequence[Check], sides: Sequence[str]) -> str:
    one, other = sides
    rows = [["", "requests", "orders", "payments", "refunds", f"calls/query {one}", other]]
    for check in checks:
        holds = check.contents
        rows.append(
            [check.workload]
            + [str(n) for n in (check.requests, holds.orders, holds.payments, holds.refunds)]
            + [f"{check.calls[side]:g}" for side in sides]
        )
    return table(rows)


def _cells(cells: Sequence[Cell], sides: Sequence[str]) -> str:
    head = ["", "side", "req/s", "CPU ms/req", "calls/req", "p50 ms", "p99 ms", "peak MB"]
    rows = [[*head, "x req/s", "x CPU"]]
    pairs: dict[tuple[str, int], dict[str, Cell]] = {}
    for cell in cells:
        pairs.setdefault((cell.workload, cell.concurrency), {})[cell.side] = cell
    for pair in pairs.values():
        ours, theirs = (pair[side] for side in sides)
        speed = _ratios(ours.per_second, theirs.per_second)
        cpu = _ratios(theirs.cpu_ms, ours.cpu_ms)
        rows += [[*_row(ours), speed, cpu], [*_row(theirs), "1", "1"]]
    return table(rows)


def _row(cell: Cell) -> list[str]:
    return [
        f"{cell.workload} c{cell.concurrency}",
        cell.side,
        shown(cell.per_second),
        shown(cell.cpu_ms),
        f"{median(cell.calls):g}",
        shown(cell.p50_ms),
        shown(cell.p99_ms),
        f"{max(cell.peak_kib) // 1024}",
    ]


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Round by round, because both sides of a round met the same machine."""
    return shown([a / b for a, b in zip(ours, theirs, strict=True) if b])


def _figure(value: float) -> str:
    """Three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """In Markdown; the first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
