"""A real HTTP/1.1 server on loopback whose every byte the test decides."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from connectors.transport import HttpTransport


class Call(msgspec.Struct, frozen=True):
    """A request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Reply(msgspec.Struct, frozen=True):
    """The raw bytes of an answer; `close` ends the connection behind them."""

    raw: bytes
    close: bool = False


Answer = Callable[[Call], Awaitable[Reply]]

DROP = Reply(b"", close=True)


def reply(
    status: int = 200, body: bytes = b"{}", promised: int | None = None, **headers: str
) -> Reply:
    """An answer; `promised` is a Content-Length other than the body's. Names with underscores."""
    lines = [f"HTTP/1.1 {status} Reason", f"content-length: {promised or len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Reply("\r\n".join([*lines, "", ""]).encode() + body, close=promised is not None)


def always(answer: Reply) -> Answer:
    async def answered(call: Call) -> Reply:
        return answer

    return answered


def in_turn(*answers: Reply) -> Answer:
    """One after the other; the last one for all further calls."""
    waiting = list(answers)

    async def answered(call: Call) -> Reply:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return answered


class LocalServer:
    """Runs in the test's own loop: `connections` accepted, `calls` that arrived, `peak` at once."""

    def __init__(self, answer: Answer) -> None:
        self.calls: list[Call] = []
        self.connections = 0
        self.peak = 0
        self._now = 0
        self._answer = answer
        self._arrival = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def arrived(self, calls: int) -> None:
        """Returns once so many calls have come."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.calls) >= calls)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (call := await _read(reader)) is not None:
                self.calls.append(call)
                self._now += 1
                self.peak = max(self.peak, self._now)
                async with self._arrival:
                    self._arrival.notify_all()
                try:
                    answer = await self._answer(call)
                finally:
                    self._now -= 1
                writer.write(answer.raw)
                await writer.drain()
                if answer.close:
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Call | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(method, target, headers, body)


@contextlib.asynccontextmanager
async def serving(
    answer: Answer, **options: Any
) -> AsyncIterator[tuple[LocalServer, HttpTransport]]:
    """The server, and a transport to it with these options."""
    async with LocalServer(answer) as server:
        transport = HttpTransport("acme", server.origin, **options)
        try:
            yield server, transport
        finally:
            await transport.aclose()
