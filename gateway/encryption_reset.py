"""`tillgate encryption reset`: the way out after the key that sealed something was lost.

The embedded issuer's key file and the tombstones' secret are looked at separately: each is replaced
only if it does not open.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from auth.embedded.key_ring import KeyRing
from auth.sealing import Sealer
from gateway.auth_compose import key_ring
from gateway.settings import Settings
from gateway.strict import SettingsError
from resolvers.lost_tombstones import Lost, forget, give_up, given_up, unreadable
from resolvers.sealed_secrets import SealedSecrets
from resolvers.store import Engine, StoreUnusable, guarded, open_store
from resolvers.tombstones import SECRET, alone

Tell = Callable[[str], None]
MAY_COME_BACK = (
    "What was erased with them can come back by syncs, imports and lookups until it is erased again"
)


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` and `key_file` say why they do not open; None if they do, or there are none."""

    secret: str | None
    key_file: str | None
    unreadable: Lost | None
    given_up: Lost | None

    @property
    def is_any(self) -> bool:
        return any((self.secret, self.key_file, self.unreadable))

    def lines(self, *, forgetting: bool) -> list[str]:
        """What is lost, for the operator."""
        lines = [why for why in (self.secret, self.key_file) if why is not None]
        if self.unreadable is not None:
            lines += [f"LOST {self.unreadable}", MAY_COME_BACK]
        if self.key_file is not None:
            lines.append("LOST the embedded issuer's signing keys: its tokens end, new keys follow")
        going = (self.given_up, self.unreadable) if forgetting else ()
        lines += [f"DELETED, without a warning from then on: {lost}" for lost in going if lost]
        if self.is_any:
            lines.append("If the key or a backup of the row can be found, put it back instead")
            lines.append("Stop the gateway first: a running process has the old secret")
        return lines


async def reset(
    settings: Settings, tell: Tell, agreed: Callable[[], bool], forgetting: bool = False
) -> bool:
    """False if it was not `agreed`: nothing was changed. Raises SettingsError, StoreUnusable or
    KeyFileUnusable; may be run again at any time."""
    sealer, password = settings.sealer, settings.store.password
    if sealer is None:
        raise SettingsError("encryption: it is not configured; `tillgate encryption key` makes one")
    ring = _ring(settings, sealer)
    plain = None if password is None else password.reveal()
    async with open_store(settings.store.url, plain) as engine:
        secrets = SealedSecrets(engine, sealer)
        damage = await _damage(engine, secrets, ring)
        if not damage.is_any and not (forgetting and damage.given_up):
            tell("Nothing is lost, and nothing was changed.")
            return True
        for line in damage.lines(forgetting=forgetting):
            tell(line)
        if not agreed():
            return False
        await _replace(engine, secrets, forgetting)
        tell("The tombstones' secret opens; those of another one are given up.")
    if ring is not None and (kept := ring.set_aside()) is not None:
        _tell_kept(kept, tell)
    return True


async def _damage(engine: Engine, secrets: SealedSecrets, ring: KeyRing | None) -> Damage:
    why, secret = None, None
    with guarded():
        async with engine.connect() as connection:
            try:
                secret = await secrets.find(connection, SECRET)
            except StoreUnusable as error:
                why = str(error)
            return Damage(
                secret=why,
                key_file=None if ring is None else ring.shut(),
                unreadable=await unreadable(connection, secret),
                given_up=await given_up(connection),
            )


async def _replace(engine: Engine, secrets: SealedSecrets, forgetting: bool) -> None:
    """All or nothing. What opens by now, because another reset came first, stays."""
    with guarded():
        async with engine.begin() as connection:
            await alone(connection)
            try:
                secret = await secrets.find(connection, SECRET)
            except StoreUnusable:
                secret = None
            await give_up(connection, secret, datetime.now(UTC))
            if secret is None:
                await secrets.replace(connection, SECRET)
            if forgetting:
                await forget(connection)


def _ring(settings: Settings, sealer: Sealer) -> KeyRing | None:
    embedded = None if settings.auth is None else settings.auth.embedded
    return None if embedded is None else key_ring(embedded, time.time, sealer)


def _tell_kept(kept: Path, tell: Tell) -> None:
    tell(f"The file of signing keys is kept as {kept}; the next start makes new ones.")
