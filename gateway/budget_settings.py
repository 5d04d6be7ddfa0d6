"""`[budget]` and `[redis]`: what a client may spend, and where all workers keep count of it."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from auth.budget.bucket import Limit
from connectors.secret import Secret

Points = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=2**31 - 1)]


class ClientBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the client with that id, of one issuer or of any; what is not given is as for all."""

    issuer: str | None = None
    maximum: Points | None = None
    capacity: Points | None = None
    refill: Rate | None = None
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None


class Allowance(msgspec.Struct, frozen=True):
    """What holds for one client: `maximum` of an operation, its bucket, operations at once."""

    maximum: int
    limit: Limit
    concurrency: int


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In points: an operation costs at most `maximum`, an upstream call `call_cost`; a bucket holds
    `capacity` and fills with `refill` a second. `measure` refuses nothing. `workers` is how many
    processes share the buckets, for while Redis is out."""

    mode: Literal["enforce", "measure"] = "enforce"
    maximum: Points = 5_000
    call_cost: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 5
    capacity: Points = 5_000
    refill: Rate = 250.0
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 20
    workers: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    clients: dict[str, ClientBudget] = {}

    def __post_init__(self) -> None:
        for name, own in ((None, ClientBudget()), *self.clients.items()):
            allowed = self._allowance(own)
            if allowed.maximum > allowed.limit.capacity:
                place = "maximum: " if name is None else f"clients: {name}: the maximum is "
                raise ValueError(f"{place}more than the capacity, so it could never be spent")

    def of(self, issuer: str | None = None, client_id: str | None = None) -> Allowance:
        own = self.clients.get(client_id) if client_id is not None else None
        if own is not None and own.issuer not in (None, issuer):
            own = None
        return self._allowance(own or ClientBudget())

    def _allowance(self, own: ClientBudget) -> Allowance:
        return Allowance(
            own.maximum or self.maximum,
            Limit(float(own.capacity or self.capacity), own.refill or self.refill),
            own.concurrency or self.concurrency,
        )


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`redis://`, `rediss://` or `unix://`; the password stands apart as a secret."""

    url: str
    password: Secret | None = None

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("url: expected redis://, rediss:// or unix://")
        if re.match(r"[^/]*//[^/@]*:[^/@]+@", self.url) or "password=" in self.url:
            raise ValueError('url: the password belongs into password = { env = "NAME" }')
