"""Two gateways over the same vendors: equal answers first, then time, CPU and upstream calls."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median

import msgspec

from benchmarks.load import Job, Outcome, run
from benchmarks.processes import (
    CannotMeasure,
    Process,
    calls,
    code_digest,
    peak_memory,
    python,
    running,
    upstream,
)
from benchmarks.workloads import Contents, Workload, ask, bodies, contents, leaves
from gateway.demo_clients import demo_client
from gateway.token import fetch_token

PREFIXES = {"tillgate": "crm:order:", "guarded": "crm:order:", "naive": ""}
SIDES = ("tillgate", "naive")
PRICED = ("guarded", "tillgate")
"""What is judged, and what it is beside."""
READER = {"guarded": "frontend"}
"""As whom a side is asked that wants to know; this one may see all."""


class Unequal(Exception):
    """The two sides answered differently: then no time means anything."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One workload asked once, request by request; by side where the two may differ."""

    workload: str
    requests: int
    contents: Contents
    calls: dict[str, float]
    bytes: dict[str, int]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One side under one workload at one concurrency: a value per round."""

    workload: str
    concurrency: int
    side: str
    per_second: list[float]
    cpu_ms: list[float]
    calls: list[float]
    p50_ms: list[float]
    p99_ms: list[float]
    peak_kib: list[int]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is a digest of the files that were measured, the same ones in every round; ratios are
    those of the first of `sides` to the second."""

    code: str
    sides: tuple[str, ...]
    checks: list[Check]
    cells: list[Cell]


class Stage(msgspec.Struct, frozen=True):
    """The servers of one round, and each side's requests by workload."""

    vendors: Process
    gateways: dict[str, Process]
    tokens: dict[str, str | None]
    bodies: dict[str, dict[str, list[bytes]]]


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def compare(
    workloads: Sequence[Workload], seconds: float, rounds: int, sides: tuple[str, ...] = SIDES
) -> Comparison:
    """Raises Unequal, or CannotMeasure. Servers are new in each round; both sides take turns."""
    checks: list[Check] = []
    cells: dict[tuple[str, int, str], Cell] = {}
    code = code_digest()
    with upstream() as vendors:
        for number in range(rounds):
            with _stage(vendors, sides) as stage:
                if not number:
                    checks = [_check(stage, workload) for workload in workloads]
                for workload in workloads:
                    progress(f"round {number + 1}/{rounds}: {workload.name} {workload.summary}")
                    _round(stage, workload, seconds, cells, backwards=bool(number % 2))
            if code_digest() != code:
                raise CannotMeasure("the code was edited during the run, so its rounds differ")
    return Comparison(code=code, sides=sides, checks=checks, cells=list(cells.values()))


@contextmanager
def _stage(vendors: Process, sides: tuple[str, ...]) -> Iterator[Stage]:
    origin = f"http://127.0.0.1:{vendors.port}"
    with ExitStack() as stack:
        gateways = {
            side: stack.enter_context(
                running(python("benchmarks.serve", side, origin), measured=True)
            )
            for side in sides
        }
        tokens = {side: _token(side, gateway.port) for side, gateway in gateways.items()}
        asked = {
            side: bodies(gateway.port, PREFIXES[side], tokens[side])
            for side, gateway in gateways.items()
        }
        yield Stage(vendors, gateways, tokens, asked)


def _token(side: str, port: int) -> str | None:
    role = READER.get(side)
    return None if role is None else fetch_token(f"http://127.0.0.1:{port}", *demo_client(role))


def _check(stage: Stage, workload: Workload) -> Check:
    asked, sizes, answers = {}, {}, {}
    for side in stage.gateways:
        before = calls(stage.vendors.port)
        requests = stage.bodies[side][workload.name]
        sized = [ask(stage.gateways[side].port, body, stage.tokens[side]) for body in requests]
        asked[side] = (calls(stage.vendors.port) - before) / len(requests)
        sizes[side] = sum(size for size, _ in sized) // len(requests)
        answers[side] = [leaves(answer) for _, answer in sized]
    one, other = answers.values()
    if one != other:
        raise Unequal(f"{workload.name}: the two sides' answers are not the same")
    found = contents(one)
    progress(f"{workload.name}: equal answers to {len(requests)} requests, {found}")
    return Check(
        workload=workload.name,
        requests=len(requests),
        contents=found,
        calls=asked,
        bytes=sizes,
    )


def _round(
    stage: Stage,
    workload: Workload,
    seconds: float,
    cells: dict[tuple[str, int, str], Cell],
    *,
    backwards: bool,
) -> None:
    for concurrency in workload.concurrency:
        for side in reversed(stage.gateways) if backwards else stage.gateways:
            gateway = stage.gateways[side]
            job = Job(
                port=gateway.port,
                pid=gateway.pid,
                upstream=stage.vendors.port,
                bodies=stage.bodies[side][workload.name],
                concurrency=concurrency,
                seconds=seconds,
                token=stage.tokens[side],
            )
            cell = cells.setdefault(
                (workload.name, concurrency, side), _empty(workload.name, concurrency, side)
            )
            _add(cell, run(job), peak_memory(gateway.pid))


def _empty(workload: str, concurrency: int, side: str) -> Cell:
    return Cell(
        workload=workload,
        concurrency=concurrency,
        side=side,
        per_second=[],
        cpu_ms=[],
        calls=[],
        p50_ms=[],
        p99_ms=[],
        peak_kib=[],
    )


def _add(cell: Cell, outcome: Outcome, peak: int) -> None:
    cell.per_second.append(outcome.requests / outcome.seconds)
    cell.cpu_ms.append(outcome.cpu_ms / outcome.requests)
    cell.calls.append(outcome.calls / outcome.requests)
    cell.p50_ms.append(median(outcome.latencies_ms))
    cell.p99_ms.append(outcome.latencies_ms[int(len(outcome.latencies_ms) * 0.99)])
    cell.peak_kib.append(peak)
