"""What goes over the wire to Galaxy, and what each of its refusals becomes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from k3cloud_webapi_sdk.main import K3CloudApiSdk

from connectors.conformance import connected
from connectors.errors import (
    Malformed,
    Misconfigured,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.filters import CustomerFilter, OrderFilter
from connectors.kingdee import VENDOR, normalise
from connectors.kingdee.errors import judge_for
from connectors.kingdee.settings import KingdeeSettings
from connectors.kingdee.signing import client_of, login_sign, signature_headers
from connectors.metadata import ColumnType
from connectors.money import Money
from connectors.paging import PageQuery
from connectors.records import Kind
from connectors.secret import Secret
from connectors.transport import Response
from tests.connectors.kingdee_sandbox import GalaxyLab, lab_running
from tests.connectors.local_server import Call, LocalServer, Reply, reply

pytestmark = pytest.mark.anyio
SWIFT = msgspec.structs.replace(VENDOR.limits, rates={"calls": 10_000}, deadline=20.0)
VECTORS = json.loads((Path(__file__).parents[1] / "vectors/kingdee.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def lab() -> Iterator[GalaxyLab]:
    yield from lab_running()


@pytest.fixture(autouse=True)
def clean(lab: GalaxyLab) -> Iterator[None]:
    """As it was: every test may spoil rights, fields and sessions."""
    yield
    shelf, access = lab.galaxy.shelf, lab.galaxy.access
    for rights in (shelf.denied, shelf.deleted, shelf.dropped, shelf.hidden):
        rights.clear()
    access.uses, access.app.revoked, access.logins = None, False, 0


def opened(settings: KingdeeSettings) -> Any:
    return connected(VENDOR, settings, SWIFT, name="kingdee")


def plain(**values: Any) -> KingdeeSettings:
    own = {
        "base_url": "https://erp.example.com/k3cloud/",
        "acct_id": "5f0000000000a1",
        "username": "demo",
        "app_id": "204399_Q1lYQQpSTVgRG1FfXVZZTE9DXAATUhAS",
        "app_secret": VECTORS["app_secret"],
    }
    own |= values
    own["app_secret"] = Secret(own["app_secret"])
    return KingdeeSettings(vendor="kingdee", **own)


# --- proofs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["headers"], ids=lambda v: v["username"])
def test_headers_are_those_of_kingdees_own_sdk(
    vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = plain(**{n: vector[n] for n in ("acct_id", "username", "org_num", "base_url")})
    url = f"{vector['base_url'].rstrip('/')}/{vector['service']}.common.kdsvc"
    path = "/" + url.split("/", 3)[3]
    assert signature_headers(settings, path, vector["at"]) == vector["told"]

    clock = SimpleNamespace(time=lambda: float(vector["at"]))
    monkeypatch.setattr("k3cloud_webapi_sdk.core.webapi_client.time", clock)
    sdk = K3CloudApiSdk(vector["base_url"])
    sdk.InitConfig(
        settings.acct_id,
        settings.username,
        settings.app_id,
        VECTORS["app_secret"],
        vector["base_url"],
        org_num=settings.org_num,
    )
    by_sdk = sdk.BuildHeader(url)
    assert {name: by_sdk[name] for name in vector["told"]} == vector["told"]


@pytest.mark.parametrize("vector", VECTORS["signs"], ids=lambda v: v["username"])
def test_the_sign_of_a_login(vector: dict[str, Any]) -> None:
    names = ("acct_id", "username", "app_id", "app_secret")
    assert login_sign(plain(**{n: vector[n] for n in names}), vector["at"]) == vector["sign"]


def test_the_secret_of_a_client_is_masked_in_its_app_id() -> None:
    masked = "204399_Q1lYQQpSTVgRG1FfXVZZTE9DXAATUhAS"
    assert client_of(masked) == ("204399", "c2ltdWxhdG9yLWNsaWVudC1zZWNyZXQh")
    assert client_of("204399_short") == ("204399", "")
    assert client_of("204399_" + "!" * 32) == ("204399", "")
    assert client_of("204399") == client_of("a_b_c") == ("", "")


# --- literal bodies ------------------------------------------------------------------------------

SIGNED_IN = (
    b'{"Message":null,"MessageCode":null,"LoginResultType":1,"Context":{"UserName":"demo"},'
    b'"KDSVCSessionId":"e3b0c44298fc1c149afbf4c8996fb924","IsSuccessByAPI":true}'
)
CELLS = {
    "FID": "9007199254740993",
    "FBillNo": '"XSDD001"',
    "FCreateDate": '"2026-03-01T09:30:00.123"',
    "FModifyDate": '"2026-03-02T00:00:00"',
    "FDate": '"2026-03-01T00:00:00"',
    "FCustId": "0",
    "FCancelStatus": '"A"',
    "FDocumentStatus": '"C"',
    "FCloseStatus": '"B"',
    "FSettleCurrId.FNumber": '"PRE001"',
    "FBillAllAmount": "1130.0000000000",
    "F_TG_PAY": '" "',
}
MAPPED = {"orders": [{"payment_ids": {"stripe_eu": "F_TG_PAY"}}]}


def as_asked(data: dict[str, Any]) -> bytes:
    """The one row, its cells in the order of the fields that were asked for."""
    return f"[[{','.join(CELLS[name] for name in data['FieldKeys'].split(','))}]]".encode()


@pytest.mark.parametrize("auth", ["app_secret", "sign", "signature"])
async def test_bodies_are_positional_with_a_session_and_named_with_a_signature(auth: str) -> None:
    calls: list[Call] = []

    async def galaxy(call: Call) -> Reply:
        calls.append(call)
        if "AuthService" in call.target:
            cookie = "ASP.NET_SessionId=kx2b1; path=/; HttpOnly"
            return reply(200, SIGNED_IN, set_cookie=cookie)
        sent = json.loads(call.body)
        data = sent["data"] if auth == "signature" else json.loads(sent["parameters"][0])
        return reply(200, as_asked(data))

    async with LocalServer(galaxy) as server:
        settings = msgspec.convert(
            {
                "vendor": "kingdee",
                "auth": auth,
                "base_url": f"{server.origin}/k3cloud/",
                "acct_id": "5f0000000000a1",
                "username": "集成用户",
                "app_id": "204399_Q1lYQQpSTVgRG1FfXVZZTE9DXAATUhAS",
                "app_secret": "0123456789abcdef0123456789abcdef",
                **MAPPED,
            },
            KingdeeSettings,
            dec_hook=lambda kind, value: kind(value) if kind is Secret else value,
        )
        async with opened(settings) as connector:
            found = await connector.orders_by_number(["XSDD001", "O'Neill\\"])
    order = found["XSDD001"][0]
    assert set(found) == {"XSDD001"}
    assert order.native_id == "9007199254740993"
    assert order.total == Money(113_000, "CNY")
    assert order.created_at == datetime(2026, 3, 1, 1, 30, 0, 123_000, UTC)
    assert (order.customer_id, order.payment_ids) == (None, ())

    query = calls[-1]
    assert query.target == (
        "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc"
    )
    sent = json.loads(query.body)
    if auth == "signature":
        assert len(calls) == 1
        assert set(sent) == {"data"}
        assert query.headers["x-kd-appkey"] == settings.app_id
        assert "cookie" not in query.headers
        data = sent["data"]
    else:
        assert len(calls) == 2
        assert query.headers["kdservice-sessionid"] == "e3b0c44298fc1c149afbf4c8996fb924"
        assert query.headers["cookie"] == (
            "kdservice-sessionid=e3b0c44298fc1c149afbf4c8996fb924; ASP.NET_SessionId=kx2b1"
        )
        assert list(sent) == ["parameters"]
        data = json.loads(sent["parameters"][0])
        given = json.loads(calls[0].body)["parameters"]
        assert given[:3] == ["5f0000000000a1", "集成用户", settings.app_id]
        assert (len(given), given[-1]) == ({"app_secret": 5, "sign": 6}[auth], 2052)
    assert data["FilterString"] == "FBillNo in ('XSDD001','O''Neill\\')"
    assert data["OrderString"] == "FID ASC"
    assert (data["StartRow"], data["Limit"], data["TopRowCount"]) == (0, 2000, 0)


def envelope(code: int, message: str) -> bytes:
    errors = [{"FieldName": None, "Message": message, "DIndex": 0}]
    status = {"ErrorCode": 500, "IsSuccess": False, "Errors": errors, "MsgCode": code}
    return json.dumps({"Result": {"ResponseStatus": status}}, ensure_ascii=False).encode()


VERDICTS: list[tuple[int, bytes, type[SourceError] | None]] = [
    (200, b"[]", None),
    (200, b'[[100241,"XSDD001"]]', None),
    (200, b'[["{", null]]', None),
    (200, b'{"Result":{"ResponseStatus":null,"Result":{"Id":100241}}}', None),
    (200, b'{"Result":{"ResponseStatus":{"IsSuccess":true,"Errors":[],"MsgCode":0}}}', None),
    (200, b"[[" + envelope(1, "会话信息已丢失，请重新登录") + b"]]", Unauthorized),
    (200, envelope(0, "会话信息已丢失，请重新登录"), Unauthorized),
    (200, b" [ [ " + envelope(9, "元数据中标识为FCustomerID的字段不存在") + b"]]", Misconfigured),
    (200, envelope(0, "业务对象不存在"), Misconfigured),
    (200, envelope(2, "您没有“销售订单”的“查看”权限"), Misconfigured),
    (200, envelope(3, "x"), Rejected),
    (200, envelope(4, "x"), Rejected),
    (200, envelope(5, "x"), Misconfigured),
    (200, envelope(6, "x"), Retryable),
    (200, envelope(7, "x"), Misconfigured),
    (200, envelope(8, "x"), Rejected),
    (200, envelope(11, "x"), Rejected),
    (200, envelope(13, "x"), Retryable),
    (200, envelope(14, "x"), RateLimited),
    (200, envelope(15, "x"), Unauthorized),
    (200, envelope(14, "x").replace(b"false", b'"false"'), RateLimited),
    (200, "response_error:会话信息已丢失，请重新登录".encode(), Unauthorized),
    (200, b"\xef\xbb\xbf" + envelope(14, "x\ty").replace(b"\\t", b"\t"), RateLimited),
    (200, "response_error:未知".encode(), Rejected),
    (500, "response_error:服务器内部错误".encode(), Retryable),
    (500, b"<html>Runtime Error</html>", Retryable),
    (404, b"<html>404</html>", Misconfigured),
    (429, b"", RateLimited),
    (401, b"", Unauthorized),
    (418, b"", Rejected),
    (519, b'{"errcode":4002,"description":"Unauthorized, APP_ID is empty[GW]"}', Unauthorized),
    (519, b'{"errcode":4006,"description":"Unauthorized, timestamp expired"}', Unauthorized),
    (519, b'{"errcode":5001,"description":"API not found[GW]"}', Misconfigured),
    (519, b"", Retryable),
]


@pytest.mark.parametrize(("status", "body", "verdict"), VERDICTS, ids=range(len(VERDICTS)))
def test_each_answer_has_its_verdict_and_no_text_of_the_server_is_kept(
    status: int, body: bytes, verdict: type[SourceError] | None
) -> None:
    error = judge_for("kingdee")(Response(status, {}, body))
    assert isinstance(error, SourceError) is (verdict is not None)
    if verdict is not None and error is not None:
        assert isinstance(error, verdict)
        told = f"{error} {error.args}"
        assert not [
            word for word in ("FCustomerID", "会话", "销售", "Unauthorized,") if word in told
        ]


@pytest.mark.parametrize(
    "body", [b"[[1],[", b'{"a":1}', b"[[1,2,3]]", b"<p>", b"", b'"x"', b"[[{}]]"]
)
async def test_what_is_no_table_of_rows_is_malformed(body: bytes) -> None:
    async def galaxy(call: Call) -> Reply:
        return reply(200, SIGNED_IN if "AuthService" in call.target else body)

    async with (
        LocalServer(galaxy) as server,
        opened(plain(base_url=f"{server.origin}/k3cloud/")) as connector,
    ):
        with pytest.raises(Malformed):
            await connector.orders(["1"])


# --- sessions and rights -------------------------------------------------------------------------


async def test_a_refused_app_is_told_once_and_not_hammered(lab: GalaxyLab) -> None:
    lab.galaxy.access.app.revoked = True
    async with opened(lab.settings()) as connector:
        for _ in range(3):
            calls = [connector.orders_by_number([f"SO-{n}"]) for n in range(5)]
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(error) for error in errors} == {Unauthorized}
    assert lab.galaxy.access.logins == 1
    async with opened(lab.settings(auth="signature")) as connector:
        with pytest.raises(Unauthorized):
            await connector.customers(["100001"])


@pytest.mark.parametrize("auth", ["app_secret", "sign"])
async def test_a_session_that_is_lost_between_two_pages_is_opened_anew(
    lab: GalaxyLab, auth: str
) -> None:
    ids = [o.native_id for o in lab.world.orders]
    lab.galaxy.access.uses = 2
    async with opened(lab.settings(auth=auth, page_size=25, receipts=[], refunds=[])) as connector:
        found = await connector.orders(ids)
    assert set(found) == set(ids)
    assert 3 <= lab.galaxy.access.logins <= 5


async def test_a_session_that_is_always_lost_is_opened_once_more_and_no_more(
    lab: GalaxyLab,
) -> None:
    lab.galaxy.access.uses = 0
    async with opened(lab.plain()) as connector:
        with pytest.raises(Unauthorized):
            await connector.customers(["100001"])
    assert lab.galaxy.access.logins == 2


async def test_a_session_that_stays_lost_does_not_cost_a_login_for_every_read(
    lab: GalaxyLab,
) -> None:
    lab.galaxy.access.uses = 0
    async with opened(lab.plain()) as connector:
        for _ in range(5):
            both = [connector.customers(["100001"]), connector.orders(["1"])]
            errors = await asyncio.gather(*both, return_exceptions=True)
            assert all(isinstance(error, Unauthorized) for error in errors)
    assert lab.galaxy.access.logins <= 2


@pytest.mark.parametrize(
    ("right", "told"),
    [
        ("denied", "the integration user may not read a form: AR_RECEIVEBILL"),
        ("deleted", "form AR_RECEIVEBILL does not exist"),
    ],
)
async def test_a_form_that_cannot_be_read_is_named(lab: GalaxyLab, right: str, told: str) -> None:
    """An order whose receipts cannot be read would lack payments without a word."""
    getattr(lab.galaxy.shelf, right).add("AR_RECEIVEBILL")
    async with opened(lab.settings()) as connector:
        assert (await connector.probe()).notes == (told,)
        with pytest.raises(Misconfigured) as caught:
            await connector.orders([lab.world.orders[0].native_id])
        assert caught.value.detail == told
        assert await connector.customers(["100001"])
        names = [table.name for table in await connector.describe(())]
    assert "AR_RECEIVEBILL" not in names
    assert "AR_REFUNDBILL" in names


async def test_a_field_that_is_gone_is_left_out_and_told(lab: GalaxyLab) -> None:
    lab.galaxy.shelf.dropped |= {
        ("BD_Customer", "F_TG_Email"),
        ("BD_Customer", "F_TG_Tier"),
        ("SAL_SaleOrder", "FCloseStatus"),
        ("SAL_SaleOrder", "FBillAllAmount"),
    }
    person = next(c for c in lab.world.customers if "kingdee" in c.sources)
    order = next(o for o in lab.world.orders if o.recorded_state == "PAID")
    upstream = lab.upstream()
    async with opened(lab.settings()) as connector:
        told = (await connector.customers([person.sources["kingdee"]]))[person.sources["kingdee"]]
        assert (told.name, told.email) == (person.name, None)
        assert set(told.misfits) == {"email", "tier"}
        await upstream.clear()
        await connector.customers([person.sources["kingdee"]])
        assert await upstream.calls() == 1
        found = (await connector.orders([order.native_id]))[order.native_id]
        assert (found.total, found.recorded_state.value) == (None, "UNKNOWN")
        assert (await connector.probe()).notes == (
            "form BD_Customer has no field F_TG_Email",
            "form BD_Customer has no field F_TG_Tier",
            "form SAL_SaleOrder has no field FBillAllAmount",
            "form SAL_SaleOrder has no field FCloseStatus",
        )
        lab.galaxy.shelf.dropped.clear()
        assert (await connector.probe()).notes == ()
        assert (await connector.orders([order.native_id]))[order.native_id].total is not None


async def test_a_field_that_is_searched_by_must_be_there(lab: GalaxyLab) -> None:
    lab.galaxy.shelf.dropped |= {
        ("SAL_SaleOrder", "F_TG_Pay_stripe_eu"),
        ("SAL_SaleOrder", "FCreateDate"),
    }
    async with opened(lab.settings()) as connector:
        with pytest.raises(Misconfigured, match="form SAL_SaleOrder has no field F_TG_Pay_stripe"):
            await connector.orders_by_payment_id("stripe_eu", ["pi_1"])
        with pytest.raises(Misconfigured, match="form SAL_SaleOrder has no field FCreateDate"):
            await connector.order_page(PageQuery(5, OrderFilter()))


async def test_a_property_that_base_data_lacks_is_one_column_less(lab: GalaxyLab) -> None:
    custom = {"city": "FCustId.F_TG_City", "customer": "FCustId.FNumber"}
    order = next(o for o in lab.world.orders if o.customer)
    async with opened(lab.settings(orders=[{"custom": custom}])) as connector:
        found = (await connector.orders([order.native_id]))[order.native_id]
        assert found.custom_fields["customer"] == order.customer
        assert found.customer_id is not None
        notes = (await connector.probe()).notes
    assert notes == ("form SAL_SaleOrder has no field FCustId.F_TG_City",)


async def test_a_field_without_permission_is_blank_and_never_a_success(lab: GalaxyLab) -> None:
    """Galaxy does not tell a field that may not be read from an empty one."""
    lab.galaxy.shelf.hidden |= {("SAL_SaleOrder", "FDocumentStatus")}
    orders = [o for o in lab.world.orders if o.recorded_state in ("PAID", "FULFILLED", "DRAFT")]
    async with opened(lab.settings()) as connector:
        found = await connector.orders([o.native_id for o in orders])
    assert {told.recorded_state.value for told in found.values()} == {"UNKNOWN"}


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("AR_RECEIVEBILL", "FDOCUMENTSTATUS"),
        ("AR_RECEIVEBILL", "FRECAMOUNTFOR"),
        ("AR_REFUNDBILL", "FDOCUMENTSTATUS"),
        ("AR_REFUNDBILL", "FREFUNDTOTALAMOUNTFOR"),
    ],
)
async def test_orders_whose_receipts_or_refunds_have_a_blank_field_are_errors(
    lab: GalaxyLab, form: str, field: str
) -> None:
    lab.galaxy.shelf.hidden |= {(form, field)}
    bills = lab.galaxy.shelf.form(form).bills
    # What says that it does not count need not say how much it is.
    blank = [bill for bill in bills if field == "FDOCUMENTSTATUS" or bill["FDOCUMENTSTATUS"] == "C"]
    booked = {bill["F_TG_OrderNo"] for bill in blank}
    orders = {o.native_id: o for o in lab.world.orders}
    async with opened(lab.settings()) as connector:
        found = await connector.orders(list(orders))
    broken = {orders[key].number for key, told in found.items() if isinstance(told, Malformed)}
    assert broken == booked
    assert broken
    for key, told in found.items():
        if orders[key].number not in booked:
            assert told.recorded_state.value == orders[key].recorded_state


async def test_a_field_of_lines_in_the_table_of_bills_is_a_mistake_of_the_mapping(
    lab: GalaxyLab,
) -> None:
    order = next(o for o in lab.world.orders if len(o.lines) > 1)
    async with opened(lab.plain(orders=[{"custom": {"quantity": "FSeq"}}])) as connector:
        with pytest.raises(Misconfigured, match=r"FSeq is a field of its lines.*SAL_SaleOrder\.E"):
            await connector.orders([order.native_id])


@pytest.mark.parametrize("page_size", [2, 3, 7, 2000])
async def test_lines_with_equal_cells_do_not_pass_for_one_bill(
    lab: GalaxyLab, page_size: int
) -> None:
    """The plan of an order is paid in two halves: one of them alone would be a wrong sum."""
    plan = {
        "table": "SAL_SaleOrder",
        "order": "FID",
        "order_is": "id",
        "amount": {"field": "FRecAmount", "currency_field": "FSettleCurrId.FNumber"},
    }
    orders = [
        o for o in lab.world.orders if o.recorded_state == "PAID" and o.total and o.total % 2 == 0
    ]
    assert orders
    told = "form SAL_SaleOrder: a field of the mapping is a field of its lines"
    async with opened(lab.plain(receipts=[plan], page_size=page_size)) as connector:
        for order in orders:
            with pytest.raises(Misconfigured, match=told):
                await connector.orders([order.native_id])
        with pytest.raises(Misconfigured, match="of its lines"):
            await connector.orders([o.native_id for o in lab.world.orders])


@pytest.mark.parametrize("page_size", [2, 3, 7, 2000])
@pytest.mark.parametrize("first", [1, 2, 5, 80])
async def test_no_page_of_orders_shows_a_line_for_a_bill(
    lab: GalaxyLab, page_size: int, first: int
) -> None:
    """Wherever the pages end: also between two equal lines of a bill."""
    kind = lab.galaxy.shelf.form("SAL_SaleOrder")
    kept = list(kind.bills)
    kind.bills[:] = [
        bill | {"FSaleOrderEntry": [line | {"FQty": 1} for line in bill["FSaleOrderEntry"]]}
        for bill in kept
    ]
    several = {str(bill["FID"]) for bill in kept if len(bill["FSaleOrderEntry"]) > 1}
    settings = lab.plain(orders=[{"custom": {"quantity": "FQty"}}], page_size=page_size)
    shown: list[str] = []

    async def every_page(connector: Any) -> None:
        query = PageQuery(first, OrderFilter())
        while (page := await connector.order_page(query)).rows:
            shown.extend(row.record.native_id for row in page.rows)
            query = PageQuery(first, OrderFilter(), page.rows[-1].after)

    try:
        async with opened(settings) as connector:
            with pytest.raises(Misconfigured, match="of its lines"):
                await every_page(connector)
    finally:
        kind.bills[:] = kept
    assert several
    assert several.isdisjoint(shown)


async def test_a_field_of_other_lines_is_refused_in_a_table_of_lines(lab: GalaxyLab) -> None:
    order = next(o for o in lab.world.orders if o.lines and o.total)
    lines = {"total": {"field": "FRecAdvanceAmount", "currency": "CNY"}}
    async with opened(lab.plain(orders=[{"lines": lines}])) as connector:
        with pytest.raises(Misconfigured, match=r"FSaleOrderEntry: .* is a field of other lines"):
            await connector.order_lines([order.native_id])


async def test_a_filter_of_the_wrong_type_is_told_as_what_it_may_be(lab: GalaxyLab) -> None:
    """Galaxy has one code for this and for a database that fails for the moment."""
    once = msgspec.structs.replace(SWIFT, attempts=1)
    settings = lab.plain(orders=[{"number": "FBillAllAmount"}])
    async with connected(VENDOR, settings, once, name="kingdee") as connector:
        with pytest.raises(Retryable, match="a filter of the wrong type, or a passing failure"):
            await connector.orders_by_number(["SO-1001"])


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 2, 7])
async def test_pages_that_end_within_a_bill_lose_no_line(lab: GalaxyLab, page_size: int) -> None:
    orders = lab.world.orders[:60]
    assert [o for o in orders if not o.lines]
    async with opened(lab.settings(page_size=page_size)) as connector:
        found = await connector.order_lines([o.native_id for o in orders])
    assert {key: len(lines) for key, lines in found.items()} == {
        o.native_id: len(o.lines) for o in orders if o.lines
    }


async def test_two_bills_with_one_number_are_two_orders(lab: GalaxyLab) -> None:
    order = lab.world.orders[0]
    bills = lab.galaxy.shelf.form("SAL_SaleOrder").bills
    twin = next(bill for bill in bills if bill["FBillNo"] == order.number) | {"FID": 999_999}
    bills.append(twin)
    try:
        async with opened(lab.settings()) as connector:
            found = (await connector.orders_by_number([order.number]))[order.number]
    finally:
        bills.remove(twin)
    assert {told.native_id for told in found} == {order.native_id, "999999"}


@pytest.mark.parametrize(
    "key",
    [
        "' or '1'='1",
        "x') or (FID > 0",
        "''",
        "\\'",
        "a\x00b",
        "';drop table T_SAL_ORDER;--",
        "{ts'2026-01-01'}",
        "%",
        "王'伟",
    ],
)
async def test_what_is_put_into_a_query_stays_a_text(lab: GalaxyLab, key: str) -> None:
    known = lab.world.orders[0].number
    async with opened(lab.settings()) as connector:
        assert set(await connector.orders_by_number([key, known])) == {known}
        query = PageQuery(5, CustomerFilter(names=(key,)))
        assert (await connector.customer_page(query)).rows == ()


async def test_internal_ids_are_digits_or_are_not_asked_for(lab: GalaxyLab) -> None:
    upstream = lab.upstream()
    async with opened(lab.settings()) as connector:
        await connector.probe()
        await upstream.clear()
        keys = ["0", "1) or (1=1", "SO-1001", "-1", "1.5", "٣", " 1", "9" * 19, "9" * 20]
        assert await connector.orders(keys) == {}
        assert await connector.customers(keys) == {}
        query = PageQuery(3, OrderFilter())
        assert await connector.orders_by_customer(["0", "' or ''='"], query) == {}
        assert await upstream.calls() == 0


async def test_names_of_customers_are_found_whatever_their_letters(lab: GalaxyLab) -> None:
    true = [c for c in lab.world.customers if "kingdee" in c.sources]
    strange = [c for c in true if "'" in c.name or not c.name.isascii()]
    assert len(strange) > 20
    async with opened(lab.settings()) as connector:
        for customer in strange[:8]:
            page = await connector.customer_page(
                PageQuery(50, CustomerFilter(names=(customer.name,)))
            )
            assert {row.record.native_id for row in page.rows} == {
                c.sources["kingdee"] for c in true if c.name == customer.name
            }


async def test_mails_are_searched_for_where_the_database_ignores_case(lab: GalaxyLab) -> None:
    person = next(c for c in lab.world.customers if c.email and "kingdee" in c.sources)
    query = PageQuery(5, CustomerFilter(emails=(str(person.email).upper(),)))
    upstream = lab.upstream()
    async with opened(lab.settings(ignores_case=True)) as connector:
        await connector.probe()
        await upstream.clear()
        rows = (await connector.customer_page(query)).rows
        assert [row.record.email for row in rows] == [person.email]
        assert await upstream.calls() == 1


async def test_times_have_the_zone_of_the_data_centre(lab: GalaxyLab) -> None:
    order = lab.world.orders[0]
    for zone, hours in (("Asia/Shanghai", 0), ("Etc/UTC", 8), ("Asia/Tokyo", -1)):
        async with opened(lab.settings(zone=zone)) as connector:
            found = (await connector.orders([order.native_id]))[order.native_id]
            assert found.created_at - order.placed_at == timedelta(hours=hours)


async def test_an_unaudited_receipt_does_not_count(lab: GalaxyLab) -> None:
    receipts = lab.galaxy.shelf.form("AR_RECEIVEBILL").bills
    open_ones = {bill["F_TG_OrderNo"] for bill in receipts if bill["FDOCUMENTSTATUS"] == "A"}
    assert open_ones
    async with opened(lab.settings()) as connector:
        found = await connector.orders_by_number(sorted(open_ones))
        states = {told[0].recorded_state.value for told in found.values()}
        assert states.isdisjoint({"PAID", "PARTIALLY_PAID", "FULFILLED"})
    everything = lab.settings().receipts[0]
    careless = msgspec.structs.replace(everything, counts_if="", words=())
    async with opened(msgspec.structs.replace(lab.settings(), receipts=(careless,))) as connector:
        found = await connector.orders_by_number(sorted(open_ones))
        assert "PAID" in {told[0].recorded_state.value for told in found.values()}


# --- settings and metadata -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"base_url": "https://erp.example.com"}, "base_url"),
        ({"username": "a,b"}, "username"),
        ({"app_id": ""}, "app_id"),
        ({"keys": {"BD_Customer": "F; x"}}, "keys"),
        ({"orders": [{"number": "FBillNo'"}]}, "FBillNo'"),
        ({"orders": [{"lines": {"path": "FSaleOrderEntry[]", "table": ""}}]}, "lines"),
        ({"receipts": [{"table": "AR RECEIVE", "order": "FX", "amount": "FY"}]}, "AR RECEIVE"),
        ({"zone": "Beijing"}, "zone"),
        ({"currencies": {"PRE002": "HKX"}}, "PRE002"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], told: str) -> None:
    values = {
        "vendor": "kingdee",
        "base_url": "https://erp.example.com/k3cloud/",
        "acct_id": "5f",
        "username": "demo",
        "app_id": "1_2",
        "app_secret": "s",
    }
    with pytest.raises(msgspec.ValidationError, match=told):
        msgspec.convert(
            {**values, **changes}, KingdeeSettings, dec_hook=lambda kind, value: kind(value)
        )


def test_preset_currencies_stay_beside_own_ones() -> None:
    assert plain(currencies={"PRE002": "HKD"}).currencies == {
        "PRE001": "CNY",
        "PRE007": "USD",
        "PRE002": "HKD",
    }


def test_ids_are_told_as_they_are() -> None:
    for good in ("100241", "9007199254740993", "CUST-客户 1"):
        assert normalise(Kind.ORDER, good) == good
    for bad in ("", " 1", "a\nb", "x" * 256):
        assert normalise(Kind.ORDER, bad) is None


async def test_only_the_own_server_and_kingdees_cloud_are_called() -> None:
    for base_url in ("http://10.0.0.8/k3cloud/", "ftp://erp.example.com/k3cloud/"):
        with pytest.raises(Misconfigured):
            async with opened(plain(base_url=base_url)):
                pass
    assert VENDOR.hosts == ("*.ik3cloud.com",)


async def test_forms_are_described_with_their_lines(lab: GalaxyLab) -> None:
    upstream = lab.upstream()
    async with opened(lab.settings()) as connector:
        await connector.probe()
        await upstream.clear()
        told = {
            table.name: {column.path: column for column in table.columns}
            for table in await connector.describe(["SAL_SaleOrder", "BD_Customer", "XX_NONE"])
        }
        assert await upstream.calls() == 3
        every = [table.name for table in await connector.describe(())]
        rows = await connector.sample(
            "SAL_SaleOrder.FSaleOrderEntry", ["FID", "FQty", "FBillNo"], "FCreateDate", 5
        )
    assert set(told) == {
        "BD_Customer",
        "SAL_SaleOrder",
        "SAL_SaleOrder.FSaleOrderEntry",
        "SAL_SaleOrder.FSaleOrderPlan",
    }
    assert {"AR_RECEIVEBILL", "AR_REFUNDBILL", *told} == set(every)
    head, lines = told["SAL_SaleOrder"], told["SAL_SaleOrder.FSaleOrderEntry"]
    assert head["FCustId"].type is ColumnType.RELATION
    assert head["FCustId"].refers == "BD_Customer"
    assert "FCustId.FNumber" in head
    assert head["FDocumentStatus"].words == ("Z", "A", "B", "C", "D")
    assert head["FBillAllAmount"].type is ColumnType.NUMBER
    assert head["FID"].unique
    assert (head["F_TG_Channel"].label, head["F_TG_Channel"].key) == ("支付渠道", "F_TG_Channel")
    assert lines["FID"].refers == "SAL_SaleOrder"
    assert lines["FQty"].type is ColumnType.NUMBER
    assert len(rows) == 5
    assert len({row["FSaleOrderEntry_FEntryID"] for row in rows}) == 5
