"""The log of calls that reached the simulated vendors, so that a test can count them."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote_plus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.simulator import Context, Vendor

KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it was answered; `status` is null when the connection was dropped, `body` what
    was read of the request's."""

    vendor: str
    account: str | None
    method: str
    path: str
    query: str
    status: int | None
    at: str
    body: bytes


class CallLog:
    """The latest calls, oldest first."""

    def __init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=KEPT)

    def shown(self, vendor: str | None = None, *, bodies: bool = False) -> dict[str, Any]:
        """Bodies as text, which most are, and only where they are asked for."""
        calls = [_shown(c, bodies) for c in self.calls if vendor is None or c.vendor == vendor]
        return {"count": len(calls), "calls": calls}


def _shown(call: Call, bodies: bool) -> dict[str, Any]:
    told = asdict(call)
    body: bytes = told.pop("body")
    return {**told, "body": body.decode("utf-8", "replace")} if bodies else told


def vendor_path(scope: Scope) -> str:
    """The path as the vendor knows it, without the mount's prefix."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class LoggedCalls:
    """ASGI middleware around one vendor that writes every call to the log."""

    def __init__(self, app: ASGIApp, vendor: Vendor, context: Context, log: CallLog) -> None:
        self.app = app
        self.vendor = vendor
        self.context = context
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = vendor_path(scope)
        at = self.context.clock().isoformat()
        status: int | None = None
        written = False
        body = bytearray()

        async def read() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            last = message["type"] == "http.response.body" and not message.get("more_body")
            if last:
                write()  # before the last byte leaves, so that a client who has it finds its call
            await send(message)

        def write() -> None:
            nonlocal written
            if not written:
                written = True
                self.log.calls.append(self.call(scope, path, status, at, bytes(body)))

        try:
            await self.app(scope, read, watched)
        finally:
            write()

    def call(self, scope: Scope, path: str, status: int | None, at: str, body: bytes) -> Call:
        return Call(
            vendor=self.vendor.name,
            account=self.vendor.account_of(self.context, scope),
            method=scope["method"],
            path=path,
            query=unquote_plus(scope["query_string"].decode("latin-1")),
            status=status,
            at=at,
            body=body,
        )
