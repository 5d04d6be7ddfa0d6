"""Search of the simulated Stripe: the query language, pages and the lag."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import stripe
from stripe import StripeClient

from sandbox.world import Payment, World
from tests.sandbox.conftest import HandClock, error_of

INTENTS = "/stripe/v1/payment_intents"


def by_order(numbers: list[str]) -> str:
    return " OR ".join(f'metadata["order_id"]:"{number}"' for number in numbers)


def test_a_batch_of_ten_orders(us: StripeClient, world: World) -> None:
    numbers = [order.number for order in world.orders if order.currency in ("USD", "JPY")][:10]
    found = us.v1.payment_intents.search({"query": by_order(numbers), "limit": 100})
    assert {intent.id for intent in found.data} == {
        p.native_id for p in world.payments_of("stripe_us") if p.reference in numbers
    }


def test_charges_carry_the_metadata_too(us: StripeClient, world: World) -> None:
    payment = next(
        p for p in world.payments_of("stripe_us") if p.captured and p.reference and not p.failure
    )
    query = f"metadata['order_id']:'{(payment.reference or '').lower()}' status:'succeeded'"
    found = us.v1.charges.search({"query": query}).data
    assert payment.native_id in {charge.payment_intent for charge in found}


def test_eleven_clauses_are_too_many(us: StripeClient) -> None:
    query = by_order([f"SO-{n}" for n in range(1001, 1012)])
    with pytest.raises(stripe.InvalidRequestError, match="at most 10"):
        us.v1.payment_intents.search({"query": query})


def test_search_pages_do_not_overlap(us: StripeClient, world: World) -> None:
    ids = []
    page = us.v1.payment_intents.search(
        {"query": "amount>0", "limit": 40, "expand": ["total_count"]}
    )
    assert page.to_dict()["total_count"] == len(world.payments_of("stripe_us"))
    ids = [intent.id for intent in page.auto_paging_iter()]
    assert len(ids) == len(set(ids)) == len(world.payments_of("stripe_us"))


def expected(world: World, keep: Callable[[Payment], object]) -> set[str]:
    return {p.native_id for p in world.payments_of("stripe_us") if keep(p)}


MEANINGS: list[tuple[str, Callable[[Payment], object]]] = [
    ('metadata["order_id"]:null', lambda p: not p.reference),
    ('-metadata["order_id"]:null', lambda p: p.reference),
    ('metadata["order_id"]:"so-1001"', lambda p: p.reference == "SO-1001"),
    ("status:'CANCELED'", lambda p: p.status == "CANCELED"),
    ("-status:'succeeded' AND amount>=500", lambda p: p.status != "SUCCEEDED" and p.amount >= 500),
    ('currency:"jpy" amount<5000', lambda p: p.currency == "JPY" and p.amount < 5000),
    ("amount>100000 or amount<1000", lambda p: p.amount > 100000 or p.amount < 1000),
    ("customer:null", lambda p: not p.customer),
    ("created<=1767225600", lambda p: p.created_at.timestamp() <= 1767225600),
]


@pytest.mark.parametrize(("query", "keep"), MEANINGS, ids=[query for query, _ in MEANINGS])
def test_what_a_query_finds(
    us: StripeClient, world: World, query: str, keep: Callable[[Payment], object]
) -> None:
    found = us.v1.payment_intents.search({"query": query, "limit": 100})
    assert {intent.id for intent in found.auto_paging_iter()} == expected(world, keep)


def test_substrings_of_names(us: StripeClient, world: World) -> None:
    found = us.v1.customers.search({"query": 'name~"o\'brien"', "limit": 100}).data
    assert found
    assert {c.id for c in found} == {
        c.sources["stripe_us"]
        for c in world.customers
        if "O'Brien" in c.name and "stripe_us" in c.sources
    }
    quoted = us.v1.customers.search({"query": r'name:"Robert \"Bobby\" Tables"'}).data
    assert {c.name for c in quoted} <= {'Robert "Bobby" Tables'}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "amount",
        "amount>",
        "amount>'many'",
        "status:succeeded",
        "status>'succeeded'",
        "status~'succ'",
        "status:'succeeded' AND",
        "AND status:'succeeded'",
        "status:'a' AND status:'b' OR status:'c'",
        "status:'a' status:'b' OR status:'c'",
        "(status:'succeeded')",
        "status:'succeeded",
        "metadata[order_id]:'SO-1001'",
        "client_secret:'x'",
        "name:'x'",
        "amount>null",
    ],
)
def test_wrong_grammar_is_400(http: httpx.Client, bearer: dict[str, str], query: str) -> None:
    answer = http.get(f"{INTENTS}/search", params={"query": query}, headers=bearer)
    assert answer.status_code == 400
    assert error_of(answer)["type"] == "invalid_request_error"
    assert error_of(answer)["param"] == "query"


def test_substrings_need_three_characters(eu: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="at least 3"):
        eu.v1.customers.search({"query": 'name~"ab"'})


def test_a_page_belongs_to_its_query(eu: StripeClient) -> None:
    page = eu.v1.payment_intents.search({"query": "amount>0", "limit": 1}).next_page
    assert page is not None
    with pytest.raises(stripe.InvalidRequestError, match="another query"):
        eu.v1.payment_intents.search({"query": "amount>1", "page": page})


def test_search_lags_behind_writes(eu: StripeClient, clock: HandClock) -> None:
    made = eu.v1.customers.create({"name": "Late Comer", "email": "late@customer.example"})
    query = {"query": 'email:"late@customer.example"'}
    assert eu.v1.customers.list({"email": "late@customer.example"}).data[0].id == made.id
    assert eu.v1.customers.search(query).data == []  # type: ignore[arg-type]
    clock.forward(4.9)
    assert eu.v1.customers.search(query).data == []  # type: ignore[arg-type]
    clock.forward(0.1)
    assert [c.id for c in eu.v1.customers.search(query).data] == [made.id]  # type: ignore[arg-type]
