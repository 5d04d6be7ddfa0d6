"""Access tokens: `GET /system/token`, good for two hours. They go into the query of each call."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from connectors.errors import Malformed
from connectors.tokens import Token
from connectors.transport import Request, Transport
from connectors.yonyou.settings import YonyouSettings

PATH = "/system/token"
LIFETIME = 7200.0
"""Seconds, where the answer does not say."""


class _Given(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    expires_in: int | str | None = None

    def __repr__(self) -> str:
        return "Given(***)"


class _Answer(msgspec.Struct, frozen=True):
    token: _Given


_ANSWER = msgspec.json.Decoder(_Answer)


class Login:
    """Fetches tokens of one app; `transport` is one of its own, without a token."""

    def __init__(
        self,
        source: str,
        settings: YonyouSettings,
        transport: Transport,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._settings = settings
        self._transport = transport
        self._clock = clock

    async def fetch(self) -> Token:
        own = self._settings
        asked_at = self._clock()
        answer = await self._transport.send(
            Request(
                path=PATH,
                query=(
                    ("from_account", own.from_account),
                    ("app_key", own.app_key.reveal()),
                    ("app_secret", own.app_secret.reveal()),
                ),
            )
        )
        given = answer.decode(_ANSWER, self._source).token
        if not given.id:
            raise Malformed(self._source, "the token is empty")
        return Token(
            {},
            expires_at=asked_at + _seconds(given.expires_in),
            query=(("app_key", own.app_key.reveal()), ("token", given.id)),
        )


def _seconds(told: int | str | None) -> float:
    """A number, or the text of one."""
    if isinstance(told, str):
        told = int(told) if told.isascii() and told.isdecimal() else None
    return float(told) if told else LIFETIME
