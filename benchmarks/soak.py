"""A long run of mixed operations: memory must be flat, and no answer may fail.

The load goes on in windows of equal length. After each the gateway's resident memory is read; the
highest of the last half is compared with the highest of the first half without its first window,
in which caches and pools fill. A last window asks for large lists over many connections at once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.compare import progress
from benchmarks.load import Job, Outcome, run
from benchmarks.processes import Process, python, running, upstream
from benchmarks.workloads import bodies

WINDOWS = 16
CONCURRENCY = 8
AT_ONCE = 128
AT_ONCE_SECONDS = 10.0
GROWTH = 1.05
"""What the last half may have of the first half's memory."""


class Soaked(msgspec.Struct, frozen=True, kw_only=True):
    """`memory` is resident KiB after each window, `at_once` what AT_ONCE connections got."""

    requests: int
    memory: tuple[int, ...]
    at_once: Outcome

    @property
    def growth(self) -> float:
        half = len(self.memory) // 2
        return max(self.memory[half:]) / max(self.memory[1:half])

    @property
    def is_flat(self) -> bool:
        return self.growth <= GROWTH


def soak(minutes: float) -> Soaked:
    """Raises CannotMeasure where an answer fails."""
    with upstream() as vendors:
        origin = f"http://127.0.0.1:{vendors.port}"
        command = python("benchmarks.serve", "tillgate", origin)
        with running(command, measured=True) as gateway:
            return _soaked(gateway, vendors, minutes * 60 / WINDOWS)


def _soaked(gateway: Process, vendors: Process, seconds: float) -> Soaked:
    asked = bodies(gateway.port, "crm:order:")
    memory: list[int] = []
    requests = 0
    for number in range(1, WINDOWS + 1):
        done = run(_job(gateway, vendors, _mixed(asked), CONCURRENCY, seconds))
        requests += done.requests
        memory.append(resident(gateway.pid))
        progress(f"window {number} of {WINDOWS}: {requests} answers, {memory[-1] // 1024} MiB")
    many = _job(gateway, vendors, asked["Q2"], AT_ONCE, AT_ONCE_SECONDS)
    at_once = run(msgspec.structs.replace(many, may_refuse=True))
    return Soaked(requests=requests, memory=tuple(memory), at_once=at_once)


def _mixed(asked: Mapping[str, Sequence[bytes]]) -> list[bytes]:
    """Many small operations, some pages, and now and then a thousand orders."""
    pages = asked["Q4"]
    mixed: list[bytes] = []
    for number, one in enumerate(asked["Q1"]):
        mixed.append(one)
        mixed += [pages[number // 5 % len(pages)]] if number % 5 == 0 else []
        mixed += asked["Q3"] if number % 60 == 0 else []
    return mixed


def _job(
    gateway: Process, vendors: Process, asked: Sequence[bytes], concurrency: int, seconds: float
) -> Job:
    return Job(
        port=gateway.port,
        pid=gateway.pid,
        upstream=vendors.port,
        bodies=list(asked),
        concurrency=concurrency,
        seconds=seconds,
    )


def resident(pid: int) -> int:
    """Resident memory of a process, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def described(soaked: Soaked) -> str:
    first, last = soaked.memory[0] // 1024, soaked.memory[-1] // 1024
    latencies = soaked.at_once.latencies_ms
    return "\n".join(
        (
            f"{soaked.requests} answers, none failed",
            f"memory: {first} MiB after the first window, {last} MiB after the last,"
            f" last half over first half {soaked.growth:.3f} (at most {GROWTH})",
            f"{AT_ONCE} list queries at once: {soaked.at_once.requests} answers, none failed,"
            f" {soaked.at_once.refused} refused for lack of room (503),"
            f" p50 {latencies[len(latencies) // 2]:.0f} ms, longest {latencies[-1]:.0f} ms",
        )
    )


def main(minutes: float) -> int:
    """Exit code 0 where memory is flat, else 1."""
    soaked = soak(minutes)
    sys.stdout.write(described(soaked) + "\n")
    return 0 if soaked.is_flat else 1
