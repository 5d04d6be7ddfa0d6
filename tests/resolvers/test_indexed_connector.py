"""A channel that cannot list, made whole by the index: pages, references, sums and calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.capabilities import capabilities
from connectors.errors import (
    Malformed,
    NotFound,
    NotReady,
    Retryable,
    Superseded,
    TimedOut,
)
from connectors.filters import MoneyRange, PaymentFilter, RefundFilter, TimeRange
from connectors.ledger import BadRow
from connectors.paging import BadCursor, PageQuery
from connectors.records import Kind, PaymentChannel, PaymentStatus, Refund
from resolvers.index.connector import STEP, IndexedConnector
from resolvers.index.learning import Learner
from resolvers.index.store import Index, Progress
from resolvers.store import open_store
from tests.resolvers.channel import CN, Channel, dispute, payment, refund, told, yuan
from tests.resolvers.fakes import day

pytestmark = pytest.mark.anyio
P = PaymentStatus


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/index.db") as opened:
        yield opened


@pytest.fixture
async def index(engine: AsyncEngine) -> Index:
    return Index(engine)


@pytest.fixture
async def learner(index: Index) -> AsyncIterator[Learner]:
    learner = Learner(index)
    yield learner
    await learner.aclose()


async def whole(index: Index, learner: Learner, channel: Channel, *entries: Any) -> Any:
    every = list(entries) or [told(r) for r in channel.records.values()]
    await index.put_part("cn", "bill", every, Progress("d", len(every), len(every), day(0)))
    return IndexedConnector(channel, CN, index, learner)


async def test_a_payment_of_a_row_that_was_left_out_is_answered_by_id(
    index: Index, learner: Learner
) -> None:
    bad = Progress("d", 0, 0, day(0), 1, (BadRow(line=2, reason="too short"),))
    await index.put_part("cn", "bill", (), bad)
    made = IndexedConnector(Channel(payment("p1")), CN, index, learner)
    assert set(await made.payments(["p1"])) == {"p1"}


async def test_it_can_what_the_channel_can_and_what_the_index_adds(
    index: Index, learner: Learner
) -> None:
    able = capabilities(await whole(index, learner, Channel(payment("p1"))))
    assert set(able) == {
        "payments",
        "payment_page",
        "payments_by_reference",
        "find_payments",
        "refunds",
        "refund_page",
        "refunds_by_payment",
        "disputes",
        "disputes_by_payment",
        "ledger",
    }


async def test_a_payment_comes_with_its_known_refunds_and_disputes(
    index: Index, learner: Learner
) -> None:
    channel = Channel(payment("p1"), payment("p2"), refund("r1"), refund("r2", 200), dispute("d1"))
    found = await (await whole(index, learner, channel)).payments(["p1", "p2", "p3"])
    assert set(found) == {"p1", "p2"}
    assert {r.native_id for r in found["p1"].refunds} == {"r1", "r2"}
    assert (found["p1"].refunded, found["p1"].status) == (yuan(300), P.DISPUTED)
    assert (found["p2"].refunds, found["p2"].status) == ((), P.SUCCEEDED)
    assert channel.asked == [
        ("payments", ("p1", "p2", "p3")),
        ("refunds", ("r1", "r2")),
        ("disputes", ("d1",)),
    ]


async def test_a_payment_without_refunds_costs_its_own_call_only(
    index: Index, learner: Learner
) -> None:
    channel = Channel(payment("p1"))
    await (await whole(index, learner, channel)).payments(["p1"])
    assert channel.asked == [("payments", ("p1",))]


async def test_a_refund_whose_book_names_its_payment_by_another_id_is_found(
    index: Index, learner: Learner
) -> None:
    channel = Channel(payment("p1"), refund("r1", payment_id="4200"))
    entries = [told(payment("p1"), alias="4200"), told(refund("r1", payment_id="4200"))]
    indexed = await whole(index, learner, channel, *entries)
    (found,) = (await indexed.payments(["p1"])).values()
    assert [(r.native_id, r.payment_id) for r in found.refunds] == [("r1", "p1")]
    assert (await indexed.refunds(["r1"]))["r1"].payment_id == "p1"
    assert [r.native_id for r in (await indexed.refunds_by_payment(["p1"]))["p1"]] == ["r1"]


async def test_a_refund_that_does_not_name_its_payment_is_completed(
    index: Index, learner: Learner
) -> None:
    channel = Channel(refund("r1", payment_id=None))
    indexed = await whole(index, learner, channel, told(refund("r1")))
    assert (await indexed.refunds(["r1"]))["r1"].payment_id == "p1"


async def test_an_order_number_leads_to_all_payments_that_claim_it(
    index: Index, learner: Learner
) -> None:
    channel = Channel(
        payment("p1", reference="SO-1"), payment("p2", reference="SO-1", created_at=day(2))
    )
    found = await (await whole(index, learner, channel)).payments_by_reference(["SO-1", "SO-2"])
    assert {k: [p.native_id for p in ps] for k, ps in found.items()} == {"SO-1": ["p2", "p1"]}
    assert channel.asked == [("payments", ("p1", "p2"))]


async def test_an_unknown_order_number_costs_no_call(index: Index, learner: Learner) -> None:
    channel = Channel()
    indexed = await whole(index, learner, channel, told(payment("p1")))
    assert await indexed.payments_by_reference(["SO-9"]) == {}
    assert channel.asked == []


async def test_what_a_search_finds_is_summed_and_learned(index: Index, learner: Learner) -> None:
    channel = Channel(payment("p1", reference="SO-1"), refund("r1"))
    indexed = await whole(index, learner, channel, told(refund("r1")))
    (found,) = (await indexed.find_payments(["SO-1", "SO-2"]))["SO-1"]
    assert found.status is P.PARTIALLY_REFUNDED
    await learner.aclose()
    assert set(await index.referenced("cn", Kind.PAYMENT, ["SO-1"])) == {"SO-1"}


async def test_pages_show_every_entry_once_and_go_on_anywhere(
    index: Index, learner: Learner
) -> None:
    channel = Channel(*(payment(f"p{n:02}", created_at=day(n // 2)) for n in range(20)))
    indexed = await whole(index, learner, channel)
    rows: list[Any] = []
    after = None
    while True:
        page = await indexed.payment_page(PageQuery(3, PaymentFilter(), after))
        rows += page.rows
        if not page.more:
            break
        after = page.rows[-1].after
    assert [r.record.native_id for r in rows] == [f"p{n:02}" for n in reversed(range(20))]
    resumed = await indexed.payment_page(PageQuery(2, PaymentFilter(), rows[6].after))
    assert [r.record.native_id for r in resumed.rows] == ["p12", "p11"]


@pytest.mark.parametrize("after", ["", "x", "|p1", "12|", "1.5|p1", "9" * 20 + "|p1", "é|p1"])
async def test_a_strange_cursor_is_refused(index: Index, learner: Learner, after: str) -> None:
    indexed = await whole(index, learner, Channel(payment("p1")))
    with pytest.raises(BadCursor):
        await indexed.payment_page(PageQuery(5, PaymentFilter(), after))
    with pytest.raises(BadCursor):
        await indexed.refund_page(PageQuery(5, RefundFilter(), after))


@pytest.mark.parametrize(
    "narrow",
    [
        PaymentFilter(statuses=()),
        PaymentFilter(references=()),
        PaymentFilter(channels=()),
        PaymentFilter(customer_ids=("cus_1",)),
        PaymentFilter(amount=MoneyRange("EUR")),
        PaymentFilter(created_at=TimeRange(gt=day(9))),
    ],
)
async def test_a_filter_that_nothing_fits_costs_no_call(
    index: Index, learner: Learner, narrow: PaymentFilter
) -> None:
    channel = Channel(payment("p1"))
    indexed = await whole(index, learner, channel)
    assert (await indexed.payment_page(PageQuery(5, narrow))).rows == ()
    assert channel.asked == []


async def test_a_filter_that_only_records_can_answer_is_read_in_steps(
    index: Index, learner: Learner
) -> None:
    channel = Channel(*(payment(f"p{n}") for n in range(60)))
    indexed = await whole(index, learner, channel)
    for narrow in (
        PaymentFilter(statuses=(P.FAILED,)),
        PaymentFilter(channels=(PaymentChannel.ECNY,)),
    ):
        page = await indexed.payment_page(PageQuery(100, narrow))
        assert (len(page.rows), page.more) == (STEP, True)


async def test_refunds_of_a_payment_are_a_page(index: Index, learner: Learner) -> None:
    channel = Channel(refund("r1"), refund("r2", payment_id="p2"))
    indexed = await whole(index, learner, channel, *(told(r) for r in channel.records.values()))
    narrow = RefundFilter(payment_ids=("p2",))
    page = await indexed.refund_page(PageQuery(5, narrow))
    assert [row.record.native_id for row in page.rows] == ["r2"]


async def test_what_the_vendor_no_longer_knows_is_an_error_in_its_place(
    index: Index, learner: Learner
) -> None:
    entries = [told(payment("p1")), told(payment("p2", created_at=day(2)))]
    indexed = await whole(index, learner, Channel(payment("p1")), *entries)
    page = await indexed.payment_page(PageQuery(5, PaymentFilter()))
    assert isinstance(page.rows[0].record, NotFound)
    assert page.rows[1].record.native_id == "p1"


async def test_an_order_is_not_summed_without_a_payment_that_cannot_be_read(
    index: Index, learner: Learner
) -> None:
    entries = [told(payment(i, reference="SO-1")) for i in ("p1", "p2")]
    indexed = await whole(index, learner, Channel(payment("p1", reference="SO-1")), *entries)
    assert isinstance((await indexed.payments_by_reference(["SO-1"]))["SO-1"], NotFound)


async def test_a_refund_that_cannot_be_read_leaves_the_state_unknown(
    index: Index, learner: Learner
) -> None:
    entries = [told(payment("p1")), told(refund("r1"))]
    (found,) = (
        await (await whole(index, learner, Channel(payment("p1")), *entries)).payments(["p1"])
    ).values()
    assert (found.status, found.refunds) == (P.UNKNOWN, None)


async def test_one_payment_under_two_ids_is_one_payment(index: Index, learner: Learner) -> None:
    """An authorization that was captured is answered as its capture."""
    capture = payment("capture", reference="SO-1")
    channel = Channel(capture)
    channel.records[Kind.PAYMENT, "authorization"] = capture
    entries = [
        told(capture),
        told(payment("authorization", reference="SO-1", created_at=day(0))),
    ]
    indexed = await whole(index, learner, channel, *entries)
    (found,) = (await indexed.payments_by_reference(["SO-1"]))["SO-1"]
    assert found.native_id == "capture"


async def test_what_lives_on_as_other_records_is_left_out(index: Index, learner: Learner) -> None:
    parts = [payment(i, reference="SO-1") for i in ("c1", "c2")]
    channel = Channel(*parts)
    channel.broken["a1"] = Superseded("cn", "it was captured in parts")
    entries = [told(p) for p in (*parts, payment("a1", reference="SO-1"))]
    indexed = await whole(index, learner, channel, *entries)
    found = (await indexed.payments_by_reference(["SO-1"]))["SO-1"]
    assert {p.native_id for p in found} == {"c1", "c2"}
    page = await indexed.payment_page(PageQuery(5, PaymentFilter()))
    assert {row.record.native_id for row in page.rows} == {"c1", "c2"}


async def test_a_refund_without_a_time_has_that_of_its_book(index: Index, learner: Learner) -> None:
    channel = Channel(refund("r1", created_at=None))
    indexed = await whole(index, learner, channel, told(refund("r1")))
    assert (await indexed.refunds(["r1"]))["r1"].created_at == day(2)


async def test_one_record_that_fails_is_one_error(index: Index, learner: Learner) -> None:
    channel = Channel(payment("p1"), payment("p2"))
    channel.broken["p2"] = Malformed("cn", "does not fit")
    page = await (await whole(index, learner, channel)).payment_page(PageQuery(5, PaymentFilter()))
    assert [type(row.record).__name__ for row in page.rows] == ["Malformed", "Payment"]


async def test_a_vendor_that_is_down_fails_as_a_whole(index: Index, learner: Learner) -> None:
    channel = Channel(payment("p1"), payment("p2"))
    channel.broken = dict.fromkeys(("p1", "p2"), TimedOut("cn", "no answer"))
    with pytest.raises(TimedOut):
        await (await whole(index, learner, channel)).payment_page(PageQuery(5, PaymentFilter()))


async def test_a_refund_that_cannot_be_read_is_located_at_the_refunds(
    index: Index, learner: Learner
) -> None:
    channel = Channel(payment("p1"), refund("r1"))
    channel.broken["r1"] = TimedOut("cn", "no answer")
    indexed = await whole(index, learner, channel)
    (found,) = (await indexed.payments(["p1"])).values()
    assert (found.status, found.refunds) == (P.UNKNOWN, None)
    assert isinstance((await indexed.refunds_by_payment(["p1"]))["p1"], TimedOut)


async def test_refunds_of_more_than_the_payment_are_an_error_at_the_refunds(
    index: Index, learner: Learner
) -> None:
    channel = Channel(payment("p1", 1000), refund("r1", 900), refund("r2", 200))
    indexed = await whole(index, learner, channel)
    (found,) = (await indexed.payments(["p1"])).values()
    assert (found.status, found.refunded) == (P.UNKNOWN, None)
    assert isinstance((await indexed.refunds_by_payment(["p1"]))["p1"], Malformed)


async def test_amounts_in_the_wrong_unit_are_told_and_not_shown(
    index: Index, learner: Learner
) -> None:
    """The books say 10 yuan, the record ten times a hundred of them."""
    channel = Channel(payment("p1", 100_000), refund("r1", 10_000))
    entries = [told(payment("p1", 1000)), told(refund("r1", 100))]
    indexed = await whole(index, learner, channel, *entries)
    assert isinstance((await indexed.payments(["p1"]))["p1"], Malformed)
    assert isinstance((await indexed.refunds(["r1"]))["r1"], Malformed)


async def test_an_index_that_cannot_be_read_fails_like_a_source(
    index: Index, learner: Learner, engine: AsyncEngine
) -> None:
    indexed = await whole(index, learner, Channel(payment("p1")))
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE reference_entry"))
    for call in (
        indexed.payments(["p1"]),
        indexed.payments_by_reference(["SO-1"]),
        indexed.payment_page(PageQuery(5, PaymentFilter())),
    ):
        with pytest.raises(Retryable) as failure:
            await call
        assert failure.value.source == "index"


async def test_before_any_book_was_read_nothing_is_said_to_be_all_there_is(
    index: Index, learner: Learner
) -> None:
    """A refund may exist that nobody told of: neither "paid" nor "no refunds" is certain."""
    indexed: Any = IndexedConnector(Channel(payment("p1")), CN, index, learner)
    (found,) = (await indexed.payments(["p1"])).values()
    assert (found.status, found.captured, found.refunds) == (P.UNKNOWN, yuan(1000), None)
    assert isinstance((await indexed.refunds_by_payment(["p1"]))["p1"], NotReady)
    assert isinstance((await indexed.payments_by_reference(["SO-1"]))["SO-1"], NotReady)
    with pytest.raises(NotReady):
        await indexed.payment_page(PageQuery(5, PaymentFilter()))


async def test_refunds_that_fail_together_leave_the_payment_standing(
    index: Index, learner: Learner
) -> None:
    channel = Channel(payment("p1"), refund("r1"), refunds=TimedOut("cn", "no answer"))
    (found,) = (await (await whole(index, learner, channel)).payments(["p1"])).values()
    assert (found.amount, found.status, found.refunds) == (yuan(1000), P.UNKNOWN, None)


async def test_a_refund_that_names_another_payment_is_counted_nowhere(
    index: Index, learner: Learner
) -> None:
    """The books say p2, the refund itself p1."""
    channel = Channel(payment("p1"), payment("p2"), refund("r1", payment_id="p1"))
    entries = [told(payment("p1")), told(payment("p2")), told(refund("r1", payment_id="p2"))]
    indexed = await whole(index, learner, channel, *entries)
    found = await indexed.payments(["p2"])
    assert (found["p2"].status, found["p2"].refunds) == (P.UNKNOWN, None)
    assert isinstance((await indexed.refunds_by_payment(["p2"]))["p2"], Malformed)


async def test_a_payment_that_names_another_order_is_told_and_put_right(
    index: Index, learner: Learner
) -> None:
    channel = Channel(payment("p1", reference="SO-1"))
    indexed = await whole(index, learner, channel, told(payment("p1", reference="SO-2")))
    assert isinstance((await indexed.payments_by_reference(["SO-2"]))["SO-2"], Malformed)
    await learner.aclose()
    assert await indexed.payments_by_reference(["SO-2"]) == {}
    (found,) = (await indexed.payments_by_reference(["SO-1"]))["SO-1"]
    assert found.native_id == "p1"


async def test_an_amount_that_the_books_tell_otherwise_stays_told(
    index: Index, learner: Learner
) -> None:
    """What a lookup learns does not hide that the two disagree."""
    indexed = await whole(index, learner, Channel(payment("p1")), told(payment("p1", 99)))
    for _ in range(2):
        assert isinstance((await indexed.payments(["p1"]))["p1"], Malformed)
        await learner.aclose()


async def test_what_is_learned_is_written_once_and_soon(index: Index, learner: Learner) -> None:
    records = [payment("p1", reference="SO-1"), refund("r1"), dispute("d1")]
    for _ in range(3):
        learner.learn(records)
    await learner.aclose()
    assert await index.counts() == {
        ("cn", Kind.PAYMENT): 1,
        ("cn", Kind.REFUND): 1,
        ("cn", Kind.DISPUTE): 1,
    }
    assert (await index.belonging("cn", Kind.REFUND, ["p1"]))["p1"][0].native_id == "r1"


async def test_what_was_not_paid_yet_has_no_time_and_is_not_learned(
    index: Index, learner: Learner
) -> None:
    learner.learn([payment("p1", created_at=None)])
    await learner.aclose()
    assert await index.counts() == {}


async def test_a_refund_learned_from_one_reading_is_found_by_the_next(
    index: Index, learner: Learner
) -> None:
    channel = Channel(payment("p1"), refund("r1", created_at=day(1) + timedelta(hours=1)))
    indexed = await whole(index, learner, channel, told(payment("p1")))
    assert (await indexed.payments(["p1"]))["p1"].refunds == ()
    known: Refund = (await indexed.refunds(["r1"]))["r1"]
    await learner.aclose()
    assert (await indexed.payments(["p1"]))["p1"].refunds == (known,)
