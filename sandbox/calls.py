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
    """One call as it was answered; `status` is null when the connection was dropped."""

    vendor: str
    account: str | None
    method: str
    path: str
    query: str
    status: int | None
    at: str


class CallLog:
    """The latest calls, oldest first."""

    def __init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=KEPT)

    def shown(self, vendor: str | None = None) -> dict[str, Any]:
        calls = [asdict(c) for c in self.calls if vendor is None or c.vendor == vendor]
        return {"count": len(calls), "calls": calls}


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
                self.log.calls.append(self.call(scope, path, status, at))

        try:
            await self.app(scope, receive, watched)
        finally:
            write()

    def call(self, scope: Scope, path: str, status: int | None, at: str) -> Call:
        return Call(
            vendor=self.vendor.name,
            account=self.vendor.account_of(self.context, scope),
            method=scope["method"],
            path=path,
            query=unquote_plus(scope["query_string"].decode("latin-1")),
            status=status,
            at=at,
        )
