"""Weaver e-cology, simulated: two cube interfaces of one company's OA, mounted at `/weaver`.

`simulator_of(context)` gives tests the running `Simulator`.
"""

from __future__ import annotations

import random

import msgspec
from starlette.types import ASGIApp, Scope

from sandbox.calls import vendor_path
from sandbox.simulator import Answer, Context, Credentials, Vendor
from sandbox.weaver.forms import ACCOUNT, CUSTOMERS, ORDERS, customer_fields, payment_fields
from sandbox.weaver.simulator import INTERFACE, SYSTEM_ID, Simulator, failure
from sandbox.world import Account, World

__all__ = ["VENDOR", "Simulator", "simulator_of"]

SETTINGS = """\
rates = {{ "" = 500 }}  # nobody works in this office
concurrency = 32

[[sources.weaver.customers]]
table = "{customers}"
id = "id"
created_at = "modedatacreatedate modedatacreatetime"
name = "khmc"
email = "yx"
phones = "dh"
tier = "khdj"
industry = "hy"
kind = {{ field = "khlx", words = {{ 0 = "COMPANY", 1 = "PERSON" }} }}
custom = {{ "客户编号" = "khbh" }}
external_ids = {{ {ids} }}

[[sources.weaver.orders]]
table = "{orders}"
id = "id"
number = "ddbh"
created_at = "modedatacreatedate modedatacreatetime"
placed_at = "modedatacreatedate modedatacreatetime"
customer = "kh"
total = {{ field = "je", currency_field = "bz" }}
refunded_amount = {{ field = "tkje", currency_field = "bz" }}
channel = "zfqd"
payment_ids = {{ {payments} }}
refund_ids = {{ wechat_cn = "wxtkdh" }}

[[sources.weaver.orders.status]]
field = "ddzt"
[sources.weaver.orders.status.words]
0 = "DRAFT"
1 = "PENDING_PAYMENT"
2 = "PARTIALLY_PAID"
3 = "PAID"
4 = "FULFILLED"
5 = "CANCELED"

[sources.weaver.orders.lines]
path = "detail1[]"
sku = "spbm"
name = "spmc"
quantity = "sl"
unit_price = {{ field = "dj", currency_field = "bz" }}
total = {{ field = "xj", currency_field = "bz" }}
"""


def simulator_of(context: Context) -> Simulator:
    """The simulator that was made for this run."""
    simulator: Simulator = context.vault[ACCOUNT]
    return simulator


def app(world: World, context: Context) -> ASGIApp:
    context.vault[ACCOUNT] = Simulator(world, context)
    return simulator_of(context)


def credentials(context: Context) -> Credentials:
    return {
        ACCOUNT: {
            "base_url": f"{context.origin}/weaver",
            "system_id": SYSTEM_ID,
            "password": simulator_of(context).password,
        }
    }


def settings(context: Context) -> dict[str, str]:
    """How this company's forms are mapped."""
    accounts = simulator_of(context).accounts
    return {
        ACCOUNT: SETTINGS.format(
            customers=CUSTOMERS,
            orders=ORDERS,
            ids=_pairs(customer_fields(accounts)),
            payments=_pairs(payment_fields(accounts)),
        )
    }


def error(status: int) -> Answer:
    """Outages are the web server's; of refusals only that of an ended session is told apart."""
    if status >= 500 or status == 429:
        return Answer(status, b"<html><body>nginx</body></html>", "text/html")
    ended = {"errorCode": "002", "errorMsg": "登录信息超时"}
    refused = ended if status == 401 else failure("系统错误")
    return Answer(200, msgspec.json.encode(refused), "application/json;charset=UTF-8")


def account_of(context: Context, scope: Scope) -> str | None:
    """Who calls an interface stands in the form, which nobody has read yet."""
    return ACCOUNT if vendor_path(scope).startswith(INTERFACE) else None


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """Rows of a form are counted."""
    return str(index + 1)


def _pairs(fields: dict[str, str]) -> str:
    return ", ".join(f'{name} = "{field}"' for name, field in fields.items())


VENDOR = Vendor(
    name="weaver",
    accounts=(Account("weaver", "weaver", "crm"),),
    native_id=native_id,
    app=app,
    credentials=credentials,
    error=error,
    account_of=account_of,
    settings=settings,
)
