"""The three rules that link payments to orders, and their precedence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Retryable
from connectors.records import Customer, Order, Payment, Source
from resolvers.deadline import Deadline
from resolvers.link_store import LinkStore, StoredLink
from resolvers.links import Linked, LinkRule, LinkRules, Pair
from resolvers.lookups import Lookups
from tests.resolvers.fakes import (
    CRM,
    EU,
    US,
    Fake,
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
DOWN = Retryable("us", "down")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LinkStore]:
    async with open_links(f"sqlite+aiosqlite:///{tmp_path}/links.db") as opened:
        yield opened


class Graph:
    """The rules over these sources, and one request's lookups."""

    def __init__(
        self, store: LinkStore, sources: dict[Source, Any], pairs: list[Pair] | None = None
    ) -> None:
        self.sources = sources_of(sources)
        self.rules = LinkRules(self.sources, store, pairs)
        self.lookups = Lookups(self.sources, Deadline(60.0))

    async def payments_of(self, *orders: Order) -> dict[str, Linked[Payment]]:
        return await self.rules.payments_of(self.lookups, orders)

    async def orders_of(self, *payments: Payment) -> dict[str, Linked[Order]]:
        return await self.rules.orders_of(self.lookups, payments)


def stored(order_id: str, payment_id: str, evidence: str = "links.csv:2") -> StoredLink:
    return StoredLink(order_id, payment_id, evidence, day(0))


def told(linked: Linked[Any]) -> list[tuple[str, LinkRule, str]]:
    return [(link.record.id, link.rule, link.evidence) for link in linked.links]


async def test_each_rule_finds_its_payment_and_says_why(store: LinkStore) -> None:
    await store.add([stored("crm:order:o1", "us:payment:p1")])
    one = order("1", payment_ids=(held(EU, "p2"),))
    eu = FakePayments([payment("p2"), payment("p3", reference="1")])
    us = FakePayments([payment("p1", US)])
    found = await Graph(store, {CRM: FakeCrm(), EU: eu, US: us}).payments_of(one)
    assert told(found[one.id]) == [
        ("us:payment:p1", LinkRule.STORED, "links.csv:2"),
        ("eu:payment:p2", LinkRule.CRM_FIELD, "Payment__c"),
        ("eu:payment:p3", LinkRule.MERCHANT_REFERENCE, "1"),
    ]
    assert eu.asked == [("payments_by_reference", ("1",)), ("payments", ("p2",))]


async def test_a_payment_found_by_every_rule_is_linked_once_by_the_first(store: LinkStore) -> None:
    await store.add([stored("crm:order:o1", "eu:payment:p1")])
    one = order("1", payment_ids=(held(EU, "p1"),))
    eu = FakePayments([payment("p1", reference="1")])
    found = await Graph(store, {CRM: FakeCrm(), EU: eu}).payments_of(one)
    assert told(found[one.id]) == [("eu:payment:p1", LinkRule.STORED, "links.csv:2")]
    assert eu.asked == [("payments_by_reference", ("1",))]


async def test_the_crms_field_precedes_the_reference(store: LinkStore) -> None:
    one = order("1", payment_ids=(held(EU, "p1"),))
    eu = FakePayments([payment("p1", reference="1")])
    found = await Graph(store, {CRM: FakeCrm(), EU: eu}).payments_of(one)
    assert told(found[one.id]) == [("eu:payment:p1", LinkRule.CRM_FIELD, "Payment__c")]


async def test_many_orders_ask_each_source_once(store: LinkStore) -> None:
    orders = [order(str(number)) for number in range(50)]
    eu, us = FakePayments([payment("p7", reference="7")]), FakePayments()
    found = await Graph(store, {CRM: FakeCrm(), EU: eu, US: us}).payments_of(*orders)
    assert [key for key, linked in found.items() if linked.links] == ["crm:order:o7"]
    assert [len(eu.asked), len(us.asked)] == [1, 1]


async def test_a_source_that_failed_is_reported_once_beside_what_was_found(
    store: LinkStore,
) -> None:
    await store.add([stored("crm:order:o1", "us:payment:p8")])
    one = order("1", payment_ids=(held(US, "p9"),))
    eu = FakePayments([payment("p1", reference="1")])
    us = FakePayments(payments=DOWN, payments_by_reference=DOWN)
    found = await Graph(store, {CRM: FakeCrm(), EU: eu, US: us}).payments_of(one)
    assert found[one.id].records == (payment("p1", reference="1"),)
    assert found[one.id].failures == (DOWN,)


async def test_a_link_to_a_source_that_is_gone_is_ignored(store: LinkStore) -> None:
    await store.add([stored("crm:order:o1", "gone:payment:p1")])
    one = order("1", payment_ids=(held(Source("gone", "x", EU.kind), "p1"),))
    eu = FakePayments()
    found = await Graph(store, {CRM: FakeCrm(), EU: eu}).payments_of(one)
    assert found[one.id] == Linked()
    assert eu.asked == [("payments_by_reference", ("1",))]


