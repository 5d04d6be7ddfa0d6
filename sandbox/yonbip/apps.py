"""The tenant's self-built app: its key and secret, and the tokens it was given."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from sandbox.yonbip.errors import Refusal

LIFETIME = timedelta(hours=2)
SKEW = timedelta(minutes=10)


class App:
    """Tokens have letters that must be encoded in an address, as new ones do."""

    def __init__(self, seed: int, clock: Callable[[], datetime]) -> None:
        self.key = hashlib.md5(f"yonbip key {seed}".encode(), usedforsecurity=False).hexdigest()
        self.secret = hashlib.sha1(
            f"yonbip secret {seed}".encode(), usedforsecurity=False
        ).hexdigest()
        self.clock = clock
        self.tokens: dict[str, datetime] = {}
        self.revoked = False
        self.given = 0

    def grant(self, query: str) -> dict[str, object]:
        """The answer of the token service to a signed request."""
        given = {name: values[0] for name, values in parse_qs(query).items()}
        signature = given.pop("signature", "")
        if self.revoked or given.get("appKey") != self.key:
            raise Refusal("10018")
        if set(given) != {"appKey", "timestamp"} or not given["timestamp"].isdecimal():
            raise Refusal("310008")
        age = abs(self.clock().timestamp() - int(given["timestamp"]) / 1000)
        if not hmac.compare_digest(signature, self.sign(given)) or age > SKEW.total_seconds():
            raise Refusal("50000", "签名校验失败")
        self.given += 1
        digest = hashlib.sha256(f"{self.key} {self.given}".encode()).digest()
        token = "YT+/" + base64.b64encode(digest).decode()
        self.tokens[token] = self.clock() + LIFETIME
        granted = {"access_token": token, "expire": int(LIFETIME.total_seconds())}
        return {"code": "00000", "message": "成功！", "data": granted}

    def sign(self, given: dict[str, str]) -> str:
        text = "".join(f"{name}{given[name]}" for name in sorted(given))
        digest = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def alive(self, token: str) -> bool:
        return token in self.tokens and self.clock() < self.tokens[token]
