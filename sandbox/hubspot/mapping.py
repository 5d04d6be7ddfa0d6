"""What a `tillgate.toml` says of this portal's own properties, in TOML."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.hubspot.definitions import payment_property
from sandbox.hubspot.recorded import FULFILLED_STAGE
from sandbox.world import Account

MAPPING = """\
[[sources.hubspot.customers]]
kind = {{ field = "customer_kind", words = {{ Person = "PERSON", Company = "COMPANY" }} }}
tier = "tier"
industry = "industry"
custom = ["customer_number"]

[sources.hubspot.customers.external_ids]
stripe_eu = "stripe_eu_customer"
stripe_us = "stripe_us_customer"

[[sources.hubspot.orders]]
number = "order_number"
refunded_amount = {{ field = "refunded_amount", currency_field = "deal_currency_code" }}
channel = "payment_channel"
refund_ids = {{ wechat_cn = "wechat_refund_no" }}
custom = ["dealname"]

[[sources.hubspot.orders.status]]
field = "dealstage"

[sources.hubspot.orders.status.words]
appointmentscheduled = "DRAFT"
contractsent = "PENDING_PAYMENT"
closedwon = "NEXT"
{fulfilled} = "FULFILLED"
closedlost = "CANCELED"

[[sources.hubspot.orders.status]]
field = "payment_status"
words = {{ partial = "PARTIALLY_PAID", paid = "PAID" }}

[sources.hubspot.orders.payment_ids]
{payments}
"""


def settings(accounts: Iterable[Account]) -> str:
    names = [account.name for account in accounts if account.role == "payments"]
    payments = "\n".join(f'{name} = "{payment_property(name)}"' for name in names)
    return MAPPING.format(fulfilled=FULFILLED_STAGE, payments=payments)
