"""`/_sandbox`: the truth, the call log, and a fault of every kind over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.server import Server
from sandbox.world import World

CHARGES = "/stripe/v1/charges"


@pytest.fixture(autouse=True)
def _clean(http: httpx.Client) -> Iterator[None]:
    http.delete("/_sandbox/calls")
    yield
    http.delete("/_sandbox/faults")


@pytest.fixture
def bearer(keys: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {keys['stripe_eu']}"}


def put(http: httpx.Client, **fault: Any) -> httpx.Response:
    return http.put("/_sandbox/faults", json={"faults": [{"vendor": "stripe", **fault}]})


def test_truth_is_the_world_s(http: httpx.Client, world: World) -> None:
    truth = http.get("/_sandbox/truth").json()
    assert truth == world.truth()
    assert truth["orders"][0]["number"] == "SO-1001"
    assert truth["orders"][0]["paymentState"] == "PAID"
    assert truth["orders"][0]["inSync"] is True


def test_credentials_name_every_account(http: httpx.Client, server: Server) -> None:
    credentials = http.get("/_sandbox/credentials").json()
    assert list(credentials) == ["paper", "stripe_eu", "stripe_us"]
    assert credentials["stripe_eu"]["key"].startswith("sk_test_")
    assert credentials["stripe_eu"]["key"] != credentials["stripe_us"]["key"]
    assert credentials["stripe_us"]["base_url"] == f"{server.origin}/stripe"


def test_calls_are_logged_as_the_vendor_sees_them(
    http: httpx.Client, bearer: dict[str, str]
) -> None:
    http.get(CHARGES, params={"limit": "3", "expand[]": "data.customer"}, headers=bearer)
    http.get(CHARGES)
    http.get("/paper/anything")
    log = http.get("/_sandbox/calls").json()
    assert log["count"] == 3
    assert log["calls"][0] == {
        "vendor": "stripe",
        "account": "stripe_eu",
        "method": "GET",
        "path": "/v1/charges",
        "query": "limit=3&expand[]=data.customer",
        "status": 200,
        "at": "2026-11-01T00:00:00+00:00",
    }
    assert [(c["account"], c["status"]) for c in log["calls"][1:]] == [(None, 401), (None, 200)]


def test_what_was_sent_is_shown_where_it_is_asked_for(
    http: httpx.Client, bearer: dict[str, str]
) -> None:
    http.post("/stripe/v1/refunds", data={"charge": "ch_1", "reason": "值"}, headers=bearer)
    log = http.get("/_sandbox/calls", params={"bodies": ""}).json()
    assert [call["body"] for call in log["calls"]] == ["charge=ch_1&reason=%E5%80%BC"]
    assert "body" not in http.get("/_sandbox/calls").json()["calls"][0]


def test_calls_of_one_vendor(http: httpx.Client) -> None:
    http.get(CHARGES)
    http.get("/paper/anything")
    log = http.get("/_sandbox/calls", params={"vendor": "paper"}).json()
    assert [(c["vendor"], c["path"]) for c in log["calls"]] == [("paper", "/anything")]
    assert http.delete("/_sandbox/calls").status_code == 204
    assert http.get("/_sandbox/calls").json() == {"count": 0, "calls": []}


def test_a_fault_says_one_odd_value(http: httpx.Client, bearer: dict[str, str]) -> None:
    clean = http.get(CHARGES, headers=bearer).json()["data"]
    currency = clean[1]["currency"]
    odd = {"pointer": "/data/1/currency", "value": json.dumps(currency), "put": "null"}
    put(http, kind="odd", times=1, **odd)
    told = [
        http.get(CHARGES, params={"limit": limit}, headers=bearer).json()["data"]
        for limit in (1, 2, 2)
    ]
    assert told == [clean[:1], [clean[0], {**clean[1], "currency": None}], clean[:2]]
    said = http.get("/_sandbox/answers").json()
    assert [(one["path"], one["odd"]) for one in said] == [
        ("/v1/charges", False),
        ("/v1/charges", True),
    ]
    assert json.loads(said[1]["text"])["data"] == clean[:2]


def test_an_odd_value_waits_for_the_value_that_it_replaces(
    http: httpx.Client, bearer: dict[str, str]
) -> None:
    clean = http.get(CHARGES, headers=bearer).json()
    put(http, kind="odd", pointer="/data/1/currency", value='"zzz"', put="null", times=1)
    assert http.get(CHARGES, headers=bearer).json() == clean
    assert len(http.get("/_sandbox/faults").json()["faults"]) == 1


def test_an_odd_value_for_a_place_that_is_not_there_changes_nothing(
    http: httpx.Client, bearer: dict[str, str]
) -> None:
    clean = http.get(CHARGES, headers=bearer).json()
    put(http, kind="odd", pointer="/data/1/nothing", put="null")
    assert http.get(CHARGES, headers=bearer).json() == clean
    assert [said["odd"] for said in http.get("/_sandbox/answers").json()] == [False]


def test_a_set_of_faults_is_shown_and_cleared(http: httpx.Client) -> None:
    shown = put(http, kind="status", status=503, times=2).json()
    assert shown == {"faults": [{"vendor": "stripe", "kind": "status", "status": 503, "times": 2}]}
    assert http.get("/_sandbox/faults").json() == shown
    assert http.delete("/_sandbox/faults").status_code == 204
    assert http.get("/_sandbox/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        ({"kind": "explode"}, "$.faults[0].kind"),
        ({"kind": "drop", "colour": "red"}, "colour"),
        ({"kind": "status", "status": 200}, "$.faults[0].status"),
        ({"kind": "latency", "latency_ms": -1}, "$.faults[0].latency_ms"),
        ({"kind": "drop", "times": 0}, "$.faults[0].times"),
        ({"kind": "drop", "probability": 1.5}, "$.faults[0].probability"),
        ({"kind": "drop", "vendor": "acme"}, "acme"),
        ({"kind": "drop", "account": "stripe_mars"}, "stripe_mars"),
        ({}, "kind"),
    ],
)
def test_a_wrong_fault_is_named(http: httpx.Client, fault: dict[str, Any], names: str) -> None:
    put(http, kind="html")
    answer = put(http, **fault)
    assert answer.status_code == 422
    assert names in answer.json()["error"]
    assert http.get("/_sandbox/faults").json()["faults"][0]["kind"] == "html"


def test_a_body_that_is_not_json(http: httpx.Client) -> None:
    answer = http.put("/_sandbox/faults", content=b"{")
    assert answer.status_code == 422


def test_latency_answers_normally(http: httpx.Client, bearer: dict[str, str]) -> None:
    put(http, kind="latency", latency_ms=1)
    assert http.get(CHARGES, headers=bearer).json()["object"] == "list"


def test_status_has_the_vendor_s_own_body(http: httpx.Client, bearer: dict[str, str]) -> None:
    put(http, kind="status", status=503)
    answer = http.get(CHARGES, headers=bearer)
    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "api_error"


def test_status_of_a_vendor_without_error_bodies(http: httpx.Client) -> None:
    put(http, vendor="paper", kind="status", status=502)
    answer = http.get("/paper/anything")
    assert (answer.status_code, answer.text) == (502, "error 502\n")


def test_rate_limit_has_a_reason_and_no_retry_after(
    http: httpx.Client, bearer: dict[str, str]
) -> None:
    put(http, kind="rate_limit")
    answer = http.get(CHARGES, headers=bearer)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limit"
    assert answer.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert "Retry-After" not in answer.headers


def test_drop_closes_without_an_answer(http: httpx.Client, bearer: dict[str, str]) -> None:
    put(http, kind="drop", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.get(CHARGES, headers=bearer)
    assert http.get(CHARGES, headers=bearer).status_code == 200
    statuses = [call["status"] for call in http.get("/_sandbox/calls").json()["calls"]]
    assert sorted(statuses, key=str) == [200, None]


def test_cut_breaks_off_half_way(http: httpx.Client, bearer: dict[str, str]) -> None:
    put(http, kind="cut", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        http.get(CHARGES, headers=bearer)
    assert http.get(CHARGES, headers=bearer).status_code == 200


def test_bad_json_is_complete_http(http: httpx.Client, bearer: dict[str, str]) -> None:
    put(http, kind="bad_json")
    answer = http.get(CHARGES, headers=bearer)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


def test_html_is_a_page(http: httpx.Client, bearer: dict[str, str]) -> None:
    put(http, kind="html")
    answer = http.get(CHARGES, headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")


def test_duplicate_repeats_the_first_row(http: httpx.Client, bearer: dict[str, str]) -> None:
    ids = [row["id"] for row in http.get(CHARGES, headers=bearer).json()["data"]]
    put(http, kind="duplicate")
    again = [row["id"] for row in http.get(CHARGES, headers=bearer).json()["data"]]
    assert again == [ids[0], *ids]


def test_times_count_down(http: httpx.Client, bearer: dict[str, str]) -> None:
    put(http, kind="status", status=500, times=2)
    statuses = [http.get(CHARGES, headers=bearer).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]


@pytest.mark.parametrize(
    "where",
    [
        {"account": "stripe_us"},
        {"path": "/v1/refunds"},
        {"method": "POST"},
        {"vendor": "paper"},
        {"probability": 0},
    ],
)
def test_a_fault_aimed_elsewhere(
    http: httpx.Client, bearer: dict[str, str], where: dict[str, Any]
) -> None:
    put(http, kind="status", **where)
    assert http.get(CHARGES, headers=bearer).status_code == 200


@pytest.mark.parametrize(
    "where", [{"account": "stripe_eu"}, {"path": "/v1/ch"}, {"method": "get"}, {"probability": 1}]
)
def test_a_fault_that_hits(
    http: httpx.Client, bearer: dict[str, str], where: dict[str, Any]
) -> None:
    put(http, kind="status", **where)
    assert http.get(CHARGES, headers=bearer).status_code == 500
