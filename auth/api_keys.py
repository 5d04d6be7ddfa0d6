"""API keys for tools that speak only HTTP Basic (RFC 7617): an id and a secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

import msgspec

from auth.credentials import NAME
from auth.faults import WrongKey
from auth.hashed import Comparison, Hashed
from auth.principal import Principal
from auth.throttle import Throttle

ISSUER = "api_keys"
"""What stands as the issuer of a principal that came with a key."""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """`ends` in seconds since 1970, None for never."""

    hashed: Hashed
    scopes: frozenset[str]
    tenant: str | None = None
    partner: str | None = None
    ends: float | None = None


class ApiKeys:
    """By their ids. `clock` is monotonic, `wall` seconds since 1970."""

    def __init__(
        self,
        keys: Mapping[str, ApiKey],
        throttle: Throttle,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._throttle = throttle
        self._wall = wall
        self._comparison = Comparison(clock)

    async def principal(self, key_id: str, secret: str, peer: str) -> Principal:
        """Raises WrongKey or TooManyFailures."""
        key = self._keys.get(key_id)
        right = await self._comparison.matches(None if key is None else key.hashed, secret)
        if key is None or not right:
            self._refuse(key_id, peer)
        if key.ends is not None and key.ends <= self._wall():
            raise WrongKey("the key has ended", "Basic")
        return Principal(
            issuer=ISSUER,
            client_id=key_id,
            subject=key_id,
            scopes=key.scopes,
            tenant=key.tenant,
            partner=key.partner,
            expires_at=None if key.ends is None else int(key.ends),
        )

    def _refuse(self, key_id: str, peer: str) -> NoReturn:
        """A right one never comes here, so nobody locks out another by failing in his name. Of
        names that no key can have nothing is kept."""
        name = f"{key_id} {peer}"
        if NAME.fullmatch(key_id):
            self._throttle.check(name, "Basic")
            self._throttle.failed(name)
        raise WrongKey("an unknown key or a wrong secret", "Basic")
