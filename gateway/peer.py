"""Where a request came from, for the audit log."""

from __future__ import annotations

import re

import msgspec
from starlette.requests import Request

TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


class Peer(msgspec.Struct, frozen=True):
    """The connection's address, and the trace (W3C Trace Context) that it says it is of."""

    ip: str | None = None
    trace_id: str | None = None


def peer(request: Request) -> Peer:
    found = TRACEPARENT.fullmatch(request.headers.get("traceparent", "")[:200])
    return Peer(
        None if request.client is None else request.client.host,
        None if found is None else found[1],
    )
