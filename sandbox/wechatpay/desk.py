"""What an endpoint is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sandbox.wechatpay.errors import bad_parameter
from sandbox.wechatpay.gate import Pace
from sandbox.wechatpay.identity import Identity
from sandbox.wechatpay.manners import Manners
from sandbox.wechatpay.store import Store


@dataclass(slots=True)
class Shop:
    """Everything an endpoint works with. `bills` holds files by their token until they expire."""

    store: Store
    identity: Identity
    manners: Manners
    origin: str
    clock: Callable[[], datetime]
    limited: bool
    pace: Pace = field(default_factory=Pace)
    bills: dict[str, tuple[datetime, bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in; `number` is what the path ends in."""

    shop: Shop
    number: str
    query: dict[str, str]
    content: dict[str, Any]
    partner: bool = False

    def param(self, name: str) -> str:
        if not self.query.get(name):
            raise bad_parameter(name, "query", "missing")
        return self.query[name]

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.param(name))
        except ValueError:
            raise bad_parameter(name, "query", "not a day") from None

    def who(self) -> dict[str, str]:
        """The merchant as an answer names it; at the partner's paths it is one of two."""
        name = "sp_mchid" if self.partner else "mchid"
        if self.param(name) != self.shop.identity.mchid:
            raise bad_parameter(name, "query", "not the merchant who signed")
        sub = {"sub_mchid": self.param("sub_mchid")} if self.partner else {}
        return {name: self.query[name], **sub}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `file` is one that is not signed."""

    content: Any = None
    status: int = 200
    file: bytes | None = None
