"""A lesser answer never stands for one that could not be asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import FieldMisfit, Retryable
from connectors.paging import Page, Row
from connectors.records import Customer, Order, Source, SourceKind
from resolvers import roots
from resolvers.context import Context
from resolvers.joins.payment import PAYMENT_CUSTOMER, PAYMENT_ORDER
from resolvers.link_store import LinkStore, StoredLink
from resolvers.links import LinkRules
from tests.resolvers.fakes import (
    CRM,
    EU,
    FakeCrm,
    FakePayments,
    day,
    held,
    order,
    payment,
    sources_of,
)
from tests.resolvers.stores import open_links

pytestmark = pytest.mark.anyio
OTHER = Source("other", "fake", SourceKind.CRM)
DOWN = Retryable("crm", "down")
OTHER_DOWN = Retryable("other", "down")
PAID = payment("p1", reference="1", customer_id="c1")
OURS = Customer(source=CRM, native_id="a1", external_ids=(held(EU, "c1"),))
THEIRS = Customer(source=EU, native_id="c1")


class Provider(FakePayments):
    """A payment system that knows its payers."""

    async def customers(self, ids: Any) -> Any:
        self.note("customers", ids)
        return {"c1": THEIRS} if "c1" in ids else {}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LinkStore]:
    async with open_links(f"sqlite+aiosqlite:///{tmp_path}/links.db") as opened:
        yield opened


def context(store: LinkStore, connectors: Mapping[Source, Any]) -> Context:
    sources = sources_of(dict(connectors))
    return Context(sources, LinkRules(sources, store), request_id="r")


async def order_of(store: LinkStore, connectors: Mapping[Source, Any]) -> Any:
    found = await context(store, {**connectors, EU: Provider()}).many(PAYMENT_ORDER, [PAID])
    return found[PAID.id]


async def customer_of(store: LinkStore, connectors: Mapping[Source, Any]) -> Any:
    found = await context(store, {**connectors, EU: Provider()}).many(PAYMENT_CUSTOMER, [PAID])
    return found[PAID.id]


def named(source: Source = CRM, **more: Any) -> Order:
    return order("1", source, payment_ids=(held(EU, "p1"),), **more)


async def test_an_order_by_number_does_not_stand_for_one_that_may_name_the_payment(
    store: LinkStore,
) -> None:
    other = FakeCrm(orders_by_payment_id=OTHER_DOWN)
    assert await order_of(store, {CRM: FakeCrm([order("1")]), OTHER: other}) is OTHER_DOWN


async def test_an_order_that_names_the_payment_needs_no_crm_configured_after_it(
    store: LinkStore,
) -> None:
    other = FakeCrm(orders_by_payment_id=OTHER_DOWN, orders_by_number=OTHER_DOWN)
    assert await order_of(store, {CRM: FakeCrm([named()]), OTHER: other}) == named()


async def test_an_order_of_a_later_crm_does_not_stand_for_one_of_an_earlier(
    store: LinkStore,
) -> None:
    crm = FakeCrm(orders_by_payment_id=DOWN)
    assert await order_of(store, {CRM: crm, OTHER: FakeCrm([named(OTHER)])}) is DOWN


async def test_what_an_operator_linked_is_not_replaced_while_it_cannot_be_read(
    store: LinkStore,
) -> None:
    await store.add([StoredLink("crm:order:o9", PAID.id, "links.csv:2", day(0))])
    crm = FakeCrm(orders=DOWN)
    assert await order_of(store, {CRM: crm, OTHER: FakeCrm([named(OTHER)])}) is DOWN


async def test_the_payer_does_not_stand_for_the_customer_of_an_order_that_cannot_be_asked(
    store: LinkStore,
) -> None:
    crm = FakeCrm((), [OURS], orders_by_number=DOWN)
    assert await customer_of(store, {CRM: crm}) is DOWN


async def test_the_payer_does_not_stand_for_the_orders_customer_that_cannot_be_read(
    store: LinkStore,
) -> None:
    crm = FakeCrm([named(customer_id="a1")], [OURS], customers=DOWN)
    assert await customer_of(store, {CRM: crm}) is DOWN
    misfitting = named(misfits={"customer": "it holds a list"})
    found = await customer_of(store, {CRM: FakeCrm([misfitting], [OURS])})
    assert isinstance(found, FieldMisfit)


async def test_the_provider_does_not_stand_for_the_crm_that_may_hold_the_payers_id(
    store: LinkStore,
) -> None:
    """What HubSpot knows of a payer is not told by Stripe."""
    crm = FakeCrm((), [OURS], customers_by_external_id=DOWN)
    assert await customer_of(store, {CRM: crm}) is DOWN


async def test_without_failures_the_choices_are_as_ever(store: LinkStore) -> None:
    assert await customer_of(store, {CRM: FakeCrm((), [OURS])}) == OURS
    assert await customer_of(store, {CRM: FakeCrm()}) == THEIRS
    with_order = FakeCrm([named(customer_id="a2")], [OURS, Customer(source=CRM, native_id="a2")])
    assert (await customer_of(store, {CRM: with_order})).native_id == "a2"


async def test_a_customer_by_email_is_not_told_while_a_crm_may_have_a_newer_one(
    store: LinkStore,
) -> None:
    class Mailed(FakeCrm):
        async def customer_page(self, query: Any) -> Any:
            self.note("customer_page", ())
            return Page((Row(Customer(source=CRM, native_id="a1", email="a@b"), "1"),))

    sources = {CRM: Mailed(), OTHER: FakeCrm(customer_page=OTHER_DOWN)}

    async def down(query: Any) -> Any:
        raise OTHER_DOWN

    sources[OTHER].customer_page = down  # type: ignore[method-assign]
    with pytest.raises(Retryable) as raised:
        await roots.customer_mailed(context(store, sources), "a@b")
    assert raised.value is OTHER_DOWN
