"""What can happen to an order: a table of named scenarios, each a small function.

Every scenario happens once, in table order, among the first orders; after that by weight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sandbox import goods
from sandbox.pen import Pen
from sandbox.world import Order

Story = Callable[[Pen, Order], None]


def paid(pen: Pen, order: Order) -> None:
    pen.pay(order, method=payment_method(pen, order.currency))


def payment_method(pen: Pen, currency: str) -> str:
    """Mostly cards; wallets for the yuan."""
    return pen.rng.choice(("card", "card", "alipay", "wechat_pay")) if currency == "CNY" else "card"


def nothing(pen: Pen, order: Order) -> None:
    """Nobody paid."""


def in_parts(pen: Pen, order: Order, *, parts: int) -> None:
    """Partial payments that add up; the first two fall on the same second."""
    at = pen.later(order.placed_at, 30, 900)
    for index, amount in enumerate(goods.split(pen.rng, pen.due, parts, order.currency)):
        at = at if index < 2 else pen.later(at, 3_600, 3 * 86_400)
        pen.pay(order, amount, at=at)


def deposit(pen: Pen, order: Order) -> None:
    pen.pay(order, goods.part(pen.rng, pen.due, order.currency))


def overpaid(pen: Pen, order: Order) -> None:
    pen.pay(order, pen.due + goods.part(pen.rng, pen.due, order.currency))


def off_by_little(pen: Pen, order: Order) -> None:
    """One step of the currency too little: the awkward rounding case."""
    pen.pay(order, pen.due - goods.step(order.currency))


def paid_twice(pen: Pen, order: Order) -> None:
    first = pen.pay(order)
    pen.pay(order, at=pen.later(first.created_at, 5, 120))


def failed_then_paid(pen: Pen, order: Order) -> None:
    failed = pen.pay(order, status="FAILED", failure=pen.decline())
    pen.pay(order, at=pen.later(failed.created_at, 30, 600))


def paid_at_second_try(pen: Pen, order: Order) -> None:
    """One payment whose first charge failed and whose second went through."""
    pen.pay(order, failure=pen.decline(), needs=["second try"])


def only(pen: Pen, order: Order, *, status: str) -> None:
    pen.pay(order, status=status, failure=pen.decline() if status == "FAILED" else None)


def refunded(pen: Pen, order: Order, *, statuses: tuple[str, ...], whole: bool = False) -> None:
    """A paid order with one refund per status; `whole` makes them add up to the payment."""
    payment = pen.pay(order, needs=[f"refund {status}" for status in statuses])
    back = pen.due if whole else goods.part(pen.rng, pen.due, order.currency)
    for amount, status in zip(
        goods.split(pen.rng, back, len(statuses), order.currency), statuses, strict=True
    ):
        pen.refund(payment, amount, status)


def disputed(pen: Pen, order: Order, *, status: str, holds: bool) -> None:
    pen.dispute(pen.pay(order, needs=[f"dispute {status}"]), status, holds=holds)


def foreign_currency(pen: Pen, order: Order) -> None:
    """Paid in another currency than the order's; the number is a price of its own."""
    currency = pen.foreign(order.currency)
    amount = sum(row[4] for row in goods.priced_lines(pen.rng, currency))
    pen.pay(order, amount, currency=currency)


def instalments(pen: Pen, order: Order, *, count: int) -> None:
    pen.pay(order, instalments=count)


def guest(pen: Pen, order: Order) -> None:
    pen.pay(order, guest=True)


