"""Single objects: retrieve by id, the balance, the account."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.stripe import params as read
from sandbox.stripe.errors import missing
from sandbox.stripe.expand import expanded, plan
from sandbox.stripe.ids import account_id
from sandbox.stripe.params import Params
from sandbox.stripe.store import Store

Object = dict[str, Any]
# What Stripe calls the id of a missing object, where it is not `id`.
ID_PARAMETERS = {
    "payment_intent": "intent",
    "checkout.session": "session",
    "payment_method": "payment_method",
    "dispute": "dispute",
    "refund": "refund",
}
COUNTRIES = {"eur": "DE", "usd": "US"}


def retrieve(store: Store, noun: str, native_id: str, params: Params) -> Object:
    """`GET /v1/<noun>s/{id}`."""
    read.only(params, ("expand", "client_secret"))
    tree = plan(store, read.expansions(params), noun, in_list=False)
    found = store.get(noun, native_id)
    if found is None:
        raise missing(noun, native_id, ID_PARAMETERS.get(noun, "id"))
    return expanded(store, found, tree)


def balance(store: Store, params: Params) -> Object:
    """`GET /v1/balance`: every movement of the account, settled at once."""
    read.only(params, ("expand",))
    sums: Counter[str] = Counter()
    for row in store.tables["balance_transaction"].rows:
        sums[row.object["currency"]] += row.object["net"]
    codes = [code.lower() for code in store.account.currencies]
    return {
        "object": "balance",
        "available": [
            {"amount": sums[code], "currency": code, "source_types": {"card": sums[code]}}
            for code in codes
        ],
        "connect_reserved": [{"amount": 0, "currency": code} for code in codes],
        "livemode": False,
        "pending": [{"amount": 0, "currency": code, "source_types": {"card": 0}} for code in codes],
    }


def account(store: Store, params: Params) -> Object:
    """`GET /v1/account`: whose key this is."""
    read.only(params, ("expand",))
    currency = store.account.currencies[0].lower()
    name = store.account.name
    return {
        "id": account_id(name),
        "object": "account",
        "business_profile": {"name": name, "mcc": None, "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": COUNTRIES.get(currency, "US"),
        "default_currency": currency,
        "details_submitted": True,
        "email": f"{name}@merchant.example",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": name, "timezone": "Etc/UTC"}},
        "type": "standard",
    }
