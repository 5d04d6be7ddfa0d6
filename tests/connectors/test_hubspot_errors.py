"""HubSpot's refusals and what they become, batches that failed in part, and the settings that are
refused at the start."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.conformance import connected
from connectors.errors import (
    Malformed,
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.filters import OrderFilter
from connectors.hubspot import VENDOR, catalogue
from connectors.hubspot.errors import DayIsUsedUp, LacksScope, judge_for
from connectors.hubspot.settings import HubspotSettings
from connectors.paging import PageQuery
from connectors.secret import Secret
from connectors.transport import Response
from tests.connectors.local_server import Call, LocalServer, Reply, reply

pytestmark = pytest.mark.anyio
JUDGE = judge_for("hubspot")
TOKEN = "pat-eu1-very-secret"
FAST = msgspec.structs.replace(VENDOR.limits, rates={}, attempts=1)


def judged(status: int, body: Any, **headers: str) -> SourceError | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return JUDGE(Response(status, headers, content))


def told(category: str) -> dict[str, Any]:
    return {
        "status": "error",
        "message": f"about {TOKEN}",
        "correlationId": "a43683b0-5717-4ceb-80b4-104d02915d8c",
        "category": category,
    }


def too_many(policy: str) -> dict[str, Any]:
    return {
        "status": "error",
        "message": "You have reached your limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24",
        "policyName": policy,
        "requestId": "3d3e35b7-0dae-4b9f-a6e3-9c230cbcf8dd",
    }


GONE = {"status": "error", "message": "resource not found", "correlationId": "a43683b0"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, told("VALIDATION_ERROR"), Rejected, "VALIDATION_ERROR"),
        (400, told("VALIDATION_ERROR"), Rejected, "VALIDATION_ERROR"),
        (400, b"[" * 5000, Rejected, None),
        (400, {"category": f"with spaces {TOKEN}"}, Rejected, None),
        (400, {"category": 5}, Rejected, None),
        (401, told("INVALID_AUTHENTICATION"), Unauthorized, "INVALID_AUTHENTICATION"),
        (401, told("EXPIRED_AUTHENTICATION"), Unauthorized, "EXPIRED_AUTHENTICATION"),
        (401, b"", Unauthorized, None),
        (403, told("MISSING_SCOPES"), LacksScope, "MISSING_SCOPES"),
        (403, b"<html>", LacksScope, None),
        (404, told("OBJECT_NOT_FOUND"), NotFound, "OBJECT_NOT_FOUND"),
        (404, GONE, NotFound, None),
        (404, b"<html>not here</html>", Malformed, None),
        (409, told("CONFLICT"), Rejected, "CONFLICT"),
        (414, b"", Rejected, None),
        (423, b"", Retryable, None),
        (429, too_many("SECONDLY"), RateLimited, "SECONDLY"),
        (429, too_many("TEN_SECONDLY_ROLLING"), RateLimited, "TEN_SECONDLY_ROLLING"),
        (429, too_many("DAILY"), DayIsUsedUp, "DAILY"),
        (429, told("RATE_LIMITS"), RateLimited, "RATE_LIMITS"),
        (429, b"slow", RateLimited, None),
        (477, b"", Retryable, None),
        (500, told("INTERNAL_ERROR"), Retryable, "INTERNAL_ERROR"),
        (503, told("INVALID_AUTHENTICATION"), Retryable, "INVALID_AUTHENTICATION"),
        (502, b"<html>", Retryable, None),
        (521, b"", Retryable, None),
        (524, b"", Retryable, None),
    ],
)
def test_every_refusal_has_its_kind(
    status: int, body: Any, kind: type[SourceError], code: str | None
) -> None:
    error = judged(status, body)
    assert type(error) is kind
    assert (error.status, error.code) == (status, code)
    assert TOKEN not in str(error)


def test_a_success_is_none() -> None:
    assert judged(200, {"status": "COMPLETE", "results": []}) is None
    assert judged(207, {"status": "COMPLETE", "results": [], "numErrors": 1}) is None


@pytest.mark.parametrize(
    ("policy", "headers", "seconds"),
    [
        ("SECONDLY", {}, 1.0),
        ("TEN_SECONDLY_ROLLING", {}, 10.0),
        ("TEN_SECONDLY_ROLLING", {"retry-after": "3"}, 3.0),
        ("TEN_SECONDLY_ROLLING", {"retry-after": "soon"}, 10.0),
        ("DAILY", {}, None),
    ],
)
def test_a_rate_limit_tells_how_long_to_wait(
    policy: str, headers: dict[str, str], seconds: float | None
) -> None:
    error = judged(429, too_many(policy), **headers)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds
    assert error.again is (policy != "DAILY")


NAMES = (
    "hs_object_id",
    "dealname",
    "amount",
    "deal_currency_code",
    "dealstage",
    "hs_is_closed",
    "hs_is_closed_won",
)
TIMES = ("createdate", "hs_lastmodifieddate")
PROPERTIES = {
    "results": [{"name": name, "type": "string", "fieldType": "text"} for name in NAMES]
    + [{"name": name, "type": "datetime", "fieldType": "date"} for name in TIMES]
}


def deal(number: str, **properties: str | None) -> dict[str, Any]:
    """As the API tells it."""
    created = "2026-01-02T03:04:05.678Z"
    values = {"dealname": f"D-{number}", "createdate": created, "hs_object_id": number}
    return {
        "id": number,
        "properties": {**values, "dealstage": "closedwon", **properties},
        "createdAt": created,
        "updatedAt": created,
        "archived": False,
    }


def batch(*results: dict[str, Any], errors: Any = (), status: str = "COMPLETE") -> Any:
    body = {
        "status": status,
        "results": list(results),
        "startedAt": "2026-01-02T03:04:05.678Z",
        "completedAt": "2026-01-02T03:04:05.690Z",
    }
    return {**body, "numErrors": len(errors), "errors": list(errors)} if errors else body


def failed(category: str, **context: Any) -> dict[str, Any]:
    return {"status": "error", "category": category, "message": TOKEN, "context": context}


def portal(answers: dict[str, Any]) -> Callable[[Call], Awaitable[Reply]]:
    """Answers by the end of the path; a list is taken one after the other."""

    async def answered(call: Call) -> Reply:
        if "/properties/" in call.target:
            return reply(body=json.dumps(PROPERTIES).encode())
        for path, answer in answers.items():
            if call.target.endswith(path):
                found = answer.pop(0) if isinstance(answer, list) else answer
                return reply(207, json.dumps(found).encode())
        return reply(body=json.dumps(batch()).encode())

    return answered


async def asked(answers: dict[str, Any], method: str, *arguments: Any) -> tuple[Any, LocalServer]:
    async with LocalServer(portal(answers)) as server:
        settings = HubspotSettings(
            vendor="hubspot", token=Secret(TOKEN), base_url=server.origin, currency="EUR"
        )
        async with connected(VENDOR, settings, FAST, name="hubspot") as connector:
            return await getattr(connector, method)(*arguments), server


DEALS = "/crm/v3/objects/deals/batch/read"
CONTACTS = "/crm/v4/associations/deals/contacts/batch/read"


async def test_what_is_absent_of_a_batch_is_absent_and_what_failed_fails_alone() -> None:
    answer = batch(
        deal("3"),
        deal("1"),
        errors=[failed("OBJECT_NOT_FOUND", ids=["2"]), failed("INTERNAL_ERROR", ids=["4"])],
    )
    found, _ = await asked({DEALS: answer}, "orders", ["1", "2", "3", "4"])
    assert set(found) == {"1", "3", "4"}
    assert [found[key].number for key in ("1", "3")] == ["D-1", "D-3"]
    assert isinstance(found["4"], Rejected)
    assert TOKEN not in str(found["4"])


@pytest.mark.parametrize("odd", [{}, None, {"id": None}, {"id": ["2"]}, "2"])
async def test_a_result_that_does_not_fit_is_the_failure_of_who_has_no_other(odd: Any) -> None:
    answer = batch(deal("1"), odd, deal("3"))
    found, _ = await asked({DEALS: answer}, "orders", ["1", "2", "3"])
    assert [found[key].number for key in ("1", "3")] == ["D-1", "D-3"]
    assert isinstance(found["2"], Malformed)


@pytest.mark.parametrize("properties", [None, "zzz", ["dealname"], 7])
async def test_a_record_without_properties_fails_alone(properties: Any) -> None:
    answer = batch(deal("1"), {**deal("2"), "properties": properties}, {**deal("3"), "id": 3})
    found, _ = await asked({DEALS: answer}, "orders", ["1", "2", "3"])
    assert [found[key].number for key in ("1", "3")] == ["D-1", "D-3"]
    assert isinstance(found["2"], Malformed)


@pytest.mark.parametrize(
    "to",
    [
        None,
        [],
        [{"toObjectId": None}],
        [{"toObjectId": ""}],
        [{"toObjectId": "7", "associationTypes": "x"}],
    ],
)
async def test_an_association_that_does_not_fit_fails_its_record_alone(to: Any) -> None:
    good = {"from": {"id": "2"}, "to": [{"toObjectId": 77, "associationTypes": [{"label": 7}]}]}
    answers = {
        DEALS: batch(deal("1"), deal("2")),
        CONTACTS: batch({"from": {"id": "1"}, "to": to}, good),
    }
    found, _ = await asked(answers, "orders", ["1", "2"])
    assert found["2"].customer_id == "77"
    readable = not to or to[0]["toObjectId"] == "7"
    assert isinstance(found["1"], Malformed) is not readable


async def test_an_error_that_names_nothing_is_that_of_the_batch() -> None:
    with pytest.raises(Rejected):
        await asked({DEALS: batch(deal("1"), errors=[failed("OTHER")])}, "orders", ["1", "2"])


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "CANCELED"])
async def test_a_batch_that_is_not_complete_is_malformed(status: str) -> None:
    with pytest.raises(Malformed, match="not complete"):
        await asked({DEALS: batch(deal("1"), status=status)}, "orders", ["1"])


async def test_an_associated_number_is_a_number_or_a_text_and_the_primary_one_comes_first() -> None:
    types = [
        {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None},
        {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
    ]
    plain = types[:1]
    answer = batch(
        {
            "from": {"id": "1"},
            "to": [
                {"toObjectId": 5790939450, "associationTypes": plain},
                {"toObjectId": 9007199254740993, "associationTypes": plain},
                {"toObjectId": 9007199254740995, "associationTypes": types},
            ],
        },
        {"from": {"id": "2"}, "to": [{"toObjectId": "77", "associationTypes": plain}]},
        errors=[failed("OBJECT_NOT_FOUND", fromObjectId=["3"])],
    )
    deals = batch(deal("1"), deal("2"), deal("3"))
    found, _ = await asked({DEALS: deals, CONTACTS: answer}, "orders", ["1", "2", "3"])
    assert found["1"].customer_id == "9007199254740995"
    assert found["2"].customer_id == "77"
    assert found["3"].customer_id is None
    assert found["3"].misfits is None


async def test_associations_are_read_to_their_end() -> None:
    contacts = "/crm/v4/associations/contacts/deals/batch/read"
    onward = {"next": {"after": "MC0yLTc1MDI%3D", "link": "https://elsewhere.example"}}
    pages = [
        batch({"from": {"id": "9"}, "to": [{"toObjectId": 1}], "paging": onward}),
        batch({"from": {"id": "9"}, "to": [{"toObjectId": 2}]}),
    ]
    linked = batch(*({"from": {"id": key}, "to": [{"toObjectId": 9}]} for key in ("1", "2")))
    answers = {contacts: pages, DEALS: batch(deal("1"), deal("2")), CONTACTS: linked}
    query = PageQuery(first=5, filter=OrderFilter())
    found, server = await asked(answers, "orders_by_customer", ["9"], query)
    assert {row.record.native_id for row in found["9"].rows} == {"1", "2"}
    bodies = [json.loads(call.body) for call in server.calls if call.target == contacts]
    assert bodies == [
        {"inputs": [{"id": "9"}]},
        {"inputs": [{"id": "9", "after": "MC0yLTc1MDI%3D"}]},
    ]


async def test_associations_that_go_in_circles_are_malformed() -> None:
    onward = {"next": {"after": "same"}}
    answer = batch({"from": {"id": "9"}, "to": [{"toObjectId": 1}], "paging": onward})
    contacts = "/crm/v4/associations/contacts/deals/batch/read"
    query = PageQuery(first=5, filter=OrderFilter())
    with pytest.raises(Malformed, match="repeats"):
        await asked({contacts: answer}, "orders_by_customer", ["9"], query)


async def test_a_search_that_goes_in_circles_is_malformed() -> None:
    page = {"total": 500, "results": [deal("7")], "paging": {"next": {"after": "200"}}}
    with pytest.raises(Malformed, match="repeats"):
        await asked({"/deals/search": page}, "orders_by_number", ["D-7"])


async def test_a_list_that_goes_in_circles_is_malformed() -> None:
    results = [deal(str(number)) for number in range(1, 12)]
    page = {"total": 500, "results": results, "paging": {"next": {"after": "11"}}}
    with pytest.raises(Malformed, match="repeats"):
        await asked({"/deals/search": page}, "order_page", PageQuery(10, OrderFilter()))


async def test_a_list_that_cannot_go_on_for_lack_of_a_time_is_malformed() -> None:
    results = [deal("1", createdate=None), deal("2", createdate=None)]
    page = {"total": 500, "results": results, "paging": {"next": {"after": "2"}}}
    with pytest.raises(Malformed, match="a page that repeats the one before"):
        await asked({"/deals/search": page}, "order_page", PageQuery(1, OrderFilter()))


async def test_a_list_goes_on_with_the_moment_where_its_page_ended() -> None:
    early, late = ("2026-01-02T03:04:05.678Z", "2026-01-03T03:04:05.678Z")
    pages = [
        {"total": 9, "results": results, "paging": {"next": {"after": "3"}}}
        for results in (
            [deal("3", createdate=late), deal("1"), deal("2")],
            [deal("2"), deal("1"), deal("4"), deal("5", createdate="2025-01-01T00:00:00Z")],
        )
    ]
    query = PageQuery(2, OrderFilter())
    page, server = await asked({"/deals/search": pages}, "order_page", query)
    assert [row.record.native_id for row in page.rows] == ["3", "4"]
    bodies = [json.loads(one.body) for one in server.calls if one.target.endswith("/search")]
    assert [body["limit"] for body in bodies] == [4, 200]
    [bound], [timeless] = [group["filters"] for group in bodies[1]["filterGroups"]]
    moment = int(datetime.fromisoformat(early).timestamp() * 1000)
    assert bound == {"propertyName": "createdate", "operator": "LTE", "value": str(moment)}
    assert timeless == {"propertyName": "createdate", "operator": "NOT_HAS_PROPERTY"}
    assert "after" not in bodies[1]


LINKED = [{"from": {"id": key}, "to": [{"toObjectId": 9}]} for key in ("1", "3")]
PARTLY = batch(*LINKED, errors=[failed("INTERNAL_ERROR", fromObjectId=["2"])])


async def test_one_order_whose_customer_cannot_be_told_fails_alone() -> None:
    deals = batch(deal("1"), deal("2"), deal("3"))
    found, _ = await asked({DEALS: deals, CONTACTS: PARTLY}, "orders", ["1", "2", "3"])
    assert isinstance(found["2"], Rejected)
    assert [found[key].customer_id for key in ("1", "3")] == ["9", "9"]

    page = {"total": 3, "results": [deal("1"), deal("2"), deal("3")]}
    answers = {"/deals/search": page, CONTACTS: PARTLY}
    found, _ = await asked(answers, "orders_by_number", ["D-1", "D-2", "D-3"])
    assert isinstance(found["D-2"], Rejected)
    assert [found[key][0].customer_id for key in ("D-1", "D-3")] == ["9", "9"]


async def test_a_list_shows_an_order_whose_customer_cannot_be_told_without_it() -> None:
    page = {"total": 3, "results": [deal("1"), deal("2"), deal("3")]}
    answers = {"/deals/search": page, CONTACTS: PARTLY}
    told, _ = await asked(answers, "order_page", PageQuery(5, OrderFilter()))
    orders = {row.record.native_id: row.record for row in told.rows}
    assert {key: order.customer_id for key, order in orders.items()} == {
        "1": "9",
        "2": None,
        "3": "9",
    }
    assert set(orders["2"].misfits) == {"customer"}


@pytest.mark.parametrize("error", [failed("RATE_LIMITS"), failed("OTHER")])
async def test_a_list_fails_where_no_customer_can_be_told(error: dict[str, Any]) -> None:
    page = {"total": 2, "results": [deal("1"), deal("2")]}
    answers = {"/deals/search": page, CONTACTS: batch(errors=[error])}
    with pytest.raises((RateLimited, Rejected)):
        await asked(answers, "order_page", PageQuery(5, OrderFilter()))


async def test_old_properties_do_while_the_new_ones_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogue, "KEPT", timedelta(0))
    healthy, answered = True, portal({DEALS: batch(deal("1"))})

    async def strained(call: Call) -> Reply:
        if "/properties/" in call.target and not healthy:
            return reply(429, json.dumps(too_many("DAILY")).encode())
        return await answered(call)

    async with LocalServer(strained) as server:
        settings = HubspotSettings(
            vendor="hubspot", token=Secret(TOKEN), base_url=server.origin, currency="EUR"
        )
        async with connected(VENDOR, settings, FAST, name="hubspot") as connector:
            assert await connector.orders(["1"])
            healthy = False
            with pytest.raises(DayIsUsedUp):
                await connector.describe(["deals"])
            for _ in range(3):
                assert await connector.orders(["1"])
            asked_for = [call for call in server.calls if "/properties/deals" in call.target]
            assert len(asked_for) == 3, "the first time, for the description, and once more"
            monkeypatch.setattr(catalogue, "PUT_OFF", timedelta(0))
            monkeypatch.setattr(catalogue, "LONGEST", timedelta(0))
        async with connected(VENDOR, settings, FAST, name="hubspot") as connector:
            healthy = True
            assert await connector.orders(["1"])
            healthy = False
            with pytest.raises(DayIsUsedUp):
                await connector.orders(["1"])


async def test_amounts_are_exact_and_what_is_none_is_a_misfit() -> None:
    amounts = {"1": "90071992547409.93", "2": "1e5", "3": "1500.005", "4": "", "5": None}
    euros = {"deal_currency_code": "EUR"}
    deals = batch(*(deal(key, amount=amount, **euros) for key, amount in amounts.items()))
    found, _ = await asked({DEALS: deals}, "orders", list(amounts))
    assert found["1"].total.minor_units == 9007199254740993
    assert [bool(found[key].misfits) for key in amounts] == [False, True, True, False, False]
    assert "1e5" not in str(found["2"].misfits)


async def test_the_token_is_sent_and_never_told() -> None:
    found, server = await asked({DEALS: batch(deal("1"))}, "orders", ["1"])
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {TOKEN}"}
    [body] = [json.loads(call.body) for call in server.calls if call.target == DEALS]
    assert body["inputs"] == [{"id": "1"}]
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"token": Secret("two words")}, "token: "),
        ({"token": Secret("")}, "token: "),
        ({"version": "v4"}, "version: "),
        ({"version": "2026-05"}, "version: "),
        ({"version": "../2026-03"}, "version: "),
        (
            {"orders": [{"lines": {"table": "deals/../x"}}]},
            r"orders\[0\]\.lines\.table: no object type",
        ),
        ({"orders": [{"id": "dealname"}]}, r"orders\[0\]\.id: "),
        ({"customers": [{"table": "2-77"}]}, r"customers\[0\]\.id: missing"),
        ({"currency": "EURO"}, "currency: "),
    ],
)
def test_settings_that_cannot_be_right_are_refused(keys: dict[str, Any], message: str) -> None:
    values = {"vendor": "hubspot", "token": Secret(TOKEN), **keys}
    with pytest.raises((ValueError, msgspec.ValidationError), match=message):
        msgspec.convert(values, HubspotSettings)


def test_emails_fold_only_where_hubspot_keeps_them_in_small_letters() -> None:
    def folds(*emails: str) -> bool:
        values = {"vendor": "hubspot", "token": Secret(TOKEN), "customers": [{"email": emails}]}
        return msgspec.convert(values, HubspotSettings).folds

    assert folds("email")
    assert folds("email", "hs_additional_emails[]")
    assert not folds("email", "work_email")
