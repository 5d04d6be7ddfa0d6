"""WeChat Pay with one long bill: the sandbox with its signatures, and the bill streamed from disk.

The sandbox's own bills are made in memory while they are asked for, which would be measured too.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.bills.job import DAY, Bill, Offer
from benchmarks.bills.made import SEED
from sandbox.answers import send_answer
from sandbox.server import Server
from sandbox.simulator import Answer, Context
from sandbox.wechatpay import ACCOUNT, simulated
from sandbox.wechatpay.app import WeChatPayApp
from sandbox.wechatpay.errors import JSON
from sandbox.wechatpay.gate import admit, target
from sandbox.wechatpay.identity import made
from sandbox.wechatpay.manners import Manners
from sandbox.world import World

CHUNK = 256 * 1024
"""Bytes that are sent at once."""
FILE = "/v3/billdownload/file"


def mchid() -> str:
    """The merchant whose bill it is."""
    return made(SEED).mchid


@contextmanager
def served(bill: Bill) -> Iterator[Offer]:
    """The bill on loopback, until the block ends."""

    def app(world: World, context: Context) -> ASGIApp:
        return BillApp(WeChatPayApp(world, context, ACCOUNT, Manners()), context.origin, bill)

    vendor = replace(simulated(Manners()), app=app)
    empty = World(SEED, (ACCOUNT,), [], [], [])
    with Server(empty, (vendor,), rate_limits=False) as server:
        yield Offer(bill, server.credentials[ACCOUNT.name])


class BillApp:
    """One day has a bill; everything else is the sandbox's. Who is not let in gets an error 500."""

    def __init__(self, sandbox: WeChatPayApp, origin: str, bill: Bill) -> None:
        self._sandbox = sandbox
        self._bill = bill
        self._token = secrets.token_urlsafe(32)
        self._url = f"{origin}/wechatpay{FILE}?token={self._token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = target(scope)
        if asked == f"/v3/bill/tradebill?bill_date={DAY}&bill_type=ALL&tar_type=GZIP":
            await self._place(scope, send)
        elif asked == f"{FILE}?token={self._token}":
            await self._file(scope, send)
        else:
            await self._sandbox(scope, receive, send)

    async def _place(self, scope: Scope, send: Send) -> None:
        """Where the bill lies, signed."""
        self._admit(scope)
        place = {"hash_type": "SHA1", "hash_value": self._bill.sha1, "download_url": self._url}
        content = json.dumps(place).encode()
        signed = self._sandbox.signed(scope, content)
        await send_answer(Answer(200, content, JSON, signed), send)

    async def _file(self, scope: Scope, send: Send) -> None:
        """The file, chunk by chunk; it is not signed."""
        self._admit(scope)
        size = str(self._bill.packed).encode()
        headers = [(b"content-type", b"application/octet-stream"), (b"content-length", size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in _chunks(self._bill.path):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _admit(self, scope: Scope) -> None:
        admit(scope, b"", self._sandbox.identity, self._sandbox.clock())


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
