"""`accepts` is the exact meaning of a filter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import TimedOut
from connectors.filters import (
    CustomerFilter,
    Filter,
    MoneyRange,
    OrderFilter,
    PaymentFilter,
    RefundFilter,
    TimeRange,
)
from connectors.money import Money
from connectors.records import (
    Customer,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
    Provider,
    Record,
    Refund,
    RefundStatus,
    Source,
    SourceKind,
)

SOURCE = Source("acme", "acme", SourceKind.CRM)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ONE = datetime(2026, 1, 1, 13, tzinfo=UTC)
TEN = Money(1000, "EUR")
BASE: dict[str, Any] = {"source": SOURCE, "native_id": "1", "created_at": NOON}
CUSTOMER = Customer(**BASE, name="Ada", email="Straße@Example.com")
ORDER = Order(
    **BASE,
    number="A-1",
    total=TEN,
    placed_at=ONE,
    customer_id="c1",
    recorded_state=OrderState.PAID,
)
PAYMENT = Payment(
    **BASE,
    provider=Provider.STRIPE,
    status=PaymentStatus.SUCCEEDED,
    amount=TEN,
    reference="A-1",
    customer_id="c1",
)
REFUND = Refund(**BASE, status=RefundStatus.PENDING, amount=TEN, payment_id="p1")
BARE: dict[str, Any] = {"source": SOURCE, "native_id": "2"}

CASES: list[tuple[Filter, Record, bool]] = [
    (Filter(), CUSTOMER, True),
    (CustomerFilter(), CUSTOMER, True),
    (CustomerFilter(), ORDER, False),
    (OrderFilter(), PAYMENT, False),
    (PaymentFilter(), REFUND, False),
    (RefundFilter(), CUSTOMER, False),
    (CustomerFilter(emails=("strasse@example.COM",)), CUSTOMER, True),
    (CustomerFilter(emails=("straße@example.com", "x")), CUSTOMER, True),
    (CustomerFilter(emails=("ada@example.com",)), CUSTOMER, False),
    (CustomerFilter(emails=()), CUSTOMER, False),
    (CustomerFilter(emails=("",)), Customer(**BARE), False),
    (CustomerFilter(names=("Ada",)), CUSTOMER, True),
    (CustomerFilter(names=("ada",)), CUSTOMER, False),
    (CustomerFilter(names=("Ad",)), CUSTOMER, False),
    (CustomerFilter(names=("Ada",), emails=("x",)), CUSTOMER, False),
    (OrderFilter(customer_ids=("c1", "c2")), ORDER, True),
    (OrderFilter(customer_ids=("C1",)), ORDER, False),
    (OrderFilter(customer_ids=("c1",)), Order(**BARE, number="1"), False),
    (OrderFilter(numbers=("A-1",)), ORDER, True),
    (OrderFilter(numbers=("a-1",)), ORDER, False),
    (OrderFilter(recorded_states=(OrderState.PAID,)), ORDER, True),
    (OrderFilter(recorded_states=(OrderState.DRAFT,)), ORDER, False),
    (OrderFilter(placed_at=TimeRange(gt=NOON)), ORDER, True),
    (OrderFilter(placed_at=TimeRange(lte=NOON)), ORDER, False),
    (OrderFilter(placed_at=TimeRange()), Order(**BARE, number="1"), False),
    (OrderFilter(total=MoneyRange("EUR", gte=1000)), ORDER, True),
    (OrderFilter(total=MoneyRange("USD")), ORDER, False),
    (OrderFilter(total=MoneyRange("EUR")), Order(**BARE, number="1"), False),
    (PaymentFilter(references=("A-1",)), PAYMENT, True),
    (PaymentFilter(references=("A-1 ",)), PAYMENT, False),
    (PaymentFilter(customer_ids=("c1",)), PAYMENT, True),
    (PaymentFilter(customer_ids=("c2",)), PAYMENT, False),
    (PaymentFilter(statuses=(PaymentStatus.SUCCEEDED,)), PAYMENT, True),
    (PaymentFilter(statuses=(PaymentStatus.FAILED,)), PAYMENT, False),
    (PaymentFilter(amount=MoneyRange("EUR", lt=1000)), PAYMENT, False),
    (PaymentFilter(amount=MoneyRange("EUR", lte=1000)), PAYMENT, True),
    (RefundFilter(payment_ids=("p1",)), REFUND, True),
    (RefundFilter(payment_ids=("p2",)), REFUND, False),
    (RefundFilter(statuses=(RefundStatus.PENDING,)), REFUND, True),
    (RefundFilter(statuses=(RefundStatus.FAILED,)), REFUND, False),
    (RefundFilter(amount=MoneyRange("EUR", gt=1000)), REFUND, False),
    (RefundFilter(created_at=TimeRange(gte=NOON), amount=MoneyRange("EUR")), REFUND, True),
]


@pytest.mark.parametrize(("narrowed", "record", "accepted"), CASES)
def test_a_filter_accepts_exactly_this(narrowed: Filter, record: Record, accepted: bool) -> None:
    assert narrowed.accepts(record) is accepted


@pytest.mark.parametrize("own", [CUSTOMER, ORDER, PAYMENT, REFUND], ids=lambda r: r.KIND.value)
def test_every_filter_narrows_by_when_it_was_recorded(own: Record) -> None:
    kinds = {Customer: CustomerFilter, Order: OrderFilter, Payment: PaymentFilter}
    filter_ = kinds.get(type(own), RefundFilter)
    assert filter_(created_at=TimeRange(gte=NOON, lte=NOON)).accepts(own)
    assert not filter_(created_at=TimeRange(gt=NOON)).accepts(own)


@pytest.mark.parametrize(
    ("bounds", "accepted"),
    [
        ({}, True),
        ({"gte": NOON}, True),
        ({"gt": NOON}, False),
        ({"lte": NOON}, True),
        ({"lt": NOON}, False),
        ({"gte": NOON, "lt": ONE}, True),
        ({"gt": NOON, "lt": ONE}, False),
        ({"gte": ONE}, False),
    ],
)
def test_the_bounds_of_a_range_are_what_their_names_say(
    bounds: dict[str, datetime], accepted: bool
) -> None:
    assert TimeRange(**bounds).accepts(NOON) is accepted
    amounts = {name: 12 if value is NOON else 13 for name, value in bounds.items()}
    assert MoneyRange("EUR", **amounts).accepts(Money(12, "EUR")) is accepted
    assert not TimeRange(**bounds).accepts(None)
    assert not MoneyRange("EUR", **amounts).accepts(None)


def test_a_payment_whose_state_could_not_be_read_is_undecided_where_states_are_asked_for() -> None:
    down = TimedOut("s", "no answer")
    payment = Payment(
        source=Source("s", "v", SourceKind.PAYMENTS),
        native_id="p",
        provider=Provider.OTHER,
        status=PaymentStatus.UNKNOWN,
        amount=Money(1, "EUR"),
        reference="1",
        failed={"status": down},
    )
    wanted = (PaymentStatus.SUCCEEDED,)
    assert PaymentFilter(statuses=wanted).undecided(payment) is down
    assert PaymentFilter(statuses=wanted, references=("2",)).undecided(payment) is None
    assert PaymentFilter(references=("1",)).undecided(payment) is None
    assert OrderFilter().undecided(payment) is None
