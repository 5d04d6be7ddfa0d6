"""Kingdee Cloud Galaxy, simulated: the WebAPI of one company's server, mounted at `/kingdee`.

`galaxy_of(context)` gives tests the running server, whose `shelf` (rights, fields that are gone)
and `access` (sessions, the app) can be changed while it serves.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Scope

from sandbox.kingdee.bills import ACCOUNT, labels, party_fields, payment_fields
from sandbox.kingdee.errors import error_answer
from sandbox.kingdee.galaxy import MOUNT, Galaxy
from sandbox.kingdee.ids import native_id
from sandbox.simulator import Context, Credentials, Vendor
from sandbox.world import Account, World

__all__ = ["VENDOR", "Galaxy", "galaxy_of"]

SETTINGS = """\
auth = "app_secret"
rates = {{ calls = 20 }}  # the licence of this company allows 25

[[sources.kingdee.customers]]
email = "F_TG_Email"
phones = "F_TG_Phone"
tier = "F_TG_Tier"
industry = "F_TG_Industry"
kind = {{ field = "F_TG_Kind", words = {{ "个人" = "PERSON", "企业" = "COMPANY" }} }}
external_ids = {parties}
custom = {{ customerNumber = "FNumber" }}

[[sources.kingdee.orders]]
channel = "F_TG_Channel"
payment_ids = {payments}
refund_ids = {refunds}
custom = {{ note = "FNote" }}

[[sources.kingdee.receipts]]
table = "AR_RECEIVEBILL"
order = "F_TG_OrderNo"
amount = {{ field = "FRECAMOUNTFOR", currency_field = "FCURRENCYID.FNumber" }}
counts_if = "FDOCUMENTSTATUS"
words = ["C"]
payment_ids = {third_party}

[[sources.kingdee.refunds]]
table = "AR_REFUNDBILL"
order = "F_TG_OrderNo"
amount = {{ field = "FREFUNDTOTALAMOUNTFOR", currency_field = "FCURRENCYID.FNumber" }}
counts_if = "FDOCUMENTSTATUS"
words = ["C"]
"""


def galaxy_of(context: Context) -> Galaxy:
    """The server that was made for this run."""
    galaxy: Galaxy = context.vault[ACCOUNT]
    return galaxy


def app(world: World, context: Context) -> ASGIApp:
    context.vault[ACCOUNT] = Galaxy(world, context)
    context.vault[f"{ACCOUNT}.world"] = world
    return galaxy_of(context)


def credentials(context: Context) -> Credentials:
    """What a connector needs to log in."""
    known = galaxy_of(context).access.app
    return {
        ACCOUNT: {
            "base_url": context.origin + MOUNT,
            "acct_id": known.acct_id,
            "username": known.username,
            "app_id": known.app_id,
            "app_secret": known.secret,
        }
    }


def settings(context: Context) -> dict[str, str]:
    """How this company's own fields are mapped; it names the accounts that there are."""
    world: World = context.vault[f"{ACCOUNT}.world"]
    payments = payment_fields(world)
    wechat = "wechat_cn" in payments
    text = SETTINGS.format(
        parties=labels(party_fields(world)),
        payments=labels(payments),
        refunds=labels({"wechat_cn": "F_TG_WxRefundNo"} if wechat else {}),
        third_party=labels({"wechat_cn": "FTHIRDBILLNO"} if wechat else {}),
    )
    return {ACCOUNT: text}


def account_of(context: Context, scope: Scope) -> str | None:
    """The one account, when a request carries a live session or its app's signature."""
    return ACCOUNT if galaxy_of(context).access.is_ours(scope) else None


VENDOR = Vendor(
    name="kingdee",
    accounts=(Account(ACCOUNT, "kingdee", "crm"),),
    native_id=native_id,
    app=app,
    credentials=credentials,
    error=error_answer,
    account_of=account_of,
    settings=settings,
)
