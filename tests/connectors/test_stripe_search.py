"""What is asked of Stripe for a filter, and what its refusals mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.filters import CustomerFilter, MoneyRange, PaymentFilter, TimeRange
from connectors.records import PaymentStatus
from connectors.stripe import search
from connectors.stripe.errors import SearchUnavailable, judge_for
from connectors.transport import Response

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "order_id"


@pytest.mark.parametrize(
    ("status", "error", "headers", "kind"),
    [
        (401, {}, {}, "Unauthorized"),
        (403, {}, {}, "Unauthorized"),
        (403, {"code": "account_invalid"}, {}, "Rejected"),
        (404, {"code": "resource_missing"}, {}, "NotFound"),
        (400, {"code": "resource_missing", "param": "customer"}, {}, "NotFound"),
        (400, {"code": "resource_missing", "param": "starting_after"}, {}, "CursorRejected"),
        (400, {"type": "idempotency_error"}, {}, "Rejected"),
        (402, {"type": "card_error", "code": "card_declined"}, {}, "Rejected"),
        (409, {"code": "idempotency_key_in_use"}, {}, "Retryable"),
        (424, {}, {}, "Retryable"),
        (429, {"code": "rate_limit"}, {"retry-after": "3"}, "RateLimited"),
        (429, {"code": "lock_timeout"}, {}, "Retryable"),
        (500, {"type": "api_error"}, {}, "Retryable"),
        (500, {"type": "api_error"}, {"stripe-should-retry": "false"}, "NotNow"),
        (429, {"code": "rate_limit"}, {"stripe-should-retry": "false"}, "SlowDown"),
        (418, {}, {}, "Rejected"),
        (400, {"type": "invalid_request_error"}, {}, "Rejected"),
    ],
)
def test_errors_by_code_type_and_status(
    status: int, error: dict[str, str], headers: dict[str, str], kind: str
) -> None:
    body = msgspec.json.encode({"error": {**error, "message": "No such customer: 'cus_secret'"}})
    for content in (body, b"<html>cus_secret</html>") if not error else (body,):
        found = judge_for("stripe_eu")(Response(status, headers, content))
        assert type(found).__name__ == kind
        assert "secret" not in f"{found} {found!r}"


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize(
    "message",
    [
        "The search feature is temporarily unavailable in your region.",
        "search feature unavailable for merchant",
        "Search is not available for this account.",
    ],
)
def test_an_account_without_search_is_told_from_a_wrong_query(status: int, message: str) -> None:
    body = {"error": {"type": "invalid_request_error", "message": message}}
    found = judge_for("stripe_in")(Response(status, {}, msgspec.json.encode(body)))
    assert isinstance(found, SearchUnavailable)
    assert found.detail == "Stripe offers this account no search"


def test_a_code_that_is_a_sentence_is_not_told() -> None:
    body = b'{"error": {"code": "No such customer: cus_secret", "type": "api_error"}}'
    error = judge_for("stripe_eu")(Response(500, {}, body))
    assert error is not None
    assert error.code == "api_error"


def test_a_success_is_no_error() -> None:
    assert judge_for("stripe_eu")(Response(200, {}, b"{}")) is None


HALF = AT + timedelta(milliseconds=500)


@pytest.mark.parametrize(
    ("bounds", "params"),
    [
        (TimeRange(gte=AT), (("created[gte]", "1767225600"),)),
        (TimeRange(gte=HALF), (("created[gte]", "1767225601"),)),
        (TimeRange(gt=HALF), (("created[gt]", "1767225600"),)),
        (TimeRange(lte=HALF), (("created[lte]", "1767225600"),)),
        (TimeRange(lt=HALF), (("created[lt]", "1767225601"),)),
        (None, ()),
    ],
)
def test_bounds_between_seconds_keep_every_row(bounds: TimeRange | None, params: Any) -> None:
    assert search.created_params(bounds) == params


@pytest.mark.parametrize(
    ("bounds", "query"),
    [
        (MoneyRange("USD", gt=5), 'currency:"usd" AND amount>5'),
        (MoneyRange("ISK", gte=5), 'currency:"isk" AND amount>=500'),
        (MoneyRange("MGA", gte=501, lt=501), 'currency:"mga" AND amount>=6 AND amount<6'),
        (MoneyRange("MGA", gt=501, lte=501), 'currency:"mga" AND amount>5 AND amount<=5'),
        # A currency that was withdrawn is not asked for; what is found is filtered by it.
        (MoneyRange("HRK", gt=5), "amount>5"),
        (MoneyRange("HRK"), None),
        (MoneyRange("XXX", gt=5), None),
    ],
)
def test_amounts_are_searched_on_the_wire(bounds: MoneyRange, query: str | None) -> None:
    assert search.payment_plan(PaymentFilter(amount=bounds), KEY).query == query


def test_a_page_of_one_reference_is_searched_in_both_spellings() -> None:
    narrow = PaymentFilter(references=("A",), customer_ids=("cus_1",))
    query = search.payment_plan(narrow, KEY).query
    assert query == 'metadata["order_id"]:"A" OR metadata["order_id"]:"A "'


def test_a_query_never_has_more_than_ten_clauses() -> None:
    every = dict.fromkeys(("gte", "gt", "lte", "lt"), AT)
    narrow = PaymentFilter(
        created_at=TimeRange(**every),
        customer_ids=("cus_1",),
        statuses=(PaymentStatus.SUCCEEDED,),
        amount=MoneyRange("USD", gte=1, gt=1, lte=1, lt=1),
    )
    assert len(str(search.payment_plan(narrow, KEY).query).split(" AND ")) == 10


def test_what_no_search_can_say_is_not_pushed_down() -> None:
    unknown = PaymentFilter(statuses=(PaymentStatus.UNKNOWN, PaymentStatus.SUCCEEDED))
    many = PaymentFilter(references=tuple(map(str, range(11))))
    assert search.payment_plan(unknown, KEY) == search.payment_plan(many, KEY) == search.Plan()
    folded = CustomerFilter(emails=("straße@example.com",))
    assert search.customer_plan(folded) == search.Plan()


@pytest.mark.parametrize("value", ['a"b', "a\\b", 'a\\" OR status:"x'])
def test_a_value_cannot_leave_its_quotes(value: str) -> None:
    inner = search.quoted(value)[1:-1]
    assert inner.replace("\\\\", "").replace('\\"', "").count('"') == 0
