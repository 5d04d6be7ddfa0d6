"""Disputes: each one, and the list, newest first.

PayPal lists those that changed in the last 180 days; here they are listed whatever their age,
because the world lies in the past.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sandbox.behaviour import MARK, has_odd_row
from sandbox.paypal.errors import invalid
from sandbox.paypal.objects import Object, invoice_id, link, money, stamp
from sandbox.paypal.queries import Query
from sandbox.world import Payment

DEFAULT_PAGE, MOST = 10, 50
ANSWER_TIME = timedelta(days=2)
# The world's word: PayPal's status, state and outcome.
WORDS: dict[str, tuple[str, str, str | None]] = {
    "needs_response": ("WAITING_FOR_SELLER_RESPONSE", "REQUIRED_ACTION", None),
    "won": ("RESOLVED", "RESOLVED", "RESOLVED_SELLER_FAVOUR"),
    "lost": ("RESOLVED", "RESOLVED", "RESOLVED_BUYER_FAVOUR"),
    "warning_closed": ("RESOLVED", "RESOLVED", "CANCELED_BY_BUYER"),
}
REASONS = {
    "fraudulent": "UNAUTHORISED",
    "product_not_received": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    "duplicate": "DUPLICATE_TRANSACTION",
}


def changed(payment: Payment) -> datetime:
    """When the dispute was last heard of."""
    assert payment.dispute is not None
    decided = WORDS[payment.dispute.status][2] is not None
    return payment.dispute.created_at + (ANSWER_TIME if decided else timedelta(0))


def summary(payment: Payment) -> Object:
    """A row of the list: it does not say which payment it is about."""
    dispute = payment.dispute
    assert dispute is not None
    status, state, _ = WORDS[dispute.status]
    made = {
        "dispute_id": dispute.native_id,
        "create_time": stamp(dispute.created_at),
        "update_time": stamp(changed(payment)),
        "reason": REASONS[dispute.reason],
        "status": status,
        "dispute_state": state,
        "dispute_amount": money(dispute.amount, payment.currency),
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "INTERNAL",
        "links": [link("self", f"/v1/customer/disputes/{dispute.native_id}")],
    }
    if dispute.due_by is not None:
        made["seller_response_due_date"] = stamp(dispute.due_by)
    return made


def whole(payment: Payment) -> Object:
    dispute = payment.dispute
    assert dispute is not None
    transaction = {
        "buyer_transaction_id": payment.native_id[::-1],
        "seller_transaction_id": payment.native_id,
        "create_time": stamp(payment.created_at),
        "transaction_status": "COMPLETED",
        "gross_amount": money(payment.amount, payment.currency),
        "invoice_number": invoice_id(payment),
        "buyer": {"email": "buyer@example.com", "name": "王小明 🎈"},
    }
    made = summary(payment) | {"disputed_transactions": [transaction]}
    made.pop("dispute_state")
    if outcome := WORDS[dispute.status][2]:
        made["dispute_outcome"] = {
            "outcome_code": outcome,
            "amount_refunded": money(dispute.amount * dispute.holds, payment.currency),
        }
    return made


def odd(payment: Payment) -> Object:
    """One with decimals that its currency lacks."""
    amount = {"currency_code": "TWD", "value": "17.70"}
    return whole(payment) | {"dispute_id": MARK, "dispute_amount": amount}


def listed(payments: list[Payment], query: Query) -> dict[str, Any]:
    """The list of those that `query` asks for; the next page is a token in a link."""
    size = query.number("page_size", DEFAULT_PAGE, MOST)
    start = offset(query.text("next_page_token"))
    rows = sorted(asked_for(payments, query), key=created, reverse=True)
    links = [link("self", "/v1/customer/disputes")]
    if len(rows) > start + size:
        following = query.values | {"next_page_token": token(start + size)}
        links.append(link("next", "/v1/customer/disputes?" + urlencode(following)))
    items = [summary(row) for row in rows[start : start + size]]
    if items and start == 0 and has_odd_row():
        items.insert(0, items[0] | {"dispute_id": MARK})
    return {"items": items, "links": links}


def created(payment: Payment) -> tuple[datetime, str]:
    assert payment.dispute is not None
    return payment.dispute.created_at, payment.dispute.native_id


def asked_for(payments: list[Payment], query: Query) -> list[Payment]:
    transaction, start = query.text("disputed_transaction_id"), query.moment("start_time")
    if transaction and start:
        raise invalid("start_time", "INVALID_PARAMETER_COMBINATION")
    after, before = query.moment("update_time_after"), query.moment("update_time_before")
    states = set(filter(None, (query.text("dispute_state") or "").split(",")))
    return [
        p
        for p in payments
        if p.dispute is not None
        and (transaction is None or p.native_id == transaction)
        and (start is None or p.dispute.created_at >= start)
        and (after is None or changed(p) >= after)
        and (before is None or changed(p) <= before)
        and (not states or WORDS[p.dispute.status][1] in states)
    ]


def token(start: int) -> str:
    return base64.b64encode(f"from:{start}".encode()).decode()


def offset(text: str | None) -> int:
    try:
        return int(base64.b64decode(text, validate=True).removeprefix(b"from:")) if text else 0
    except (binascii.Error, ValueError):
        raise invalid("next_page_token") from None
