"""The seam between the sandbox and a simulated vendor: one folder, one `VENDOR`.

A vendor is added by adding a sub-package that exports `VENDOR`; nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Scope

from sandbox.world import Account, World

Clock = Callable[[], datetime]
Credentials = dict[str, dict[str, str]]


def wall_clock() -> datetime:
    """The time of day, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """What a simulator is told about the run it takes part in.

    `vault` keeps what a vendor generated at start-up (keys, tokens), so that its application and
    the credentials it hands out agree without anything being stored on disk.
    """

    origin: str
    clock: Clock = wall_clock
    seed: int = 1
    rate_limits: bool = True
    search_lag: float = 5.0
    vault: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer, used for injected errors in the vendor's own form."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


NativeId = Callable[[str, Account, int, random.Random], str]
FullId = Callable[[str, str, datetime, str | None], str]
Settings = Callable[[Context], dict[str, str]]


def as_minted(kind: str, number: str, at: datetime, payment: str | None) -> str:
    """The default for `Vendor.full_id`: the number alone is the id."""
    return number


def plain_error(status: int) -> Answer:
    """The error body of a vendor that did not say what its own look like."""
    return Answer(status, f"error {status}\n".encode(), "text/plain; charset=utf-8")


def no_settings(context: Context) -> dict[str, str]:
    """The default for `Vendor.settings`: the credentials say all."""
    return {}


def unknown_account(context: Context, scope: Scope) -> str | None:
    """The default for `Vendor.account_of`: the call log shows null."""
    return None


@dataclass(frozen=True, slots=True)
class Vendor:
    """One simulated vendor.

    `native_id(kind, account, index, rng)` writes an id as the vendor does, for the kinds customer,
    order, line, payment, refund and dispute that it has. `full_id(kind, number, at, payment)` makes
    a payment's, refund's or dispute's id of such a number where it takes more to find the record:
    when it was made, or the id of its payment. `app(world, context)` is mounted at
    `/<name>`. `error(status)` is the vendor's own error body for an injected fault (429 included);
    `account_of(context, scope)` tells whose credentials a request carries. `settings(context)` is,
    by account, what a gateway's `tillgate.toml` says of the source beside its credentials: lines
    of its own table first, then tables below it, such as `[[sources.NAME.orders]]`.
    """

    name: str
    accounts: tuple[Account, ...]
    native_id: NativeId
    app: Callable[[World, Context], ASGIApp]
    credentials: Callable[[Context], Credentials]
    error: Callable[[int], Answer] = plain_error
    account_of: Callable[[Context, Scope], str | None] = unknown_account
    full_id: FullId = as_minted
    settings: Settings = no_settings


def discover(crms: Collection[str] = ()) -> tuple[Vendor, ...]:
    """Every vendor found among this package's sub-packages, by name; of the CRMs only `crms`,
    where any are named. Raises LookupError for one that there is not.
    """
    import sandbox

    found = []
    for module in pkgutil.iter_modules(sandbox.__path__, "sandbox."):
        if module.ispkg:
            vendor = getattr(importlib.import_module(module.name), "VENDOR", None)
            if isinstance(vendor, Vendor):
                found.append(vendor)
    known = {vendor.name for vendor in found if is_crm(vendor)}
    if unknown := set(crms) - known:
        raise LookupError(
            f"no simulated CRM is named {min(unknown)!r}; known: {', '.join(sorted(known))}"
        )
    wanted = [v for v in found if not crms or not is_crm(v) or v.name in crms]
    return tuple(sorted(wanted, key=lambda vendor: vendor.name))


def is_crm(vendor: Vendor) -> bool:
    return any(account.role == "crm" for account in vendor.accounts)
