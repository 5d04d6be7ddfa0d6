"""The keys of a `[sources.NAME]` table whose vendor is Weaver e-cology."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from connectors.mapping import MappedSettings
from connectors.secret import Secret

DEADLINE = 14.0
"""Seconds: each key is a call, and calls wait for each other."""
MOST_BYTES = 245
"""What fits one block of a server's RSA key of 2048 bits (RFC 8017 section 7.2.1)."""
REFUSALS = ("md5", "systemid", "认证", "签名")


class WeaverSettings(MappedSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`base_url` is the company's own OA. `system_id` and `password` are those of the cube
    interfaces, `operator` the id of the user in whose name they are called. The `table` of a
    mapping is the key of an interface.

    `page_size` is no more than what an interface gives at once. `refusal_words` tell, in the text
    of a refusal, that it is about who we are; case does not matter.

    `app_id` and `user_id` are for an OA that lets nobody call without a token: then calls carry
    one. `app_secret` and `public_key` are what registering the app gave; without them it is
    registered when the first token is needed. `token_seconds` is how long a token shall last.
    """

    system_id: str
    password: Secret
    operator: str = "1"
    zone: str | None = "Asia/Shanghai"
    currency: str | None = "CNY"
    deadline: Annotated[float, msgspec.Meta(gt=0, le=120)] = DEADLINE
    page_size: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    refusal_words: tuple[str, ...] = REFUSALS
    app_id: str | None = None
    user_id: str | None = None
    app_secret: Secret | None = None
    public_key: str | None = None
    token_seconds: Annotated[int, msgspec.Meta(ge=60, le=86_400)] = 1800

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.base_url is None:
            raise ValueError("base_url: missing")
        if not self.system_id:
            raise ValueError("system_id: missing")
        if self.zone is None:
            raise ValueError("zone: missing")
        if self.app_id is not None and not re.fullmatch(r"[!-~]{1,200}", self.app_id):
            raise ValueError("app_id: holds spaces or letters that cannot be sent")
        for one, other in (("app_id", "user_id"), ("app_secret", "public_key")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ValueError(f"{one}: goes together with {other}")
        if self.app_secret is not None and self.app_id is None:
            raise ValueError("app_id: missing")
        secret = self.app_secret.reveal() if self.app_secret is not None else None
        for name, value in (("user_id", self.user_id), ("app_secret", secret)):
            if value is not None and not 0 < len(value.encode()) <= MOST_BYTES:
                raise ValueError(f"{name}: empty, or longer than {MOST_BYTES} bytes")
