"""Faults on demand: what a vendor does on a bad day, set over `/_sandbox/faults`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.answers import Captured, close, send_answer
from sandbox.behaviour import CURRENT as BEHAVIOUR
from sandbox.behaviour import Behaviour, in_gbk
from sandbox.calls import vendor_path
from sandbox.oddities import CURRENT, Oddity
from sandbox.simulator import Answer, Context, Vendor

Kind = (
    Literal[
        "latency", "status", "rate_limit", "drop", "cut", "bad_json", "html", "duplicate", "odd"
    ]
    | Behaviour
)
PAGE = b"<!doctype html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"
DEFAULT_LATENCY = 1000
DEFAULT_STATUS = 500


class Fault(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One fault and whom it hits; `path` is a prefix, `times` counts down to nothing. `pointer`,
    `value` and `put` are those of an `Oddity`, of which `times` counts the answers that changed.
    """

    vendor: str
    kind: Kind
    account: str | None = None
    path: str | None = None
    method: str | None = None
    latency_ms: Annotated[int, Meta(ge=0, le=600_000)] | None = None
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    times: Annotated[int, Meta(ge=1)] | None = None
    pointer: str | None = None
    value: str | None = None
    put: str | None = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0

    def hits(self, vendor: str, account: str | None, method: str, path: str) -> bool:
        return (
            self.vendor == vendor
            and self.account in (None, account)
            and (self.method is None or self.method.upper() == method)
            and (self.path is None or path.startswith(self.path))
        )


class FaultsBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `PUT /_sandbox/faults`, and of the answer."""

    faults: list[Fault]


class Faults:
    """The faults in force; probabilities are drawn from a seeded stream."""

    def __init__(self, vendors: Sequence[Vendor], seed: int) -> None:
        self.accounts = {v.name: {account.name for account in v.accounts} for v in vendors}
        self.rng = random.Random(f"{seed}:faults")
        self.current: list[Fault] = []
        self.answers: list[dict[str, Any]] = []
        """What the vendors said where a fault `odd` hit, since faults were set last."""

    def replace(self, body: bytes) -> None:
        """Put another set in force; `ValueError` names the key or value that is wrong."""
        faults = msgspec.json.decode(body, type=FaultsBody).faults
        for index, fault in enumerate(faults):
            self.check(fault, f"$.faults[{index}]")
        self.current = faults
        self.answers = []

    def check(self, fault: Fault, where: str) -> None:
        if fault.vendor not in self.accounts:
            raise ValueError(f"Unknown vendor {fault.vendor!r} - at `{where}.vendor`")
        if fault.account is not None and fault.account not in self.accounts[fault.vendor]:
            raise ValueError(f"Unknown account {fault.account!r} - at `{where}.account`")

    def draw(self, vendor: str, account: str | None, method: str, path: str) -> list[Fault]:
        """The faults that hit this call; each use counts."""
        hit = [f for f in self.current if f.hits(vendor, account, method, path)]
        hit = [f for f in hit if f.probability >= 1 or self.rng.random() < f.probability]
        for fault in hit:
            if fault.kind != "odd":
                self.use(fault)
        return hit

    def use(self, fault: Fault) -> bool:
        """False where calls at the same time have used it up."""
        if not any(kept is fault for kept in self.current):
            return False
        if fault.times is None:
            return True
        fault.times -= 1
        if fault.times == 0:
            self.current = [kept for kept in self.current if kept is not fault]
        return True


class Faulty:
    """ASGI middleware around one vendor that lets the faults in force happen."""

    def __init__(self, app: ASGIApp, vendor: Vendor, context: Context, faults: Faults) -> None:
        self.app = app
        self.vendor = vendor
        self.context = context
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = None
        if scope["type"] == "http" and self.faults.current:
            kind = await self.strike(scope)
        if kind is None:
            await self.app(scope, receive, send)
        else:
            await self.happen(kind, scope, receive, send)

    async def strike(self, scope: Scope) -> Fault | None:
        """Wait out every latency that hits, and return the first other fault."""
        account = self.vendor.account_of(self.context, scope)
        hit = self.faults.draw(self.vendor.name, account, scope["method"], vendor_path(scope))
        for fault in hit:
            if fault.latency_ms or fault.kind == "latency":
                await asyncio.sleep((fault.latency_ms or DEFAULT_LATENCY) / 1000)
        return next((fault for fault in hit if fault.kind != "latency"), None)

    async def happen(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "drop":
            await close(scope, receive)
        elif fault.kind in ("status", "rate_limit", "html"):
            await send_answer(self.instead(fault), send)
        elif fault.kind in get_args(Behaviour):
            await self.behave(fault.kind, scope, receive, send)
        elif fault.kind == "odd":
            await self.odd(fault, scope, receive, send)
        else:
            await self.spoil(fault.kind, scope, receive, send)

    def instead(self, fault: Fault) -> Answer:
        """The answer given without asking the vendor."""
        if fault.kind == "html":
            return Answer(200, PAGE, "text/html; charset=utf-8")
        rate_limited = fault.kind == "rate_limit"
        return self.vendor.error(429 if rate_limited else fault.status or DEFAULT_STATUS)

    async def behave(self, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
        """The vendor's own odd answer; one that is not in GBK yet is put into it here."""
        token = BEHAVIOUR.set(kind)
        captured = Captured()
        try:
            await self.app(scope, receive, captured.send)
        finally:
            BEHAVIOUR.reset(token)
        await captured.replay(send, in_gbk(captured.body) if kind == "gbk" else captured.body)

    async def odd(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the vendor and let it say something odd; what it meant is kept."""
        oddity = Oddity(fault.pointer, fault.put, fault.value, lambda: self.faults.use(fault))
        captured = Captured()
        token = CURRENT.set(oddity)
        try:
            await self.app(scope, receive, captured.send)
        finally:
            CURRENT.reset(token)
        body = captured.body
        if oddity.said is None:
            body = oddity.changed(body.decode("utf-8", "replace")).encode()
        said = {"method": scope["method"], "path": vendor_path(scope)}
        self.faults.answers.append({**said, "text": oddity.said, "odd": oddity.done})
        await captured.replay(send, body)

    async def spoil(self, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the vendor, then spoil its answer on the way back."""
        captured = Captured()
        await self.app(scope, receive, captured.send)
        half = captured.body[: len(captured.body) // 2]
        if kind == "cut":
            await captured.replay(send, half, promised=len(captured.body), more=True)
            await close(scope, receive)
            return
        await captured.replay(send, half if kind == "bad_json" else first_row_twice(captured.body))


def first_row_twice(body: bytes) -> bytes:
    """The same JSON with the first row of its list repeated; unchanged where there is no list."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body
    rows = list_of_rows(document)
    if rows:
        rows.insert(1, rows[0])
    return msgspec.json.encode(document)


def list_of_rows(document: Any) -> list[Any] | None:
    """The document itself, or the first list of objects found among its values."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        lists = (value for value in document.values() if isinstance(value, list))
        return next((rows for rows in lists if rows and isinstance(rows[0], dict)), None)
    return None
