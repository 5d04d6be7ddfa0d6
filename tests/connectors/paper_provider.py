"""What every simulator of a CRM runs beside in tests: providers on paper, and a look inside."""

from __future__ import annotations

import dataclasses
from typing import Any

from sandbox.simulator import Context, Credentials, Vendor
from sandbox.world import Account, World

STRIPE_EU = Account("stripe_eu", "stripe", "payments", ("EUR", "USD", "JPY", "KWD"))
STRIPE_US = Account("stripe_us", "stripe", "payments", ("USD",))
WECHAT_CN = Account("wechat_cn", "wechatpay", "payments", ("CNY",))


def _unanswered(world: World, context: Context) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("a provider on paper is never called")

    return app


def _no_credentials(context: Context) -> Credentials:
    return {}


def paper_provider(name: str, *accounts: Account) -> Vendor:
    """A provider in name only, so that orders have payments to link to."""
    return Vendor(
        name,
        accounts,
        lambda kind, account, index, rng: f"{account.name}_{kind[:2]}_{index:06}",
        _unanswered,
        _no_credentials,
    )


def seen_through(vendor: Vendor) -> tuple[Vendor, list[Context]]:
    """The same vendor, and the contexts in which its application is made."""
    seen: list[Context] = []

    def app(world: World, context: Context) -> Any:
        seen.append(context)
        return vendor.app(world, context)

    return dataclasses.replace(vendor, app=app), seen
