"""Whose records are whose: over all sources, with what could not be asked, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from connectors.errors import NotFound, Retryable
from connectors.paging import Page, PageQuery, Row
from connectors.records import Customer, Kind, Order, Source, SourceKind
from resolvers.context import Context
from resolvers.link_store import LinkStore, StoredLink
from resolvers.links import LinkRules, Pair
from resolvers.sources import Address, Sources
from resolvers.store import open_store
from resolvers.subject import Subject, subject_of, unlisted
from resolvers.tombstones import erased
from tests.resolvers import channel as books
from tests.resolvers.fakes import CRM, EU, FakeCrm, FakePayments, configured, day, held, payment

pytestmark = pytest.mark.anyio
OTHER = Source("erp", "fake", SourceKind.CRM)
CN = books.CN


def customer(native_id: str, source: Source = CRM, **more: Any) -> Customer:
    return Customer(source=source, native_id=native_id, created_at=day(1), **more)


def order(number: str, customer_id: str, source: Source = CRM, **more: Any) -> Order:
    return Order(
        source=source,
        native_id=f"o{number}",
        number=f"SO-{number}",
        customer_id=customer_id,
        created_at=day(1),
        **more,
    )


class Crm(FakeCrm):
    """With pages of customers, one at a time, and the orders of each."""

    async def customer_page(self, query: PageQuery[Any]) -> Page[Customer]:
        self.note("customer_page", query.filter.emails or ())
        start = int(query.after or 0)
        rows = [Row(one, str(n + 1)) for n, one in enumerate(self._customers)]
        return Page(tuple(rows[start : start + 1]), more=start + 1 < len(rows))

    async def orders_by_customer(self, ids: Sequence[str], query: Any) -> Any:
        self.note("orders_by_customer", ids)
        return {
            i: Page(tuple(Row(o, o.native_id) for o in self._orders if o.customer_id == i))
            for i in ids
        }


class Shop(FakePayments):
    """A provider that knows customers by their own ids."""

    def __init__(self, payments: Sequence[Any], customers: Sequence[Customer], **failing: Any):
        super().__init__(payments, **failing)
        self._customers = customers

    async def customers(self, ids: Sequence[str]) -> Any:
        self.note("customers", ids)
        return {c.native_id: c for c in self._customers if c.native_id in ids}

    async def payments_by_customer(self, ids: Sequence[str]) -> Any:
        self.note("payments_by_customer", ids)
        return {i: tuple(p for p in self._payments if p.customer_id == i) for i in ids}


class Ledger(books.Channel):
    """A channel with books, whose refunds are asked for by payment."""

    def __init__(self, *records: Any, **failing: Exception) -> None:
        super().__init__(*records, **failing)
        self.refunds_of: dict[str, Any] = {}

    async def payments_by_reference(self, references: Sequence[str]) -> Any:
        return await self.find_payments(references)

    async def refunds_by_payment(self, payment_ids: Sequence[str]) -> Any:
        self.note("refunds_by_payment", payment_ids)
        return {i: self.refunds_of[i] for i in payment_ids if i in self.refunds_of}


MEI = customer("c1", email="Mei@example.com", external_ids=(held(EU, "cus_1", "Stripe__c"),))
AT_SHOP = customer("cus_1", EU)
IN_ERP = customer("k1", OTHER, external_ids=(held(EU, "cus_1", "Shop"),))
ELSE = customer("c2", email="li@example.com", more_emails=("mei2@example.com",))
MINE, HERS, THEIRS = order("1", "c1"), order("9", "k1", OTHER), order("2", "c2")
PAID = payment("p1", reference="SO-1", customer_id="cus_1", refunds=(), disputes=())
ALONE = payment("p7", customer_id="cus_1", refunds=(), disputes=())
FOREIGN = payment("p2", reference="SO-2", refunds=(), disputes=())
WALLET = books.payment("w1", reference="SO-1", disputes=())
BACK = books.refund("r1", payment_id="w1")


@pytest.fixture
async def store(tmp_path: Any) -> AsyncIterator[LinkStore]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/t.db") as engine:
        yield LinkStore(engine)


class World:
    def __init__(self, store: LinkStore) -> None:
        self.store = store
        self.crm = Crm((MINE, THEIRS), (MEI, ELSE))
        self.erp = Crm((HERS,), (IN_ERP,))
        self.shop = Shop((PAID, ALONE, FOREIGN), (AT_SHOP,))
        self.cn = Ledger(WALLET, BACK)
        self.cn.refunds_of["w1"] = (BACK,)

    @property
    def context(self) -> Context:
        parts = ((CRM, self.crm), (OTHER, self.erp), (EU, self.shop), (CN, self.cn))
        sources = Sources([configured(source, connector) for source, connector in parts])
        return Context(sources, LinkRules(sources, self.store), request_id="t")

    async def of(self, *ids: str, emails: Sequence[str] = ()) -> Subject:
        addresses = [Address(source, Kind(kind), n) for source, kind, n in map(_parts, ids)]
        return await subject_of(self.context, addresses, emails)


def _parts(id_: str) -> list[str]:
    return id_.split(":", 2)


def ids(subject: Subject) -> set[str]:
    return {record.id for record in subject.records}


@pytest.fixture
def world(store: LinkStore) -> World:
    return World(store)


ALL = {
    "crm:customer:c1",
    "eu:customer:cus_1",
    "erp:customer:k1",
    "crm:order:o1",
    "erp:order:o9",
    "eu:payment:p1",
    "eu:payment:p7",
    "cn:payment:w1",
    "cn:refund:r1",
}


@pytest.mark.parametrize("start", ["crm:customer:c1", "eu:customer:cus_1", "erp:customer:k1"])
async def test_everything_is_theirs_wherever_one_begins(world: World, start: str) -> None:
    found = await world.of(start)
    assert ids(found) == ALL
    assert (found.failures, found.gone) == ((), ())
    assert found.count(Kind.PAYMENT) == 3


async def test_numbers_count_where_books_are_kept_and_nowhere_else(world: World) -> None:
    found = await world.of("crm:customer:c1")
    assert found.names - ids(found) == {"cn:reference:SO-1", "cn:reference:SO-9"}


async def test_an_address_is_looked_for_on_every_page_and_as_the_second_of_theirs(
    world: World,
) -> None:
    assert ids(await world.of(emails=["MEI@EXAMPLE.COM"])) == ALL
    second = await world.of(emails=["mei2@example.com"])
    assert ids(second) == {"crm:customer:c2", "crm:order:o2", "eu:payment:p2"}
    assert [keys for method, keys in world.crm.asked if method == "customer_page"][-2:] == [
        ("mei2@example.com",),
        ("mei2@example.com",),
    ]
    assert ids(await world.of(emails=["mei"])) == set()


async def test_a_stored_link_leads_on(world: World) -> None:
    link = StoredLink("crm:order:o2", "cn:payment:w1", "links.csv:2", day(1))
    await world.store.add([link])
    found = await world.of("crm:customer:c2")
    assert ids(found) >= {"cn:payment:w1", "cn:refund:r1"}


async def test_a_record_whose_customer_is_gone_is_a_beginning(world: World) -> None:
    found = await world.of("crm:order:o1", "crm:customer:gone", "cn:refund:never")
    assert ids(found) == {"crm:order:o1", "eu:payment:p1", "cn:payment:w1", "cn:refund:r1"}
    assert found.gone == ("crm:customer:gone", "cn:refund:never")
    assert {"crm:customer:gone", "cn:refund:never"} <= found.names


async def test_what_cannot_be_asked_is_a_failure_and_the_rest_is_found(world: World) -> None:
    world.shop.failing["payments_by_customer"] = Retryable("eu", "the vendor is out")
    world.crm.failing["customer_page"] = Retryable("crm", "the CRM is out")
    found = await world.of("crm:customer:c1", emails=["mei@example.com"])
    assert {str(error) for error in found.failures} == {
        "eu: the vendor is out",
        "crm: the CRM is out",
    }
    assert ids(found) == ALL - {"eu:payment:p7"}


async def test_who_was_asked_and_has_nothing_did_not_fail(world: World) -> None:
    world.cn.refunds_of["w1"] = erased("cn")
    found = await world.of("crm:customer:c1")
    assert (ids(found), found.failures) == (ALL - {"cn:refund:r1"}, ())
    world.cn.refunds_of["w1"] = NotFound("cn", "gone")
    assert (await world.of("crm:customer:c1")).failures == ()
    world.cn.refunds_of["w1"] = Retryable("cn", "out")
    assert len((await world.of("crm:customer:c1")).failures) == 1


async def test_a_crm_without_a_list_of_customers_is_told(world: World) -> None:
    assert unlisted(world.context) == []
    world.erp.__dict__["customer_page"] = None
    assert unlisted(world.context) == ["erp"]


SAME_NUMBER = order("1", "k9", OTHER)
"""Somebody else's, in another CRM."""
PAID_THERE = payment("p9", reference="SO-1", customer_id="cus_9", refunds=(), disputes=())
IN_WALLET = books.payment("w9", reference="SO-1", disputes=())


