"""Alipay, simulated: the v2 gateway and v3, with an ordinary account and one of digital yuan."""

from __future__ import annotations

from starlette.types import ASGIApp

from sandbox.alipay.app import AlipayApp, account_of
from sandbox.alipay.keys import credentials
from sandbox.alipay.naming import full_id, native_id
from sandbox.alipay.refusals import gateway_error
from sandbox.simulator import Context, Vendor
from sandbox.world import Account, World

# The books tell only of money that moved, so nothing else happens here.
NEVER = frozenset(
    {"PENDING", "REQUIRES_ACTION", "AUTHORIZED", "FAILED", "CANCELED", "UNKNOWN"}
    | {"refund PENDING", "refund FAILED", "refund CANCELED"}
    | {"dispute lost", "dispute won", "second try", "release", "customers"}
)
NO_QUARRELS = frozenset({"dispute needs_response", "dispute warning_closed", "instalments"})
ACCOUNTS = (
    Account(
        "alipay_cn",
        "alipay",
        "payments",
        ("CNY",),
        lacks=NEVER,
        methods=("balance", "card", "pay_later", "ecny"),
        deducts=("coupon", "points", "promotion"),
    ),
    Account(
        "ecny_cn", "alipay", "payments", ("CNY",), lacks=NEVER | NO_QUARRELS, methods=("ecny",)
    ),
)


def app(world: World, context: Context) -> ASGIApp:
    return AlipayApp(world, context)


VENDOR = Vendor("alipay", ACCOUNTS, native_id, app, credentials, gateway_error, account_of, full_id)
