"""A closed-loop load generator as a process: a job on standard input, its outcome on output.

Each connection sends its next request when the last answer is complete. The window ends when the
last answer of it has arrived, so that time, CPU and upstream calls belong to whole requests.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from typing import cast

import msgspec
import uvloop

from benchmarks.processes import ROOT, TICKS, CannotMeasure, calls, cpu_ticks, pin, python, settle

RETRY_AFTER = 1.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`pid` is the measured server's, times are in seconds, `token` that of the caller. Where it
    `may_refuse`, a 503 is counted, and asked again a second later, as its Retry-After says."""

    port: int
    pid: int
    upstream: int
    bodies: list[bytes]
    concurrency: int
    seconds: float
    token: str | None = None
    may_refuse: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one window showed. `calls` are upstream calls in the whole window."""

    requests: int
    seconds: float
    cpu_ms: float
    calls: int
    latencies_ms: list[float]
    refused: int = 0


class Refused(Exception):
    """The server has no room for the request now (503)."""


class Connection(asyncio.Protocol):
    """HTTP/1.1 with `Content-Length`, one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes]
        self._transport: asyncio.Transport
        self._held = bytearray()
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "_answer") and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._wanted and (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._held[:end]).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._wanted = end + 4 + int(length)
        if self._wanted and len(self._held) >= self._wanted:
            answer = bytes(self._held[: self._wanted])
            del self._held[: self._wanted]
            self._wanted = 0
            self._answer.set_result(answer)

    async def ask(self, request: bytes) -> None:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._answer
        if answer.startswith(b"HTTP/1.1 503"):
            raise Refused
        if not answer.startswith(b"HTTP/1.1 200") or b'"errors"' in answer:
            told = answer[max(0, answer.find(b'"errors"')) :]
            raise RuntimeError(f"a failed answer: {told[:600]!r}")

    def close(self) -> None:
        self._transport.close()


def run(job: Job) -> Outcome:
    """Runs a job in a process of its own."""
    done = subprocess.run(  # noqa: S603 - our own program
        python("benchmarks.load"),
        input=msgspec.msgpack.encode(job),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        raise CannotMeasure("the load generator failed, see above")
    return msgspec.msgpack.decode(done.stdout, type=Outcome)


async def measure(job: Job) -> Outcome:
    requests = cycle([_request(body, job.token) for body in job.bodies])
    loop = asyncio.get_running_loop()

    async def connections() -> list[Connection]:
        """New ones for each window: a server closes those that wait for the slowest of the last."""
        return [
            (await loop.create_connection(Connection, "127.0.0.1", job.port))[1]
            for _ in range(job.concurrency)
        ]

    opened = await connections()
    refused: list[float] | None = [] if job.may_refuse else None
    await _window(opened, requests, job.seconds / 4, refused)
    for connection in opened:
        connection.close()
    opened = await connections()
    settle()
    asked, ticks, started = calls(job.upstream), cpu_ticks(job.pid), time.perf_counter()
    latencies = await _window(opened, requests, job.seconds, refused)
    seconds = time.perf_counter() - started
    ticks = cpu_ticks(job.pid) - ticks
    for connection in opened:
        connection.close()
    return Outcome(
        requests=len(latencies),
        seconds=seconds,
        cpu_ms=ticks * 1000 / TICKS,
        calls=calls(job.upstream) - asked,
        latencies_ms=sorted(latencies),
        refused=len(refused or ()),
    )


async def _window(
    opened: list[Connection],
    requests: Iterator[bytes],
    seconds: float,
    refused: list[float] | None,
) -> list[float]:
    """Latencies of all requests that began within `seconds`, at least one per connection; the
    moments of refusals are added to `refused`, or raise Refused where that is None."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    async def worker(connection: Connection) -> None:
        while True:
            started = time.perf_counter()
            try:
                await connection.ask(next(requests))
            except Refused:
                if refused is None:
                    raise
                refused.append(started)
                await asyncio.sleep(RETRY_AFTER)
                continue
            ended = time.perf_counter()
            latencies.append((ended - started) * 1000)
            if ended >= until:
                return

    await asyncio.gather(*map(worker, opened))
    return latencies


def _request(body: bytes, token: str | None) -> bytes:
    who = "" if token is None else f"Authorization: Bearer {token}\r\n"
    head = (
        "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{who}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    pin(0, measured=False)
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.msgpack.encode(uvloop.run(measure(job))))


if __name__ == "__main__":
    main()