async def test_a_number_that_anothers_order_has_too_says_nothing(store: LinkStore) -> None:
    world = World(store)
    world.erp = Crm((HERS, SAME_NUMBER), (IN_ERP,))
    world.shop = Shop((PAID, ALONE, FOREIGN, PAID_THERE), (AT_SHOP,))
    world.cn = Ledger(WALLET, BACK, IN_WALLET)
    found = await world.of("crm:customer:c1")
    # What the provider says is their own is theirs, whatever number it has.
    assert ids(found) == ALL - {"cn:payment:w1", "cn:refund:r1"}
    assert found.names - ids(found) == {"cn:reference:SO-9"}
    assert found.failures == ()
    assert found.doubtful == {
        "cn:reference:SO-1": {"cn:payment:w1", "cn:payment:w9"},
        "eu:reference:SO-1": {"eu:payment:p9"},
    }


async def test_a_payment_that_is_named_or_linked_is_theirs_for_all_that(world: World) -> None:
    world.erp = Crm((HERS, SAME_NUMBER), (IN_ERP,))
    world.cn.refunds_of["w1"] = (BACK,)
    named = await world.of("crm:customer:c1", "cn:payment:w1")
    assert ids(named) == ALL
    assert "cn:reference:SO-1" not in named.names
    await world.store.add([StoredLink("crm:order:o1", "cn:payment:w1", "links.csv:2", day(1))])
    assert ids(await world.of("crm:customer:c1")) == ALL


async def test_who_cannot_be_asked_for_a_number_may_have_it(world: World) -> None:
    world.erp.failing["orders_by_number"] = Retryable("erp", "the ERP is out")
    found = await world.of("crm:customer:c1")
    assert "erp: the ERP is out" in {str(error) for error in found.failures}
    assert found.doubtful["cn:reference:SO-1"] == {"cn:payment:w1"}
    assert "cn:payment:w1" not in found.names


async def test_a_crm_that_sells_elsewhere_is_not_asked(world: World) -> None:
    world.erp = Crm((HERS, SAME_NUMBER), (IN_ERP,))
    pairs = (Pair("crm", ("eu", "cn")), Pair("erp", ()))
    parts = ((CRM, world.crm), (OTHER, world.erp), (EU, world.shop), (CN, world.cn))
    sources = Sources([configured(source, connector) for source, connector in parts])
    rules = LinkRules(sources, world.store, pairs)
    context = Context(sources, rules, request_id="t")
    found = await subject_of(context, [Address("crm", Kind.CUSTOMER, "c1")], ())
    assert (found.doubtful, "cn:reference:SO-1" in found.names) == ({}, True)
    assert "orders_by_number" not in {method for method, _ in world.erp.asked}
