"""Refuses requests that were meant for somebody else: the guard against DNS rebinding.

As long as loopback is the only protection, a page whose name was made to point at 127.0.0.1 must
not get through: its browser sends that name as `Host`, and its origin as `Origin`.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.transport import LOOPBACK


class KnownHosts:
    """Pure ASGI. `names` are host names besides loopback's, without ports."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = LOOPBACK | {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = _host_name(b"//" + headers.get(b"host", b""))
        origin = headers.get(b"origin")
        if host not in self._names:
            await _refusal(421, "This gateway has another name.")(scope, receive, send)
        elif origin is not None and _host_name(origin) not in self._names:
            await _refusal(403, "This origin may not ask.")(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _host_name(url: bytes) -> str | None:
    try:
        return urlsplit(url.decode("ascii")).hostname
    except ValueError:
        return None


def _refusal(status: int, message: str) -> JSONResponse:
    error = {"message": message, "extensions": {"code": "BAD_REQUEST"}}
    return JSONResponse({"errors": [error]}, status)
