"""Explicit links in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from resolvers.link_store import LinkStore, StoredLink
from tests.resolvers.stores import open_links

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def link(
    order: int, payment: int, at: datetime = NOON, evidence: str = "links.csv:1"
) -> StoredLink:
    return StoredLink(f"crm:order:o{order}", f"eu:payment:p{payment}", evidence, at)


@pytest.fixture
async def store(url: str) -> AsyncIterator[LinkStore]:
    async with open_links(url) as opened:
        yield opened


async def test_a_link_is_found_from_both_sides(store: LinkStore) -> None:
    assert await store.add([link(1, 1), link(1, 2), link(2, 1)]) == 3
    assert await store.of_orders(["crm:order:o1"]) == [link(1, 1), link(1, 2)]
    assert await store.of_payments(["eu:payment:p1"]) == [link(1, 1), link(2, 1)]
    assert await store.of_orders(["crm:order:o9"]) == []
    assert await store.of_orders([]) == []


async def test_links_outlive_the_process(url: str) -> None:
    async with open_links(url) as opened:
        await opened.add([link(1, 1)])
    async with open_links(url) as opened:
        assert await opened.all() == [link(1, 1)]


async def test_twelve_hundred_ids_are_one_read(store: LinkStore) -> None:
    links = [link(number, number) for number in range(1200)]
    assert await store.add(links) == 1200
    found = await store.of_orders([wanted.order_id for wanted in links])
    assert sorted(found, key=lambda one: one.order_id) == sorted(links, key=lambda o: o.order_id)
    assert len(await store.of_payments([wanted.payment_id for wanted in links])) == 1200


async def test_a_link_that_is_there_already_stays_as_it_is(store: LinkStore) -> None:
    again = link(1, 1, NOON + timedelta(days=1), "other.csv:7")
    assert await store.add([link(1, 1), again]) == 1
    assert await store.add([again, link(1, 2)]) == 1
    assert await store.all() == [link(1, 1), link(1, 2)]


async def test_all_links_are_written_or_none(store: LinkStore) -> None:
    def broken() -> Iterator[StoredLink]:
        yield link(1, 1)
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"):
        await store.add(broken())
    assert await store.all() == []


async def test_older_links_come_first(store: LinkStore) -> None:
    await store.add([link(1, 1, NOON + timedelta(days=1)), link(1, 2)])
    assert await store.of_orders(["crm:order:o1"]) == [
        link(1, 2),
        link(1, 1, NOON + timedelta(days=1)),
    ]


async def test_times_are_read_back_in_utc(store: LinkStore) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    await store.add([link(1, 1, elsewhere)])
    (found,) = await store.all()
    assert (found.created_at, found.created_at.tzinfo) == (NOON, UTC)


async def test_ids_are_values_and_never_sql(store: LinkStore) -> None:
    hostile = "crm:order:'; DROP TABLE order_payment_link; --"
    await store.add([link(1, 1), StoredLink(hostile, "eu:payment:p1", "x", NOON)])
    assert [one.order_id for one in await store.of_orders([hostile])] == [hostile]
    assert len(await store.all()) == 2


async def test_an_empty_store_is_asked_once_a_second(url: str) -> None:
    now = [0.0]
    async with open_links(url) as opened, open_links(url) as other:
        opened._clock = lambda: now[0]
        assert await opened.of_orders(["crm:order:o1"]) == []
        await other.add([link(1, 1)])
        now[0] = 0.9
        assert await opened.of_orders(["crm:order:o1"]) == []
        now[0] = 1.1
        assert await opened.of_orders(["crm:order:o1"]) == [link(1, 1)]
