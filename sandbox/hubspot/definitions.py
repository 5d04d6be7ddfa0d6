"""The properties of each object type: HubSpot's own, and those that this portal added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.recorded import MARKS
from sandbox.world import Account

UNIQUE = frozenset({"stripe_eu", "stripe_us", "paypal", "alipay_cn", "wechat_cn"})
"""Accounts whose payments stand in a unique property; of the others, a search must find them."""


@dataclass(frozen=True, slots=True)
class Definition:
    name: str
    type: str = "string"
    field: str = "text"
    unique: bool = False
    options: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        options = [
            {"label": word, "value": word, "displayOrder": place, "hidden": False}
            for place, word in enumerate(self.options)
        ]
        return {
            "name": self.name,
            "label": self.name.replace("_", " ").capitalize(),
            "type": self.type,
            "fieldType": self.field,
            "description": "",
            "groupName": "information",
            "options": options,
            "displayOrder": -1,
            "calculated": False,
            "externalOptions": False,
            "archived": False,
            "hasUniqueValue": self.unique,
            "hidden": False,
            "modificationMetadata": {
                "archivable": True,
                "readOnlyDefinition": False,
                "readOnlyValue": False,
            },
            "formField": False,
        }


def text(*names: str) -> list[Definition]:
    return [Definition(name) for name in names]


def number(*names: str) -> list[Definition]:
    return [Definition(name, "number", "number") for name in names]


def time(*names: str) -> list[Definition]:
    return [Definition(name, "datetime", "date") for name in names]


def choice(name: str, *words: str, field: str = "select") -> Definition:
    return Definition(name, "enumeration", field, options=words)


def truth(name: str) -> Definition:
    return Definition(name, "bool", "calculation_equation", options=("true", "false"))


def unique(name: str) -> Definition:
    return Definition(name, unique=True)


STAGES = tuple(dict.fromkeys(mark.stage for mark in MARKS.values()))
SYSTEM = [
    *number("hs_object_id"),
    *time("createdate", "hs_lastmodifieddate"),
    choice("hs_merged_object_ids", field="checkbox"),
]
STRIPE_IDS = text("stripe_eu_customer", "stripe_us_customer")
LINE = [
    *SYSTEM,
    *text("name", "hs_sku", "hs_line_item_currency_code"),
    *number("price", "quantity", "amount"),
]


def payment_property(account: str) -> str:
    return f"{account}_payment"


def properties(accounts: Iterable[Account]) -> dict[str, list[Definition]]:
    """By object type. Each payment account of the world has a property of its own in deals."""
    paid = [
        Definition(payment_property(account.name), unique=account.name in UNIQUE)
        for account in accounts
        if account.role == "payments"
    ]
    return {
        "contacts": [
            *SYSTEM,
            *time("lastmodifieddate"),
            *text("firstname", "lastname", "email", "phone", "mobilephone"),
            choice("hs_additional_emails", field="checkbox"),
            choice("lifecyclestage", "lead", "customer"),
            choice("customer_kind", "Person", "Company", field="radio"),
            choice("tier", "BRONZE", "SILVER", "GOLD", "PLATINUM"),
            *text("industry"),
            unique("customer_number"),
            *STRIPE_IDS,
        ],
        "companies": [
            *SYSTEM,
            *text("name", "domain", "phone", "industry"),
            choice("lifecyclestage", "lead", "customer"),
            *STRIPE_IDS,
        ],
        "deals": [
            *SYSTEM,
            *time("closedate"),
            *text("dealname", "deal_currency_code"),
            choice("dealstage", *STAGES),
            choice("pipeline", "default"),
            truth("hs_is_closed"),
            truth("hs_is_closed_won"),
            *number("amount", "refunded_amount"),
            unique("order_number"),
            choice("payment_status", "partial", "paid"),
            choice("payment_channel", field="checkbox"),
            *text("wechat_refund_no"),
            *paid,
        ],
        "orders": [
            *number("hs_object_id"),
            *time("hs_createdate", "hs_lastmodifieddate", "hs_external_created_date"),
            *text("hs_order_name", "hs_external_order_id", "hs_currency_code"),
            *text("hs_payment_status", "hs_fulfillment_status", "hs_pipeline_stage"),
            *number("hs_total_price"),
        ],
        "line_items": LINE,
    }
