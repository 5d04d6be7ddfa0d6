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


def app(world: World, context: Context) -> ASGIApp:
    return StripeApp(world, context, ACCOUNTS)


def credentials(context: Context) -> Credentials:
    return credentials_of(context, ACCOUNTS)


def account_of(context: Context, scope: Scope) -> str | None:
    return KeyRing.of(context, ACCOUNTS).owners.get(presented(scope) or "")


VENDOR = Vendor("stripe", ACCOUNTS, native_id, app, credentials, error_answer, account_of)
