"""PayPal's books without a network: periods, rows, windows and the pages they come in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.errors import Malformed, NotReady, Retryable, SourceError
from connectors.ledger import BadRow, Entry, Period
from connectors.money import Money
from connectors.paypal import ledger
from connectors.paypal.api import Api
from connectors.paypal.disputes import Disputes
from connectors.paypal.naming import Naming
from connectors.paypal.payloads import Dispute, DisputeList, Link
from connectors.paypal.reports import Reports, Window
from connectors.records import Kind
from connectors.references import ReferencePattern
from connectors.transport import Request, Response

pytestmark = pytest.mark.anyio
LAG = timedelta(hours=3)
START = datetime(2026, 1, 1, tzinfo=UTC)
NAMING = Naming("custom_id", ReferencePattern())


def amount(currency: str, value: str) -> dict[str, str]:
    return {"currency_code": currency, "value": value}


def usd(value: str) -> dict[str, str]:
    return amount("USD", value)


REFUND: dict[str, Any] = {
    "paypal_account_id": "QYR5Z8XDVJNXQ",
    "transaction_id": "1JU08902781691411",
    "paypal_reference_id": "02335565G34798738",
    "paypal_reference_id_type": "TXN",
    "transaction_event_code": "T1107",
    "transaction_initiation_date": "2026-01-02T09:00:00+0000",
    "transaction_updated_date": "2026-01-02T09:00:00+0000",
    "transaction_amount": usd("-5.00"),
    "fee_amount": usd("0.00"),
    "transaction_status": "S",
    "ending_balance": usd("17.63"),
    "available_balance": usd("17.63"),
    "invoice_id": "INV-1001",
    "custom_field": "ORD-1001",
    "protection_eligibility": "02",
}
PAYMENT: dict[str, Any] = {
    "transaction_id": "02335565G34798738",
    "transaction_event_code": "T0006",
    "transaction_initiation_date": "2026-01-01T00:01:10-0800",
    "transaction_amount": usd("23.99"),
    "fee_amount": usd("-1.36"),
    "transaction_status": "S",
    "invoice_id": "INV-1001",
    "custom_field": "ORD-1001",
}


def rows(*changes: dict[str, Any]) -> Window:
    details = ({"transaction_info": change} for change in changes)
    return Window(START, [msgspec.Raw(msgspec.json.encode(detail)) for detail in details])


def told(*changes: dict[str, Any], naming: Naming = NAMING) -> list[Entry]:
    found, bad = read(*changes, naming=naming)
    assert bad == []
    return found


def read(*changes: dict[str, Any], naming: Naming = NAMING) -> tuple[list[Entry], list[BadRow]]:
    found = ledger.entries_in("paypal", rows(*changes), naming)
    bad = [row for row in found if isinstance(row, BadRow)]
    return [row for row in found if isinstance(row, Entry)], bad


def test_a_payment_and_its_refund() -> None:
    payment, refund = told(PAYMENT, REFUND)
    assert payment == Entry(
        kind=Kind.PAYMENT,
        native_id="02335565G34798738",
        created_at=datetime(2026, 1, 1, 8, 1, 10, tzinfo=UTC),
        reference="ORD-1001",
        amount=Money(2399, "USD"),
        fee=Money(136, "USD"),
    )
    assert refund == Entry(
        kind=Kind.REFUND,
        native_id="1JU08902781691411",
        created_at=datetime(2026, 1, 2, 9, tzinfo=UTC),
        payment="02335565G34798738",
        reference="INV-1001",
        amount=Money(500, "USD"),
    )


@pytest.mark.parametrize(
    ("code", "amount", "kind"),
    [
        ("T0000", "5.00", Kind.PAYMENT),
        ("T0003", "5.00", Kind.PAYMENT),
        ("T0006", "5.00", Kind.PAYMENT),
        ("T0006", "-5.00", None),
        ("T0001", "5.00", None),
        ("T0015", "5.00", None),
        ("T0106", "-5.00", None),
        ("T0400", "-5.00", None),
        ("T1106", "-5.00", None),
        ("T1107", "-5.00", Kind.REFUND),
        ("T1107", "5.00", None),
        ("T1110", "-5.00", None),
        ("T1201", "-5.00", None),
        ("T1300", "5.00", Kind.PAYMENT),
        ("T1300", "-5.00", Kind.PAYMENT),
        ("T1302", "-5.00", None),
        ("T9999", "5.00", None),
    ],
)
def test_what_a_row_is(code: str, amount: str, kind: Kind | None) -> None:
    row = {**PAYMENT, "transaction_event_code": code, "transaction_amount": usd(amount)}
    assert [(e.kind, e.amount) for e in told(row)] == ([(kind, Money(500, "USD"))] if kind else [])


def test_rows_of_no_interest_may_lack_anything() -> None:
    assert told({}, {"transaction_event_code": "T0400"}) == []


def test_an_id_that_stands_twice_is_one_payment() -> None:
    pending = {**PAYMENT, "fee_amount": None}
    assert len(told(pending, PAYMENT)) == 1


def test_an_authorization_gives_way_to_its_capture() -> None:
    held = {**PAYMENT, "transaction_id": "AUTH", "transaction_event_code": "T1300"}
    taken = {**PAYMENT, "paypal_reference_id": "AUTH", "paypal_reference_id_type": "TXN"}
    assert [e.native_id for e in told(held)] == ["AUTH"]
    assert [e.native_id for e in told(held, taken)] == ["02335565G34798738"]
    assert [e.native_id for e in told(taken, held)] == ["02335565G34798738"]


def test_a_refund_of_something_that_is_no_transaction_has_no_payment() -> None:
    (refund,) = told({**REFUND, "paypal_reference_id_type": "ODR"})
    assert refund.payment is None


def test_the_order_number_is_where_the_settings_say() -> None:
    naming = Naming("invoice_id", ReferencePattern(r"INV-(\d+)"))
    assert [e.reference for e in told(PAYMENT, naming=naming)] == ["1001"]
    assert [e.reference for e in told({**PAYMENT, "custom_field": None})] == [None]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"transaction_id": None}, ", column transaction_id: missing"),
        (
            {"transaction_id": 8},
            ", column transaction_info.transaction_id: not as it is documented",
        ),
        ({"transaction_amount": None}, ", column transaction_amount: missing"),
        ({"transaction_initiation_date": None}, ", column transaction_initiation_date: missing"),
        (
            {"transaction_initiation_date": ""},
            ", column transaction_info.transaction_initiation_date: not as it is documented",
        ),
        (
            {"transaction_amount": usd("1.234")},
            ", column transaction_amount: the amount does not fit its currency",
        ),
        (
            {"transaction_amount": amount("HUF", "1.50")},
            ", column transaction_amount: the amount does not fit its currency",
        ),
        (
            {"transaction_amount": amount("TWD", "590"), "fee_amount": amount("TWD", "-17.70")},
            ", column fee_amount: the amount does not fit its currency",
        ),
        (
            {"fee_amount": amount("XBT", "-1")},
            ", column fee_amount: the currency is not one of ISO 4217",
        ),
        (
            {"transaction_initiation_date": "0001-01-01T00:00:00+1400"},
            ": the time is out of range",
        ),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_the_others_stand(
    change: dict[str, Any], why: str
) -> None:
    found, bad = read(REFUND, {**PAYMENT, **change}, PAYMENT)
    assert [entry.native_id for entry in found] == [
        "1JU08902781691411",
        "02335565G34798738",
    ]
    assert [str(row) for row in bad] == ["transactions from 2026-01-01 00:00:00, line 2" + why]


@pytest.mark.parametrize("currency", ["HUF", "TWD", "JPY"])
def test_zeros_after_the_decimals_of_a_currency_do_not_count(currency: str) -> None:
    row = {**PAYMENT, "transaction_amount": amount(currency, "1000.00"), "fee_amount": None}
    (entry,) = told(row)
    assert entry.amount == Money.of("1000", currency)


@pytest.mark.parametrize("column", ["transaction_amount", "transaction_id"])
def test_a_refund_that_lacks_what_it_needs_is_never_passed_over(column: str) -> None:
    assert [row.column for row in read({**REFUND, column: None})[1]] == [column]


def test_the_capture_of_an_authorization_is_known_though_its_row_is_bad() -> None:
    held = {**PAYMENT, "transaction_id": "AUTH", "transaction_event_code": "T1300"}
    taken = {**PAYMENT, "paypal_reference_id": "AUTH", "transaction_initiation_date": None}
    found, bad = read(held, taken)
    assert (found, len(bad)) == ([], 1)


def test_a_dispute_that_does_not_fit_is_named_and_the_others_stand() -> None:
    row = {
        "dispute_id": "PP-D-1",
        "status": "OPEN",
        "create_time": "2026-01-01T00:00:00Z",
        "dispute_amount": amount("JPY", "1.50"),
    }
    good = {**row, "dispute_id": "PP-D-2", "dispute_amount": amount("JPY", "150")}
    misshapen = Malformed("paypal", "the answer does not fit at $.create_time")
    page: list[Dispute | SourceError] = [
        msgspec.convert(row, Dispute),
        misshapen,
        msgspec.convert(good, Dispute),
    ]
    *bad, entry = ledger.dispute_entries("paypal", page, 3)
    assert isinstance(entry, Entry)
    assert entry.native_id == "PP-D-2"
    assert [str(row) for row in bad] == [
        "page 3 of the disputes, line 1: the amount does not fit its currency",
        "page 3 of the disputes, line 2: the answer does not fit at $.create_time",
    ]


def test_a_dispute_that_could_not_be_asked_for_fails_the_period() -> None:
    with pytest.raises(Retryable):
        ledger.dispute_entries("paypal", [Retryable("paypal", "the connection failed")], 1)


def names(since: datetime, until: datetime, book: str = "transactions") -> list[str]:
    return [p.name for p in ledger.periods(since, until, LAG) if p.name.startswith(book)]


def test_months_that_are_over_are_whole_and_the_present_one_comes_by_days() -> None:
    until = datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert names(datetime(2026, 1, 20, tzinfo=UTC), until) == [
        "transactions 2026-01",
        "transactions 2026-02",
        "transactions 2026-03-01",
        "transactions 2026-03-02",
        "transactions 2026-03-03",
    ]
    january = next(p for p in ledger.periods(START, until, LAG) if p.name == "transactions 2026-01")
    assert len(january.parts) == 31
    assert january.parts[30] == "transactions 2026-01-31"
    final = {p.name: p.final for p in ledger.periods(START, until, LAG)}
    assert [name for name, done in final.items() if not done] == [
        "disputes 2026-03-03",
        "transactions 2026-03-03",
    ]


def test_what_cannot_be_there_yet_is_left_out() -> None:
    """Two hours into a month nothing of it is reported, and the last day may still be late."""
    until = datetime(2026, 2, 1, 2, tzinfo=UTC)
    since = datetime(2026, 1, 30, tzinfo=UTC)
    assert names(since, until) == ["transactions 2026-01-30", "transactions 2026-01-31"]
    last = ledger.periods(since, until, LAG)[-2]
    assert (last.name, last.final) == ("transactions 2026-01-31", False)
    assert names(since, until, "disputes") == ["disputes 2026-01", "disputes 2026-02-01"]


@pytest.mark.parametrize(
    ("until", "name", "final"),
    [
        (datetime(2026, 1, 6, 0, 59, tzinfo=UTC), "disputes 2026-01-05", False),
        (datetime(2026, 1, 6, 1, tzinfo=UTC), "disputes 2026-01-05", True),
        (datetime(2026, 2, 1, 0, 59, tzinfo=UTC), "disputes 2026-01-31", False),
        (datetime(2026, 2, 1, 1, tzinfo=UTC), "disputes 2026-01", True),
    ],
)
def test_disputes_are_final_an_hour_after_their_time(
    until: datetime, name: str, final: bool
) -> None:
    told = {p.name: p.final for p in ledger.periods(START, until, LAG)}
    assert told[name] is final


def test_days_before_the_beginning_are_left_out() -> None:
    since = datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert names(since, datetime(2026, 3, 4, 4, tzinfo=UTC)) == [
        "transactions 2026-03-02",
        "transactions 2026-03-03",
        "transactions 2026-03-04",
    ]


def test_names_do_not_depend_on_when_they_are_asked_for() -> None:
    early = ledger.periods(START, datetime(2026, 3, 3, tzinfo=UTC), LAG)
    late = {p.name: p for p in ledger.periods(START, datetime(2026, 3, 9, tzinfo=UTC), LAG)}
    assert [late[p.name] for p in early if p.final] == [p for p in early if p.final]


def test_no_window_is_longer_than_paypal_allows() -> None:
    for period in ledger.periods(START, datetime(2028, 1, 1, tzinfo=UTC), LAG):
        assert period.end - period.start <= timedelta(days=31)


class Script:
    """A transport whose answers are made from the query."""

    def __init__(self, answer: Callable[[dict[str, str]], dict[str, Any]]) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        body = msgspec.json.encode(self.answer(dict(request.query)))
        return Response(200, {}, body)

    async def aclose(self) -> None:
        """Nothing is open."""


def report(found: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return {
        "transaction_details": [{"transaction_info": row} for row in found],
        "last_refreshed_datetime": "2026-03-01T00:59:59+0000",
        "page": 1,
        "total_items": len(found),
        "total_pages": 1,
        **changes,
    }


PERIOD = Period(name="transactions 2026-01", start=START, end=datetime(2026, 2, 1, tzinfo=UTC))


async def windows(script: Script, period: Period = PERIOD) -> list[Window]:
    return [w async for w in Reports(Api("paypal", script)).windows(period)]


async def test_a_search_says_what_it_wants() -> None:
    script = Script(lambda query: report([PAYMENT]))
    (window,) = await windows(script)
    assert [msgspec.json.decode(row) for row in window.rows] == [{"transaction_info": PAYMENT}]
    (request,) = script.asked
    assert dict(request.query) == {
        "start_date": "2026-01-01T00:00:00Z",
        "end_date": "2026-01-31T23:59:59Z",
        "fields": "transaction_info",
        "balance_affecting_records_only": "N",
        "page_size": "500",
        "page": "1",
    }


async def test_pages_that_hold_less_than_was_counted_are_malformed() -> None:
    script = Script(
        lambda query: (
            report([PAYMENT], total_items=2, total_pages=2) if query["page"] == "1" else report([])
        )
    )
    with pytest.raises(Malformed, match="as many rows as were counted"):
        await windows(script)


async def test_a_period_that_grows_while_it_is_read_is_read_again() -> None:
    def growing(query: dict[str, str]) -> dict[str, Any]:
        rows = [PAYMENT] if query["page"] == "1" else [PAYMENT, REFUND]
        return report(rows, total_items=2, total_pages=2)

    live = msgspec.structs.replace(PERIOD, final=False)
    with pytest.raises(Retryable, match="as many rows as were counted"):
        await windows(Script(growing), live)


@pytest.mark.parametrize(
    ("fresh", "ready"),
    [
        ("2026-01-31T23:59:58+0000", False),
        ("2026-01-31T23:59:59+0000", True),
        ("2026-02-01T05:00:00+0600", False),
        (None, True),
    ],
)
async def test_a_final_period_waits_for_paypals_data(fresh: str | None, ready: bool) -> None:
    script = Script(lambda query: report([], last_refreshed_datetime=fresh))
    if ready:
        assert [w.rows for w in await windows(script)] == [[]]
    else:
        with pytest.raises(NotReady):
            await windows(script)
    open_ = msgspec.structs.replace(PERIOD, final=False)
    assert [w.rows for w in await windows(script, open_)] == [[]]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"total_items": "2"}, r"\$.total_items"),
        ({"transaction_details": {}}, r"\$.transaction_details"),
        ({"last_refreshed_datetime": "2026-01-01T00:00:00"}, r"\$.last_refreshed_datetime"),
    ],
)
async def test_a_report_in_another_form_is_malformed(change: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed, match=where):
        await windows(Script(lambda query: report([PAYMENT], **change)))


def listing(next_href: str | None) -> dict[str, Any]:
    links = [{"href": next_href, "rel": "next"}] if next_href else []
    return {"items": [], "links": [{"href": "https://x.example", "rel": "self"}, *links]}


async def test_only_the_token_of_the_next_link_is_used() -> None:
    href = "https://evil.example/steal?page_size=50&next_page_token=AbC%3D&x=1"
    script = Script(lambda query: listing(None if "next_page_token" in query else href))
    assert [page async for page in Disputes(Api("paypal", script)).changed(PERIOD)] == [[], []]
    first, second = script.asked
    assert dict(first.query) == {
        "update_time_after": "2026-01-01T00:00:00.000Z",
        "update_time_before": "2026-02-01T00:00:00.000Z",
        "page_size": "50",
    }
    assert (second.path, second.query[-1]) == (first.path, ("next_page_token", "AbC="))


async def test_disputes_of_a_payment_are_read_to_the_last_page() -> None:
    href = "https://x.example?page_size=50&next_page_token=AbC"
    script = Script(lambda query: listing(None if "next_page_token" in query else href))
    assert await Disputes(Api("paypal", script)).of_payment("02335565G34798738") == []
    assert [dict(request.query) for request in script.asked] == [
        {"disputed_transaction_id": "02335565G34798738", "page_size": "50"},
        {
            "disputed_transaction_id": "02335565G34798738",
            "page_size": "50",
            "next_page_token": "AbC",
        },
    ]


async def test_a_next_link_that_leads_back_is_malformed() -> None:
    script = Script(lambda query: listing("https://x.example?next_page_token=AbC"))
    with pytest.raises(Malformed, match="repeats the one before"):
        [page async for page in Disputes(Api("paypal", script)).changed(PERIOD)]
    assert len(script.asked) == 2


@pytest.mark.parametrize(
    ("query", "onward"),
    [
        ("?page=2&page_size=50", ("page", "2")),
        ("?next_page_token=T", ("next_page_token", "T")),
        ("", None),
    ],
)
def test_where_a_list_goes_on(query: str, onward: tuple[str, str] | None) -> None:
    href = "https://api-m.paypal.com/v1/customer/disputes" + query
    assert DisputeList(links=(Link(href=href, rel="next"),)).next_page == onward
