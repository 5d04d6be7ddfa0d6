"""The seeded world: the same every time, with every awkward case in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from sandbox.generate import generate
from sandbox.scenarios import SCENARIOS
from sandbox.world import Order, Payment, World, payment_state
from tests.sandbox.conftest import SEED, SIZE, VENDORS


def of(world: World, order: Order) -> list[Payment]:
    return [p for p in world.payments if p.order == order.number]


def test_the_same_seed_writes_the_same_world(world: World) -> None:
    assert generate(SEED, SIZE, vendors=VENDORS) == world
    assert generate(SEED + 1, SIZE, vendors=VENDORS) != world


@pytest.mark.parametrize("size", [1, 20, 60])
def test_the_size_counts_customers_with_five_orders_each(size: int) -> None:
    made = generate(1, size, vendors=VENDORS)
    assert len(made.customers) == size
    assert len(made.orders) == 5 * size


def test_orders_can_be_counted_on_their_own() -> None:
    assert len(generate(1, 20, 33, vendors=VENDORS).orders) == 33


def test_names_and_numbers_begin_at_one(world: World) -> None:
    assert [c.key for c in world.customers[:2]] == ["c1", "c2"]
    assert [o.number for o in world.orders[:2]] == ["SO-1001", "SO-1002"]


def test_native_ids_are_unique(world: World) -> None:
    ids = [p.native_id for p in world.payments]
    ids += [r.native_id for p in world.payments for r in p.refunds]
    ids += [p.dispute.native_id for p in world.payments if p.dispute]
    assert len(ids) == len(set(ids))


def test_every_time_is_a_whole_second_of_the_year(world: World) -> None:
    times = [c.created_at for c in world.customers] + [o.placed_at for o in world.orders]
    times += [p.created_at for p in world.payments]
    times += [r.created_at for p in world.payments for r in p.refunds]
    assert min(times) >= datetime(2025, 11, 1, tzinfo=UTC)
    assert max(times) <= datetime(2026, 10, 31, tzinfo=UTC)
    assert {t.microsecond for t in times} == {0}


def test_some_orders_and_payments_fall_on_the_same_second(world: World) -> None:
    orders = [o.placed_at for o in world.orders]
    payments = [(p.source, p.created_at) for p in world.payments]
    assert len(set(orders)) < len(orders)
    assert len(set(payments)) < len(payments)


def test_lines_add_up_to_the_total(world: World) -> None:
    for order in world.orders:
        if order.total is None:
            assert order.lines == []
            continue
        assert 1 <= len(order.lines) <= 4
        assert sum(line.total for line in order.lines) == order.total
        for line in order.lines:
            price = Fraction(line.quantity) * line.unit_price
            assert line.total in {price} | ({0} if order.total == 0 else set())


def test_dinars_end_in_zero(world: World) -> None:
    dinars = [p for p in world.payments if p.currency == "KWD"]
    amounts = [p.amount for p in dinars] + [r.amount for p in dinars for r in p.refunds]
    assert amounts
    assert [amount for amount in amounts if amount % 10] == []


def test_refunds_never_exceed_the_payment(world: World) -> None:
    for payment in world.payments:
        back = sum(r.amount for r in payment.refunds if not r.release)
        released = sum(r.amount for r in payment.refunds if r.release)
        assert 0 <= back <= payment.captured
        assert released in (0, payment.amount - payment.captured)


def test_nobody_buys_before_they_exist(world: World) -> None:
    known = {c.key: c for c in world.customers}
    for order in world.orders:
        assert order.customer is None or known[order.customer].created_at <= order.placed_at
    for payment in world.payments:
        if payment.customer is not None:
            assert known[payment.customer].created_at <= payment.created_at
            assert payment.source in known[payment.customer].sources


def test_every_payment_can_be_found_from_its_order(world: World) -> None:
    orders = {o.number: o for o in world.orders}
    for payment in world.payments:
        if payment.order is not None:
            field = orders[payment.order].payment_field
            assert payment.reference == payment.order or field == (
                payment.source,
                payment.native_id,
            )


def test_most_payments_are_linked_by_reference() -> None:
    large = generate(1, 400, vendors=VENDORS)
    paid = [o for o in large.orders if of_number(large).get(o.number)]
    fields = [o for o in paid if o.payment_field]
    assert 8 <= 100 * len(fields) // len(paid) <= 16


def of_number(world: World) -> dict[str | None, list[Payment]]:
    found: dict[str | None, list[Payment]] = {}
    for payment in world.payments:
        found.setdefault(payment.order, []).append(payment)
    return found


def test_the_crm_mostly_agrees(world: World) -> None:
    answers = [order["inSync"] for order in world.truth()["orders"]]
    assert answers.count(True) > 3 * (answers.count(False) + answers.count(None))
    assert answers.count(False) > 0
    assert answers.count(None) > 0


def test_scenarios_come_in_table_order_first() -> None:
    assert len(SCENARIOS) <= 60
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


Case = Callable[[Order, list[Payment]], object]
CASES: dict[str, Case] = {
    "partial payments that add up": lambda o, ps: (
        len(ps) > 1 and payment_state(o, ps) == "PAID" and all(p.captured for p in ps)
    ),
    "three payments": lambda o, ps: len(ps) == 3,
    "failed, then paid": lambda o, ps: [p.status for p in ps] == ["FAILED", "SUCCEEDED"],
    "second charge of one payment": lambda o, ps: (
        any(p.failure and p.status == "SUCCEEDED" for p in ps)
    ),
    "partial refund": lambda o, ps: payment_state(o, ps) == "PARTIALLY_REFUNDED",
    "several refunds": lambda o, ps: any(len(p.refunds) > 2 for p in ps),
    "full refund": lambda o, ps: payment_state(o, ps) == "REFUNDED",
    "pending refund": lambda o, ps: any(r.status == "PENDING" for p in ps for r in p.refunds),
    "failed refund": lambda o, ps: any(r.status == "FAILED" for p in ps for r in p.refunds),
    "captured in part": lambda o, ps: (
        payment_state(o, ps) == "PAID" and any(p.captured < p.amount for p in ps)
    ),
    "captured in part and refunded": lambda o, ps: (
        any(0 < p.refunded < p.captured < p.amount for p in ps)
    ),
    "expired authorization": lambda o, ps: (
        any(p.status == "CANCELED" and any(r.release for r in p.refunds) for p in ps)
    ),
    "never paid": lambda o, ps: not ps,
    "under": lambda o, ps: payment_state(o, ps) == "PARTIALLY_PAID",
    "over": lambda o, ps: payment_state(o, ps) == "OVERPAID",
    "foreign currency": lambda o, ps: any(p.currency != o.currency for p in ps),
    "yen": lambda o, ps: o.currency == "JPY" and ps,
    "dinar": lambda o, ps: o.currency == "KWD" and ps,
    "nothing due": lambda o, ps: o.total == 0 and not ps and payment_state(o, ps) == "PAID",
    "wholly discounted": lambda o, ps: o.total == 0 and any(x.unit_price for x in o.lines),
    "draft of nothing": lambda o, ps: o.total == 0 and o.recorded_state == "DRAFT",
    "no total": lambda o, ps: o.total is None and ps,
    "no customer": lambda o, ps: o.customer is None,
    "guest": lambda o, ps: o.customer and any(p.customer is None for p in ps),
    "field only": lambda o, ps: o.payment_field and not ps[-1].reference,
    "both links": lambda o, ps: o.payment_field and ps[-1].reference,
    "missed payment": lambda o, ps: (
        o.recorded_state == "PENDING_PAYMENT" and payment_state(o, ps) == "PAID"
    ),
    "missed refund": lambda o, ps: (
        o.recorded_refunded == 0 and payment_state(o, ps) == "PARTIALLY_REFUNDED"
    ),
    "paid nowhere": lambda o, ps: o.recorded_state == "PAID" and not ps,
    "fee unknown": lambda o, ps: any(p.captured and p.fee is None for p in ps),
    **{
        f"dispute {word}": lambda o, ps, word=word: (  # type: ignore[misc]
            any(p.dispute and p.dispute.status == word for p in ps)
        )
        for word in ("needs_response", "lost", "won", "warning_closed")
    },
    **{
        f"payment {word}": lambda o, ps, word=word: any(p.status == word for p in ps)  # type: ignore[misc]
        for word in (
            "AUTHORIZED", "REQUIRES_ACTION", "PENDING", "CANCELED", "FAILED", "UNKNOWN",
        )
    },
    **{
        f"{count} instalments": lambda o, ps, count=count: (  # type: ignore[misc]
            any(p.instalments == count for p in ps)
        )
        for count in (3, 6, 12)
    },
    **{
        f"recorded {word}": lambda o, ps, word=word: o.recorded_state == word  # type: ignore[misc]
        for word in (
            "DRAFT", "PENDING_PAYMENT", "PARTIALLY_PAID", "PAID", "FULFILLED",
            "PARTIALLY_REFUNDED", "REFUNDED", "CANCELED", "UNKNOWN",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_awkward_case_is_among_the_first_orders(name: str) -> None:
    small = generate(3, 20, vendors=VENDORS)
    assert any(CASES[name](order, of(small, order)) for order in small.orders[:60])


def test_orphans_have_an_unknown_reference_or_none(world: World) -> None:
    references = [p.reference for p in world.payments if p.order is None]
    assert any(r is None for r in references)
    assert any(r is not None and r.startswith("WEB-") for r in references)
    assert world.truth()["orphans"]["payments"][0].keys() == {"source", "nativeId"}


@pytest.mark.parametrize("piece", ["O'Brien", "王伟", "山田", "محمد", "דוד", "🎉", '"Bobby"'])
def test_names_of_many_scripts(world: World, piece: str) -> None:
    assert any(piece in customer.name for customer in world.customers)


@pytest.mark.parametrize("attribute", ["email", "phone", "tier"])
def test_some_customers_miss_a_field(world: World, attribute: str) -> None:
    values = [getattr(customer, attribute) for customer in world.customers]
    assert None in values
    assert len(set(values)) > 1


def test_some_customers_are_known_to_one_side_only(world: World) -> None:
    sides = [set(customer.sources) for customer in world.customers]
    assert {"paper"} in sides
    assert any(side and "paper" not in side for side in sides)
    assert any("paper" in side and len(side) > 1 for side in sides)


def test_native_ids_of_one_vendor_do_not_move_those_of_another() -> None:
    one = generate(1, 20, vendors=VENDORS)
    again = generate(1, 20, vendors=VENDORS)
    assert [p.native_id for p in one.payments] == [p.native_id for p in again.payments]
