"""What one source may cost: time, calls, connections and bytes, against a real HTTP server."""

from __future__ import annotations

import asyncio
import errno
import gzip
import os
import socket
import zlib
from contextlib import AbstractAsyncContextManager
from typing import Any, BinaryIO, cast

import httpx
import pytest

from connectors.errors import (
    Malformed,
    Overloaded,
    OwnFailure,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    TimedOut,
    Unauthorized,
)
from connectors.pacing import RetryBudget
from connectors.transport import HttpTransport, Limits, Request, Response, gather_keyed
from tests.connectors.local_server import (
    DROP,
    Answer,
    Call,
    LocalServer,
    Reply,
    always,
    in_turn,
    reply,
    serving,
)
from tests.waiting import met

pytestmark = pytest.mark.anyio
GET = Request(path="/things")
POST = Request(path="/things", method="POST", body=b"x")


class NotNow(RateLimited):
    again = False


def judge(response: Response) -> SourceError | None:
    """A vendor that says everything with the status."""
    wait = response.headers.get("retry-after")
    if response.status == 429:
        return RateLimited("acme", "slow down", retry_after=None if wait is None else float(wait))
    if response.status == 423:
        return NotNow("acme", "not again today")
    if response.status >= 500:
        return Retryable("acme", "down", status=response.status)
    if response.status == 401:
        return Unauthorized("acme", "who are you")
    return Rejected("acme", "no") if response.status >= 400 else None


def running(
    answer: Answer, more: dict[str, Any] | None = None, **limits: Any
) -> AbstractAsyncContextManager[tuple[LocalServer, HttpTransport]]:
    return serving(answer, judge=judge, limits=Limits(**limits), **(more or {}))


class Gate:
    """Holds every answer back until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, call: Call) -> Reply:
        await self.open.wait()
        return reply()


async def test_fifty_calls_in_a_row_use_one_connection() -> None:
    async with running(always(reply())) as (server, transport):
        for _ in range(50):
            await transport.send(GET)
    assert (len(server.calls), server.connections) == (50, 1)


async def test_no_more_calls_run_at_once_than_the_cap_allows() -> None:
    gate = Gate()
    async with running(gate, concurrency=4) as (server, transport):
        sending = [asyncio.create_task(transport.send(GET)) for _ in range(40)]
        await server.arrived(4)
        gate.open.set()
        await asyncio.gather(*sending)
    assert (len(server.calls), server.peak, server.connections) == (40, 4, 4)


async def test_a_full_queue_refuses_at_once_and_calls_nobody() -> None:
    gate = Gate()
    async with running(gate, concurrency=1, queue=2) as (server, transport):
        sending = [asyncio.create_task(transport.send(GET)) for _ in range(3)]
        await server.arrived(1)
        with pytest.raises(Overloaded):
            await transport.send(GET)
        assert len(server.calls) == 1
        gate.open.set()
        await asyncio.gather(*sending)
    assert len(server.calls) == 3


async def test_a_cancelled_call_gives_its_place_back() -> None:
    gate = Gate()
    async with running(gate, concurrency=1, queue=1) as (server, transport):
        first = asyncio.create_task(transport.send(GET))
        await server.arrived(1)
        waiting = asyncio.create_task(transport.send(GET))
        await asyncio.sleep(0)
        for task in (first, waiting):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        gate.open.set()
        assert (await transport.send(GET)).status == 200


LONG = Request(path="/things", seconds=600.0)


async def test_a_call_behind_calls_that_the_vendor_does_not_answer_is_too_late() -> None:
    gate = Gate()
    async with running(gate, concurrency=1, deadline=0.2) as (server, transport):
        first = asyncio.create_task(transport.send(LONG))
        await server.arrived(1)
        with pytest.raises(TimedOut):
            await transport.send(GET)
        assert len(server.calls) == 1
        gate.open.set()
        assert (await first).status == 200


async def test_a_call_behind_many_that_the_vendor_answers_waits_for_us_and_not_for_it() -> None:
    loop = asyncio.get_running_loop()

    async def takes_its_time(call: Call) -> Reply:
        arrived = loop.time()
        await met(lambda: loop.time() > arrived + 0.05)
        return reply()

    async with running(takes_its_time, concurrency=1, deadline=0.5) as (server, transport):
        ahead = [asyncio.create_task(transport.send(LONG)) for _ in range(100)]
        await server.arrived(1)
        with pytest.raises(Overloaded, match="its turn did not come"):
            await transport.send(GET)
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)


async def test_a_call_that_waits_for_the_vendors_rate_waits_for_us() -> None:
    async with running(always(reply()), rates={"": 0.001}, deadline=0.2) as (server, transport):
        assert (await transport.send(GET)).status == 200
        with pytest.raises(Overloaded, match="its turn did not come"):
            await transport.send(GET)
        assert len(server.calls) == 1


async def test_the_deadline_covers_retries() -> None:
    async with running(always(reply(503)), attempts=1000, deadline=0.2) as (server, transport):
        with pytest.raises(TimedOut):
            await transport.send(GET)
        made = len(server.calls)
        assert 1 <= made < RetryBudget.MOST
        await asyncio.sleep(0)
        assert len(server.calls) == made


async def test_the_deadline_covers_reading() -> None:
    async def half(call: Call) -> Reply:
        return Reply(reply(promised=100, body=b"half").raw)

    async with running(half, deadline=0.2) as (server, transport):
        with pytest.raises(TimedOut):
            await transport.send(GET)
        assert len(server.calls) == 1


async def test_three_attempts_are_made_and_no_fourth() -> None:
    async with running(always(reply(503))) as (server, transport):
        with pytest.raises(Retryable):
            await transport.send(GET)
        assert len(server.calls) == 3


@pytest.mark.parametrize("broken", [DROP, reply(promised=100, body=b"cut"), reply(500)])
async def test_what_broke_once_is_asked_again(broken: Reply) -> None:
    async with running(in_turn(broken, reply(body=b"[]"))) as (server, transport):
        assert (await transport.send(GET)).body == b"[]"
        assert len(server.calls) == 2


@pytest.mark.parametrize(
    "broken",
    [
        DROP,
        reply(promised=100, body=b"cut"),
        Reply(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", close=True),
        Reply(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", close=True),
    ],
    ids=["dropped", "cut", "not HTTP", "no length"],
)
async def test_a_connection_that_fails_is_retryable(broken: Reply) -> None:
    async with running(always(broken), attempts=2) as (server, transport):
        with pytest.raises(Retryable, match="the connection failed") as failure:
            await transport.send(GET)
        assert type(failure.value) is Retryable
        assert len(server.calls) == 2


async def test_nobody_listening_is_retryable() -> None:
    async with LocalServer(always(reply())) as server:
        pass
    transport = HttpTransport("acme", server.origin, limits=Limits(attempts=1))
    with pytest.raises(Retryable):
        await transport.send(GET)
    await transport.aclose()
    assert server.calls == []


class Failing(httpx.AsyncBaseTransport):
    """An engine that gets no connection, for a reason."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if isinstance(self.reason, OSError):
            raise httpx.ConnectError("refused") from self.reason
        raise self.reason


