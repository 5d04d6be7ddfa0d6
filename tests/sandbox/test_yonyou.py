"""The simulated U8 OpenAPI, as strict as the real one is said to be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.connectors.yonyou_sandbox import HandClock, YonyouSandbox, running


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="module")
def sandbox(clock: HandClock) -> Iterator[YonyouSandbox]:
    yield from running(clock=clock)


def test_a_token_lives_two_hours(sandbox: YonyouSandbox, clock: HandClock) -> None:
    own = sandbox.credentials
    login = {name: own[name] for name in ("from_account", "app_key", "app_secret")}
    answer = httpx.get(f"{own['base_url']}/system/token", params=login).json()
    assert answer["errcode"] == "0"
    assert (len(answer["token"]["id"]), answer["token"]["expiresIn"]) == (32, 7200)
    whom = {name: own[name] for name in ("from_account", "to_account", "app_key")}
    asked = {**whom, "ds_sequence": "1", "token": answer["token"]["id"]}

    def ask() -> str:
        url = f"{own['base_url']}/api/customer/batch_get"
        return str(httpx.get(url, params=asked).json()["errcode"])

    assert ask() == "0"
    clock.now += timedelta(seconds=7200)
    assert ask() == "20003"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"token": "0" * 32}, "20003"),
        ({"to_account": "stranger"}, "20005"),
        ({"app_key": "opa0"}, "20001"),
        ({"ds_sequence": "2"}, "20006"),
        ({"page_index": "0"}, "30001"),
        ({"page_index": "two"}, "30001"),
        ({"rows_per_page": "9000"}, "30001"),
        ({"date_begin": "2026/08/01"}, "30001"),
    ],
)
def test_failures_are_http_200_with_a_code_as_text(
    sandbox: YonyouSandbox, wrong: dict[str, str], code: str
) -> None:
    answer = sandbox.read("/api/saleorderlist/batch_get", **wrong)
    assert set(answer) == {"errcode", "errmsg"}
    assert answer["errcode"] == code


def test_a_list_holds_heads_and_its_numbers_as_text(sandbox: YonyouSandbox) -> None:
    answer = sandbox.read("/api/saleorderlist/batch_get")
    assert (answer["row_count"], answer["page_count"], answer["rows_per_page"]) == (
        "150",
        "8",
        "20",
    )
    assert len(answer["saleorderlist"]) == 20
    assert not [row for row in answer["saleorderlist"] if "entry" in row]
    last = sandbox.read("/api/saleorderlist/batch_get", page_index="8")
    assert len(last["saleorderlist"]) == 10


def test_a_document_has_its_lines(sandbox: YonyouSandbox) -> None:
    truth = sandbox.orders()[0]
    order = sandbox.read("/api/saleorder/get", id=truth.native_id)["saleorder"]
    assert [line["inventoryname"] for line in order["entry"]] == [
        line.name or "" for line in truth.lines
    ]
    assert sandbox.read("/api/saleorder/get", id="none")["errcode"] == "60001"
    assert sandbox.read("/api/saleorder/edit", id="none")["errcode"] == "20011"


@pytest.mark.parametrize(
    ("table", "narrow", "count"),
    [
        ("customer", {"code_begin": "00000003", "code_end": "00000007"}, 5),
        ("saleorderlist", {"date_begin": "2026-09-01", "date_end": "2026-08-01"}, 0),
        ("saleorderlist", {"state": "Locked"}, 1),
        ("acceptlist", {"vouchtype": "50"}, 0),
    ],
)
def test_lists_are_narrowed_by_their_parameters(
    sandbox: YonyouSandbox, table: str, narrow: dict[str, str], count: int
) -> None:
    found = sandbox.read(f"/api/{table}/batch_get", **narrow)
    assert int(found["row_count"]) >= count
    assert bool(int(found["row_count"])) is bool(count)


def test_receipts_add_up_to_what_the_state_says(sandbox: YonyouSandbox) -> None:
    paid = next(one for one in sandbox.orders() if one.recorded_state == "PAID")
    query = {"digest": paid.number, "vouchtype": "48", "rows_per_page": "500"}
    rows = sandbox.read("/api/acceptlist/batch_get", **query)["acceptlist"]
    own = [row for row in rows if row["define10"] == paid.number]
    assert len(own) == 2
    assert {row["customercode"] for row in own} == {
        sandbox.row("saleorderlist", paid.number)["custcode"]
    }


def test_calls_are_counted_where_limits_are_on() -> None:
    for busy in running(rate_limits=True, clock=HandClock(), orders=60):
        codes = [busy.read("/api/customer/batch_get")["errcode"] for _ in range(51)]
        assert codes == ["0"] * 50 + ["40001"]
