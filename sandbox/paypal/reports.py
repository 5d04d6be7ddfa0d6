"""The transaction search: everything that moved money, and authorizations, which do not."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.behaviour import MARK, has_odd_row
from sandbox.paypal.errors import NOT_YET, PaypalError, invalid
from sandbox.paypal.ids import derived
from sandbox.paypal.objects import (
    Object,
    buyer,
    invoice_id,
    is_authorization,
    link,
    money,
    payer_id,
    refund_invoice_id,
    stamp,
)
from sandbox.paypal.queries import Query
from sandbox.world import Payment, Refund

LAG = timedelta(hours=3)
LONGEST = timedelta(days=31)
MOST_ITEMS = 10_000
DEFAULT_PAGE, MOST_PAGE = 100, 500
MOST_PAGES = 2**31 - 1
FIELDS = frozenset(
    f"{noun}_info"
    for noun in ("transaction", "payer", "shipping", "auction", "cart", "incentive", "store")
) | {"all"}
PAID = {"SUCCEEDED": "S", "PENDING": "P", "FAILED": "D", "UNKNOWN": "P"}
HELD = {"AUTHORIZED": "P", "CANCELED": "V"}
BACK = {"SUCCEEDED": "S", "PENDING": "P", "FAILED": "D", "CANCELED": "D", "UNKNOWN": "P"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the account's history; `amount` is signed minor units."""

    at: datetime
    native_id: str
    code: str
    status: str
    amount: int
    payment: Payment
    refers_to: str | None = None
    fee: int | None = None
    invoice: str | None = None

    @property
    def moves_money(self) -> bool:
        return self.status == "S" and not self.code.startswith("T13")

    def info(self) -> Object:
        """`transaction_info`; times have no colon in their zone here."""
        at = stamp(self.at).replace("Z", "+0000")
        currency = self.payment.currency
        made = {
            "paypal_account_id": payer_id(self.payment),
            "transaction_id": self.native_id,
            "transaction_event_code": self.code,
            "transaction_initiation_date": at,
            "transaction_updated_date": at,
            "transaction_amount": money(self.amount, currency),
            "transaction_status": self.status,
            "transaction_subject": "Tea set, 'large'",
            "protection_eligibility": "01",
            "instrument_type": "CREDIT_CARD" if self.payment.method == "card" else "PAYPAL",
        }
        if self.refers_to is not None:
            made |= {"paypal_reference_id": self.refers_to, "paypal_reference_id_type": "TXN"}
        if self.fee is not None:
            made["fee_amount"] = money(-self.fee, currency)
        if self.invoice is not None:
            made["invoice_id"] = self.invoice
            if self.payment.reference is not None:
                made["custom_field"] = self.payment.reference
        return made


class OddRow(Row):
    """A row of a payment without its date, whose fee has decimals that its currency lacks."""

    __slots__ = ()

    def info(self) -> Object:
        made = super().info()
        del made["transaction_initiation_date"]
        return made | {
            "transaction_id": MARK,
            "transaction_event_code": "T0006",
            "transaction_amount": {"currency_code": "TWD", "value": "590"},
            "fee_amount": {"currency_code": "TWD", "value": "-17.70"},
        }


def oddly(rows: list[Row]) -> list[Row]:
    """With one odd row more, where there are any."""
    if not rows or not has_odd_row():
        return rows
    first = rows[0]
    odd = OddRow(first.at, MARK, first.code, first.status, first.amount, first.payment)
    return [rows[0], odd, *rows[1:]]


def rows_of(payment: Payment) -> Iterator[Row]:
    """All that one payment of the world left in the account's history, but for refunds."""
    at, own = payment.created_at, payment.native_id
    code, words = ("T1300", HELD) if is_authorization(payment) else ("T0006", PAID)
    status = words[payment.status]
    invoice = invoice_id(payment)
    yield Row(at, own, code, status, payment.amount, payment, fee=payment.fee, invoice=invoice)
    if payment.status == "PENDING":
        # An id may stand there twice.
        yield Row(at, own, code, status, payment.amount, payment, invoice=invoice)
    if payment.status == "CANCELED":
        voided = at + timedelta(hours=1)
        yield side_row(payment, "T1302", -payment.amount, voided)
    if payment.dispute is not None:
        yield from of_dispute(payment, payment.dispute.created_at, payment.dispute.status)
    if int(derived(own, "side", length=2), 36) % 8 == 0:
        yield side_row(payment, "T0400", -payment.amount, at + timedelta(days=1), None)
        # The merchant buys with PayPal too, and gets money back.
        yield side_row(payment, "T0006", -500, at + timedelta(minutes=5), None)
        yield side_row(payment, "T1107", 200, at + timedelta(minutes=9), None)