def numbered(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (numbered(errno.EMFILE), "no file descriptor left: raise its limit"),
        (numbered(errno.ENFILE), "no file descriptor left: raise fs.file-max"),
        (numbered(errno.EADDRNOTAVAIL), "no address or port left"),
        (numbered(errno.ENETUNREACH), "no network, or no route"),
        (numbered(errno.ENOBUFS), "no memory left"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "no name server answered"),
        (RuntimeError("can't start new thread"), "can start no further thread"),
        (MemoryError(), "no memory left"),
    ],
    ids=repr,
)
async def test_what_this_machine_lacks_is_not_the_vendors_failure(
    reason: Exception, told: str
) -> None:
    transport = HttpTransport(
        "acme", "http://127.0.0.1:1", limits=Limits(attempts=1), engine=Failing(reason)
    )
    with pytest.raises(OwnFailure, match=told):
        await transport.send(GET)


@pytest.mark.parametrize(
    "reason",
    [numbered(errno.ECONNREFUSED), socket.gaierror(socket.EAI_NONAME, "Name not known")],
    ids=repr,
)
async def test_what_the_vendor_refuses_is_the_vendors_failure(reason: Exception) -> None:
    transport = HttpTransport(
        "acme", "http://127.0.0.1:1", limits=Limits(attempts=1), engine=Failing(reason)
    )
    with pytest.raises(Retryable, match="the connection failed") as failure:
        await transport.send(GET)
    assert type(failure.value) is Retryable


async def test_a_defect_of_ours_is_no_failure_of_a_connection() -> None:
    transport = HttpTransport("acme", "http://127.0.0.1:1", engine=Failing(RuntimeError("defect")))
    with pytest.raises(RuntimeError, match="defect"):
        await transport.send(GET)


async def test_a_download_on_a_full_disk_is_our_failure() -> None:
    async with running(always(reply(body=b"x" * 10)), attempts=1) as (_, transport):
        with open("/dev/full", "r+b", buffering=0) as full:  # noqa: ASYNC230
            sink = cast(BinaryIO, Unsized(full))
            with pytest.raises(OwnFailure, match="this machine's disk is full"):
                await transport.download(GET, sink)