def fee_late(pen: Pen, order: Order) -> None:
    """Captured, but the provider has not said its fee yet."""
    pen.pay(order, fee=False)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story with its weight, and what it fixes about the order beforehand.

    `free` makes its articles cost nothing, `discounted` takes the whole of their prices off.
    `recorded` and `recorded_refunded` are set when the CRM says something else than what follows
    from the money. `link` fixes how payment and order find each other.
    """

    name: str
    weight: int
    story: Story
    currency: str | None = None
    recorded: str | None = None
    recorded_refunded: int | None = None
    total_known: bool = True
    customer_known: bool = True
    free: bool = False
    discounted: bool = False
    link: str | None = None


S = Scenario
SCENARIOS: tuple[Scenario, ...] = (
    S("paid", 300, paid, link="reference"),
    S("fulfilled", 120, paid, recorded="FULFILLED"),
    S("never paid", 60, nothing),
    S("draft", 30, nothing, recorded="DRAFT"),
    S("canceled unpaid", 15, nothing, recorded="CANCELED"),
    S("two parts", 30, partial(in_parts, parts=2)),
    S("three parts", 20, partial(in_parts, parts=3)),
    S("deposit", 20, deposit),
    S("one step short", 6, off_by_little, recorded="PAID"),
    S("overpaid", 10, overpaid),
    S("paid twice", 6, paid_twice),
    S("failed then paid", 25, failed_then_paid),
    S("second try", 20, paid_at_second_try),
    S("failed", 15, partial(only, status="FAILED")),
    S("partial refund", 30, partial(refunded, statuses=("SUCCEEDED",))),
    S("two refunds", 15, partial(refunded, statuses=("SUCCEEDED", "SUCCEEDED"))),
    S("full refund", 25, partial(refunded, statuses=("SUCCEEDED",), whole=True)),
    S("full refund in three", 8, partial(refunded, statuses=("SUCCEEDED",) * 3, whole=True)),
    S("canceled refunded", 8, partial(refunded, statuses=("SUCCEEDED",), whole=True),
      recorded="CANCELED"),
    S("pending refund", 8, partial(refunded, statuses=("PENDING",))),
    S("failed refund", 8, partial(refunded, statuses=("FAILED",))),
    S("canceled refund", 4, partial(refunded, statuses=("CANCELED",))),
    S("mixed refunds", 8, partial(refunded, statuses=("SUCCEEDED", "FAILED", "PENDING"))),
    S("dispute open", 8, partial(disputed, status="needs_response", holds=True)),
    S("dispute lost", 5, partial(disputed, status="lost", holds=True)),
    S("dispute won", 5, partial(disputed, status="won", holds=False)),
    S("dispute warning closed", 4, partial(disputed, status="warning_closed", holds=False)),
    S("authorized", 10, partial(only, status="AUTHORIZED")),
    S("requires action", 8, partial(only, status="REQUIRES_ACTION")),
    S("processing", 8, partial(only, status="PENDING")),
    S("canceled payment", 8, partial(only, status="CANCELED")),
    S("unknown status", 5, partial(only, status="UNKNOWN")),
    S("foreign currency", 8, foreign_currency),
    S("three instalments", 10, partial(instalments, count=3)),
    S("six instalments", 8, partial(instalments, count=6)),
    S("twelve instalments", 6, partial(instalments, count=12)),
    S("yen", 20, paid, currency="JPY"),
    S("yen partial refund", 5, partial(refunded, statuses=("SUCCEEDED",)), currency="JPY"),
    S("dinar", 20, paid, currency="KWD"),
    S("dinar partial refund", 5, partial(refunded, statuses=("SUCCEEDED",)), currency="KWD"),
    S("unknown recorded state", 6, paid, recorded="UNKNOWN"),
    S("missed payment", 20, paid, recorded="PENDING_PAYMENT"),
    S("missed refund", 15, partial(refunded, statuses=("SUCCEEDED",)), recorded="PAID",
      recorded_refunded=0),
    S("paid in the CRM only", 6, nothing, recorded="PAID"),
    S("total unknown", 10, paid, total_known=False),
    S("order without customer", 10, paid, customer_known=False),
    S("guest", 20, guest),
    S("fee late", 5, fee_late),
    S("linked by field", 8, paid, link="field"),
    S("linked both ways", 8, paid, link="both"),
    S("given away", 8, nothing, free=True),
    S("wholly discounted", 8, nothing, discounted=True, recorded="FULFILLED"),
    S("draft of nothing", 5, nothing, free=True, recorded="DRAFT"),
)  # fmt: skip
