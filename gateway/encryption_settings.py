"""`[encryption]`: the keys that seal what is kept."""

from __future__ import annotations

import msgspec

from auth.sealing import Sealer, SealingKey
from connectors.secret import Secret


class KeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key` is 32 bytes in base64, as `tillgate encryption key` makes them."""

    id: str
    key: Secret


class EncryptionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first key seals, all of them open."""

    keys: tuple[KeySettings, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ValueError("keys: at least one; `tillgate encryption key` makes it")
        try:
            self.sealer()
        except ValueError as error:
            raise ValueError(f"keys: {error}") from None

    def sealer(self) -> Sealer:
        return Sealer([SealingKey(own.id, own.key.reveal()) for own in self.keys])
