"""Opaque tokens, asked for at their issuer (RFC 7662).

An answer is kept for `POSITIVE` after it was asked for, a refusal for `NEGATIVE`, under the
token's SHA-256, never the token. Without an answer nobody is let in, unless `stale` allows a token
that was active until its own end.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

import msgspec

from auth.bounded import Bounded
from auth.digest import digest
from auth.faults import Unavailable
from auth.numeric_date import numeric_date
from auth.outbound import Ask, Call, Unreachable

POSITIVE = 30.0
NEGATIVE = 5.0
MOST = 10_000
Claims = Mapping[str, Any]


class Credential:
    """Who we are to the issuer; cannot be printed."""

    __slots__ = ("_header",)

    def __init__(self, client_id: str, secret: str) -> None:
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
        self._header = "Basic " + base64.b64encode(pair).decode()

    def headers(self) -> Mapping[str, str]:
        return {"authorization": self._header, "accept": "application/json"}


class Introspector:
    """`clock` is monotonic, `wall` seconds since 1970."""

    def __init__(
        self,
        url: str,
        credential: Credential,
        ask: Ask,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        stale: bool = False,
    ) -> None:
        self._url = url
        self._credential = credential
        self._ask = ask
        self._clock = clock
        self._wall = wall
        self._stale = stale
        self._known: Bounded[str, Claims] = Bounded(MOST)
        self._last: Bounded[str, Claims] = Bounded(MOST)
        self._running: dict[str, asyncio.Task[Claims]] = {}

    async def claims(self, token: str) -> Claims:
        """What the issuer says of the token, empty if it is not active. Raises Unavailable."""
        key = digest(token)
        if (known := self._known.get(key, self._clock())) is not None:
            return known
        if key not in self._running:
            self._running[key] = asyncio.create_task(self._fetch(key, token))
            self._running[key].add_done_callback(lambda task: self._running.pop(key, None))
        # Shielded, because others may wait for the same answer.
        return await asyncio.shield(self._running[key])

    def knows(self, token: str) -> bool:
        """Whether there is an answer of now, or it was active at the last and has not ended."""
        key = digest(token)
        answered = self._known.get(key, self._clock()) is not None
        return answered or self._last.get(key, self._wall()) is not None

    async def aclose(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _fetch(self, key: str, token: str) -> Claims:
        form = {"token": token, "token_type_hint": "access_token"}
        headers = self._credential.headers()
        asked_at = self._clock()
        try:
            answer = await self._ask(Call(url=self._url, headers=headers, form=form))
            if answer.status != 200:
                raise Unreachable(f"HTTP {answer.status}")
            claims = _claims(answer.body)
        except Unreachable as error:
            if self._stale and (last := self._last.get(key, self._wall())) is not None:
                return last
            raise Unavailable(f"introspection: {error}") from None
        self._keep(key, claims, asked_at)
        return claims

    def _keep(self, key: str, claims: Claims, asked_at: float) -> None:
        ends = numeric_date(claims.get("exp"))
        self._last.drop(key)
        if ends is not None:
            self._last.put(key, claims, self._wall(), ends)
        seconds = POSITIVE if claims and ends is not None else NEGATIVE
        self._known.put(key, claims, self._clock(), asked_at + seconds)


def _claims(body: bytes) -> Claims:
    try:
        claims = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable("the answer is not JSON") from None
    if not isinstance(claims, dict) or not isinstance(claims.get("active"), bool):
        raise Unreachable("the answer is not an introspection's")
    return claims if claims["active"] else {}