class Unsized:
    """A file that neither seeks nor is cut: a device."""

    def __init__(self, file: Any) -> None:
        self.write = file.write

    def tell(self) -> int:
        return 0

    def seek(self, place: int) -> int:
        return place

    def truncate(self) -> int:
        return 0


@pytest.mark.parametrize("broken", [DROP, reply(503), reply(429, retry_after="0")])
async def test_a_post_is_not_repeated(broken: Reply) -> None:
    async with running(always(broken)) as (server, transport):
        with pytest.raises((Retryable, RateLimited)):
            await transport.send(POST)
        assert len(server.calls) == 1


async def test_a_post_that_changes_nothing_may_be_repeated() -> None:
    asked = Request(path="/things", method="POST", body=b"x", repeatable=True)
    async with running(in_turn(reply(503), reply())) as (server, transport):
        assert (await transport.send(asked)).status == 200
        assert [call.body for call in server.calls] == [b"x", b"x"]


@pytest.mark.parametrize("status", [400, 404, 423])
async def test_a_refusal_is_not_repeated(status: int) -> None:
    async with running(always(reply(status))) as (server, transport):
        with pytest.raises((Rejected, NotNow)):
            await transport.send(GET)
        assert len(server.calls) == 1


async def test_a_short_wait_that_the_vendor_asks_for_is_kept() -> None:
    async with running(in_turn(reply(429, retry_after="0.01"), reply())) as (server, transport):
        assert (await transport.send(GET)).status == 200
        assert len(server.calls) == 2


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    async with running(always(reply(429, retry_after="60"))) as (server, transport):
        with pytest.raises(RateLimited) as failure:
            await transport.send(GET)
        assert failure.value.retry_after == 60
        assert len(server.calls) == 1


async def test_a_wait_beyond_what_is_left_of_the_deadline_is_not_begun() -> None:
    loop = asyncio.get_running_loop()

    async def late(call: Call) -> Reply:
        arrived = loop.time()
        await met(lambda: loop.time() > arrived + 0.1)
        return reply(429, retry_after="599.95")

    async with running(late, deadline=600.0) as (server, transport):
        with pytest.raises(RateLimited):
            await transport.send(GET)
        assert len(server.calls) == 1


async def test_retries_end_when_their_budget_is_spent() -> None:
    async with running(always(reply(429, retry_after="0.001"))) as (server, transport):
        for _ in range(20):
            with pytest.raises(RateLimited):
                await transport.send(GET)
        assert len(server.calls) == 20 + RetryBudget.MOST


@pytest.mark.parametrize("encoding", ["gzip", "deflate", None])
async def test_a_body_of_the_allowed_size_is_read_and_one_byte_more_is_not(
    encoding: str | None,
) -> None:
    def packed(size: int) -> Reply:
        if encoding == "gzip":
            return reply(body=gzip.compress(b" " * size), content_encoding="gzip")
        if encoding == "deflate":
            return reply(body=zlib.compress(b" " * size), content_encoding="deflate")
        return reply(body=b" " * size)

    answers = in_turn(packed(100_000), packed(100_001))
    async with running(answers, max_body=100_000) as (server, transport):
        assert len((await transport.send(GET)).body) == 100_000
        with pytest.raises(Malformed, match="too large"):
            await transport.send(GET)
        assert len(server.calls) == 2


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = reply(body=gzip.compress(b"\0" * 50_000_000), content_encoding="gzip")
    async with running(always(bomb), max_body=1_000_000) as (server, transport):
        with pytest.raises(Malformed, match="too large"):
            await transport.send(GET)
        assert len(server.calls) == 1


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "gzip,deflate"])
async def test_an_encoding_that_was_not_asked_for_is_not_unpacked(encoding: str) -> None:
    twice = gzip.compress(gzip.compress(b"{}"))
    async with running(always(reply(body=twice, content_encoding=encoding))) as (server, transport):
        with pytest.raises(Malformed, match="encoding"):
            await transport.send(GET)
        assert [call.headers["accept-encoding"] for call in server.calls] == ["gzip, deflate"]


async def test_broken_gzip_is_malformed() -> None:
    async with running(always(reply(body=b"{}", content_encoding="gzip"))) as (server, transport):
        with pytest.raises(Malformed, match="encoding is broken"):
            await transport.send(GET)
        assert len(server.calls) == 1


async def test_each_key_of_a_fan_out_has_its_own_outcome() -> None:
    refusal = Rejected("acme", "no")
    asked: list[str] = []

    async def one(key: str) -> str | None:
        asked.append(key)
        if key == "bad":
            raise refusal
        return None if key == "none" else key.upper()

    keys = ["a", "bad", "none", "a"]
    assert await gather_keyed(keys, one) == {"a": "A", "bad": refusal}
    assert asked == ["a", "bad", "none"]
