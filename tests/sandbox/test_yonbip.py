"""The simulated YonBIP: what it refuses, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.yonbip.simulator import DETAIL, LIST, TOKEN
from tests.connectors.yonbip_sandbox import YonbipSandbox, running
from tests.sandbox.conftest import HandClock

PAGE = {"pageIndex": 1, "pageSize": 5, "isSum": True}


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="module")
def sandbox(clock: HandClock) -> Iterator[YonbipSandbox]:
    yield from running(clock)


def granted(sandbox: YonbipSandbox, at: datetime, **changes: str) -> dict[str, Any]:
    app = sandbox.simulator.app
    given = {"appKey": app.key, "timestamp": str(int(at.timestamp() * 1000))}
    signed = {**given, "signature": app.sign(given), **changes}
    answer: dict[str, Any] = ask(sandbox, "GET", TOKEN, signed).json()
    return answer


def ask(
    sandbox: YonbipSandbox, method: str, path: str, query: dict[str, str], body: Any = None
) -> httpx.Response:
    url = f"{sandbox.origin}/yonbip{path}"
    return httpx.request(method, url, params=query, json=body)


@pytest.fixture
def token(sandbox: YonbipSandbox, clock: HandClock) -> dict[str, str]:
    return {"access_token": granted(sandbox, clock.now)["data"]["access_token"]}


def test_a_token_takes_a_good_signature_of_now(sandbox: YonbipSandbox, clock: HandClock) -> None:
    assert granted(sandbox, clock.now)["code"] == "00000"
    assert granted(sandbox, clock.now, signature="x")["code"] == "50000"
    assert granted(sandbox, clock.now, appKey="x")["code"] == "10018"
    assert granted(sandbox, datetime(2020, 1, 1, tzinfo=UTC))["code"] == "50000"


def test_the_path_is_looked_at_before_the_token(sandbox: YonbipSandbox) -> None:
    nowhere = ask(sandbox, "GET", "/iuap-api-gateway/yonbip/nothing", {})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "310404")
    assert ask(sandbox, "GET", LIST, {}).json()["code"] == "310405"
    assert ask(sandbox, "POST", LIST, {}).json()["code"] == "310001"
    refused = ask(sandbox, "POST", LIST, {"access_token": "x"})
    assert (refused.status_code, refused.json()["code"]) == (200, "310036")


def test_a_token_ends_after_two_hours(
    sandbox: YonbipSandbox, clock: HandClock, token: dict[str, str]
) -> None:
    assert ask(sandbox, "POST", LIST, token, PAGE).json()["code"] == "200"
    clock.forward(7200)
    assert ask(sandbox, "POST", LIST, token, PAGE).json()["code"] == "310036"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"pageIndex": 1}, "310008"),
        ({"pageIndex": "1", "pageSize": 5}, "310023"),
        ({"pageIndex": 1, "pageSize": 501}, "310015"),
        ([], "310002"),
        ({**PAGE, "simpleVOs": [{"field": "code", "op": "in", "value1": "1"}]}, 999),
        ({**PAGE, "simpleVOs": [{"field": "nothing", "op": "eq", "value1": "1"}]}, 999),
        ({**PAGE, "open_vouchdate_begin": "2026-03-01"}, 999),
    ],
)
def test_a_list_is_asked_for_exactly(
    sandbox: YonbipSandbox, token: dict[str, str], body: Any, code: str | int
) -> None:
    assert ask(sandbox, "POST", LIST, token, body).json()["code"] == code


def test_a_page_tells_how_many_there_are(sandbox: YonbipSandbox, token: dict[str, str]) -> None:
    data = ask(sandbox, "POST", LIST, token, PAGE).json()["data"]
    count = len(sandbox.orders())
    assert (data["recordCount"], data["pageCount"]) == (count, -(-count // 5))
    assert len(data["recordList"]) == 5


def test_a_careless_list_leaves_out_every_condition(
    sandbox: YonbipSandbox, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.simulator, "careless", True)
    asked = {**PAGE, "simpleVOs": [{"field": "code", "op": "eq", "value1": "none"}]}
    data = ask(sandbox, "POST", LIST, token, asked).json()["data"]
    assert data["recordCount"] == len(sandbox.orders())


def test_a_stretch_of_time_includes_both_ends(
    sandbox: YonbipSandbox, token: dict[str, str]
) -> None:
    first = ask(sandbox, "POST", LIST, token, PAGE).json()["data"]["recordList"][0]
    day = first["vouchdate"]
    body = {**PAGE, "open_vouchdate_begin": day, "open_vouchdate_end": day}
    rows = ask(sandbox, "POST", LIST, token, body).json()["data"]["recordList"]
    assert first["id"] in {row["id"] for row in rows}
    assert {row["vouchdate"] for row in rows} == {day}


def test_a_detail_has_its_lines_and_an_unknown_one_a_text_of_its_own(
    sandbox: YonbipSandbox, token: dict[str, str]
) -> None:
    order = next(order for order in sandbox.orders() if order.lines)
    found = ask(sandbox, "GET", DETAIL, {**token, "id": order.native_id}).json()["data"]
    assert len(found["orderDetails"]) == len(order.lines)
    assert found["orderPrices!currency"] == order.currency
    unknown = ask(sandbox, "GET", DETAIL, {**token, "id": "1"}).json()
    assert unknown == {"code": "999", "message": "未获取到当前订单商品信息"}
