"""One record has one value in a request, whichever way it is read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.money import Money
from connectors.paging import NEWEST_FIRST, Page, PageQuery, Row
from connectors.records import Payment, PaymentStatus, Refund, RefundStatus
from resolvers.deadline import Deadline
from resolvers.identity import Identities
from resolvers.lookups import Lookups
from tests.resolvers.fakes import EU, US, Fake, payment, sources_of

pytestmark = pytest.mark.anyio
PAID = payment("p1", reference="1")
LATER = msgspec.structs.replace(PAID, status=PaymentStatus.REFUNDED)


def refund(status: RefundStatus, **more: Any) -> Refund:
    return Refund(source=EU, native_id="r1", status=status, amount=Money(1, "EUR"), **more)


class Moving(Fake):
    """A payment that is refunded after it was read once."""

    def __init__(self) -> None:
        super().__init__()
        self._values = iter([PAID])

    def _next(self) -> Payment:
        return next(self._values, LATER)

    async def payments(self, ids: Any) -> Any:
        self.note("payments", ids)
        return {"p1": self._next()}

    async def payments_by_reference(self, references: Any) -> Any:
        self.note("payments_by_reference", references)
        return {"1": (self._next(),)}

    async def payment_page(self, query: PageQuery[Any]) -> Any:
        self.note("payment_page", ())
        return Page((Row(self._next(), "1"),), more=True, total=1)


async def by_id(lookups: Lookups) -> Any:
    return (await lookups.many("eu", "payments", ["p1"]))["p1"]


async def by_reference(lookups: Lookups) -> Any:
    return (await lookups.many("eu", "payments_by_reference", ["1"]))["1"][0]


@pytest.mark.parametrize("first", [by_id, by_reference])
async def test_what_was_read_first_serves_the_request(first: Any) -> None:
    sources = sources_of({EU: Moving()})
    lookups = Lookups(sources, Deadline(60.0))
    assert await first(lookups) == PAID
    query: PageQuery[Any] = PageQuery(1, None, None, NEWEST_FIRST)
    connector: Any = sources["eu"].connector
    page = await lookups.once(sources["eu"], lambda: connector.payment_page(query))
    assert (page.rows, page.more, page.total) == ((Row(PAID, "1"),), True, 1)
    assert [await by_id(lookups), await by_reference(lookups)] == [PAID, PAID]


async def test_a_record_that_is_known_is_not_asked_for_by_its_id() -> None:
    moving = Moving()
    lookups = Lookups(sources_of({EU: moving}), Deadline(60.0))
    await by_reference(lookups)
    await by_id(lookups)
    assert moving.asked == [("payments_by_reference", ("1",))]


async def test_another_request_reads_anew() -> None:
    sources = sources_of({EU: Moving()})
    assert await by_id(Lookups(sources, Deadline(60.0))) == PAID
    assert await by_id(Lookups(sources, Deadline(60.0))) == LATER


def test_records_within_others_are_the_ones_read_first() -> None:
    pending, done = refund(RefundStatus.PENDING), refund(RefundStatus.SUCCEEDED)
    known = Identities()
    assert known({"r1": pending}) == {"r1": pending}
    holding = msgspec.structs.replace(PAID, refunds=(done,))
    assert known(holding).refunds == (pending,)
    assert known.get("eu", holding.KIND, "p1") == known(LATER)
    led = known(refund(RefundStatus.SUCCEEDED, payment=LATER))
    assert led is pending


def test_a_payment_that_came_with_its_refund_is_the_one_read_first() -> None:
    known = Identities()
    known([PAID])
    assert known(refund(RefundStatus.PENDING, payment=LATER)).payment == PAID


def test_records_of_two_sources_are_two() -> None:
    known = Identities()
    other = payment("p1", US, status=PaymentStatus.FAILED)
    assert known((PAID, other)) == (PAID, other)