@pytest.mark.parametrize(
    "payment_id", ["eu:payment:not an id", "eu:order:p1", "eu", "crm:payment:p1"]
)
async def test_a_stored_link_that_names_nothing_costs_the_others_nothing(
    store: LinkStore, payment_id: str
) -> None:
    await store.add([stored("crm:order:o1", payment_id), stored("crm:order:o2", "eu:payment:p2")])
    eu = FakePayments([payment("p2")])
    found = await Graph(store, {CRM: FakeCrm(), EU: eu}).payments_of(order("1"), order("2"))
    assert [len(linked.links) for linked in found.values()] == [0, 1]


async def test_a_field_that_holds_no_id_of_the_provider_asks_nobody(store: LinkStore) -> None:
    one = order("1", payment_ids=(held(EU, "../customers"), held(CRM, "p1")))
    eu = FakePayments([payment("p1", reference="1")])
    found = await Graph(store, {CRM: FakeCrm(), EU: eu}).payments_of(one)
    assert [link.rule for link in found[one.id].links] == [LinkRule.MERCHANT_REFERENCE]
    assert eu.asked == [("payments_by_reference", ("1",))]


async def test_a_payment_that_does_not_exist_is_no_link_and_no_failure(store: LinkStore) -> None:
    await store.add([stored("crm:order:o1", "eu:payment:p1")])
    one = order("1", payment_ids=(held(EU, "p2"),))
    found = await Graph(store, {CRM: FakeCrm(), EU: FakePayments()}).payments_of(one)
    assert found == {one.id: Linked()}


async def test_only_paired_sources_are_searched(store: LinkStore) -> None:
    eu, us = FakePayments([payment("p1", reference="1")]), FakePayments()
    graph = Graph(store, {CRM: FakeCrm(), EU: eu, US: us}, [Pair("crm", ("eu",))])
    found = await graph.payments_of(order("1"))
    assert len(found["crm:order:o1"].links) == 1
    assert us.asked == []
    assert graph.rules.crms_of("us") == []
    assert [crm.name for crm in graph.rules.crms_of("eu")] == ["crm"]


async def test_a_source_that_cannot_search_is_not_asked(store: LinkStore) -> None:
    unable = Fake()
    found = await Graph(store, {CRM: FakeCrm(), EU: unable}).payments_of(order("1"))
    assert found == {"crm:order:o1": Linked()}
    assert unable.asked == []


async def test_the_way_back_has_the_same_rules_and_order(store: LinkStore) -> None:
    await store.add([stored("crm:order:o1", "eu:payment:p1")])
    orders = [order("1"), order("2", payment_ids=(held(EU, "p1"),)), order("3")]
    crm = FakeCrm(orders)
    paid = payment("p1", reference="3")
    found = await Graph(store, {CRM: crm, EU: FakePayments()}).orders_of(paid)
    assert told(found[paid.id]) == [
        ("crm:order:o1", LinkRule.STORED, "links.csv:2"),
        ("crm:order:o2", LinkRule.CRM_FIELD, "Payment__c"),
        ("crm:order:o3", LinkRule.MERCHANT_REFERENCE, "3"),
    ]
    assert sorted(method for method, _ in crm.asked) == [
        "orders",
        "orders_by_number",
        "orders_by_payment_id",
    ]


async def test_an_order_found_by_every_rule_is_linked_once_by_the_first(store: LinkStore) -> None:
    await store.add([stored("crm:order:o1", "eu:payment:p1")])
    crm = FakeCrm([order("1", payment_ids=(held(EU, "p1"),))])
    paid = payment("p1", reference="1")
    found = await Graph(store, {CRM: crm, EU: FakePayments()}).orders_of(paid)
    assert told(found[paid.id]) == [("crm:order:o1", LinkRule.STORED, "links.csv:2")]


async def test_a_failed_crm_is_reported_once_on_the_way_back(store: LinkStore) -> None:
    crm = FakeCrm(orders_by_number=DOWN, orders_by_payment_id=DOWN)
    paid = payment("p1", reference="1")
    found = await Graph(store, {CRM: crm, EU: FakePayments()}).orders_of(paid)
    assert found[paid.id] == Linked((), (DOWN,))


async def test_a_payment_without_a_reference_is_not_looked_for_by_number(store: LinkStore) -> None:
    crm = FakeCrm()
    await Graph(store, {CRM: crm, EU: FakePayments()}).orders_of(payment("p1"))
    assert crm.asked == [("orders_by_payment_id", ("p1",))]


async def test_customers_are_the_same_party_where_the_crm_holds_the_providers_id(
    store: LinkStore,
) -> None:
    class Provider(FakePayments):
        customers = FakeCrm.customers
        customer_page = FakeCrm.customer_page
        _customers: tuple[Customer, ...] = ()

    theirs = Customer(source=EU, native_id="c1")
    ours = Customer(source=CRM, native_id="a1", external_ids=(held(EU, "c1", "Stripe__c"),))
    provider = Provider()
    provider._customers = (theirs,)
    graph = Graph(store, {CRM: FakeCrm((), [ours]), EU: provider})
    found = await graph.rules.same_as(graph.lookups, [ours, theirs])
    assert told(found[ours.id]) == [(theirs.id, LinkRule.CRM_FIELD, "Stripe__c")]
    assert told(found[theirs.id]) == [(ours.id, LinkRule.CRM_FIELD, "Stripe__c")]
