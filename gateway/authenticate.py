"""Turns every request into a principal before anything of it is read, or refuses it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.audit.writer import AuditUnavailable
from auth.credentials import Asked
from auth.embedded.issuing import INTROSPECTION, JWKS, REVOKE, TOKEN
from auth.faults import Fault, Unavailable
from auth.metadata import RESOURCE, SERVER
from auth.principal import Principal
from gateway.auth_compose import Auth
from gateway.peer import peer
from gateway.trail import Trail

log = logging.getLogger("tillgate.auth")
OPEN = frozenset({"/healthz", "/readyz", RESOURCE, SERVER, JWKS, TOKEN, REVOKE, INTROSPECTION})
"""Paths for which nobody needs to say who he is; the issuer's ask for themselves."""
CODES = {400: "BAD_REQUEST", 403: "FORBIDDEN", 429: "RATE_LIMITED", 503: "UNAVAILABLE"}


class Authenticate:
    """Pure ASGI: sets `request.state.principal`. `auth` gives what is open now, None before and
    after; `is_page` tells requests for the page of a developer's browser, which holds no data."""

    def __init__(
        self,
        app: ASGIApp,
        auth: Callable[[], Auth | None],
        is_page: Callable[[Request], bool],
        trail: Callable[[], Trail | None] = lambda: None,
    ) -> None:
        self._app = app
        self._auth = auth
        self._is_page = is_page
        self._trail = trail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # Nothing else is spoken yet: what comes one day must not come in unasked.
            await send({"type": "websocket.close", "code": 1008})
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        if scope["path"] in OPEN or self._is_page(Request(scope)):
            await self._app(scope, receive, send)
            return
        auth = self._auth()
        if auth is None:
            await not_ready()(scope, receive, send)
            return
        try:
            state["principal"] = await _principal(auth, scope)
        except Fault as fault:
            _note(fault, state)
            refused = await self._told(fault, scope)
            await _refusal(auth, refused, state)(scope, receive, send)
            return
        await self._app(scope, receive, _with_nonce(send, auth.authenticator.nonce))

    async def _told(self, fault: Fault, scope: Scope) -> Fault:
        """The fault, when it is written down; another one where that cannot be."""
        trail = self._trail()
        if trail is None:
            return fault
        request_id = scope["state"].get("request_id")
        try:
            await trail.refused(fault, peer(Request(scope)), request_id)
        except AuditUnavailable:
            return Unavailable("the audit log")
        return fault


async def _principal(auth: Auth, scope: Scope) -> Principal:
    """Raises a Fault, and nothing else: whatever nobody thought of lets nobody in either, and its
    text may hold what was sent."""
    try:
        return await auth.authenticator.principal(asked(scope))
    except Fault:
        raise
    except Exception as error:
        raise Unavailable(f"unexpected: {type(error).__name__}") from None


def asked(scope: Scope) -> Asked:
    """A request as far as it says who asks. The peer is the connection's, not a header's."""
    client = scope.get("client")
    return Asked(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        headers=tuple(scope["headers"]),
        peer=None if client is None else client[0],
    )


def not_ready() -> Response:
    return JSONResponse({"status": "not ready"}, 503, {"retry-after": "1"})


def _refusal(auth: Auth, fault: Fault, state: dict[str, Any]) -> Response:
    code = CODES.get(fault.status, "UNAUTHENTICATED")
    extensions = {"code": code, "correlationId": state.get("request_id")}
    errors = [{"message": fault.sentence, "extensions": extensions}]
    response = JSONResponse({"errors": errors}, fault.status)
    for name, value in auth.challenger.headers(fault):
        response.headers.append(name, value)
    return response


def _with_nonce(send: Send, nonce: str | None) -> Send:
    """Tells the nonce that the next proof should carry (RFC 9449 section 8.2)."""
    if nonce is None:
        return send

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("dpop-nonce", nonce)
        await send(message)

    return telling


def _note(fault: Fault, state: dict[str, Any]) -> None:
    level = logging.ERROR if isinstance(fault, Unavailable) else logging.INFO
    fields = {
        "request": state.get("request_id"),
        "status": fault.status,
        "fault": type(fault).__name__,
        "reason": fault.reason,
    }
    log.log(level, "refused", extra={"fields": fields})
