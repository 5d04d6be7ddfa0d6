"""The sandbox as a conformance `Upstream`, over its control endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.request import Request, urlopen

import anyio.to_thread
import msgspec

from connectors.conformance import Fault
from connectors.conformance_kit import Said


class SandboxUpstream:
    """`account` limits faults to data calls of that account; logging in stays possible."""

    def __init__(self, origin: str, vendor: str, account: str) -> None:
        self.origin = origin
        self.vendor = vendor
        self.account = account

    async def set_faults(self, faults: Sequence[Fault]) -> None:
        own = {"vendor": self.vendor, "account": self.account}
        body = {"faults": [{**msgspec.to_builtins(fault), **own} for fault in faults]}
        await self._send("PUT", "/faults", msgspec.json.encode(body))

    async def calls(self) -> int:
        answer = await self._send("GET", f"/calls?vendor={self.vendor}")
        return int(msgspec.json.decode(answer)["count"])

    async def clear(self) -> None:
        await self._send("DELETE", "/calls")

    async def answers(self) -> Sequence[Said]:
        return msgspec.json.decode(await self._send("GET", "/answers"), type=list[Said])

    async def _send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = Request(f"{self.origin}/_sandbox{path}", data=body, method=method)

        def send() -> bytes:
            with urlopen(request, timeout=20) as answer:
                content: bytes = answer.read()
                return content

        return await anyio.to_thread.run_sync(send)
