"""YonBIP, simulated: token service and sales orders of one tenant, mounted at `/yonbip`.

`simulator_of(context)` gives tests the running `Simulator`.
"""

from __future__ import annotations

import random

from starlette.types import ASGIApp, Scope

from sandbox.simulator import Context, Credentials, Vendor
from sandbox.world import Account, World
from sandbox.yonbip.errors import injected
from sandbox.yonbip.orders import ACCOUNT, CHANNEL, PAID, REFUND, REFUNDED, payment_fields
from sandbox.yonbip.simulator import Simulator, token_in

__all__ = ["VENDOR", "Simulator", "simulator_of"]

SETTINGS = """\
rates = {{ orders = 500 }}  # this tenant bought more calls than the free ones

[[sources.yonbip.orders]]
channel = "headItem!{channel}"
refunded_amount = {{ field = "headItem!{refunded}", currency_field = "orderPrices!currency" }}
refund_ids = {{ wechat_cn = "headItem!{refund}" }}
payment_ids = {{ {payments} }}

[[sources.yonbip.orders.status]]
field = "statusCode"
[sources.yonbip.orders.status.words]
CONFIRMORDER = "NEXT"
DELIVERY_PART = "NEXT"
ENDORDER = "FULFILLED"
CLOSEDORDER = "CANCELED"

[[sources.yonbip.orders.status]]
field = "verifystate"
words = {{ 0 = "DRAFT", 1 = "DRAFT", 2 = "NEXT" }}

[[sources.yonbip.orders.status]]
field = "headItem!{paid}"
empty = "PENDING_PAYMENT"
words = {{ "部分收款" = "PARTIALLY_PAID", "已收款" = "PAID" }}
"""


def simulator_of(context: Context) -> Simulator:
    """The simulator that was made for this run."""
    simulator: Simulator = context.vault[ACCOUNT]
    return simulator


def app(world: World, context: Context) -> ASGIApp:
    context.vault[ACCOUNT] = Simulator(world, context)
    return simulator_of(context)


def credentials(context: Context) -> Credentials:
    owner = simulator_of(context).app
    return {
        ACCOUNT: {
            "app_key": owner.key,
            "app_secret": owner.secret,
            "base_url": f"{context.origin}/yonbip",
        }
    }


def settings(context: Context) -> dict[str, str]:
    """How this tenant's own fields are mapped."""
    fields = payment_fields(simulator_of(context).accounts)
    payments = ", ".join(f'{name} = "headItem!{field}"' for name, field in fields.items())
    return {
        ACCOUNT: SETTINGS.format(
            channel=CHANNEL, refunded=REFUNDED, refund=REFUND, paid=PAID, payments=payments
        )
    }


def account_of(context: Context, scope: Scope) -> str | None:
    token = token_in(scope["query_string"].decode("latin-1"))
    return ACCOUNT if simulator_of(context).app.alive(token) else None


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """Numbers of 16 to 19 digits."""
    return str(rng.randrange(10**15, 9 * 10**18))


VENDOR = Vendor(
    name="yonbip",
    accounts=(Account("yonbip", "yonbip", "crm"),),
    native_id=native_id,
    app=app,
    credentials=credentials,
    error=injected,
    account_of=account_of,
    settings=settings,
)
