"""The account's payments and refunds as UnionPay's transactions, and their settlement days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sandbox.unionpay.ids import ACCOUNT, BEIJING, query_id, sent, trace
from sandbox.world import Payment, World

TURN = timedelta(hours=1)  # a settlement day ends at 23:00
SETTLED = timedelta(hours=33)  # from the start of a day until its file is there: 09:00 after it


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction; `original` is the payment of a refund."""

    native_id: str
    kind: str  # "01" or "04", as in txnType
    at: datetime
    amount: int
    payment: Payment
    fee: int | None = None
    original: Transaction | None = None

    @property
    def order_id(self) -> str:
        return self.native_id.partition("-")[0]

    @property
    def sent(self) -> str:
        return sent(self.at)

    @property
    def query_id(self) -> str:
        return query_id(self.native_id, self.at)

    @property
    def trace(self) -> str:
        return trace(self.native_id)

    @property
    def day(self) -> date:
        return (self.at.astimezone(BEIJING) + TURN).date()

    @property
    def reserved(self) -> str:
        """What the merchant passed through with a payment: the order's number."""
        return "" if self.original else self.payment.reference or ""


class Transactions:
    """Found by order number and time, by queryId, and by settlement day."""

    def __init__(self, world: World) -> None:
        self.by_native: dict[str, Transaction] = {}
        self.by_query: dict[str, Transaction] = {}
        self.by_day: dict[date, list[Transaction]] = defaultdict(list)
        self.days: dict[str, list[date]] = defaultdict(list)
        for row in read(world):
            self.by_native[row.native_id] = row
            self.by_query[row.query_id] = row
            self.by_day[row.day].append(row)
        for day in sorted(self.by_day):
            self.days[f"{day:%m%d}"].append(day)

    def settled(self, settle_date: str, now: datetime) -> date | None:
        """The newest day of this month and day that has a file."""
        today = now.astimezone(BEIJING)
        there = [d for d in self.days.get(settle_date, ()) if ready(d) <= today]
        return there[-1] if there else None


def ready(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING) + SETTLED


def read(world: World) -> Iterator[Transaction]:
    for payment in world.payments_of(ACCOUNT):
        paid = Transaction(
            payment.native_id, "01", payment.created_at, payment.amount, payment, payment.fee
        )
        yield paid
        for refund in payment.refunds:
            yield Transaction(
                refund.native_id, "04", refund.created_at, refund.amount, payment, None, paid
            )
