"""Who we are to a vendor: static keys, OAuth client credentials (RFC 6749 section 4.4), JWT bearer
assertions (RFC 7523). One token is fetched at a time and shared by all calls of a source.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from authlib.oauth2.rfc7523 import JWTBearerGrant
from joserfc.jwk import RSAKey

from connectors.errors import SourceError, Unauthorized
from connectors.secret import Secret


class Token:
    """Headers to send, or parts of the query where a vendor wants its token there; and the base URL
    that came with the token where a vendor assigns one."""

    __slots__ = ("base_url", "expires_at", "headers", "query")

    def __init__(
        self,
        headers: Mapping[str, str],
        base_url: str | None = None,
        expires_at: float | None = None,
        query: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.query = query
        self.headers = headers
        self.base_url = base_url
        self.expires_at = expires_at

    def __repr__(self) -> str:
        return "Token(***)"


class TokenSource(Protocol):
    async def token(self) -> Token:
        """The current token; Unauthorized when none can be had."""
        ...

    def invalidate(self, token: Token) -> bool:
        """The vendor refused `token`: True when asking again may give another one."""
        ...

    def accepted(self, token: Token) -> None:
        """The vendor answered a call made with `token`."""
        ...


class StaticToken:
    """A key that does not expire: refused once, refused always."""

    def __init__(self, header: str, value: Secret, prefix: str = "") -> None:
        self._token = Token({header: prefix + value.reveal()})

    async def token(self) -> Token:
        return self._token

    def invalidate(self, token: Token) -> bool:
        return False

    def accepted(self, token: Token) -> None:
        """Nothing to learn: there is one key."""


class NoToken(StaticToken):
    """For calls that carry their own proof, such as the request for a token."""

    def __init__(self) -> None:
        self._token = Token({})


class FetchedToken:
    """A token that is fetched when needed, by one caller at a time, and kept until refused.

    After a refusal it fails at once for `PAUSE` seconds, so that wrong credentials do not turn
    every query into a login attempt (vendors lock accounts for that). With `sessions` it does so
    too when two tokens in turn are refused that were never accepted: some sessions take minutes to
    become active. Other vendors refuse a good token for a single call that it may not make.
    """

    PAUSE = 5.0
    LEEWAY = 30.0

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Token]],
        clock: Callable[[], float] = time.monotonic,
        *,
        sessions: bool = False,
    ) -> None:
        self._sessions = sessions
        self._fetch = fetch
        self._clock = clock
        self._flight = asyncio.Lock()
        self._current: Token | None = None
        self._refused: tuple[float, Unauthorized] | None = None
        self._unproven = 0

    async def token(self) -> Token:
        async with self._flight:
            if (current := self._usable()) is not None:
                return current
            if self._refused and self._clock() < self._refused[0]:
                raise self._again(self._refused[1])
            try:
                self._current = await self._fetch()
            except Unauthorized as error:
                self._refused = (self._clock() + self.PAUSE, error)
                raise
            return self._current

    def invalidate(self, token: Token) -> bool:
        if self._current is not token:
            return True
        self._current = None
        self._unproven += 1
        if self._sessions and self._unproven > 1:
            gone = Unauthorized("", "logins succeed, and what they give is refused")
            self._refused = self._clock() + self.PAUSE, gone
        return True

    def accepted(self, token: Token) -> None:
        self._unproven = 0

    def _usable(self) -> Token | None:
        token = self._current
        if token and token.expires_at and self._clock() > token.expires_at - self.LEEWAY:
            return None
        return token

    @staticmethod
    def _again(error: SourceError) -> Unauthorized:
        return Unauthorized(error.source, error.detail, status=error.status, code=error.code)


def jwt_bearer_assertion(
    *, key: Secret, issuer: str, subject: str, audience: str, now: int, lifetime: int = 180
) -> str:
    """An RS256 assertion of RFC 7523 section 3; `now` and `lifetime` in seconds.

    Raises ValueError for a key that is not a PEM of an RSA key.
    """
    assertion = JWTBearerGrant.sign(
        RSAKey.import_key(key.reveal()),
        issuer=issuer,
        audience=audience,
        subject=subject,
        issued_at=now,
        expires_at=now + lifetime,
        alg="RS256",
    )
    return str(assertion)
