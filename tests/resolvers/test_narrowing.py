"""Where an order's payment is searched for that nothing known leads to: as few calls as may be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.errors import Retryable
from connectors.money import Money
from connectors.records import PaymentStatus, Provider
from resolvers.deadline import Deadline
from resolvers.link_store import LinkStore
from resolvers.links import LinkRules
from resolvers.lookups import Lookups
from resolvers.sources import Sources
from tests.resolvers.channel import CN, Channel, yuan
from tests.resolvers.channel import payment as found_payment
from tests.resolvers.fakes import CRM, EU, FakeCrm, FakePayments, configured, order, payment
from tests.resolvers.stores import open_links

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LinkStore]:
    async with open_links(f"sqlite+aiosqlite:///{tmp_path}/links.db") as opened:
        yield opened


class Shop:
    """A CRM, a provider that can be searched in batches, and a channel that is asked one by one."""

    def __init__(self, store: LinkStore, batch: FakePayments, channel: Channel) -> None:
        one_by_one = configured(CN, channel)
        vendor = msgspec.structs.replace(one_by_one.vendor, provider=Provider.ALIPAY)
        self.channel = channel
        self.sources = Sources(
            [
                configured(CRM, FakeCrm()),
                configured(EU, batch),
                msgspec.structs.replace(one_by_one, vendor=vendor),
            ]
        )
        self.rules = LinkRules(self.sources, store)
        self.lookups = Lookups(self.sources, Deadline(60.0))

    async def payments_of(self, *orders: Any, only: frozenset[str] | None = None) -> Any:
        return await self.rules.payments_of(self.lookups, orders, only)

    @property
    def searched(self) -> list[str]:
        return [key for method, keys in self.channel.asked for key in keys if "find" in method]


def due(number: str, fen: int | None = 1000, **more: Any) -> Any:
    return order(number, total=None if fen is None else yuan(fen), **more)


def paid(number: str, fen: int = 1000, native_id: str = "p1", **more: Any) -> Any:
    more = {"amount": yuan(fen), "captured": yuan(fen), **more}
    return payment(native_id, reference=number, **more)


async def test_an_order_that_nothing_leads_to_is_searched_for(store: LinkStore) -> None:
    shop = Shop(store, FakePayments(), Channel(found_payment("a1", reference="1")))
    linked = await shop.payments_of(due("1"), due("2"))
    assert [p.native_id for p in linked["crm:order:o1"].records] == ["a1"]
    assert linked["crm:order:o2"].records == ()
    assert shop.searched == ["1", "2"]


@pytest.mark.parametrize(
    ("total", "payments", "searched"),
    [
        (1000, [paid("1")], []),
        (1000, [paid("1", 1200)], []),
        (1000, [paid("1", 400), paid("1", 600, "p2")], []),
        (1000, [paid("1", 400)], ["1"]),
        (1000, [paid("1", status=PaymentStatus.FAILED, captured=None)], ["1"]),
        (1000, [paid("1", amount=Money(1000, "EUR"), captured=Money(1000, "EUR"))], ["1"]),
        (None, [paid("1", 5)], []),
        (None, [], ["1"]),
    ],
)
async def test_an_order_whose_known_payments_cover_it_is_not(
    store: LinkStore, total: int | None, payments: list[Any], searched: list[str]
) -> None:
    shop = Shop(store, FakePayments(payments), Channel())
    await shop.payments_of(due("1", total))
    assert shop.searched == searched


@pytest.mark.parametrize(
    ("recorded", "searched"),
    [
        ((), ["1"]),
        ((Provider.ALIPAY,), ["1"]),
        ((Provider.STRIPE, Provider.ALIPAY), ["1"]),
        ((Provider.STRIPE,), []),
    ],
)
async def test_the_channel_that_the_crm_records_decides_where(
    store: LinkStore, recorded: tuple[Provider, ...], searched: list[str]
) -> None:
    shop = Shop(store, FakePayments(), Channel())
    await shop.payments_of(due("1", recorded_providers=recorded))
    assert shop.searched == searched


async def test_what_was_not_found_is_remembered_for_the_request(store: LinkStore) -> None:
    shop = Shop(store, FakePayments(), Channel())
    await shop.payments_of(due("1"))
    await shop.payments_of(due("1"), due("2"))
    assert shop.searched == ["1", "2"]


async def test_sources_that_are_left_out_are_not_asked(store: LinkStore) -> None:
    batch = FakePayments([paid("1", 400)])
    shop = Shop(store, batch, Channel(found_payment("a1", 600, reference="1")))
    linked = await shop.payments_of(due("1"), only=frozenset({"eu"}))
    assert [p.native_id for p in linked["crm:order:o1"].records] == ["p1"]
    assert shop.searched == []
    linked = await shop.payments_of(due("1"), only=frozenset({"cn"}))
    assert [p.native_id for p in linked["crm:order:o1"].records] == ["a1"]
    assert batch.asked == [("payments_by_reference", ("1",))]


async def test_a_search_that_fails_is_a_failure_of_its_source_alone(store: LinkStore) -> None:
    channel = Channel(find_payments=Retryable("cn", "down"))
    shop = Shop(store, FakePayments([paid("1", 400)]), channel)
    (linked,) = (await shop.payments_of(due("1"))).values()
    assert [p.native_id for p in linked.records] == ["p1"]
    assert [failure.source for failure in linked.failures] == ["cn"]
