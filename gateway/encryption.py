"""`tillgate encryption`: what is sealed, sealed anew with the key that is first now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from gateway.auth_compose import key_ring
from gateway.settings import Settings
from gateway.strict import SettingsError
from resolvers.sealed_secrets import SealedSecrets
from resolvers.store import open_store


class Rotated(msgspec.Struct, frozen=True):
    """`anew` of `of` sealed values had another key, which is of no use any more."""

    key: str
    anew: int
    of: int


async def rotate(settings: Settings, tell: Callable[[str], None]) -> Rotated:
    """Raises SettingsError, StoreUnusable or KeyFileUnusable; may be run again at any time."""
    sealer = settings.sealer
    if sealer is None:
        raise SettingsError("encryption: it is not configured")
    anew, of = await _in_the_store(settings)
    tell(f"sealed_secret: {anew} of {of} sealed anew")
    embedded = None if settings.auth is None else settings.auth.embedded
    if embedded is not None:
        ring = key_ring(embedded, time.time, sealer)
        resealed = await asyncio.to_thread(ring.reseal)
        if resealed is not None:
            anew, of = anew + resealed, of + 1
            tell(f"{embedded.keys}: {int(resealed)} of 1 sealed anew")
    return Rotated(sealer.current, anew, of)


async def _in_the_store(settings: Settings) -> tuple[int, int]:
    sealer, password = settings.sealer, settings.store.password
    assert sealer is not None
    plain = None if password is None else password.reveal()
    async with open_store(settings.store.url, plain) as engine:
        return await SealedSecrets(engine, sealer).reseal()