def of_dispute(payment: Payment, at: datetime, status: str) -> Iterator[Row]:
    """Money is held, and given back or lost."""
    yield side_row(payment, "T1110", -payment.amount, at)
    if status != "needs_response":
        yield side_row(payment, "T1111", payment.amount, at + timedelta(days=2))
    if status == "lost":
        yield side_row(payment, "T1201", -payment.amount, at + timedelta(days=2))
        yield side_row(payment, "T0106", -2000, at + timedelta(days=2))


def side_row(
    payment: Payment, code: str, amount: int, at: datetime, refers_to: str | None = ""
) -> Row:
    """A row with an id of its own, which refers to the payment unless told otherwise."""
    own = derived(payment.native_id, code)
    related = payment.native_id if refers_to == "" else refers_to
    return Row(at, own, code, "S", amount, payment, related)


def row_of_refund(payment: Payment, refund: Refund) -> Row:
    return Row(
        refund.created_at,
        refund.native_id,
        "T1107",
        BACK[refund.status],
        -refund.amount,
        payment,
        payment.native_id,
        invoice=refund_invoice_id(payment, refund),
    )


class History:
    """The rows of one account by time."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = sorted(rows, key=moment)

    def add(self, row: Row) -> None:
        bisect.insort(self.rows, row, key=moment)

    def search(self, query: Query, now: datetime) -> dict[str, Any]:
        """One page of a window."""
        start, end = window(query)
        fields = fields_of(query)
        size = query.number("page_size", DEFAULT_PAGE, MOST_PAGE)
        page = query.number("page", 1, MOST_PAGES)
        fresh = now - LAG
        if start > fresh:
            raise PaypalError("INVALID_REQUEST", message=NOT_YET)
        found = oddly(self.found(start, min(end, fresh), query))
        if len(found) > MOST_ITEMS:
            raise PaypalError(
                "RESULTSET_TOO_LARGE", maximum_items=MOST_ITEMS, total_items=len(found)
            )
        rows = found[(page - 1) * size : page * size]
        return {
            "transaction_details": [detail(row, fields) for row in rows],
            "account_number": "XZXSPECPDZHZU",
            "start_date": written(start),
            "end_date": written(min(end, fresh)),
            "last_refreshed_datetime": written(fresh),
            "page": page,
            "total_items": len(found),
            "total_pages": -(-len(found) // size),
            "links": [link("self", "/v1/reporting/transactions")],
        }

    def found(self, start: datetime, end: datetime, query: Query) -> list[Row]:
        low = bisect.bisect_left(self.rows, start, key=moment)
        high = bisect.bisect_right(self.rows, end, key=moment)
        quiet = query.text("balance_affecting_records_only") == "N"
        wanted = {
            "transaction_id": query.text("transaction_id"),
            "transaction_type": query.text("transaction_type"),
            "transaction_status": query.text("transaction_status"),
            "transaction_currency": query.text("transaction_currency"),
        }
        return [
            row
            for row in self.rows[low:high]
            if (quiet or row.moves_money)
            and wanted["transaction_id"] in (None, row.native_id)
            and wanted["transaction_type"] in (None, row.code)
            and wanted["transaction_status"] in (None, row.status)
            and wanted["transaction_currency"] in (None, row.payment.currency)
        ]


def moment(row: Row) -> datetime:
    return row.at


def written(at: datetime) -> str:
    return stamp(at).replace("Z", "+0000")


def window(query: Query) -> tuple[datetime, datetime]:
    start, end = query.moment("start_date"), query.moment("end_date")
    if start is None or end is None:
        raise invalid("start_date" if start is None else "end_date", "MISSING_REQUIRED_PARAMETER")
    if end < start or end - start > LONGEST:
        raise invalid("end_date", "INVALID_DATE_RANGE")
    return start, end


def fields_of(query: Query) -> frozenset[str]:
    names = frozenset((query.text("fields") or "transaction_info").split(","))
    if names - FIELDS:
        raise invalid("fields")
    return names


def detail(row: Row, fields: frozenset[str]) -> Object:
    made: Object = {"transaction_info": row.info()}
    if fields & {"all", "payer_info"}:
        given, surname = buyer(row.payment)
        made["payer_info"] = {
            "account_id": payer_id(row.payment),
            "email_address": "buyer@example.com",
            "payer_status": "Y",
            "payer_name": {"given_name": given, "surname": surname},
            "country_code": "US",
        }
    return made
