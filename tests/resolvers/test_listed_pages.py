"""Pages of sources that the index lists: merged by entries, and only what is shown is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connectors.errors import Malformed, NotFound, SourceError, Superseded, TimedOut
from connectors.filters import MoneyRange, PaymentFilter
from connectors.paging import NEWEST_FIRST
from connectors.records import Payment
from resolvers.pages import Ask, Connection, merged, scans_of
from tests.resolvers.channel import payment, told, yuan
from tests.resolvers.fakes import FakeRows, day

pytestmark = pytest.mark.anyio
LATE = TimedOut("cn", "no answer")


class Listed:
    """A source whose rows are the entries of its payments, newest first."""

    def __init__(self, *payments: Payment, page: int = 100) -> None:
        self.live: dict[str, Any] = {p.native_id: p for p in payments}
        self.rows = FakeRows([told(p) for p in payments], page)
        self.read: list[tuple[str, ...]] = []

    async def load(self, ids: Sequence[str]) -> Mapping[str, Any]:
        self.read.append(tuple(ids))
        return {i: self.live[i] for i in ids if i in self.live}


async def page(
    sources: Mapping[str, Listed], first: int, after: str | None = None, **narrow: Any
) -> Connection:
    ask = Ask(first, after, PaymentFilter(**narrow), NEWEST_FIRST, "test")
    fetches = {name: source.rows.read for name, source in sources.items()}
    loads = {name: source.load for name, source in sources.items()}
    return await merged(scans_of(ask, fetches, loads), ask)


def made(number: int) -> Payment:
    return payment(f"p{number}", created_at=day(number))


def shown(connection: Connection) -> list[str]:
    return [n.native_id if isinstance(n, Payment) else type(n).__name__ for n in connection.nodes]


async def test_only_what_is_shown_is_read_in_one_batch_per_source() -> None:
    odd, even = Listed(made(9), made(7), made(5)), Listed(made(8), made(6), made(4))
    found = await page({"a": odd, "b": even}, 3)
    assert shown(found) == ["p9", "p8", "p7"]
    assert (odd.read, even.read) == ([("p9", "p7")], [("p8",)])


async def test_the_pages_join_up() -> None:
    sources = {"a": Listed(*map(made, (9, 6, 5, 1))), "b": Listed(*map(made, (8, 7, 4)), page=2)}
    seen: list[str] = []
    after = None
    while True:
        found = await page(sources, 2, after)
        seen += shown(found)
        after = found.page_info.end_cursor
        if not found.page_info.has_next_page:
            break
    assert seen == ["p9", "p8", "p7", "p6", "p5", "p4", "p1"]


async def test_a_source_that_cannot_be_read_is_one_null_and_is_read_again_next() -> None:
    good, bad = Listed(made(9), made(7)), Listed(made(8), made(6))
    live, bad.live = bad.live, dict.fromkeys(("p8", "p6"), LATE)
    found = await page({"a": good, "b": bad}, 3)
    assert shown(found) == ["p9", "p7", "TimedOut"]
    bad.live = live
    again = await page({"a": good, "b": bad}, 3, found.page_info.end_cursor)
    assert shown(again) == ["p8", "p6"]


async def test_when_nothing_can_be_read_the_page_fails() -> None:
    bad = Listed(made(8))
    bad.live = {"p8": LATE}
    with pytest.raises(TimedOut):
        await page({"b": bad}, 3)


@pytest.mark.parametrize(
    ("value", "kind"), [(None, NotFound), (Malformed("cn", "does not fit"), Malformed)]
)
async def test_a_record_that_cannot_be_read_is_an_error_at_its_place(
    value: SourceError | None, kind: type[SourceError]
) -> None:
    source = Listed(made(9), made(8))
    source.live |= {"p9": value} if value else {}
    source.live = {k: v for k, v in source.live.items() if k != "p9" or value}
    assert shown(await page({"a": source}, 3)) == [kind.__name__, "p8"]


async def test_the_record_itself_decides_whether_a_filter_accepts_it() -> None:
    source = Listed(made(9), made(8))
    source.live["p9"] = payment("p9", 5, created_at=day(9))
    found = await page({"a": source}, 1, amount=MoneyRange("CNY", gte=1000))
    assert (shown(found), found.page_info.has_next_page) == (["p8"], False)
    assert source.live["p9"].amount == yuan(5)


async def test_what_is_not_known_to_be_asked_for_and_cannot_be_read_is_no_error() -> None:
    source = Listed(made(9), made(8))
    del source.live["p9"]
    assert shown(await page({"a": source}, 3, amount=MoneyRange("CNY", gte=1))) == ["p8"]


async def test_what_lives_on_as_other_records_is_left_out() -> None:
    source = Listed(made(9), made(8))
    source.live["p9"] = Superseded("cn", "it was captured in parts")
    assert shown(await page({"a": source}, 3)) == ["p8"]


async def test_an_entry_that_is_another_record_is_shown_at_that_records_place() -> None:
    source = Listed(made(9), made(8))
    source.live["p8"] = source.live["p9"]
    assert shown(await page({"a": source}, 3)) == ["p9"]
