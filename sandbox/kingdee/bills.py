"""The company's base data and bills, written from the world. Amounts never pass through a float."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.books import CHINA, channel_words, major, received, returned
from sandbox.kingdee.forms import Bill, Form, forms
from sandbox.kingdee.recorded import MARKS
from sandbox.world import Account, Customer, Line, Order, World

ACCOUNT = "kingdee"
CODES = {"CNY": "PRE001", "USD": "PRE007"}
"""Preset currencies; the company has numbered its own by their ISO codes."""
KINDS = {"PERSON": "个人", "COMPANY": "企业"}
WECHAT = "wechat_cn"
"""Its payments are also noted on the receipt, as the number of a third party's bill."""
PARTIES = ("stripe_eu", "stripe_us")
FIRST_RECEIPT, FIRST_REFUND = 300_001, 400_001
UNAUDITED_EVERY = 4
"""One unpaid order in so many has a receipt that nobody has audited: it does not count."""
LONG = Decimal("0.0000000001")


def custom_fields(accounts: tuple[Account, ...], prefix: str, role: str) -> dict[str, str]:
    """Account to field: `F_TG_Pay_stripe_eu`."""
    return {one.name: f"F_TG_{prefix}_{one.name}" for one in accounts if one.role == role}


def payment_fields(world: World) -> dict[str, str]:
    return custom_fields(world.accounts, "Pay", "payments")


def party_fields(world: World) -> dict[str, str]:
    known = tuple(one for one in world.accounts if one.name in PARTIES)
    return custom_fields(known, "Cust", "payments")


def build(world: World) -> dict[str, Form]:
    """Every form with its bills, by its id in lower case."""
    return Books(world).fill()


def local(moment: datetime) -> datetime:
    """The clock of the data centre, which says no zone."""
    return moment.astimezone(CHINA).replace(tzinfo=None)


def day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


