"""U8 OpenAPI's answers, as it writes them: verdicts, tokens, pages and documents."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

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
from connectors.records import Kind, OrderState
from connectors.secret import Secret
from connectors.transport import Response
from connectors.yonyou import VENDOR
from connectors.yonyou.errors import NoRows, judge_for
from connectors.yonyou.resources import normalise
from connectors.yonyou.settings import YonyouSettings
from tests.connectors.local_server import Call, LocalServer, Reply, reply

pytestmark = pytest.mark.anyio
TOKEN = {"errcode": "0", "errmsg": "", "token": {"appKey": "opa1", "expiresIn": 7200, "id": "ab12"}}


def settings(**changes: Any) -> YonyouSettings:
    own: dict[str, Any] = {
        "vendor": "yonyou",
        "from_account": "dev",
        "to_account": "company",
        "app_key": Secret("opa1"),
        "app_secret": Secret("s3cret"),
    }
    return YonyouSettings(**{**own, **changes})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("token无效", Unauthorized),
        ("Token已过期，请重新获取", Unauthorized),
        ("app_secret不正确", Unauthorized),
        ("今日调用次数已达上限", RateLimited),
        ("token调用次数已达上限", RateLimited),
        ("获取token过于频繁", RateLimited),
        ("今日访问token权限失效", Unauthorized),
        ("账套不存在", Misconfigured),
        ("该应用不存在", Misconfigured),
        ("没有数据权限", Misconfigured),
        ("接口权限不存在", Misconfigured),
        ("参数digest不存在", Misconfigured),
        ("账套[002]不存在", Misconfigured),
        ("接口调用过于频繁", RateLimited),
        ("用友开放平台客户端离线", Retryable),
        ("请求U8服务器超时", Retryable),
        ("未授权调用该接口", Misconfigured),
        ("接口不存在", Misconfigured),
        ("数据源序号错误", Misconfigured),
        ("单据不存在", NotFound),
        ("没有找到对应的客户", NotFound),
        ("存货编码不能为空", Rejected),
        ("", Rejected),
    ],
)
def test_a_failure_is_known_by_its_text_and_tells_none_of_it(
    text: str, kind: type[SourceError]
) -> None:
    body = msgspec.json.encode({"errcode": "-1", "errmsg": f"{text} 客户:13800138000"})
    error = judge_for("u8", {})(Response(200, {}, body))
    assert isinstance(error, kind)
    assert error.code == "-1"
    assert not text or text not in str(error)
    assert "13800138000" not in str(error)


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("没有数据", True),
        ("无数据！", True),
        ("暂无数据", True),
        ("查询结果无数据", True),
        ("没有符合条件的记录。", True),
        ("No data found", True),
        ("没有数据权限", False),
        ("查无此账套", False),
        ("单据不存在", False),
        ("账套不存在，没有数据", False),
    ],
)
def test_a_list_is_empty_only_where_the_whole_text_says_so(text: str, empty: bool) -> None:
    body = msgspec.json.encode({"errcode": "7", "errmsg": text})
    assert (type(judge_for("u8", {})(Response(200, {}, body))) is NoRows) is empty


def test_a_code_that_the_settings_name_comes_first() -> None:
    body = msgspec.json.encode({"errcode": 20210, "errmsg": "token错误"})
    assert isinstance(judge_for("u8", {})(Response(200, {}, body)), Unauthorized)
    assert isinstance(judge_for("u8", {"20210": "rate"})(Response(200, {}, body)), RateLimited)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>login</html>", Malformed),
        (200, b"", Malformed),
        (200, b"[]", Malformed),
        (200, b'{"saleorder": {}}', Malformed),
        (200, b'{"errcode": ["0"]}', Malformed),
        (404, b"<html>", Malformed),
        (401, b"", Unauthorized),
        (429, b"", RateLimited),
        (400, b"", Rejected),
        (502, b"<html>Bad Gateway</html>", Retryable),
    ],
)
def test_what_is_no_answer_of_u8_is_told_by_its_status(
    status: int, body: bytes, kind: type[SourceError]
) -> None:
    assert type(judge_for("u8", {})(Response(status, {}, body))) is kind


@pytest.mark.parametrize("code", ['"0"', "0"])
def test_success_is_the_code_nought(code: str) -> None:
    body = f'{{"errcode": {code}, "errmsg": ""}}'.encode()
    assert judge_for("u8", {})(Response(200, {}, body)) is None


def serving(answers: Mapping[str, bytes]) -> LocalServer:
    """Answers by the action in the path; anything else has no such document."""

    async def answer(call: Call) -> Reply:
        path = call.target.partition("?")[0]
        absent = '{"errcode":"1","errmsg":"单据不存在"}'.encode()
        body = msgspec.json.encode(TOKEN) if path == "/system/token" else answers.get(path, absent)
        return reply(200, body, content_type="application/json;charset=UTF-8")

    return LocalServer(answer)


ORDER = """{"errcode":"0","errmsg":"","saleorder":{"code":"XS2026080001","date":"2026-08-01",
 "state":"Approved","custcode":"0101","cusname":"上海晨光","taxrate":"13.000000","closer":"",
 "define10":"  ","entry":[
  {"rowno":"1","inventorycode":"A-01","inventoryname":"显示器","quantity":"2.00",
   "taxunitprice":"565.000000","sum":1130.00,"natsum":8814.00,"autoid":9007199254740993},
  {"rowno":"2","inventorycode":"A-02","inventoryname":"键盘","quantity":1,"taxunitprice":"",
   "sum":"0.10","natsum":"0.78"}]}}"""


async def test_an_order_with_the_presets_alone() -> None:
    async with (
        serving({"/api/saleorder/get": ORDER.encode()}) as server,
        connected(VENDOR, settings(base_url=server.origin)) as connector,
    ):
        order = (await connector.orders(["XS2026080001"]))["XS2026080001"]
        lines = (await connector.order_lines(["XS2026080001"]))["XS2026080001"]
    assert (order.number, order.customer_id) == ("XS2026080001", "0101")
    # In the currency of the books, whatever the order's own is: nothing tells that.
    assert (order.total.minor_units, order.total.currency) == (881_478, "CNY")
    assert order.created_at.isoformat() == "2026-07-31T16:00:00+00:00"
    # Approved, and no receipts are mapped: nothing is known of its money.
    assert order.recorded_state is OrderState.UNKNOWN
    assert order.misfits is None
    assert [(line.sku, line.quantity, line.total.minor_units) for line in lines] == [
        ("A-01", Decimal("2.00"), 881_400),
        ("A-02", Decimal(1), 78),
    ]
    assert [line.unit_price for line in lines] == [None, None]


async def test_who_calls_whom_stands_in_the_query_string_and_nowhere_else() -> None:
    async with (
        serving({"/api/saleorder/get": ORDER.encode()}) as server,
        connected(VENDOR, settings(base_url=server.origin)) as connector,
    ):
        await connector.order_lines(["XS&id=1"])
        await connector.order_lines(["XS 1", "XS2026080001"])
    assert [call.target for call in server.calls] == [
        "/system/token?from_account=dev&app_key=opa1&app_secret=s3cret",
        "/api/saleorder/get?app_key=opa1&token=ab12&from_account=dev&to_account=company"
        "&ds_sequence=1&id=XS2026080001",
    ]
    assert not [call for call in server.calls if "ab12" in str(call.headers)]


async def test_a_token_that_is_never_accepted_ends_the_logins() -> None:
    refused = '{"errcode":"3","errmsg":"token无效"}'.encode()
    async with (
        serving({"/api/saleorder/get": refused}) as server,
        connected(VENDOR, settings(base_url=server.origin)) as connector,
    ):
        for _ in range(5):
            with pytest.raises(Unauthorized):
                await connector.order_lines(["XS2026080001", "XS2026080002"])
    paths = [call.target.partition("?")[0] for call in server.calls]
    assert paths.count("/system/token") == 2


@pytest.mark.parametrize(
    "answer",
    [
        b'{"errcode":"0","errmsg":"","row_count":"3","customers":[]}',
        b'{"errcode":"0","errmsg":"","customer":"none"}',
        b'{"errcode":"0","errmsg":"","customer":[1]}',
    ],
)
async def test_an_answer_without_its_list_is_no_empty_list(answer: bytes) -> None:
    async with (
        serving({"/api/customer/batch_get": answer}) as server,
        connected(VENDOR, settings(base_url=server.origin)) as connector,
    ):
        with pytest.raises(Malformed, match="customer: the answer does not hold its list"):
            await connector.customers(["0101", "0102"])


@pytest.mark.parametrize(
    "answer",
    [
        b'{"errcode":"0","errmsg":"","row_count":"0","customer":[]}',
        b'{"errcode":"0","errmsg":"","row_count":0}',
        b'{"errcode":"0","errmsg":"","customer":null}',
        '{"errcode":"7","errmsg":"没有数据"}'.encode(),
    ],
)
async def test_no_rows_are_told_in_several_ways(answer: bytes) -> None:
    async with (
        serving({"/api/customer/batch_get": answer}) as server,
        connected(VENDOR, settings(base_url=server.origin)) as connector,
    ):
        assert await connector.customers(["0101", "0102"]) == {}


async def test_one_page_that_comes_again_and_again_is_no_list() -> None:
    rows = b'{"errcode":"0","errmsg":"","row_count":"9","rows_per_page":"2","customer":[%s]}'
    page = rows % b'{"code":"0101"},{"code":"0102"}'
    async with (
        serving({"/api/customer/batch_get": page}) as server,
        connected(VENDOR, settings(base_url=server.origin)) as connector,
    ):
        with pytest.raises(Malformed, match="one page comes again and again"):
            await connector.customers([f"010{digit}" for digit in range(1, 10)])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"app_key": Secret("opa 1")}, "app_key: holds spaces"),
        ({"from_account": ""}, "from_account: holds spaces"),
        ({"zone": "Beijing"}, "zone: not an IANA time zone"),
        (
            {"receipts": ({"table": "acceptlist?token=1", "order": "digest", "amount": "amount"},)},
            r"receipts\[0\].table: 'acceptlist\?token=1' is not a list of U8 OpenAPI",
        ),
        (
            {"refunds": ({"table": "../system", "order": "digest"},)},
            r"refunds\[0\].table: '../system' is not a list of U8 OpenAPI",
        ),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    own = {"from_account": "dev", "to_account": "co", "app_key": Secret("k")}
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(
            {"vendor": "yonyou", "app_secret": Secret("s"), **own, **wrong}, YonyouSettings
        )


def test_settings_tell_no_secret() -> None:
    assert "opa1" not in repr(settings())
    assert "s3cret" not in repr(settings())


def test_codes_are_ids_as_they_are() -> None:
    assert normalise(Kind.ORDER, "XS2026080001") == "XS2026080001"
    assert normalise(Kind.CUSTOMER, "上海-01") == "上海-01"
    for strange in ("", "a b", "a&b", "x" * 31, "a'b", "a\n"):
        assert normalise(Kind.CUSTOMER, strange) is None
