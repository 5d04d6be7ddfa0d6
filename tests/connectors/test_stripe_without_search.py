"""An account to which Stripe offers no search, such as those in India: lists serve instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.conformance import connected
from connectors.conformance_kit import PAGES, ids, walk
from connectors.errors import Rejected
from connectors.filters import CustomerFilter, MoneyRange, PaymentFilter
from connectors.paging import PageQuery, Sort
from connectors.records import Kind, PaymentStatus
from connectors.stripe import VENDOR
from sandbox.server import Server
from sandbox.simulator import discover
from sandbox.stripe import ACCOUNTS, simulated
from tests.connectors.stripe_sandbox import KEY, StripeSandbox

pytestmark = pytest.mark.anyio
PAYMENTS = next(page for page in PAGES if page.kind is Kind.PAYMENT)
WITHOUT = replace(ACCOUNTS[0], lacks=frozenset({"search"}))
SEARCH = "/v1/payment_intents/search"


@pytest.fixture(scope="module")
def shop() -> Iterator[StripeSandbox]:
    crms = tuple(vendor for vendor in discover(("salesforce",)) if vendor.name == "salesforce")
    stripe = simulated((WITHOUT, ACCOUNTS[1]))
    with Server(vendors=(*crms, stripe), size=20, rate_limits=False) as running:
        yield StripeSandbox(running)


@pytest.fixture
async def stripe(shop: StripeSandbox) -> AsyncIterator[Any]:
    async with connected(VENDOR, shop.settings(), name="stripe_eu") as connector:
        await shop.clear()
        yield connector


async def test_references_are_found_in_the_list_of_all_payments(
    shop: StripeSandbox, stripe: Any
) -> None:
    rows = shop.rows("payment_intents")
    named = {row["metadata"][KEY] for row in rows if KEY in row["metadata"]}
    await shop.clear()
    found = await stripe.payments_by_reference([*named, "NONE-1"])
    assert {p.native_id for payments in found.values() for p in payments} == {
        row["id"] for row in rows if row["metadata"].get(KEY) in named
    }
    assert all(p.reference == reference for reference, ps in found.items() for p in ps)
    listed = -(-len(rows) // 100)
    assert [path for path, _ in shop.asked()].count("/v1/payment_intents") <= 1 + listed


async def test_what_is_known_of_the_account_is_not_asked_again(
    shop: StripeSandbox, stripe: Any
) -> None:
    await stripe.payments_by_reference(["NONE-1"])
    assert SEARCH in [path for path, _ in shop.asked()]
    await shop.clear()
    await stripe.payments_by_reference(["NONE-1"])
    await stripe.payment_page(PageQuery(5, PaymentFilter(references=("NONE-1",))))
    assert SEARCH not in [path for path, _ in shop.asked()]


async def test_more_payments_than_are_listed_are_no_answer(shop: StripeSandbox) -> None:
    assert len(shop.rows("payment_intents")) <= 100
    made = [shop.pay(f"MANY-{number}") for number in range(101)]
    async with connected(VENDOR, shop.settings(list_pages=1), name="stripe_eu") as connector:
        with pytest.raises(Rejected, match="no search, and the list has more than 1 pages"):
            await connector.payments_by_reference(["MANY-1"])
    async with connected(VENDOR, shop.settings(list_pages=5), name="stripe_eu") as connector:
        (payment,) = (await connector.payments_by_reference(["MANY-1"]))["MANY-1"]
    assert payment.native_id == made[1]


async def test_each_customer_has_a_list(shop: StripeSandbox, stripe: Any) -> None:
    rows = shop.rows("payment_intents")
    buyers = list({row["customer"]: None for row in rows if row["customer"]})[:3]
    await stripe.payments_by_customer(buyers)
    await shop.clear()
    found = await stripe.payments_by_customer(buyers)
    assert {key: {p.native_id for p in payments} for key, payments in found.items()} == {
        buyer: {row["id"] for row in rows if row["customer"] == buyer} for buyer in buyers
    }
    paths = [path for path, _ in shop.asked() if "disputes" not in path]
    assert paths == ["/v1/payment_intents"] * len(buyers)


@pytest.mark.parametrize(
    "narrow",
    [
        PaymentFilter(statuses=(PaymentStatus.SUCCEEDED,)),
        PaymentFilter(amount=MoneyRange("EUR", gte=1)),
        PaymentFilter(references=("SO-1001", "SO-1002")),
    ],
)
async def test_a_page_is_of_the_list_that_the_filter_narrows(
    shop: StripeSandbox, stripe: Any, narrow: PaymentFilter
) -> None:
    every = await walk(stripe, PAYMENTS, 100, sort=Sort(), filter=PaymentFilter())
    rows = await walk(stripe, PAYMENTS, 7, sort=Sort(), filter=narrow)
    assert ids([row for row in rows if narrow.accepts(row[0])]) == ids(
        [row for row in every if narrow.accepts(row[0])]
    )


async def test_customers_are_listed_too(shop: StripeSandbox, stripe: Any) -> None:
    email = next(row["email"] for row in shop.rows("customers") if row["email"])
    page = await stripe.customer_page(PageQuery(100, CustomerFilter(emails=(email,))))
    assert email in {row.record.email for row in page.rows}


async def test_a_probe_says_so(stripe: Any) -> None:
    (note,) = (await stripe.probe()).notes
    assert note.startswith("Stripe offers this account no search: lists serve instead")
