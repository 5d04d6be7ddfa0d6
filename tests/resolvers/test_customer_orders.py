"""Orders of a provider's customer, whom two CRMs know as one of theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Retryable, SourceError
from connectors.filters import OrderFilter
from connectors.paging import NEWEST_FIRST, Page, PageQuery, Row
from connectors.records import Customer, Source, SourceKind
from resolvers.context import Context
from resolvers.errors import BadCursor
from resolvers.joins.customer import CUSTOMER_ORDERS
from resolvers.link_store import LinkStore
from resolvers.links import LinkRules
from resolvers.pages import Ask, Connection
from tests.resolvers.fakes import CRM, EU, FakeCrm, FakePayments, day, held, order, sources_of
from tests.resolvers.stores import open_links

pytestmark = pytest.mark.anyio
OTHER = Source("other", "fake", SourceKind.CRM)
PAYER = Customer(source=EU, native_id="cus_1")


class CrmWithOrders(FakeCrm):
    """Its one customer holds the payer's id and has these orders, newest first."""

    def __init__(self, source: Source, days: Sequence[int], **failing: Exception) -> None:
        held_id = held(EU, "cus_1", "Payer__c")
        customer = Customer(source=source, native_id="c1", external_ids=(held_id,))
        super().__init__([], [customer], **failing)
        self._rows = tuple(
            Row(order(f"{source.name}{d}", source, native_id=f"{d}", created_at=day(d)), str(d))
            for d in days
        )

    async def orders_by_customer(self, ids: Sequence[str], query: PageQuery[OrderFilter]) -> Any:
        self.note("orders_by_customer", ids)
        left = [r for r in self._rows if query.after is None or int(r.after) < int(query.after)]
        return {"c1": Page(tuple(left[: query.first]), len(left) > query.first)}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LinkStore]:
    async with open_links(f"sqlite+aiosqlite:///{tmp_path}/links.db") as opened:
        yield opened


async def page(
    store: LinkStore, crm: CrmWithOrders, other: CrmWithOrders, after: str | None = None
) -> Connection:
    class Payers(FakePayments):
        async def customers(self, ids: Sequence[str]) -> Any:
            return {}

        async def customer_page(self, query: PageQuery[Any]) -> Any:
            return Page(())

    sources = sources_of({CRM: crm, OTHER: other, EU: Payers([])})
    context = Context(sources, LinkRules(sources, store), request_id="r")
    ask = Ask(2, after, OrderFilter(), NEWEST_FIRST, "Customer.orders")
    connection: Connection = await context.load(CUSTOMER_ORDERS, PAYER, ask)
    return connection


def numbers(connection: Connection) -> list[Any]:
    return [n.source if isinstance(n, SourceError) else n.number for n in connection.nodes]  # type: ignore[attr-defined]


async def test_the_orders_of_both_are_one_list(store: LinkStore) -> None:
    crm, other = CrmWithOrders(CRM, [9, 5, 1]), CrmWithOrders(OTHER, [8, 4])
    first = await page(store, crm, other)
    assert numbers(first) == ["crm9", "other8"]
    second = await page(store, crm, other, first.page_info.end_cursor)
    assert numbers(second) == ["crm5", "other4"]


async def test_a_crm_that_is_down_is_told_and_no_row_comes_twice_when_it_is_back(
    store: LinkStore,
) -> None:
    crm = CrmWithOrders(CRM, [9, 5, 1])
    down = Retryable("other", "down")
    broken = CrmWithOrders(OTHER, [8, 4], customers_by_external_id=down)
    first = await page(store, crm, broken)
    assert numbers(first) == ["crm9", "crm5", "other"]
    second = await page(store, crm, CrmWithOrders(OTHER, [8, 4]), first.page_info.end_cursor)
    assert numbers(second) == ["other8", "other4"]
    third = await page(store, crm, CrmWithOrders(OTHER, [8, 4]), second.page_info.end_cursor)
    assert numbers(third) == ["crm1"]


async def test_a_cursor_of_another_customer_is_refused(store: LinkStore) -> None:
    from resolvers.cursor import encode

    ask = Ask(2, None, OrderFilter(), NEWEST_FIRST, "Customer.orders")
    foreign = encode(ask.scope, {"crm:customer:c2": "9"})
    with pytest.raises(BadCursor):
        await page(store, CrmWithOrders(CRM, [9]), CrmWithOrders(OTHER, []), foreign)
