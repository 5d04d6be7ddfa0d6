"""The simulated HubSpot over real HTTP, with HubSpot's own Python client as the judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import hubspot
import msgspec
import pytest
from hubspot.crm.associations.v4.models import (
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.contacts.models import (
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
    SimplePublicObjectId,
)
from hubspot.crm.deals.exceptions import ApiException

from connectors.conformance import connected
from connectors.filters import OrderFilter
from connectors.hubspot import VENDOR, reading, relations, searching
from connectors.paging import PageQuery
from sandbox import books
from sandbox.hubspot import search
from sandbox.hubspot.app import BATCH, LINK_BATCH, LIST
from sandbox.hubspot.errors import TooMany
from sandbox.hubspot.limits import PER_TEN_SECONDS, SEARCHES, Limits
from tests.connectors.hubspot_sandbox import Lab, lab_running
from tests.sandbox.conftest import HandClock

FILE = Path(__file__).parents[1] / "contracts/hubspot.json"
CONTRACT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
READ = "/crm/v3/objects/deals/batch/read"
SEARCH = "/crm/v3/objects/deals/search"
LINKS = "/crm/v4/associations/deals/contacts/batch/read"


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    yield from lab_running()


@pytest.fixture
def lab(running: Lab) -> Lab:
    running.reset()
    return running


@pytest.fixture
def sdk(lab: Lab) -> Any:
    return hubspot.Client.create(access_token=lab.portal.token, host=f"{lab.origin}/hubspot")


def call(lab: Lab, path: str, body: Any = None, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or lab.portal.token}"}
    url = f"{lab.origin}/hubspot{path}"
    if body is None:
        return httpx.get(url, headers=headers)
    return httpx.post(url, headers=headers, json=body)


def filters(*several: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"filterGroups": [{"filters": list(several)}], **more}


def among(name: str, *values: str) -> dict[str, Any]:
    return {"propertyName": name, "operator": "IN", "values": list(values)}


def test_the_client_reads_every_contact_page_by_page(lab: Lab, sdk: Any) -> None:
    found = sdk.crm.contacts.get_all(properties=["firstname", "lastname"])
    assert {one.id for one in found} == set(lab.customers)
    for one in found:
        true = lab.customers[one.id]
        first, last = one.properties["firstname"], one.properties["lastname"]
        assert " ".join(filter(None, (first, last))) == true.name
        assert one.created_at == true.created_at


def test_the_client_reads_a_batch_and_what_is_absent_of_it(lab: Lab, sdk: Any) -> None:
    ids = [*list(lab.customers)[:5], "999999999"]
    found = sdk.crm.contacts.batch_api.read(
        BatchReadInputSimplePublicObjectId(
            properties=["email"],
            properties_with_history=[],
            inputs=[SimplePublicObjectId(id=one) for one in ids],
        )
    )
    assert {one.id for one in found.results} == set(ids[:5])
    assert found.num_errors == 1
    assert found.errors[0].category == "OBJECT_NOT_FOUND"
    assert found.errors[0].context == {"ids": ["999999999"]}


def test_the_client_searches(lab: Lab, sdk: Any) -> None:
    true = [c for c in lab.customers.values() if c.tier == "GOLD"]
    found = sdk.crm.contacts.search_api.do_search(
        PublicObjectSearchRequest(
            filter_groups=[{"filters": [among("tier", "gold")]}],
            sorts=[{"propertyName": "createdate", "direction": "DESCENDING"}],
            properties=["email"],
            limit=100,
        )
    )
    assert found.total == len(found.results) == len(true) > 5
    times = [one.created_at for one in found.results]
    assert times == sorted(times, reverse=True)


def test_the_client_reads_associations(lab: Lab, sdk: Any) -> None:
    deals = [o for o in lab.orders.values() if o.customer is not None][:4]
    found = sdk.crm.associations.v4.batch_api.get_page(
        "deals",
        "contacts",
        BatchInputPublicFetchAssociationsBatchRequest(
            inputs=[PublicFetchAssociationsBatchRequest(id=o.native_id) for o in deals]
        ),
    )
    told = {one._from.id: [str(to.to_object_id) for to in one.to] for one in found.results}
    by_key = {customer.key: number for number, customer in lab.customers.items()}
    assert told == {o.native_id: [by_key[o.customer or ""]] for o in deals}


def test_the_client_reads_properties_and_one_deal(lab: Lab, sdk: Any) -> None:
    told = {one.name: one for one in sdk.crm.properties.core_api.get_all("deals").results}
    assert told["order_number"].has_unique_value
    assert [one.value for one in told["pipeline"].options] == ["default"]
    order = next(o for o in lab.orders.values() if o.total is not None)
    found = sdk.crm.deals.basic_api.get_by_id(
        order.number, id_property="order_number", properties=["amount", "no_such"]
    )
    assert found.id == order.native_id
    assert "no_such" not in found.properties
    amount = Decimal(found.properties["amount"]).scaleb(books.digits(order.currency))
    assert abs(amount - (order.total or 0)) < Decimal("1e-6")


def test_the_client_is_told_what_is_wrong(lab: Lab, sdk: Any) -> None:
    with pytest.raises(ApiException) as absent:
        sdk.crm.deals.basic_api.get_by_id("999")
    assert absent.value.status == 404
    lab.portal.revoked = True
    with pytest.raises(ApiException) as revoked:
        sdk.crm.deals.basic_api.get_page()
    assert revoked.value.status == 401
    assert json.loads(revoked.value.body)["category"] == "EXPIRED_AUTHENTICATION"


def test_every_value_is_a_text_or_nothing(lab: Lab) -> None:
    for table, rows in lab.portal.records.values.items():
        names = list(lab.portal.definitions[table])
        for number in rows:
            shown = lab.portal.shown(table, number, names)["properties"]
            assert set(shown) == set(names)
            assert {type(value) for value in shown.values()} <= {str, type(None)}


def inputs(*keys: str, **more: Any) -> dict[str, Any]:
    return {"inputs": [{"id": key} for key in keys], "properties": ["dealname"], **more}


DEFINED = {"propertyName": "amount", "operator": "GT", "value": "1"}
MANY = [str(index) for index in range(1, 1002)]


@pytest.mark.parametrize(
    ("path", "body", "status", "category"),
    [
        (READ, inputs(*MANY[:101]), 400, "VALIDATION_ERROR"),
        (READ, inputs("1", "1"), 400, "VALIDATION_ERROR"),
        (READ, inputs(), 400, "VALIDATION_ERROR"),
        (READ, {"inputs": [{"id": 1}], "properties": []}, 400, "VALIDATION_ERROR"),
        (READ, {"inputs": [{"id": "1"}]}, 400, "VALIDATION_ERROR"),
        (READ, [], 400, "VALIDATION_ERROR"),
        (READ, inputs("x", idProperty="dealname"), 400, "VALIDATION_ERROR"),
        (READ, inputs("x", idProperty="no_such"), 400, "VALIDATION_ERROR"),
        (READ.replace("deals", "deal5"), inputs("1"), 400, "VALIDATION_ERROR"),
        (LINKS, {"inputs": [{"id": key} for key in MANY]}, 400, "VALIDATION_ERROR"),
        (LINKS.replace("contacts", "nobody"), {"inputs": [{"id": "1"}]}, 400, "VALIDATION_ERROR"),
        (SEARCH, filters(DEFINED, limit=201), 400, "VALIDATION_ERROR"),
        (SEARCH, filters(DEFINED, limit=200, after="9900"), 400, "VALIDATION_ERROR"),
        (SEARCH, filters(*[DEFINED] * 7), 400, "VALIDATION_ERROR"),
        (SEARCH, {"filterGroups": [{"filters": [DEFINED]}] * 6}, 400, "VALIDATION_ERROR"),
        (SEARCH, {"filterGroups": [{"filters": [DEFINED] * 4}] * 5}, 400, "VALIDATION_ERROR"),
        (SEARCH, filters(among("dealname", "x" * 3000)), 400, "VALIDATION_ERROR"),
        (SEARCH, filters(among("no_such", "x")), 400, "VALIDATION_ERROR"),
        (SEARCH, filters({**DEFINED, "operator": "LIKE"}), 400, "VALIDATION_ERROR"),
        (SEARCH, filters({**DEFINED, "value": "much"}), 400, "VALIDATION_ERROR"),
        (SEARCH, {"sorts": [{"propertyName": "amount"}] * 2}, 400, "VALIDATION_ERROR"),
        ("/crm/v3/objects/deals/batch/write", inputs("1"), 404, "OBJECT_NOT_FOUND"),
        ("/crm/objects/2026-04/deals/search", {}, 404, "OBJECT_NOT_FOUND"),
        ("/crm/v3/properties/nothing", None, 400, "VALIDATION_ERROR"),
        ("/crm/v3/objects/deals?limit=101", None, 400, "VALIDATION_ERROR"),
        ("/crm/v3/objects/deals/1", None, 404, "OBJECT_NOT_FOUND"),
    ],
)
def test_what_hubspot_refuses_is_refused(
    lab: Lab, path: str, body: Any, status: int, category: str
) -> None:
    answer = call(lab, path, body)
    assert (answer.status_code, answer.json()["category"]) == (status, category)
    assert answer.json()["status"] == "error"
    assert answer.headers["x-hubspot-correlation-id"] == answer.json()["correlationId"]


def test_a_body_is_json_and_says_so(lab: Lab) -> None:
    headers = {"authorization": f"Bearer {lab.portal.token}"}
    url = f"{lab.origin}/hubspot{READ}"
    assert httpx.post(url, headers=headers, content=b"{}").status_code == 415
    headers["content-type"] = "application/json"
    assert httpx.post(url, headers=headers, content=b"{").status_code == 400


@pytest.mark.parametrize("path", [READ, SEARCH, LINKS])
def test_a_token_is_needed_and_its_scopes(lab: Lab, path: str) -> None:
    body = {**inputs("1"), "limit": 10}
    stranger = call(lab, path, body, token="pat-eu1-nobody")
    assert stranger.status_code == 401
    assert stranger.json()["category"] == "INVALID_AUTHENTICATION"
    lab.portal.scopes.discard("crm.objects.deals.read")
    poor = call(lab, path, body)
    assert (poor.status_code, poor.json()["category"]) == (403, "MISSING_SCOPES")
    assert poor.json()["errors"][0]["context"] == {
        "requiredGranularScopes": ["crm.objects.deals.read"]
    }


def test_a_search_takes_texts_in_small_letters_only(lab: Lab) -> None:
    order = next(iter(lab.orders.values()))
    for name, count in ((order.number, 0), (order.number.lower(), 1)):
        found = call(lab, SEARCH, filters(among("order_number", name))).json()
        assert found["total"] == count


def test_what_a_search_does_not_sort_comes_in_any_order(lab: Lab) -> None:
    for values in lab.portal.records.values["deals"].values():
        values["createdate"] = "2026-01-02T03:04:05.678Z"
    sort = {"propertyName": "createdate", "direction": "DESCENDING"}
    answers = [call(lab, SEARCH, {"sorts": [sort], "limit": 200}).json() for _ in range(2)]
    told = [[one["id"] for one in answer["results"]] for answer in answers]
    assert told[0] != told[1]
    assert sorted(told[0]) == sorted(told[1]) == sorted(lab.orders)


def test_a_search_has_no_headers_of_the_limits(lab: Lab) -> None:
    assert "x-hubspot-ratelimit-daily-remaining" in call(lab, READ, inputs("1")).headers
    assert "x-hubspot-ratelimit-daily-remaining" not in call(lab, SEARCH, {}).headers


def test_a_batch_comes_in_any_order_and_every_record_of_it(lab: Lab) -> None:
    keys = list(lab.orders)[:60]
    answer = call(lab, READ, inputs(*keys))
    told = [one["id"] for one in answer.json()["results"]]
    assert answer.status_code == 200
    assert sorted(told) == sorted(keys)
    assert told != keys


def test_limits_are_those_of_the_contract_on_both_sides() -> None:
    told = CONTRACT["limits"]
    simulated = {
        "list_limit_max": LIST,
        "batch_read_max": BATCH,
        "assoc_batch_read_max": LINK_BATCH,
        "search_limit_max": search.LIMIT,
        "search_total_max": search.MOST,
        "search_rps": SEARCHES,
        "filter_groups_max": search.GROUPS,
        "filters_per_group_max": search.PER_GROUP,
        "filters_total_max": search.FILTERS,
        "search_body_chars_max": search.CHARACTERS,
    }
    kept = {
        "batch_read_max": reading.BATCH,
        "assoc_batch_read_max": relations.INPUTS,
        "search_limit_max": searching.LIMIT,
        "search_total_max": searching.MOST,
        "search_body_chars_max": searching.MOST_BYTES,
    }
    assert told == simulated
    assert kept.items() <= told.items()
    assert VENDOR.limits.rates["search"] <= SEARCHES
    assert VENDOR.limits.rates[""] * 10 <= PER_TEN_SECONDS


def test_operators_are_those_of_the_contract() -> None:
    [operator] = [one for one in msgspec.structs.fields(search.Filter) if one.name == "operator"]
    assert list(operator.type.__args__) == CONTRACT["operators"]


@pytest.mark.anyio
async def test_only_operations_of_the_contract_are_called(lab: Lab) -> None:
    lab.forget()
    orders = list(lab.orders.values())
    fast = msgspec.structs.replace(VENDOR.limits, rates={}, deadline=20.0)
    async with connected(VENDOR, lab.settings(), fast) as connector:
        query = PageQuery(first=5, filter=OrderFilter())
        await connector.probe()
        await connector.describe(())
        await connector.order_page(query)
        await connector.orders_by_number([orders[0].number])
        await connector.order_lines([orders[0].native_id])
        await connector.orders_by_customer(list(lab.customers)[:5], query)
        _ = [one async for one in connector.refund_numbers(datetime(2026, 1, 1, tzinfo=UTC))]
    calls = lab.calls_made()
    known = {"contacts", "companies", "deals", "orders", "line_items"}
    shapes = set()
    for one in calls:
        if one["status"] == 400:
            continue  # object types that this portal does not have
        parts = ["{}" if part in known else part for part in one["path"].split("/")]
        shapes.add(f"{one['method']} {'/'.join(parts)}")
    wanted = [
        operation.replace("{objectType}", "{}")
        .replace("{fromObjectType}", "{}")
        .replace("{toObjectType}", "{}")
        for operation in CONTRACT["operations"]
    ]
    assert shapes == set(wanted)


def test_a_window_holds_what_it_may_and_moves_on() -> None:
    clock = HandClock()
    limits = Limits(clock)
    for _ in range(SEARCHES):
        limits.enter(is_search=True, counts=True)
    with pytest.raises(TooMany) as hasty:
        limits.enter(is_search=True, counts=True)
    assert hasty.value.content["policyName"] == "SECONDLY"
    clock.forward(1)
    for _ in range(PER_TEN_SECONDS - SEARCHES - 1):
        limits.enter(is_search=False, counts=True)
    with pytest.raises(TooMany) as many:
        limits.enter(is_search=False, counts=True)
    assert many.value.content["policyName"] == "TEN_SECONDLY_ROLLING"
    assert (many.value.status, many.value.content["errorType"]) == (429, "RATE_LIMIT")
    clock.forward(10)
    assert ("x-hubspot-ratelimit-remaining", "99") in limits.enter(is_search=False, counts=True)
