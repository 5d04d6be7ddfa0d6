"""What one upstream call costs with each way of speaking HTTP."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import httpx
import msgspec
import uvloop
from httpx_aiohttp import AiohttpTransport

from benchmarks.compare import progress
from benchmarks.processes import cores, upstream
from benchmarks.world import customer_id
from connectors.transport import HttpTransport, Request

CONCURRENCY = (1, 32)
PATH = f"/crm/customers?ids={customer_id(1)}"
"""An answer of 0.7 KB."""

Get = Callable[[], Awaitable[bytes]]


class Cost(msgspec.Struct, frozen=True):
    """CPU per GET in microseconds, a value per round."""

    client: str
    concurrency: int
    cpu_us: list[float]


@asynccontextmanager
async def plain_httpx(origin: str) -> AsyncIterator[Get]:
    async with httpx.AsyncClient(base_url=origin) as client:

        async def get() -> bytes:
            return (await client.get(PATH)).content

        yield get


@asynccontextmanager
async def httpx_over_aiohttp(origin: str) -> AsyncIterator[Get]:
    async with httpx.AsyncClient(
        base_url=origin, transport=AiohttpTransport(client=_session)
    ) as client:

        async def get() -> bytes:
            return (await client.get(PATH)).content

        yield get


@asynccontextmanager
async def bare_transport(origin: str) -> AsyncIterator[Get]:
    async with AiohttpTransport(client=_session) as transport:

        async def get() -> bytes:
            answer = await transport.handle_async_request(httpx.Request("GET", origin + PATH))
            return await answer.aread()

        yield get


@asynccontextmanager
async def own_transport(origin: str) -> AsyncIterator[Get]:
    transport = HttpTransport("bench", origin)
    request = Request(path=PATH)

    async def get() -> bytes:
        return (await transport.send(request)).body

    try:
        yield get
    finally:
        await transport.aclose()


CLIENTS = {
    "httpx.AsyncClient": plain_httpx,
    "httpx.AsyncClient over httpx-aiohttp": httpx_over_aiohttp,
    "httpx-aiohttp's transport alone": bare_transport,
    "connectors.transport.HttpTransport": own_transport,
}


def costs(seconds: float, rounds: int) -> list[Cost]:
    """The clients take turns; this process is the one that is measured."""
    before = os.sched_getaffinity(0)
    found = {(name, level): Cost(name, level, []) for name in CLIENTS for level in CONCURRENCY}
    try:
        with upstream() as vendors:
            if (pair := cores()) is not None:
                os.sched_setaffinity(0, {pair[0]})
            origin = f"http://127.0.0.1:{vendors.port}"
            for number in range(rounds):
                for (name, level), cost in found.items():
                    progress(f"round {number + 1}/{rounds}: {name}, {level} at once")
                    cost.cpu_us.append(uvloop.run(_cost(name, origin, level, seconds)))
    finally:
        os.sched_setaffinity(0, before)
    return list(found.values())


async def _cost(name: str, origin: str, concurrency: int, seconds: float) -> float:
    async with CLIENTS[name](origin) as get:
        await _gets(get, concurrency, seconds / 4)
        started = time.process_time()
        count = await _gets(get, concurrency, seconds)
        return (time.process_time() - started) / count * 1e6


async def _gets(get: Get, concurrency: int, seconds: float) -> int:
    until = time.perf_counter() + seconds

    async def worker() -> int:
        count = 0
        while not count or time.perf_counter() < until:
            assert b'"has_more"' in await get()
            count += 1
        return count

    return sum(await asyncio.gather(*(worker() for _ in range(concurrency))))


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
