"""Rows that do not fit, and disputes beyond one page: answers that no simulator gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
import pytest

from connectors.capabilities import Probe
from connectors.errors import Malformed, Retryable, SourceError
from connectors.filters import OrderFilter, PaymentFilter
from connectors.paging import PageQuery
from connectors.records import PaymentStatus, Source, SourceKind
from connectors.secret import Secret
from connectors.stripe import VENDOR
from connectors.stripe.payloads import Listing
from connectors.stripe.settings import StripeSettings
from connectors.tokens import TokenSource
from connectors.transport import Judge, Request, Response
from connectors.vendor import Wiring

pytestmark = pytest.mark.anyio
SOURCE = Source("stripe_eu", "stripe", SourceKind.PAYMENTS)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = StripeSettings(vendor="stripe", key=Secret("sk_test_x"), account="acct_1")
Rows = list[dict[str, Any]]


class Canned:
    """A transport that answers from a table of paths; `asked` keeps the requests."""

    def __init__(self, answers: Mapping[str, Callable[[dict[str, str]], Any]]) -> None:
        self.answers = answers
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        answer = self.answers[request.path](dict(request.query))
        if isinstance(answer, SourceError):
            raise answer
        return Response(200, {}, msgspec.json.encode(answer))

    async def download(self, request: Request, sink: BinaryIO, most: int = 0) -> Response:
        raise AssertionError("nothing is downloaded")

    async def aclose(self) -> None:
        """Nothing is open."""

    def connector(self) -> Any:
        def open_canned(base_url: str, judge: Judge, tokens: TokenSource | None) -> Canned:
            return self

        return VENDOR.connect(Wiring(SOURCE, open_canned, lambda: NOW), SETTINGS)


def listed(rows: Rows, more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": rows, "has_more": more}


def found(rows: Rows, next_page: str | None = None) -> dict[str, Any]:
    more = next_page is not None
    return {"object": "search_result", "data": rows, "has_more": more, "next_page": next_page}


def intent(name: str, created: int = 5, *, disputed: bool = False, **more: Any) -> dict[str, Any]:
    charge = {
        "id": f"ch_{name}", "amount": 9, "amount_captured": 9, "amount_refunded": 0,
        "currency": "usd", "created": created, "status": "succeeded", "captured": True,
        "refunded": False, "disputed": disputed, "refunds": {"data": []},
    }  # fmt: skip
    return {
        "id": f"pi_{name}", "amount": 9, "amount_received": 9, "currency": "usd",
        "created": created, "status": "succeeded", "latest_charge": charge,
        "metadata": {"order_id": name}, **more,
    }  # fmt: skip


def dispute(name: str, created: int, status: str = "won") -> dict[str, Any]:
    return {
        "id": f"dp_{name}", "amount": 9, "currency": "usd", "created": created, "status": status,
        "charge": f"ch_{name}", "payment_intent": f"pi_{name}",
    }  # fmt: skip


async def test_a_row_that_does_not_fit_keeps_its_place_and_token() -> None:
    rows = [intent("a"), intent("b", amount="9"), intent("c", currency="xxx"), intent("d")]
    late = intent("e", created=10**15)
    canned = Canned({"/v1/payment_intents": lambda _: listed([*rows, late, rows[0]])})
    page = await canned.connector().payment_page(PageQuery(9, PaymentFilter()))
    assert [row.after for row in page.rows] == [f"l:pi_{name}" for name in "abcde"]
    errors = {row.after: str(row.record) for row in page.rows if isinstance(row.record, Malformed)}
    assert errors == {
        "l:pi_b": "stripe_eu: the answer does not fit at $.amount (HTTP 200)",
        "l:pi_c": "stripe_eu: the currency is not one of ISO 4217",
        "l:pi_e": "stripe_eu: the time is out of range",
    }


async def test_a_row_without_an_id_fails_its_page() -> None:
    canned = Canned({"/v1/payment_intents": lambda _: listed([intent("a"), {"amount": 9}])})
    with pytest.raises(Malformed):
        await canned.connector().payment_page(PageQuery(9, PaymentFilter()))


async def test_a_reference_that_is_no_text_takes_no_other_with_it() -> None:
    rows = [intent("a"), intent("b", metadata={"order_id": ["b"]}), intent("c")]
    canned = Canned(
        {
            "/v1/payment_intents/search": lambda _: found(rows),
            "/v1/payment_intents": lambda _: listed([]),
        }
    )
    answer = await canned.connector().payments_by_reference(["a", "c"])
    assert [type(answer[key]) for key in ("a", "c")] == [Malformed, Malformed]


async def test_a_misfit_fails_its_own_reference() -> None:
    rows = [intent("a"), intent("b", amount=None), intent("A")]
    canned = Canned(
        {
            "/v1/payment_intents": lambda _: listed([]),
            "/v1/payment_intents/search": lambda _: found(rows),
        }
    )
    answer = await canned.connector().payments_by_reference(["a", "b", "none"])
    assert [p.native_id for p in answer["a"]] == ["pi_a"]
    assert isinstance(answer["b"], Malformed)
    assert set(answer) == {"a", "b"}


async def test_a_misfit_that_hides_its_reference_fails_all_that_were_asked_with_it() -> None:
    rows = [intent("a"), intent("b", amount=None, metadata=None)]
    canned = Canned(
        {
            "/v1/payment_intents": lambda _: listed([]),
            "/v1/payment_intents/search": lambda query: found(
                rows if '"b"' in query["query"] else []
            ),
        }
    )
    answer = await canned.connector().payments_by_reference([*"abcdefghij", "eleventh"])
    assert set(answer) == set("abcdefghij")
    assert all(isinstance(value, Malformed) for value in answer.values())


async def test_without_the_recent_payments_no_reference_is_answered() -> None:
    down = Retryable("stripe_eu", "down")
    canned = Canned(
        {
            "/v1/payment_intents": lambda _: down,
            "/v1/payment_intents/search": lambda _: found([intent("a")]),
        }
    )
    with pytest.raises(Retryable):
        await canned.connector().payments_by_reference(["a"])


async def test_what_the_list_says_beats_what_the_index_remembers() -> None:
    canned = Canned(
        {
            "/v1/payment_intents": lambda _: listed([intent("a")]),
            "/v1/payment_intents/search": lambda _: found([intent("a", status="processing")]),
        }
    )
    (payment,) = (await canned.connector().payments_by_reference(["a"]))["a"]
    assert payment.status is PaymentStatus.SUCCEEDED
    recent = next(r for r in canned.asked if r.path == "/v1/payment_intents")
    assert ("created[gte]", str(int(NOW.timestamp()) - 60)) in recent.query


async def test_a_page_that_repeats_itself_is_not_asked_for_ever() -> None:
    canned = Canned(
        {
            "/v1/payment_intents": lambda _: listed([]),
            "/v1/payment_intents/search": lambda _: found([intent("a")], next_page="again"),
        }
    )
    answer = await canned.connector().payments_by_reference(["a"])
    assert isinstance(answer["a"], Malformed)


async def test_disputes_that_one_page_does_not_cover_are_asked_one_by_one() -> None:
    disputes = [dispute("new", 50), dispute("old", 40)]

    def answer(query: dict[str, str]) -> dict[str, Any]:
        if "created[gte]" in query:
            return listed(disputes, more=True)
        return listed([dispute("old", 40), dispute("old2", 30, "lost") | {"charge": "ch_old"}])

    rows = [intent("new", 45, disputed=True), intent("old", 10, disputed=True)]
    canned = Canned({"/v1/payment_intents": lambda _: listed(rows), "/v1/disputes": answer})
    page = await canned.connector().payment_page(PageQuery(9, PaymentFilter()))
    assert [row.record.status.value for row in page.rows] == ["SUCCEEDED", "DISPUTED"]
    asked = [dict(r.query) for r in canned.asked if r.path == "/v1/disputes"]
    assert [q.get("created[gte]") or q["payment_intent"] for q in asked] == ["10", "pi_old"]


def session(name: str, created: int) -> dict[str, Any]:
    return {
        "id": f"cs_{name}", "created": created, "status": "complete", "payment_status": "paid",
        "mode": "subscription", "payment_intent": None, "invoice": f"in_{name}",
        "amount_total": 9, "currency": "usd",
    }  # fmt: skip


def paid_by(name: str, created: int, **payment: Any) -> dict[str, Any]:
    told = payment or {"type": "payment_intent", "payment_intent": f"pi_{name}"}
    return {"id": f"inpay_{name}", "created": created, "invoice": f"in_{name}", "payment": told}


async def test_invoices_that_one_page_does_not_cover_are_asked_one_by_one() -> None:
    def answer(query: dict[str, str]) -> dict[str, Any]:
        if "created[gte]" in query:
            return listed([paid_by("new", 50), paid_by("other", 40)], more=True)
        second = {**paid_by("old", 12, payment_intent="pi_second"), "id": "inpay_2"}
        return listed([paid_by("old", 11), second])

    rows = [session("new", 45), session("old", 10)]
    canned = Canned(
        {"/v1/checkout/sessions": lambda _: listed(rows), "/v1/invoice_payments": answer}
    )
    page = await canned.connector().order_page(PageQuery(9, OrderFilter()))
    held = [[one.native_id for one in row.record.payment_ids] for row in page.rows]
    assert held == [["pi_new"], ["pi_old", "pi_second"]]
    asked = [dict(r.query) for r in canned.asked if r.path == "/v1/invoice_payments"]
    assert [q.get("created[gte]") or q["invoice"] for q in asked] == ["10", "in_old"]


@pytest.mark.parametrize(
    ("payment", "held"),
    [
        ({"type": "payment_intent", "payment_intent": "pi_1"}, ["pi_1"]),
        ({"type": "charge", "charge": "ch_1"}, ["ch_1"]),
        ({"type": "payment_record", "payment_record": "pr_1"}, []),
    ],
)
async def test_an_invoice_that_was_paid_past_stripe_leaves_the_payments_unknown(
    payment: dict[str, Any], held: list[str]
) -> None:
    canned = Canned(
        {
            "/v1/checkout/sessions/cs_a": lambda _: session("a", 5),
            "/v1/invoice_payments": lambda _: listed([paid_by("a", 6, **payment)]),
        }
    )
    order = (await canned.connector().orders(["cs_a"]))["cs_a"]
    assert [one.native_id for one in order.payment_ids] == held
    assert (order.misfits is None) is bool(held)


async def test_what_passes_fails_the_order_and_not_its_payments() -> None:
    canned = Canned(
        {
            "/v1/checkout/sessions/cs_a": lambda _: session("a", 5),
            "/v1/invoice_payments": lambda _: Retryable("stripe_eu", "down"),
        }
    )
    assert isinstance((await canned.connector().orders(["cs_a"]))["cs_a"], Retryable)


async def test_a_page_of_sessions_that_are_no_orders_is_read_past() -> None:
    set_up = [{**session(name, 9), "mode": "setup", "invoice": None} for name in "ab"]

    def answer(query: dict[str, str]) -> dict[str, Any]:
        if "starting_after" not in query:
            return listed(set_up, more=True)
        return listed([{**session("c", 5), "invoice": None, "payment_intent": "pi_c"}])

    canned = Canned({"/v1/checkout/sessions": answer})
    page = await canned.connector().order_page(PageQuery(2, OrderFilter()))
    assert [row.after for row in page.rows] == ["l:cs_c"]
    assert [dict(r.query).get("starting_after") for r in canned.asked] == [None, "cs_b"]


async def test_a_charge_without_an_intent_is_a_payment_of_its_own() -> None:
    charge = {**intent("a", disputed=True)["latest_charge"], "metadata": {"order_id": "a"}}
    canned = Canned({"/v1/charges/ch_a": lambda _: charge, "/v1/disputes": lambda _: listed([])})
    (payment,) = (await canned.connector().payments(["ch_a"])).values()
    assert (payment.native_id, payment.reference, payment.disputes) == ("ch_a", "a", ())
    assert ("charge", "ch_a") in canned.asked[-1].query


async def test_a_deleted_customer_is_missing() -> None:
    gone = {"id": "cus_1", "object": "customer", "deleted": True}
    canned = Canned({"/v1/customers/cus_1": lambda _: gone})
    assert await canned.connector().customers(["cus_1"]) == {}


async def test_every_request_names_the_version_and_the_account() -> None:
    canned = Canned(
        {"/v1/balance": lambda _: {}, "/v1/payment_intents/search": lambda _: found([])}
    )
    assert await canned.connector().probe() == Probe()
    assert canned.asked[0].headers == {
        "stripe-version": "2026-10-28.endive",
        "stripe-account": "acct_1",
    }


async def test_an_answer_nested_beyond_reason_is_malformed() -> None:
    deep = Response(200, {}, b'{"object":"list","has_more":false,"data":[' + b"[" * 100_000)
    with pytest.raises(Malformed):
        deep.decode(msgspec.json.Decoder(Listing), "stripe_eu")
