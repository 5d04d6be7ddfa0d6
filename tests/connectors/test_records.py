"""Records are immutable values whose id is `source:kind:native`."""

from __future__ import annotations

import pytest

from connectors.money import Money
from connectors.records import (
    Customer,
    Dispute,
    DisputeStatus,
    Kind,
    Order,
    Payment,
    PaymentStatus,
    Provider,
    Record,
    Refund,
    RefundStatus,
    Source,
    SourceKind,
)

SOURCE = Source("stripe_eu", "stripe", SourceKind.PAYMENTS)
TEN = Money(1000, "EUR")
RECORDS: list[Record] = [
    Customer(source=SOURCE, native_id="c:1"),
    Order(source=SOURCE, native_id="c:1", number="1"),
    Payment(
        source=SOURCE,
        native_id="c:1",
        provider=Provider.STRIPE,
        status=PaymentStatus.SUCCEEDED,
        amount=TEN,
    ),
    Refund(source=SOURCE, native_id="c:1", status=RefundStatus.PENDING, amount=TEN),
    Dispute(source=SOURCE, native_id="c:1", status=DisputeStatus.LOST, amount=TEN),
]


def test_there_is_a_record_for_every_kind() -> None:
    assert [record.KIND for record in RECORDS] == list(Kind)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.KIND.value)
def test_an_id_names_source_kind_and_native_id(record: Record) -> None:
    assert record.id == f"stripe_eu:{record.KIND.value}:c:1"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.KIND.value)
def test_a_record_is_not_changed(record: Record) -> None:
    with pytest.raises(AttributeError):
        record.native_id = "other"  # type: ignore[misc]


def test_a_relation_that_was_not_fetched_is_none_and_not_empty() -> None:
    payment = RECORDS[2]
    assert isinstance(payment, Payment)
    assert (payment.refunds, payment.disputes) == (None, None)
    order = RECORDS[1]
    assert isinstance(order, Order)
    assert order.lines is None


def test_every_vocabulary_has_a_word_for_what_is_not_known() -> None:
    for vocabulary in (PaymentStatus, RefundStatus, DisputeStatus):
        assert "UNKNOWN" in vocabulary.__members__
