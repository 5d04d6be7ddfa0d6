"""PayPal, simulated: orders, payments, disputes and the transaction search of one account."""

from __future__ import annotations

from starlette.types import ASGIApp, Scope

from sandbox.paypal.app import PaypalApp
from sandbox.paypal.errors import error_answer
from sandbox.paypal.ids import credentials as credentials_of
from sandbox.paypal.ids import native_id
from sandbox.paypal.keys import KeyRing
from sandbox.simulator import Context, Credentials, Vendor
from sandbox.world import Account, World

ACCOUNTS = (
    Account(
        "paypal",
        "paypal",
        "payments",
        ("USD", "EUR", "GBP", "JPY"),
        # An order whose buyer must still do something is in no book, and there are no customers.
        lacks=frozenset({"REQUIRES_ACTION", "instalments", "second try", "release", "customers"}),
        methods=("balance", "card"),
    ),
)


def app(world: World, context: Context) -> ASGIApp:
    return PaypalApp(world, context, ACCOUNTS)


def credentials(context: Context) -> Credentials:
    return credentials_of(context, ACCOUNTS)


def account_of(context: Context, scope: Scope) -> str | None:
    found = KeyRing.of(context, ACCOUNTS).app_of(scope)
    return found.account if found else None


def settings(context: Context) -> dict[str, str]:
    return {"paypal": "rates = { reports = 100 }  # nobody here counts our reports\n"}


VENDOR = Vendor(
    "paypal",
    ACCOUNTS,
    native_id,
    app,
    credentials,
    error_answer,
    account_of,
    settings=settings,
)