class Books:
    """Writes everything down once."""

    def __init__(self, world: World) -> None:
        self.payments, self.parties = payment_fields(world), party_fields(world)
        self.forms = forms(self.parties.values(), self.payments.values())
        self.customers = {c.key: c for c in world.customers if ACCOUNT in c.sources}
        self.orders = [o for o in world.orders if o.source == ACCOUNT]
        self.materials: dict[tuple[str, str], int] = {}
        self.currencies: dict[str, int] = {}

    def fill(self) -> dict[str, Form]:
        for customer in self.customers.values():
            self.write("BD_Customer", self.customer(customer))
        for index, order in enumerate(self.orders):
            self.write("SAL_SaleOrder", self.order(order))
            self.money(index, order)
        for (sku, name), number in self.materials.items():
            row = {"FMATERIALID": number, "FNumber": sku, "FName": name, "FDocumentStatus": "C"}
            self.write("BD_MATERIAL", row)
        for code, number in self.currencies.items():
            row = {"FCURRENCYID": number, "FNumber": code, "FName": code, "FDocumentStatus": "C"}
            self.write("BD_Currency", row)
        return self.forms

    def write(self, form: str, bill: Bill) -> None:
        self.forms[form.casefold()].bills.append(bill)

    def customer(self, customer: Customer) -> Bill:
        at = local(customer.created_at)
        return {
            "FCUSTID": int(customer.sources[ACCOUNT]),
            "FNumber": customer.key,
            "FName": customer.name,
            "FForbidStatus": "A",
            "FDocumentStatus": "C",
            "FCreateDate": at,
            "FModifyDate": at,
            "F_TG_Email": customer.email,
            "F_TG_Phone": customer.phone,
            "F_TG_Kind": KINDS[customer.kind],
            "F_TG_Tier": customer.tier,
            "F_TG_Industry": customer.industry,
            **{key: customer.sources.get(name) for name, key in self.parties.items()},
        }

    def order(self, order: Order) -> Bill:
        mark, at = MARKS[order.recorded_state], local(order.placed_at)
        account, native = order.payment_field or (None, None)
        refund = order.refund_field
        return {
            "FID": int(order.native_id),
            "FBillNo": order.number,
            "FDate": day(at),
            "FCustId": self.customer_id(order),
            "FDocumentStatus": mark.document,
            "FCancelStatus": mark.canceled,
            "FCloseStatus": mark.closed,
            "FCreateDate": at,
            "FModifyDate": at,
            "F_TG_Channel": ";".join(channel_words(order)),
            "F_TG_WxRefundNo": refund[1] if refund and refund[0] == WECHAT else None,
            **{key: native if name == account else None for name, key in self.payments.items()},
            "FSettleCurrId": self.currency(order.currency),
            "FBillAllAmount": major(order.total, order.currency),
            "FSaleOrderEntry": [
                self.line(line, seq, order.currency) for seq, line in enumerate(order.lines, 1)
            ],
            "FSaleOrderPlan": self.plan(order),
        }

    def line(self, line: Line, seq: int, currency: str) -> Bill:
        return {
            "FSaleOrderEntry_FEntryID": int(line.native_id),
            "FSeq": seq,
            "FMaterialId": self.material(line),
            "FQty": Decimal(line.quantity),
            "FTaxPrice": major(line.unit_price, currency),
            "FAllAmount": major(line.total, currency),
        }

    def plan(self, order: Order) -> list[Bill]:
        """What was to be paid in two parts, and what of it came in."""
        if order.total is None:
            return []
        paid = received(order)
        due = (order.total // 2, order.total - order.total // 2)
        came = (min(paid, due[0]), max(0, paid - due[0]))
        return [
            {
                "FSaleOrderPlan_FEntryID": int(order.native_id) * 2 + index,
                "FRecAdvanceAmount": major(due[index], order.currency),
                "FRecAmount": major(came[index], order.currency),
            }
            for index in range(2)
        ]

    def money(self, index: int, order: Order) -> None:
        """The receipts and refunds of an order; what is received comes in two where it can."""
        paid = received(order)
        parts = [paid // 2, paid - paid // 2] if paid > 1 else [paid] * bool(paid)
        for amount in parts:
            self.receipt(order, amount, "C")
        if not parts and order.total and index % UNAUDITED_EVERY == 0:
            self.receipt(order, order.total, "A")
        if back := returned(order):
            number = FIRST_REFUND + len(self.forms["ar_refundbill"].bills)
            row = self.money_bill(number, "SKTKD", order, "C")
            amount_field = {"FREFUNDTOTALAMOUNTFOR": long(back, order.currency)}
            self.write("AR_REFUNDBILL", row | amount_field)

    def receipt(self, order: Order, amount: int, document: str) -> None:
        account, native = order.payment_field or (None, None)
        number = FIRST_RECEIPT + len(self.forms["ar_receivebill"].bills)
        row = self.money_bill(number, "SKD", order, document)
        row["FRECAMOUNTFOR"] = long(amount, order.currency)
        row["FTHIRDBILLNO"] = native if account == WECHAT and document == "C" else None
        self.write("AR_RECEIVEBILL", row)

    def money_bill(self, number: int, prefix: str, order: Order, document: str) -> Bill:
        at = local(order.placed_at)
        return {
            "FID": number,
            "FBillNo": f"{prefix}{number:08}",
            "FDATE": day(at),
            "FDOCUMENTSTATUS": document,
            "FCreateDate": at,
            "FModifyDate": at,
            "FCONTACTUNIT": self.customer_id(order),
            "FCURRENCYID": self.currency(order.currency),
            "F_TG_OrderNo": order.number,
        }

    def customer_id(self, order: Order) -> int:
        customer = self.customers.get(order.customer or "")
        return int(customer.sources[ACCOUNT]) if customer else 0

    def material(self, line: Line) -> int:
        """One material for each pair of code and name that some line mentions."""
        pair = (line.sku or "", line.name or "")
        return numbered(self.materials, pair, 700_001) if any(pair) else 0

    def currency(self, code: str) -> int:
        return numbered(self.currencies, CODES.get(code, code), 1)


def numbered(known: dict[Any, int], key: Any, first: int) -> int:
    return known.setdefault(key, first + len(known))


def long(minor: int, currency: str) -> Decimal:
    """With the ten decimals that the database has."""
    return major(minor, currency).quantize(LONG)


def labels(fields: Mapping[str, str]) -> str:
    """A TOML table of names to fields."""
    return "{ " + ", ".join(f'{name} = "{key}"' for name, key in fields.items()) + " }"
