"""e-cology's own payloads: digests, encryption, verdicts, and answers as interfaces write them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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
from connectors.mapping import FieldMap, LineMap, OrderMap
from connectors.records import Kind
from connectors.secret import Secret
from connectors.transport import Limits, Response
from connectors.weaver import VENDOR, normalise
from connectors.weaver.errors import cube_judge, token_judge
from connectors.weaver.settings import REFUSALS, WeaverSettings
from connectors.weaver.signing import digest, header
from connectors.weaver.tokens import encrypted, public_key
from tests.connectors.local_server import LocalServer, always, in_turn, reply

pytestmark = pytest.mark.anyio
VECTORS = msgspec.json.decode((Path(__file__).parents[1] / "vectors" / "weaver.json").read_bytes())
ORDERS = OrderMap(
    table="销售 订单/a?b",
    id="id",
    number="ddbh",
    created_at="rq sj",
    total="je",
    lines=LineMap(path="detail1[]", quantity="sl", total=FieldMap(field="je")),
)
ROW = (
    '[{"mainTable":{"id":"159","ddbh":"C001","je":"1234.50","rq":"2026-03-01","sj":"08:05"},'
    '"detail1":[{"id":"1","sl":"0.3","je":"1234.50"},{"id":"2","sl":""}]}]'
)
OTHER = ROW.replace("159", "160")


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["Md5"])
def test_calls_are_signed_as_published(vector: dict[str, str]) -> None:
    made = digest(vector["systemid"], Secret(vector["password"]), vector["currentDateTime"])
    assert made == vector["Md5"]


def test_the_time_of_a_call_is_that_of_the_office() -> None:
    told = header("系统A", Secret("p"), datetime(2026, 2, 28, 20, 0, tzinfo=UTC), "Asia/Shanghai")
    assert told["currentDateTime"] == "20260301040000"


def test_what_is_encrypted_only_the_server_can_read() -> None:
    private = generate_private_key(65537, 2048)
    told = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = public_key(b64encode(told).decode())
    for text in ("298", "e3d7e45b-805c-43c3-9c0c-e452135ae1ea"):
        sent = encrypted(text, key)
        assert private.decrypt(b64decode(sent), PKCS1v15()).decode() == text
        assert sent != encrypted(text, key)


def test_a_servers_key_is_read_as_it_is_told() -> None:
    assert public_key(VECTORS["public_key"]).key_size == 2048
    for wrong in ("", "AAAA", "no base64"):
        with pytest.raises(ValueError, match="not a public key"):
            public_key(wrong)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, '{"status":"0","result":"Md5认证失败 secret"}', Misconfigured),
        (200, '{"status":"0","msg":"systemid不存在"}', Misconfigured),
        (200, '{"status":"0","result":"系统错误 secret"}', Rejected),
        (200, '{"status":"-1"}', Rejected),
        (200, "{}", Rejected),
        (200, '{"errorCode":"002","errorMsg":"登录信息超时"}', Unauthorized),
        (200, '{"code":-1,"status":false,"msg":"token不存在"}', Unauthorized),
        (200, "<!doctype html><p>secret", Malformed),
        (200, "error", Malformed),
        (200, "[]", Malformed),
        (401, "", Unauthorized),
        (404, "<html>", Misconfigured),
        (429, "", RateLimited),
        (502, "<html>", Retryable),
    ],
)
def test_verdicts(status: int, body: str, kind: type[SourceError]) -> None:
    found = cube_judge("oa", REFUSALS)(Response(status, {}, body.encode()))
    assert type(found) is kind
    assert "secret" not in f"{found}{found!r}"


@pytest.mark.parametrize("body", ['{"status":"1","result":"[]"}', '{"status":1,"result":""}'])
def test_a_success_has_the_status_one(body: str) -> None:
    assert cube_judge("oa", REFUSALS)(Response(200, {}, body.encode())) is None


def test_verdicts_on_a_token() -> None:
    judge = token_judge("oa")
    assert judge(Response(200, {}, b'{"code":0,"status":true,"token":"t"}')) is None
    assert type(judge(Response(200, {}, b'{"code":-1,"status":false}'))) is Unauthorized
    assert type(judge(Response(200, {}, b"<html>"))) is Malformed


def settings(origin: str, **changes: Any) -> WeaverSettings:
    keys: dict[str, Any] = {
        "vendor": "weaver",
        "base_url": origin,
        "system_id": "Customer",
        "password": Secret("p"),
        "operator": "298",
        "orders": (ORDERS,),
    }
    return WeaverSettings(**{**keys, **changes})


def answered(rows: str) -> Any:
    return reply(body=msgspec.json.encode({"status": "1", "result": rows}))


async def test_an_order_is_asked_for_by_one_field_and_read_twice() -> None:
    async with (
        LocalServer(always(answered(ROW))) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        (order,) = (await connector.orders_by_number(["C001"]))["C001"]
        lines = (await connector.order_lines(["159"]))["159"]
    assert (order.native_id, str(order.total.amount), order.total.currency) == (
        "159",
        "1234.50",
        "CNY",
    )
    assert order.created_at == datetime(2026, 3, 1, 0, 5, tzinfo=UTC)
    assert [str(line.quantity) for line in lines] == ["0.3", "None"]
    assert [line.total is None for line in lines] == [False, True]
    assert "total" in lines[1].misfits
    call = server.calls[0]
    assert call.target == (
        "/api/cube/restful/interface/getModeDataPageList/"
        "%E9%94%80%E5%94%AE%20%E8%AE%A2%E5%8D%95%2Fa%3Fb"
    )
    assert call.headers["content-type"].startswith("application/x-www-form-urlencoded")
    (told,) = parse_qs(call.body.decode())["datajson"]
    asked = msgspec.json.decode(told)
    written = asked["header"]["currentDateTime"]
    assert asked == {
        "operationinfo": {"operator": "298"},
        "mainTable": {"ddbh": "C001"},
        "pageInfo": {"pageNo": "1", "pageSize": "100"},
        "header": {
            "systemid": "Customer",
            "currentDateTime": written,
            "Md5": digest("Customer", Secret("p"), written),
        },
    }


@pytest.mark.parametrize(
    ("day", "time", "moment"),
    [
        ('"2026-03-01"', "null", datetime(2026, 2, 28, 16, tzinfo=UTC)),
        ('"2026-03-01"', '" "', datetime(2026, 2, 28, 16, tzinfo=UTC)),
        ("null", '"08:05"', None),
        ("null", "null", None),
        ('""', '"08:05"', None),
    ],
)
async def test_a_date_without_its_time_is_a_date_and_a_time_alone_nothing(
    day: str, time: str, moment: datetime | None
) -> None:
    row = ROW.replace('"2026-03-01"', day).replace('"08:05"', time)
    async with (
        LocalServer(always(answered(row))) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        (order,) = (await connector.orders_by_number(["C001"]))["C001"]
    assert order.created_at == moment
    assert "created_at" not in (order.misfits or {})


async def test_a_user_too_long_for_a_small_key_is_told() -> None:
    small = generate_private_key(65537, 1024).public_key()  # noqa: S505 (as some servers)
    key = b64encode(small.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    told = {"app_id": "a", "user_id": "9" * 200, "app_secret": Secret("s"), "public_key": key}
    token = reply(body=b'{"code":0,"status":true,"token":"t"}')
    async with (
        LocalServer(always(token)) as server,
        connected(VENDOR, settings(server.origin, **told), Limits()) as connector,
    ):
        with pytest.raises(Misconfigured, match="too long"):
            await connector.orders_by_number(["C001"])


def test_the_deadline_lets_more_than_a_few_calls_wait() -> None:
    assert settings("https://oa.example.com").deadline == VENDOR.limits.deadline == 14.0


@pytest.mark.parametrize("result", ["", "[]", None])
async def test_nothing_is_no_order(result: str | None) -> None:
    body = msgspec.json.encode({"status": "1", "result": result})
    async with (
        LocalServer(always(reply(body=body))) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        assert await connector.orders_by_number(["C001"]) == {}


@pytest.mark.parametrize(
    "rows", ["{}", "[1]", '[{"id":"1"}]', '[{"mainTable":[]}]', '[{"mainTable":"x"}]', "<p>"]
)
async def test_a_result_that_is_no_list_of_rows_is_malformed(rows: str) -> None:
    async with (
        LocalServer(always(answered(rows))) as server,
        connected(VENDOR, settings(server.origin), Limits()) as connector,
    ):
        with pytest.raises(Malformed, match="the result is not a list of rows"):
            await connector.orders_by_number(["C001"])


async def test_an_interface_that_knows_no_pages_is_not_asked_for_ever() -> None:
    async with (
        LocalServer(always(answered(ROW))) as server,
        connected(VENDOR, settings(server.origin, page_size=1), Limits()) as connector,
    ):
        with pytest.raises(Malformed, match="the same page"):
            await connector.orders_by_number(["C001"])
    assert len(server.calls) == 2


async def test_rows_of_two_pages_are_both_told() -> None:
    pages = in_turn(answered(ROW), answered(OTHER), answered(""))
    async with (
        LocalServer(pages) as server,
        connected(VENDOR, settings(server.origin, page_size=1), Limits()) as connector,
    ):
        found = (await connector.orders_by_number(["C001"]))["C001"]
    assert {order.native_id for order in found} == {"159", "160"}
    numbers = [msgspec.json.decode(parse_qs(c.body.decode())["datajson"][0]) for c in server.calls]
    assert [asked["pageInfo"]["pageNo"] for asked in numbers] == ["1", "2", "3"]


def test_ids_are_digits() -> None:
    assert normalise(Kind.ORDER, "159") == "159"
    odd = ("", "0159", "1 or 1", "-1", "١", "9" * 30)
    assert [normalise(Kind.ORDER, text) for text in odd] == [None] * 6
