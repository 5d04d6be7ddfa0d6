"""The simulated Galaxy with Kingdee's own SDK as its client, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from k3cloud_webapi_sdk.main import K3CloudApiSdk

from sandbox.generate import generate
from sandbox.kingdee import VENDOR as KINGDEE
from sandbox.server import Server
from sandbox.stripe import VENDOR as STRIPE
from sandbox.world import World
from tests.sandbox.conftest import HandClock

SERVICE = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.{}.common.kdsvc"
LOGIN = "Kingdee.BOS.WebApi.ServicesStub.AuthService.{}.common.kdsvc"
VENDORS = (KINGDEE, STRIPE)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(3, 40, 100, vendors=VENDORS)


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Server]:
    with Server(world, VENDORS, rate_limits=False) as running:
        yield running


def sdk_of(own: dict[str, str]) -> K3CloudApiSdk:
    sdk = K3CloudApiSdk(own["base_url"])
    who = (own["acct_id"], own["username"], own["app_id"], own["app_secret"])
    sdk.InitConfig(*who, own["base_url"])
    return sdk


@pytest.fixture(scope="module")
def sdk(server: Server) -> K3CloudApiSdk:
    return sdk_of(server.credentials["kingdee"])


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """With a session."""
    own = server.credentials["kingdee"]
    with httpx.Client(base_url=own["base_url"]) as client:
        parameters = [own["acct_id"], own["username"], own["app_id"], own["app_secret"], 2052]
        told = client.post(LOGIN.format("LoginByAppSecret"), json={"parameters": parameters})
        assert told.json()["LoginResultType"] == 1
        assert client.cookies["kdservice-sessionid"] == told.json()["KDSVCSessionId"]
        yield client


def asked(http: httpx.Client, method: str, *parameters: str) -> Any:
    answer = http.post(SERVICE.format(method), json={"parameters": list(parameters)})
    assert answer.status_code == 200
    return answer.json()


def queried(http: httpx.Client, **data: Any) -> Any:
    return asked(http, "ExecuteBillQuery", json.dumps({"FormId": "SAL_SaleOrder", **data}))


def code_of(answer: Any) -> int:
    while isinstance(answer, list):
        answer = answer[0]
    status = answer["Result"]["ResponseStatus"]
    assert status["IsSuccess"] is False
    return int(status["MsgCode"])


# --- Kingdee's own SDK ---------------------------------------------------------------------------


def test_the_sdk_reads_bills_in_rows_and_in_objects(sdk: K3CloudApiSdk, world: World) -> None:
    order = next(o for o in world.orders if len(o.lines) > 1)
    query: dict[str, Any] = {
        "FormId": "SAL_SaleOrder",
        "FieldKeys": "FID,FBillNo,FSaleOrderEntry_FEntryID,FMaterialId.FNumber",
        "FilterString": f"FBillNo = '{order.number}'",
        "OrderString": "FSaleOrderEntry_FEntryID ASC",
        "TopRowCount": 0,
        "StartRow": 0,
        "Limit": 2000,
        "SubSystemId": "",
    }
    rows = json.loads(sdk.ExecuteBillQuery(query))
    assert rows == [
        [int(order.native_id), order.number, int(line.native_id), line.sku] for line in order.lines
    ]
    objects = json.loads(sdk.BillQuery(query))
    assert [list(one.values()) for one in objects] == rows
    assert set(objects[0]) == set(query["FieldKeys"].split(","))


def test_the_sdk_views_one_bill_in_full(sdk: K3CloudApiSdk, world: World) -> None:
    order = next(o for o in world.orders if o.lines and o.customer and o.total)
    person = next(c for c in world.customers if c.key == order.customer)
    by_number = json.loads(sdk.View("SAL_SaleOrder", {"CreateOrgId": 0, "Number": order.number}))
    by_id = json.loads(sdk.View("SAL_SaleOrder", {"Id": order.native_id, "Number": ""}))
    assert by_number == by_id
    told = by_number["Result"]["Result"]
    assert by_number["Result"]["ResponseStatus"] is None
    assert (told["Id"], told["BillNo"]) == (int(order.native_id), order.number)
    assert told["CustId"]["Name"] == [{"Key": 2052, "Value": person.name}]
    assert [line["Seq"] for line in told["SaleOrderEntry"]] == list(range(1, len(order.lines) + 1))
    assert told["SaleOrderFinance"][0]["SettleCurrId"]["Number"]


def test_the_sdk_reads_what_a_form_is(sdk: K3CloudApiSdk) -> None:
    told = json.loads(sdk.QueryBusinessInfo({"FormId": "BD_Customer"}))
    (head,) = told["Result"]["NeedReturnData"]["Entrys"]
    assert {"FNumber", "FName", "F_TG_Email"} <= {field["Key"] for field in head["Fields"]}
    assert {"Key": 2052, "Value": "客户名称"} in next(
        field["Name"] for field in head["Fields"] if field["Key"] == "FName"
    )


def test_the_sdk_with_another_secret_is_refused(server: Server) -> None:
    own = dict(server.credentials["kingdee"])
    query = {"FormId": "BD_Customer", "FieldKeys": "FNumber"}
    wrong = sdk_of(own | {"app_secret": "f" * 32})
    assert code_of(json.loads(wrong.ExecuteBillQuery(query))) == 1
    client_id, masked = own["app_id"].split("_")
    for app_id in (f"1{client_id}_{masked}", f"{client_id}_{'A' * 32}"):
        with pytest.raises(RuntimeError, match='"errcode":4002'):
            sdk_of(own | {"app_id": app_id}).ExecuteBillQuery(query)


# --- sessions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        ["5f0000000000a1", "集成用户", "APP", "wrong", 2052],
        ["5f0000000000a1", "someone", "APP", "0123456789abcdef0123456789abcdef", 2052],
        ["5f0000000000a1", "集成用户", "APP", "0123456789abcdef0123456789abcdef"],
        [],
    ],
)
def test_a_wrong_login_is_an_answer_without_a_session(
    server: Server, parameters: list[Any]
) -> None:
    own = server.credentials["kingdee"]
    sent = [own["app_id"] if one == "APP" else one for one in parameters]
    url = own["base_url"] + LOGIN.format("LoginByAppSecret")
    told = httpx.post(url, json={"parameters": sent})
    assert told.status_code == 200
    assert (told.json()["LoginResultType"], told.json()["KDSVCSessionId"]) == (0, None)
    assert "set-cookie" not in told.headers


def test_a_session_ends_when_it_rests(world: World) -> None:
    clock = HandClock()
    with Server(world, VENDORS, rate_limits=False, clock=clock) as running:
        own = running.credentials["kingdee"]
        with httpx.Client(base_url=own["base_url"]) as http:
            names = ("acct_id", "username", "app_id", "app_secret")
            sent = {"parameters": [*(own[name] for name in names), 2052]}
            http.post(LOGIN.format("LoginByAppSecret"), json=sent)
            for minutes, lost in ((19, False), (19, False), (21, True), (0, True)):
                clock.forward(minutes * 60)
                answer = queried(http, FieldKeys="FID", Limit=1)
                assert (isinstance(answer[0][0], dict)) is lost
    assert clock.now - HandClock().now == timedelta(minutes=59)


def test_a_licence_allows_so_many_calls_a_second(world: World) -> None:
    clock = HandClock()
    with Server(world, VENDORS, clock=clock) as running:
        own = running.credentials["kingdee"]
        with httpx.Client(base_url=own["base_url"]) as http:
            names = ("acct_id", "username", "app_id", "app_secret")
            sent = {"parameters": [*(own[name] for name in names), 2052]}
            http.post(LOGIN.format("LoginByAppSecret"), json=sent)
            for _ in range(25):
                assert type(queried(http, FieldKeys="FID", Limit=1)[0][0]) is int
            assert code_of(queried(http, FieldKeys="FID", Limit=1)) == 14
            clock.forward(1)
            assert type(queried(http, FieldKeys="FID", Limit=1)[0][0]) is int


# --- strictness ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"FieldKeys": "FID", "FormId": "NO_SUCH"}, 10),
        ({"FieldKeys": "FID", "FormId": ""}, 5),
        ({"FieldKeys": ""}, 8),
        ({"FieldKeys": "FID", "Fields": "FID"}, 8),
        ({"FieldKeys": "FID,FCustomerID"}, 9),
        ({"FieldKeys": "FCustId.FNoSuch"}, 9),
        ({"FieldKeys": "FBillNo.FNumber"}, 9),
        ({"FieldKeys": "FID", "Limit": 2001}, 8),
        ({"FieldKeys": "FID", "StartRow": -1}, 8),
        ({"FieldKeys": "FID", "OrderString": "FID SIDEWAYS"}, 4),
        ({"FieldKeys": "FID", "OrderString": "FNoSuch"}, 9),
        ({"FieldKeys": "FID", "FilterString": "FNoSuch = 1"}, 9),
        ({"FieldKeys": "FID", "FilterString": "FBillNo = 'a"}, 4),
        ({"FieldKeys": "FID", "FilterString": "FBillNo = 'a' or"}, 4),
        ({"FieldKeys": "FID", "FilterString": "FBillNo = 'a'; drop"}, 4),
        ({"FieldKeys": "FID", "FilterString": "FBillNo in ()"}, 4),
        ({"FieldKeys": "FID", "FilterString": "(" * 60 + "FID = 1" + ")" * 60}, 4),
        ({"FieldKeys": "FID", "FilterString": "FID in ('a')"}, 6),
        ({"FieldKeys": "FID", "FilterString": "FCreateDate > 'a'"}, 6),
        ({"FieldKeys": "FID", "FilterString": f"FID in ({','.join('1' * 1001)})"}, 6),
    ],
)
def test_what_is_wrong_with_a_query_stands_in_its_only_cell(
    http: httpx.Client, data: dict[str, Any], code: int
) -> None:
    assert code_of(queried(http, **data)) == code


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 100),
        ("FBillNo in ('SO-1001','so-1002','none')", 2),
        ("FBillNo = 'SO-1001' or (FBillNo = 'SO-1002' and FDocumentStatus <> 'none')", 2),
        ("FBillNo like 'SO-100%'", 9),
        ("FBillNo like '%O''%'", 0),
        ("FCreateDate >= '2000-01-01' and FCreateDate < {ts'2100-01-01 00:00:00'}", 100),
        ("FBillAllAmount is not null and FID > 0", None),
        ("FCustId.FNumber = 'none'", 0),
        ("F_TG_Channel is null", 0),
    ],
)
def test_filters(http: httpx.Client, world: World, text: str, count: int | None) -> None:
    found = queried(http, FieldKeys="FID", FilterString=text)
    known = sum(order.total is not None for order in world.orders)
    assert len(found) == (known if count is None else count)


def test_rows_are_cut_and_ordered_as_asked(http: httpx.Client, world: World) -> None:
    ids = sorted(int(o.native_id) for o in world.orders)
    order = {"FieldKeys": "FID", "OrderString": "FID ASC"}
    assert [row[0] for row in queried(http, **order)] == ids
    assert [row[0] for row in queried(http, **order, StartRow=10, Limit=5)] == ids[10:15]
    assert [row[0] for row in queried(http, **order, StartRow=10, TopRowCount=12)] == ids[10:12]
    assert queried(http, **order, StartRow=100) == []


def test_rows_come_in_any_order_unless_one_is_asked_for(http: httpx.Client, world: World) -> None:
    ids = [int(o.native_id) for o in world.orders]
    told = [[row[0] for row in queried(http, FieldKeys="FID")] for _ in range(2)]
    assert told[0] != told[1]
    assert sorted(told[0]) == sorted(told[1]) == sorted(ids)


def test_lines_multiply_bills_and_bills_without_lines_stay(
    http: httpx.Client, world: World
) -> None:
    rows = queried(http, FieldKeys="FID,FQty")
    assert len(rows) == sum(max(1, len(o.lines)) for o in world.orders)
    bare = {int(o.native_id) for o in world.orders if not o.lines}
    assert bare
    assert {row[0] for row in rows if row[1] is None} == bare


def test_values_are_written_as_galaxy_writes_them(http: httpx.Client, world: World) -> None:
    fields = "FID,FCreateDate,FCustId,FCustId.FNumber,FBillAllAmount,FNote,FSettleCurrId.FNumber"
    rows = {row[0]: row[1:] for row in queried(http, FieldKeys=fields)}
    for order in world.orders:
        created, customer, number, total, note, currency = rows[int(order.native_id)]
        wall = (order.placed_at + timedelta(hours=8)).replace(tzinfo=None)
        assert created == wall.isoformat(timespec="seconds")
        assert (customer == 0) is (number is None) is (order.customer is None)
        assert (total is None) is (order.total is None)
        assert note == " "
        assert currency == {"USD": "PRE007", "CNY": "PRE001"}.get(order.currency, order.currency)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"data": {"FormId": "SAL_SaleOrder", "FieldKeys": "FID"}}, 8),
        ({"parameters": [{"FormId": "SAL_SaleOrder", "FieldKeys": "FID"}]}, 8),
        ({"parameters": ["{"]}, 8),
        ({"parameters": []}, 8),
    ],
)
def test_a_session_takes_positional_bodies_with_json_in_a_string(
    http: httpx.Client, sent: dict[str, Any], code: int
) -> None:
    assert code_of(http.post(SERVICE.format("ExecuteBillQuery"), json=sent).json()) == code


def test_addresses_and_methods(http: httpx.Client) -> None:
    assert http.post("nothing").status_code == 404
    assert http.get(SERVICE.format("View")).status_code == 405
    unknown = http.post(SERVICE.format("NoSuch"), json={})
    assert (unknown.status_code, unknown.json()["errcode"]) == (519, 5001)
    http.cookies.clear()
    assert code_of(queried(http, FieldKeys="FID")) == 1
    assert code_of(asked(http, "View", "SAL_SaleOrder", "{}")) == 1
    assert code_of(http.post(SERVICE.format("View"), content=b"x").json()) == 8


def test_injected_errors_have_the_vendors_form() -> None:
    for status, code in ((401, 1), (429, 14)):
        answer = KINGDEE.error(status)
        assert (answer.status, code_of(json.loads(answer.body))) == (200, code)
    answer = KINGDEE.error(503)
    assert answer.status == 503
    assert answer.body.decode().startswith("response_error:")
