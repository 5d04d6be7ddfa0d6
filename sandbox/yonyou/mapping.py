"""What a gateway's `tillgate.toml` says of this company: which of its own fields hold what."""

from __future__ import annotations

from sandbox.yonyou.keys import DATA_SOURCE
from sandbox.yonyou.vouchers import (
    CHANNEL,
    CURRENCIES,
    NUMBER,
    PARTY_FIELDS,
    PAYMENT_FIELDS,
    PLACED,
    REFUND,
)


def _table(pairs: dict[str, str]) -> str:
    return ", ".join(f'"{key}" = "{value}"' for key, value in pairs.items())


WORDS = {word: code for code, word in CURRENCIES.items()}
SETTINGS = f"""\
rates = {{ "" = 40 }}
concurrency = 8
ds_sequence = {DATA_SOURCE}
currencies = {{ {_table(WORDS)} }}

[[sources.yonyou.customers]]
email = "self_define4"
tier = "self_define3"
kind = {{ field = "sort_code", words = {{ "01" = "COMPANY", "02" = "PERSON" }} }}
external_ids = {{ {_table(PARTY_FIELDS)} }}

[[sources.yonyou.orders]]
number = "{NUMBER}"
placed_at = "{PLACED}"
total = {{ field = "entry[].sum", currency_field = "currency_name" }}
channel = "{CHANNEL}"
payment_ids = {{ {_table(PAYMENT_FIELDS)} }}
refund_ids = {{ wechat_cn = "{REFUND}" }}

[sources.yonyou.orders.lines]
unit_price = {{ field = "taxunitprice", currency_field = "currency_name" }}
total = {{ field = "sum", currency_field = "currency_name" }}

[[sources.yonyou.receipts]]
table = "acceptlist?vouchtype=48"
order = "digest"
counts_if = "vouchtype"
words = ["48"]
amount = {{ field = "originalamount", currency_field = "foreigncurrency" }}

[[sources.yonyou.refunds]]
table = "acceptlist?vouchtype=49"
order = "digest"
counts_if = "vouchtype"
words = ["49"]
amount = {{ field = "originalamount", currency_field = "foreigncurrency" }}
"""
