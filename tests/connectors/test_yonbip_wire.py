"""YonBIP's own payloads: signatures, verdicts, and answers as the platform writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import msgspec
import pytest

from connectors.conformance import connected
from connectors.errors import (
    Malformed,
    Misconfigured,
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.records import Kind
from connectors.secret import Secret
from connectors.transport import Limits, Response
from connectors.yonbip import VENDOR, normalise
from connectors.yonbip.errors import MinuteUsedUp, judge_for, login_judge
from connectors.yonbip.settings import YonbipSettings
from connectors.yonbip.signing import signature
from tests.connectors.local_server import LocalServer, Reply, in_turn, reply

pytestmark = pytest.mark.anyio
VECTORS = msgspec.json.decode((Path(__file__).parents[1] / "vectors" / "yonbip.json").read_bytes())[
    "vectors"
]
TOKEN = reply(
    body=b'{"code":"00000","message":"","data":{"access_token":"b8743244c5b44b8f","expire":7200}}'
)
LIST = """
{"code":200,"message":"操作成功","data":{"pageIndex":1,"pageSize":500,"recordCount":1,"pageCount":"1",
"recordList":[{"id":1446326816231680123,"code":"UO-164820210917000001",
"vouchdate":"2026-03-01 00:00:00","agentId":"2446326816231680","statusCode":"CONFIRMORDER",
"verifystate":2,"oriSum":1130.10,"orderPrices":{"currency":"CNY","exchRate":1}}]}}
"""
DETAIL = """
{"code":"200","message":"操作成功","data":{"id":"1446326816231680123","code":"UO-164820210917000001",
"vouchdate":"2026-03-01 00:00:00","statusCode":"ENDORDER","verifystate":2,"payMoney":1130.1,
"orderPrices!currency":"CNY","orderDetails":[{"productCode":"P1","productName":"茶","qty":0.3,
"oriTaxUnitPrice":113,"oriSum":33.9,"orderProductType":"GIFT"}]}}
"""


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["appKey"])
def test_requests_are_signed_as_published(vector: dict[str, str]) -> None:
    given = {"timestamp": vector["timestamp"], "appKey": vector["appKey"]}
    made = signature(given, Secret(vector["appSecret"]))
    assert "".join(name + given[name] for name in sorted(given)) == vector["string_to_sign"]
    assert made == vector["signature_base64"]
    assert quote_plus(made) == vector["signature_in_url"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, '{"code":"310001","message":"access_token不能为空。"}', Unauthorized),
        (200, '{"code":"310036","message":"非法token"}', Unauthorized),
        (200, '{"code":310036}', Unauthorized),
        (200, '{"code":"310006"}', Unauthorized),
        (200, '{"code":"310037","message":"API未被授权"}', Misconfigured),
        (200, '{"code":"310038"}', Misconfigured),
        (404, '{"code":"310404","message":"网关上没有注册此API"}', Misconfigured),
        (200, '{"code":"310032"}', RateLimited),
        (200, '{"code":"310046"}', MinuteUsedUp),
        (429, "", RateLimited),
        (200, '{"code":"310504","message":"请求超时"}', Retryable),
        (502, "<html>", Retryable),
        (200, '{"code":999,"message":"服务端逻辑异常"}', Rejected),
        (200, '{"code":"999","message":"未获取到当前订单商品信息"}', NotFound),
        (200, '{"code":0,"success":false,"message":"secret","data":null}', Rejected),
        (200, '{"code":"","message":""}', Rejected),
        (200, "<html>", Malformed),
        (200, "非法token", Malformed),
        (200, '{"message":"x"}', Malformed),
    ],
)
def test_verdicts(status: int, body: str, kind: type[SourceError]) -> None:
    found = judge_for("erp")(Response(status, {}, body.encode()))
    assert type(found) is kind
    assert "secret" not in f"{found}{found!r}"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"code":"10018","message":"应用不存在或appKey已停用"}', Unauthorized),
        ('{"code":"50000","message":"a signature is wrong"}', Unauthorized),
        ('{"code":"310032"}', RateLimited),
        ("<html>", Malformed),
    ],
)
def test_verdicts_on_a_login(body: str, kind: type[SourceError]) -> None:
    assert type(login_judge("erp")(Response(200, {}, body.encode()))) is kind


@pytest.mark.parametrize("body", ['{"code":"200"}', '{"code":200,"message":"ok"}'])
def test_a_success_is_a_text_or_a_number(body: str) -> None:
    assert judge_for("erp")(Response(200, {}, body.encode())) is None


def settings(origin: str, **changes: Any) -> YonbipSettings:
    return YonbipSettings(
        vendor="yonbip", app_key="k", app_secret=Secret("s"), base_url=origin, **changes
    )


async def test_the_list_and_the_detail_tell_one_order() -> None:
    answers = in_turn(TOKEN, reply(body=LIST.encode()), reply(body=DETAIL.encode()))
    async with (
        LocalServer(answers) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        number = "UO-164820210917000001"
        (listed,) = (await connector.orders_by_number([number]))[number]
        lines = await connector.order_lines(["1446326816231680123"])
    assert listed.native_id == "1446326816231680123"
    assert str(listed.total.amount) == "1130.10"
    assert listed.created_at.isoformat() == "2026-02-28T16:00:00+00:00"
    (line,) = lines["1446326816231680123"]
    assert (str(line.quantity), str(line.total.amount), line.sku) == ("0.3", "33.90", "P1")
    token, by_code, by_id = server.calls
    assert token.target.startswith("/iuap-api-auth/open-auth/selfAppAuth/base/v1/getAccessToken?")
    path = "/iuap-api-gateway/yonbip/sd/voucherorder"
    assert by_code.target == f"{path}/list?access_token=b8743244c5b44b8f"
    assert msgspec.json.decode(by_code.body) == {
        "pageIndex": 1,
        "pageSize": 500,
        "isSum": True,
        "queryOrders": [{"field": "id", "order": "asc"}],
        "simpleVOs": [{"field": "code", "op": "eq", "value1": number}],
    }
    assert by_id.target == f"{path}/detail?access_token=b8743244c5b44b8f&id=1446326816231680123"


async def test_a_currency_of_nobody_leaves_the_total_out() -> None:
    odd = LIST.replace('"currency":"CNY"', '"currency":"G001ZM0000DEFAULT"').encode()
    async with LocalServer(in_turn(TOKEN, reply(body=odd))) as server:
        number = "UO-164820210917000001"
        async with connected(VENDOR, settings(server.origin), Limits()) as connector:
            (unknown,) = (await connector.orders_by_number([number]))[number]
    async with LocalServer(in_turn(TOKEN, reply(body=odd))) as server:
        told = settings(server.origin, currencies={"G001ZM0000DEFAULT": "CNY"})
        async with connected(VENDOR, told, Limits()) as connector:
            (known,) = (await connector.orders_by_number([number]))[number]
    assert unknown.total is None
    assert "total" in unknown.misfits
    assert known.total.currency == "CNY"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"code":"200","data":{"recordList":[]}}', "data"),
        ('{"code":"200","data":{"recordCount":"many"}}', "how many rows"),
        ('{"code":"200","data":{"recordCount":1,"recordList":[{"code":"1"}]}}', "no id"),
        ('{"code":"200","data":null}', "data"),
    ],
)
async def test_a_list_that_is_none_is_malformed(body: str, told: str) -> None:
    async with (
        LocalServer(in_turn(TOKEN, reply(body=body.encode()))) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        with pytest.raises(Malformed) as found:
            await connector.orders_by_number(["1"])
    assert told in found.value.detail


async def test_an_empty_list_is_no_order() -> None:
    empty = b'{"code":"200","data":{"pageCount":0,"recordCount":0,"recordList":null}}'
    async with (
        LocalServer(in_turn(TOKEN, reply(body=empty))) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        assert await connector.orders_by_number(["1"]) == {}


def page(count: int, *ids: int, pages: int = 1) -> Reply:
    rows = [{"id": n, "code": "SO-1", "vouchdate": "2026-03-01 00:00:00"} for n in ids]
    data = {"recordCount": count, "pageCount": pages, "recordList": rows}
    return reply(body=msgspec.json.encode({"code": "200", "data": data}))


@pytest.mark.parametrize(
    ("pages", "found", "calls"),
    [
        ([page(3, 1, 2), page(3, 3)], 3, 2),
        ([page(3, 1), page(3, 2), page(3, 3)], 3, 3),
        ([page(2, 1, 2), page(2, 3)], 3, 2),
        ([page(0, 1, pages=400)], 1, 1),
        ([page(9, 1, pages=400), page(9)], 1, 2),
        ([page(2, 1, 2), page(2, 1, 2)], 2, 2),
        ([page(9, 1, 2), page(9, 1, 2)], Malformed, 2),
        ([page(9, n) for n in range(1, 9)], Malformed, 5),
    ],
    ids=[
        "its number of pages is too small",
        "its pages are smaller than was asked",
        "it counts too few",
        "its number of pages is too large",
        "it counts too many",
        "its last page comes again",
        "it knows one page only",
        "it does not end",
    ],
)
async def test_what_a_list_says_of_its_length_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, pages: list[Reply], found: Any, calls: int
) -> None:
    monkeypatch.setattr("connectors.yonbip.api.PAGE_SIZE", 2)
    monkeypatch.setattr("connectors.yonbip.api.MOST_PAGES", 5)
    async with (
        LocalServer(in_turn(TOKEN, *pages)) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        if isinstance(found, int):
            assert len((await connector.orders_by_number(["SO-1"]))["SO-1"]) == found
        else:
            with pytest.raises(found):
                await connector.orders_by_number(["SO-1"])
    assert len(server.calls) == 1 + calls


async def test_an_order_that_is_another_is_not_told() -> None:
    async with (
        LocalServer(in_turn(TOKEN, reply(body=DETAIL.encode()))) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        with pytest.raises(Malformed, match="about another order"):
            await connector.orders(["1446326816231680124"])


async def test_a_number_that_finds_another_fails_by_itself() -> None:
    """A database may compare more widely than we do: full-width letters, for instance."""

    async def answered(call: Any) -> Reply:
        if "getAccessToken" in call.target:
            return TOKEN
        value = msgspec.json.decode(call.body)["simpleVOs"][0]["value1"]
        return page(1, 1) if value in ("SO-1", "ＳＯ－１") else page(0)

    async with (
        LocalServer(answered) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        found = await connector.orders_by_number(["ＳＯ－１", "SO-1", "SO-2"])
    assert isinstance(found["ＳＯ－１"], Malformed)
    assert [order.native_id for order in found["SO-1"]] == ["1"]
    assert "SO-2" not in found


def test_ids_are_digits() -> None:
    assert normalise(Kind.ORDER, "1446326816231680123") == "1446326816231680123"
    odd = ("", "1 or 1", "-1", "١", "9" * 30)
    assert [normalise(Kind.ORDER, text) for text in odd] == [None] * 5
