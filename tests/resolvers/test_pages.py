"""Pages over several sources: every accepted row exactly once and in order, whatever the sizes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Malformed, Rejected, Retryable, SourceError
from connectors.filters import OrderFilter, PaymentFilter
from connectors.paging import NEWEST_FIRST, Sort, SortField
from connectors.records import Order, Source, SourceKind
from resolvers.errors import BadCursor
from resolvers.pages import MOST_PAGES, Ask, Connection, merged, paged, scans_of
from tests.resolvers.fakes import EU, FakeRows, day, order, payment

pytestmark = pytest.mark.anyio
SORTS = st.builds(Sort, st.sampled_from([SortField.CREATED_AT, SortField.PLACED_AT]), st.booleans())
WANTED = OrderFilter(numbers=("yes",))


class World(msgspec.Struct):
    """What each source holds, in the order that is asked for, and how it is asked."""

    sources: list[FakeRows]
    rows: list[list[Any]]
    ask: Ask


def value(row: Any, sort: Sort) -> Any:
    return getattr(row, sort.field.value)


def in_order(rows: Sequence[Any], sort: Sort) -> list[Any]:
    """As a vendor gives them: rows without a value last."""
    dated = [row for row in rows if value(row, sort) is not None]
    rest = [row for row in rows if value(row, sort) is None]
    return sorted(dated, key=lambda row: value(row, sort), reverse=sort.descending) + rest


@st.composite
def worlds(draw: st.DrawFn, least: int = 1) -> World:
    sort = draw(SORTS)
    days = st.one_of(st.none(), st.integers(0, 6).map(day))
    held: list[list[Any]] = []
    for number in range(draw(st.integers(1, 4))):
        source = Source(f"s{number}", "fake", SourceKind.CRM)
        kinds = draw(st.lists(st.tuples(days, st.booleans()), max_size=40))
        rows: list[Any] = [
            order(
                "yes" if wanted else "no",
                source,
                native_id=f"o{at}",
                **{sort.field.value: when},
            )
            for at, (when, wanted) in enumerate(kinds)
        ]
        held.append(in_order(rows, sort))
    sources = [FakeRows(rows, draw(st.integers(least, 12))) for rows in held]
    filter_ = draw(st.sampled_from([WANTED, OrderFilter()]))
    return World(sources, held, Ask(draw(st.integers(1, 15)), None, filter_, sort))


def one_page(world: World, after: str | None) -> Connection:
    ask = msgspec.structs.replace(world.ask, after=after)
    scans = scans_of(ask, {f"s{at}": source.read for at, source in enumerate(world.sources)})
    return asyncio.run(merged(scans, ask))


def all_pages(world: World) -> list[Connection]:
    pages = [one_page(world, None)]
    while pages[-1].page_info.has_next_page:
        assert len(pages) < 500
        end = pages[-1].page_info.end_cursor
        assert end not in [page.page_info.end_cursor for page in pages[:-1]]
        pages.append(one_page(world, end))
    return pages


def accepted(world: World) -> list[str]:
    return [r.id for rows in world.rows for r in rows if world.ask.filter.accepts(r)]


@given(worlds())
def test_every_accepted_row_comes_exactly_once_and_in_order(world: World) -> None:
    pages = all_pages(world)
    found: list[Any] = [node for page in pages for node in page.nodes]
    assert sorted(row.id for row in found) == sorted(accepted(world))
    keys = [value(row, world.ask.sort) for row in found]
    dated = [key for key in keys if key is not None]
    assert keys == dated + [None] * (len(keys) - len(dated))
    assert dated == sorted(dated, reverse=world.ask.sort.descending)
    assert all(len(page.edges) <= world.ask.first for page in pages)
    assert [page.page_info.has_previous_page for page in pages] == [False] + [True] * (
        len(pages) - 1
    )


@given(worlds(least=5), st.sets(st.integers(0, 39)))
def test_rows_that_may_not_be_shown_leave_no_trace(world: World, kept: set[int]) -> None:
    """One's own rows each once, and no place is told that is another's; pages are large enough that
    those of others end within what is read for one."""

    def keeps(row: Any) -> bool:
        return int(row.native_id[1:]) in kept

    def page_after(after: str | None) -> Connection:
        ask = msgspec.structs.replace(world.ask, after=after)
        fetches = {f"s{at}": source.read for at, source in enumerate(world.sources)}
        return asyncio.run(merged(scans_of(ask, fetches, keeps=keeps), ask))

    rows = [row for rows in world.rows for row in rows]
    foreign = {
        (f"s{at}", str(place))
        for at, rows_of in enumerate(world.rows)
        for place, row in enumerate(rows_of, 1)
        if not keeps(row)
    }
    pages = [page_after(None)]
    while pages[-1].page_info.has_next_page:
        assert len(pages) < 500
        pages.append(page_after(pages[-1].page_info.end_cursor))
    found: list[Any] = [node for page in pages for node in page.nodes]
    own = [row.id for row in rows if keeps(row) and world.ask.filter.accepts(row)]
    assert sorted(row.id for row in found) == sorted(own)
    for page in pages:
        places = [*page.edges, page.page_info.first, page.page_info.last]
        told = {told for place in places if place is not None for told in place.positions.items()}
        assert not told & foreign


def others(count: int) -> FakeRows:
    rows = [order(f"{n}", native_id=f"o{n}", created_at=day(-n)) for n in range(count)]
    return FakeRows(rows, 100)


async def test_a_list_of_others_ends_as_a_failure_and_tells_nothing() -> None:
    ask = Ask(5, None, OrderFilter(), NEWEST_FIRST)
    source = others(2000)
    with pytest.raises(Rejected):
        await merged(scans_of(ask, {"s": source.read}, keeps=lambda row: False), ask)
    assert len(source.asked) == MOST_PAGES
    few = others(50)
    page = await merged(scans_of(ask, {"s": few.read}, keeps=lambda row: False), ask)
    assert page.edges == ()
    assert page.page_info.end_cursor is None
    assert not page.page_info.has_next_page


@given(worlds(), st.data())
def test_every_edge_is_a_place_to_go_on_from(world: World, data: st.DataObject) -> None:
    pages = all_pages(world)
    edges = [edge for page in pages for edge in page.edges]
    if not edges:
        return
    at = data.draw(st.integers(0, len(edges) - 1))
    following: list[Any] = []
    after: str | None = edges[at].cursor
    more = True
    while more:
        page = one_page(world, after)
        following += page.nodes
        after, more = page.page_info.end_cursor, page.page_info.has_next_page
    assert following == [edge.node for edge in edges[at + 1 :]]


@given(worlds())
def test_a_page_costs_each_source_at_most_ten_reads(world: World) -> None:
    one_page(world, None)
    assert all(len(source.asked) <= MOST_PAGES for source in world.sources)


@given(worlds())
def test_the_total_is_told_only_when_nothing_is_filtered_here(world: World) -> None:
    counted = one_page(world, None).total_count
    everything = sum(len(rows) for rows in world.rows)
    assert counted == (everything if world.ask.filter == OrderFilter() else None)


@given(worlds(), st.integers(0, 40))
def test_a_failing_source_takes_nothing_from_the_others(world: World, fail_at: int) -> None:
    error = Retryable("s0", "down")
    world.sources[0] = FakeRows(world.rows[0], 3, fail_at)
    world.sources[0].error = error
    if len(world.sources) == 1:
        return
    found: list[Any] = []
    after: str | None = None
    more = True
    while more:
        page = one_page(world, after)
        assert [n for n in page.nodes if isinstance(n, SourceError)] in ([], [error])
        found += [n for n in page.nodes if isinstance(n, Order)]
        after, more = page.page_info.end_cursor, page.page_info.has_next_page
    others = [row_id for row_id in accepted(world) if not row_id.startswith("s0:")]
    assert sorted(row.id for row in found if row.source.name != "s0") == sorted(others)
    own = [row.id for row in found if row.source.name == "s0"]
    assert len(own) == len(set(own))


def test_a_failure_is_raised_when_no_source_is_left() -> None:
    error = Retryable("s0", "down")
    source = FakeRows([], 1)
    source.error = error
    with pytest.raises(Retryable) as failure:
        one_page(World([source], [[]], Ask(5, None, OrderFilter(), NEWEST_FIRST)), None)
    assert failure.value is error


def test_a_row_that_cannot_be_read_keeps_its_place() -> None:
    error = Malformed("s0", "does not fit")
    rows: list[Any] = [order("1", created_at=day(3)), error, order("2", created_at=day(1))]
    other = [order("3", created_at=day(2))]
    ask = Ask(2, None, OrderFilter(), NEWEST_FIRST)
    world = World([FakeRows(rows, 10), FakeRows(other, 10)], [rows, other], ask)
    nodes = [n if isinstance(n, SourceError) else n.id for p in all_pages(world) for n in p.nodes]
    assert nodes == ["crm:order:o1", error, "crm:order:o3", "crm:order:o2"]


def test_nothing_is_shown_ahead_of_rows_that_were_not_reached_yet() -> None:
    """The newest row stands behind more rows to filter than one page may read."""
    hidden = [order("no", native_id=f"n{at}", created_at=day(9)) for at in range(MOST_PAGES + 2)]
    late = order("yes", native_id="late", created_at=day(8))
    early = order("yes", native_id="early", created_at=day(7))
    ask = Ask(1, None, WANTED, NEWEST_FIRST)
    sources = [FakeRows([*hidden, late], 1), FakeRows([early], 1)]
    pages = all_pages(World(sources, [[*hidden, late], [early]], ask))
    assert [list(page.nodes) for page in pages] == [[], [late], [early]]


ASK = Ask(2, None, OrderFilter(), NEWEST_FIRST)


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(ASK, filter=WANTED),
        msgspec.structs.replace(ASK, filter=PaymentFilter()),
        msgspec.structs.replace(ASK, sort=Sort(descending=False)),
        msgspec.structs.replace(ASK, sort=Sort(SortField.PLACED_AT)),
    ],
)
def test_a_cursor_of_another_question_is_refused_before_anybody_is_asked(other: Ask) -> None:
    rows = [order(str(number), created_at=day(number)) for number in range(5)]
    source = FakeRows(rows, 10)
    world = World([source], [rows], ASK)
    cursor = one_page(world, None).page_info.end_cursor
    source.asked.clear()
    world.ask = other
    with pytest.raises(BadCursor):
        one_page(world, cursor)
    assert source.asked == []


def test_a_token_that_the_source_did_not_make_is_a_bad_cursor() -> None:
    from resolvers.cursor import encode

    world = World([FakeRows([], 10)], [[]], ASK)
    with pytest.raises(BadCursor, match="malformed"):
        one_page(world, encode(ASK.scope, {"s0": "forged"}))


PAYMENTS = [payment(f"p{at}", created_at=when) for at, when in enumerate([day(2), day(1), day(2)])]
UNDATED = payment("p9", created_at=None)
DOWN = Retryable("us", "down")
MINE = Ask(2, None, PaymentFilter(), NEWEST_FIRST)


def ids(connection: Connection) -> list[Any]:
    return [n if isinstance(n, SourceError) else n.native_id for n in connection.nodes]


def test_a_list_is_paged_newest_first_with_undated_rows_last() -> None:
    first = paged([UNDATED, *PAYMENTS], (), MINE)
    assert (ids(first), first.total_count) == (["p0", "p2"], 4)
    assert (first.page_info.has_next_page, first.page_info.has_previous_page) == (True, False)
    second = paged(
        [UNDATED, *PAYMENTS], (), msgspec.structs.replace(MINE, after=first.page_info.end_cursor)
    )
    assert ids(second) == ["p1", "p9"]
    assert (second.page_info.has_next_page, second.page_info.has_previous_page) == (False, True)


def test_paging_a_list_goes_on_although_the_row_of_the_cursor_is_gone() -> None:
    cursor = paged(PAYMENTS, (), msgspec.structs.replace(MINE, first=1)).page_info.end_cursor
    rest = paged(PAYMENTS[1:], (), msgspec.structs.replace(MINE, after=cursor))
    assert ids(rest) == ["p2", "p1"]


def test_failures_follow_on_every_page_of_a_list() -> None:
    first = paged(PAYMENTS, [DOWN], MINE)
    assert (ids(first), first.total_count) == (["p0", "p2", DOWN], None)
    for cursor in (first.page_info.end_cursor, first.edges[-1].cursor):
        rest = paged(PAYMENTS, [DOWN], msgspec.structs.replace(MINE, after=cursor))
        assert ids(rest) == ["p1", DOWN]


def test_a_source_that_fails_between_two_pages_is_not_passed_over_in_silence() -> None:
    first = paged(PAYMENTS, (), MINE)
    after = msgspec.structs.replace(MINE, after=first.page_info.end_cursor)
    assert ids(paged(PAYMENTS[:2], [DOWN], after))[-1] is DOWN


def test_a_cursor_of_one_records_list_is_not_one_of_anothers() -> None:
    cursor = paged(PAYMENTS, (), MINE, "crm:order:o1").page_info.end_cursor
    with pytest.raises(BadCursor):
        paged(PAYMENTS, (), msgspec.structs.replace(MINE, after=cursor), "crm:order:o2")


def test_a_failure_that_nothing_came_before_has_a_cursor_too() -> None:
    none = msgspec.structs.replace(MINE, filter=PaymentFilter(references=()))
    only = paged(PAYMENTS, [DOWN], none)
    assert ids(only) == [DOWN]
    again = msgspec.structs.replace(none, after=only.edges[0].cursor)
    assert ids(paged(PAYMENTS, [DOWN], again)) == [DOWN]


def test_a_list_of_nothing_but_failures_is_a_failure() -> None:
    with pytest.raises(Retryable):
        paged([], [DOWN], MINE)


def test_an_empty_list_is_a_page() -> None:
    page = paged([], (), MINE)
    assert (page.edges, page.total_count, page.page_info.end_cursor) == ((), 0, None)


@pytest.mark.parametrize("position", [{"": "x|y"}, {"": ""}, {"eu": "1"}])
def test_a_forged_position_in_a_list_is_a_bad_cursor(position: dict[str, str]) -> None:
    from resolvers.cursor import encode

    with pytest.raises(BadCursor):
        paged(PAYMENTS, (), msgspec.structs.replace(MINE, after=encode(MINE.scope, position)))


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 10))
def test_pages_of_a_list_hold_every_row_once(days: list[int], first: int) -> None:
    rows = [payment(f"p{at}", EU, created_at=day(number)) for at, number in enumerate(days)]
    ask = msgspec.structs.replace(MINE, first=first)
    found: list[Any] = []
    while True:
        page = paged(rows, (), ask)
        found += page.nodes
        if not page.page_info.has_next_page:
            break
        ask = msgspec.structs.replace(ask, after=page.page_info.end_cursor)
    assert len(found) == len({row.id for row in found}) == len(rows)
    assert all(a.created_at >= b.created_at for a, b in pairwise(found))
