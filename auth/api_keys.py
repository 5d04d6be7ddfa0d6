"""API keys for tools that speak only HTTP Basic (RFC 7617): an id and a secret."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping

import msgspec

from auth.bounded import Bounded
from auth.faults import WrongKey
from auth.hashed import Comparison, Hashed
from auth.principal import Principal
from auth.throttle import Throttle

ISSUER = "api_keys"
"""What stands as the issuer of a principal that came with a key."""
KEPT = 60.0
MOST = 1000


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
        self._clock = clock
        self._wall = wall
        self._comparison = Comparison()
        # A pair that was right is known by its HMAC under a key of this process alone.
        self._pepper = secrets.token_bytes(32)
        self._right: Bounded[bytes, bool] = Bounded(MOST)

    async def principal(self, key_id: str, secret: str, peer: str) -> Principal:
        """Raises WrongKey or TooManyFailures."""
        name = f"{key_id} {peer}"
        self._throttle.check(name, "Basic")
        key = self._keys.get(key_id)
        if not await self._is_right(key_id, secret, key) or key is None:
            self._throttle.failed(name)
            raise WrongKey("an unknown key or a wrong secret", "Basic")
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

    async def _is_right(self, key_id: str, secret: str, key: ApiKey | None) -> bool:
        pair = f"{len(key_id)} {key_id}{secret}".encode("utf-8", "surrogatepass")
        known = hmac.digest(self._pepper, pair, "sha256")
        if self._right.get(known, self._clock()):
            return True
        right = await self._comparison.matches(None if key is None else key.hashed, secret)
        if right:
            self._right.put(known, True, self._clock() + KEPT)
        return right
