"""The tripwire where records come in: texts without card numbers, and everything else untouched."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Malformed
from connectors.money import Money
from connectors.paging import Page, Row
from connectors.records import (
    Customer,
    Dispute,
    DisputeStatus,
    Order,
    OrderLine,
    Payer,
    Payment,
    PaymentMethod,
    PaymentStatus,
    Provider,
    Refund,
    RefundStatus,
    Source,
    SourceKind,
)
from resolvers.screening import Screen

CARD = "4111 1111 1111 1111"
NUMBER = "4111111111111111"
CRM = Source("crm", "acme", SourceKind.CRM)
TEN = Money(1000, "EUR")


def payment(**facts: Any) -> Payment:
    return Payment(
        source=CRM, native_id="1", provider=Provider.OTHER, status=PaymentStatus.SUCCEEDED,
        amount=TEN, **facts,
    )  # fmt: skip


def refund(**facts: Any) -> Refund:
    return Refund(source=CRM, native_id="1", status=RefundStatus.PENDING, amount=TEN, **facts)


def customer(**facts: Any) -> Customer:
    return Customer(source=CRM, native_id="1", **facts)


def order(**facts: Any) -> Order:
    return Order(source=CRM, native_id="1", number="1", **facts)


@pytest.mark.parametrize(
    ("record", "place"),
    [
        (customer(name=f"Mei {CARD}"), "Customer.name"),
        (customer(custom_fields={"note": CARD}), "Customer.custom_fields"),
        (
            customer(custom_fields={"a": [{"b": int(NUMBER)}]}),
            "Customer.custom_fields",
        ),
        (
            customer(custom_fields={"a": Decimal(NUMBER)}),
            "Customer.custom_fields",
        ),
        (order(recorded_status=CARD), "Order.recorded_status"),
        (
            order(lines=(OrderLine(name=CARD, quantity=None),)),
            "OrderLine.name",
        ),
        (payment(payer=Payer(account=NUMBER)), "Payer.account"),
        (payment(method=PaymentMethod(last4=NUMBER)), "PaymentMethod.last4"),
        (payment(refunds=(refund(reason=CARD),)), "Refund.reason"),
        (refund(reason=CARD), "Refund.reason"),
        (refund(payment=payment(custom_fields={"memo": CARD})), "Payment.custom_fields"),
        (
            Dispute(
                source=CRM, native_id="1", status=DisputeStatus.WON, amount=TEN, reason=CARD
            ),
            "Dispute.reason",
        ),
    ],
)  # fmt: skip
def test_a_text_with_a_card_number_loses_it(record: Any, place: str) -> None:
    screen = Screen()
    screened = screen({"key": record})["key"]
    assert "4111" not in repr(screened)
    assert "[PAN:1111]" in repr(screened)
    assert screen.found == {place: 1}
    assert screened.id == record.id
    assert NUMBER in repr(record).replace(" ", "")


def test_what_records_are_found_by_stays_as_it_is() -> None:
    bought = Order(source=CRM, native_id=NUMBER, number=NUMBER, customer_id=NUMBER)
    paid = payment(reference=NUMBER, customer_id=NUMBER)
    screen = Screen()
    assert screen(bought) is bought
    assert screen(paid) is paid
    assert screen.found == {}


def test_nothing_is_copied_where_there_is_nothing() -> None:
    people = {str(n): Customer(source=CRM, native_id=str(n), name="Mei") for n in range(3)}
    failure = Malformed("crm", "no")
    answers: list[Any] = [
        people,
        [*people.values(), failure],
        Page(tuple(Row(person, "a") for person in people.values()), more=False),
        None,
        failure,
    ]
    screen = Screen()
    assert all(screen(answer) is answer for answer in answers)


def test_a_page_keeps_its_places() -> None:
    rows = [Row(Customer(source=CRM, native_id=str(n), name=CARD), f"after {n}") for n in range(2)]
    page = Screen()(Page(tuple(rows), more=True, total=7))
    assert [row.after for row in page.rows] == ["after 0", "after 1"]
    assert [row.record.name for row in page.rows] == ["[PAN:1111]"] * 2
    assert (page.more, page.total) == (True, 7)
