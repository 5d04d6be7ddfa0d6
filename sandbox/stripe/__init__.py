"""Stripe, simulated: `/v1` as the API version 2026-10-28.endive speaks it, two accounts."""

from __future__ import annotations

from starlette.types import ASGIApp, Scope

from sandbox.simulator import Context, Credentials, Vendor
from sandbox.stripe.app import StripeApp
from sandbox.stripe.errors import error_answer
from sandbox.stripe.ids import credentials as credentials_of
from sandbox.stripe.ids import native_id
from sandbox.stripe.keys import KeyRing, presented
from sandbox.world import Account, World

ACCOUNTS = (
    Account("stripe_eu", "stripe", "payments", ("EUR", "GBP", "CNY", "KWD")),
    Account("stripe_us", "stripe", "payments", ("USD", "JPY")),
)


def simulated(accounts: tuple[Account, ...]) -> Vendor:
    """Stripe with these accounts; one that lacks `search` is as those in India."""

    def app(world: World, context: Context) -> ASGIApp:
        return StripeApp(world, context, accounts)

    def credentials(context: Context) -> Credentials:
        return credentials_of(context, accounts)

    def account_of(context: Context, scope: Scope) -> str | None:
        return KeyRing.of(context, accounts).owners.get(presented(scope) or "")

    return Vendor("stripe", accounts, native_id, app, credentials, error_answer, account_of)


VENDOR = simulated(ACCOUNTS)
