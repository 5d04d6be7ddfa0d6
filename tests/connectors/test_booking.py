"""Receipts and refunds that a system booked: states, payments, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import Malformed, Misconfigured, Retryable, SourceError
from connectors.mapped import MappedCrm
from connectors.records import ExternalId, Order, OrderState
from connectors.values import MISSING
from tests.connectors.paper_tables import PaperTables, paper

pytestmark = pytest.mark.anyio

ORDERS = {
    "table": "so",
    "id": "fid",
    "number": "no",
    "created_at": "at",
    "total": "sum",
    "customer": "cust",
    "status": [{"field": "doc", "words": {"C": "NEXT", "A": "DRAFT"}}],
}
RECEIPTS = {
    "table": "ar",
    "order": "so_no",
    "amount": "got",
    "counts_if": "doc",
    "words": ["C"],
    "payment_ids": {"stripe_eu": "third"},
}
REFUNDS = {
    "table": "rf",
    "order": "so_no",
    "amount": "back",
    "changed_at": "at",
    "refund_ids": {"wechat_cn": "third"},
}
ORDER = {"fid": 7, "no": "SO-1", "at": "2026-03-01", "sum": 100, "cust": "C1", "doc": "C"}


def got(amount: Any, **changes: Any) -> dict[str, Any]:
    return {"so_no": "SO-1", "got": amount, "doc": "C", **changes}


def back(amount: Any, **changes: Any) -> dict[str, Any]:
    return {"so_no": "SO-1", "back": amount, "at": "2026-03-05", **changes}


def books(
    receipts: list[dict[str, Any]], refunds: list[dict[str, Any]], **changes: Any
) -> tuple[MappedCrm, PaperTables]:
    return paper(
        {"so": [ORDER], "ar": receipts, "rf": refunds},
        currency="CNY",
        zone="Asia/Shanghai",
        orders=[ORDERS],
        receipts=[{**RECEIPTS, **changes}],
        refunds=[REFUNDS],
    )


@pytest.mark.parametrize(
    ("receipts", "refunds", "state"),
    [
        ([], [], "PENDING_PAYMENT"),
        ([got(40)], [], "PARTIALLY_PAID"),
        ([got(40), got("60.00")], [], "PAID"),
        ([got(100, doc="A")], [], "PENDING_PAYMENT"),
        ([got(100, so_no="SO-2")], [], "PENDING_PAYMENT"),
        ([got(100)], [back(1)], "PARTIALLY_REFUNDED"),
        ([got(100)], [back(40), back(60)], "REFUNDED"),
        ([got(100), got(-100)], [], "PENDING_PAYMENT"),
    ],
)
async def test_the_state_follows_from_the_books(
    receipts: list[dict[str, Any]], refunds: list[dict[str, Any]], state: str
) -> None:
    crm, tables = books(receipts, refunds)
    order: Any = (await crm.orders(["7"]))["7"]
    assert order.recorded_state is OrderState(state)
    assert tables.calls == ["so.fid", "ar.so_no", "rf.so_no"]


async def test_a_receipt_names_the_payment_of_its_order() -> None:
    crm, _ = books([got(100, third="pi_1"), got(5, third="pi_1")], [])
    order: Any = (await crm.orders(["7"]))["7"]
    assert order.payment_ids == (ExternalId("stripe_eu", "pi_1", "third"),)
    found: Any = await crm.orders_by_payment_id("stripe_eu", ["pi_1", "pi_2"])
    assert {key: [one.number for one in orders] for key, orders in found.items()} == {
        "pi_1": ["SO-1"]
    }


async def test_entries_may_name_the_order_by_its_id() -> None:
    crm, _ = books([got(100, so_no=7, third="pi_1")], [], order_is="id")
    assert (await crm.orders_by_payment_id("stripe_eu", ["pi_1"])).keys() == {"pi_1"}
    order: Any = (await crm.orders(["7"]))["7"]
    assert order.recorded_state is OrderState.PAID


async def test_entries_are_asked_for_by_customer_where_the_mapping_says_so() -> None:
    other = got(1, so_no="SO-9", cust="C1")
    crm, tables = books([got(100, cust="C1"), other], [], customer="cust")
    order: Any = (await crm.orders(["7"]))["7"]
    assert order.recorded_state is OrderState.PAID
    assert tables.calls[1] == "ar.cust"


async def test_an_amount_that_cannot_be_read_is_not_left_out_of_the_sum() -> None:
    crm, _ = books([got(40), got("sixty")], [])
    failure = (await crm.orders(["7"]))["7"]
    assert isinstance(failure, Malformed)
    assert "got: it is not a number" in failure.detail


@pytest.mark.parametrize(
    ("receipt", "why"),
    [
        (got(100, doc=""), "doc: it does not say whether it counts"),
        (got(100, doc=MISSING), "doc: it does not say whether it counts"),
        (got(None), "got: there is none"),
        (got(MISSING), "got: the field does not exist"),
        (got(100, third=MISSING), "third: the field does not exist"),
    ],
)
async def test_an_entry_that_cannot_be_judged_is_not_taken_for_nothing(
    receipt: dict[str, Any], why: str
) -> None:
    crm, _ = books([got(10), receipt], [])
    failure = (await crm.orders(["7"]))["7"]
    assert isinstance(failure, Malformed)
    assert why in failure.detail


async def test_a_refund_without_an_amount_leaves_no_paid_order() -> None:
    crm, _ = books([got(100)], [back(None)])
    assert isinstance((await crm.orders(["7"]))["7"], Malformed)


async def test_entries_whose_order_field_is_gone_fail_every_order() -> None:
    crm, _ = books([got(100, cust="C1", so_no=MISSING)], [], customer="cust")
    assert isinstance((await crm.orders(["7"]))["7"], Misconfigured)


async def test_words_of_entries_have_no_case() -> None:
    crm, _ = books([got(100, doc=" c ")], [])
    order: Any = (await crm.orders(["7"]))["7"]
    assert order.recorded_state is OrderState.PAID


async def test_an_entry_in_other_letters_is_a_failure_and_not_nothing() -> None:
    crm, _ = books([got(100, so_no="so-1")], [])
    failure = (await crm.orders(["7"]))["7"]
    assert isinstance(failure, Malformed)
    assert failure.detail == "an entry names the order in other letters"


async def test_receipts_by_customer_of_an_order_without_one_are_not_known() -> None:
    crm, tables = books([got(100, cust="C1")], [], customer="cust")
    tables.rows["so"] = [{**ORDER, "cust": ""}]
    order: Any = (await crm.orders(["7"]))["7"]
    assert order.recorded_state is OrderState.UNKNOWN
    assert set(order.misfits) == {"recorded_status", "payment_ids"}


async def test_an_entry_that_does_not_count_leads_to_no_order() -> None:
    crm, _ = books([got(100, third="pi_1", doc="A"), got(5, third="pi_2", doc="")], [])
    found = await crm.orders_by_payment_id("stripe_eu", ["pi_1", "pi_2"])
    assert found.keys() == {"pi_2"}
    assert isinstance(found["pi_2"], Malformed)


async def test_books_that_cannot_be_asked_fail_the_order() -> None:
    crm, tables = books([got(100)], [])
    tables.failures["rf"] = Retryable("paper", "down")
    assert isinstance((await crm.orders(["7"]))["7"], Retryable)


async def test_entries_in_two_currencies_have_no_sum() -> None:
    amount = {"field": "got", "currency_field": "cur"}
    crm, _ = books([got(40, cur="CNY"), got(60, cur="USD")], [], amount=amount)
    failure: Order | SourceError = (await crm.orders(["7"]))["7"]
    assert isinstance(failure, Malformed)
    assert failure.detail == "entries of one order are in several currencies"


async def test_refund_numbers_are_those_of_changed_entries() -> None:
    crm, tables = books([], [back(1, third="R1"), back(1, third="R0", at="2026-01-01")])
    since = datetime(2026, 3, 1, tzinfo=UTC)
    told = [one async for part in crm.refund_numbers(since) for one in part]
    assert told == [ExternalId("wechat_cn", "R1", "third")]
    assert tables.calls == ["rf changed"]
