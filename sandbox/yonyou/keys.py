"""Who may call: one app of one developer, granted by one company, and the tokens it was given."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.simulator import Context

LIFETIME = timedelta(seconds=7200)
ACCOUNT = "yonyou"
DATA_SOURCE = "1"


@dataclass(slots=True)
class Keys:
    """`revoked` says that the app's secret was changed since."""

    context: Context
    app_key: str
    app_secret: str
    from_account: str = "tillgate-dev"
    to_account: str = "chenguang"
    revoked: bool = False
    tokens: dict[str, datetime] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, context: Context) -> Keys:
        """The run's own."""
        if ACCOUNT not in context.vault:
            rng = random.Random(f"{context.seed}:yonyou:keys")
            key, secret = f"opa{rng.getrandbits(64):016x}", f"{rng.getrandbits(128):032x}"
            context.vault[ACCOUNT] = cls(context, key, secret)
        keys = context.vault[ACCOUNT]
        assert isinstance(keys, cls)
        return keys

    def log_in(self) -> str:
        """A new token; others stay good."""
        rng = random.Random(f"{self.context.seed}:yonyou:token:{next(self.numbers)}")
        token = f"{rng.getrandbits(128):032x}"
        self.tokens[token] = self.context.clock() + LIFETIME
        return token

    def good(self, token: str) -> bool:
        ends = self.tokens.get(token)
        return ends is not None and self.context.clock() < ends
