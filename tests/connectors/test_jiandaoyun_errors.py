"""What Jiandaoyun says when it does not answer, as our errors."""

from __future__ import annotations

import asyncio
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
from connectors.jiandaoyun import VENDOR
from connectors.jiandaoyun.errors import judge_for
from connectors.jiandaoyun.settings import JiandaoyunSettings
from connectors.secret import Secret
from connectors.transport import Response
from tests.connectors.local_server import LocalServer, always, in_turn, reply

pytestmark = pytest.mark.anyio
KEY = "k3y-of-the-company"
FORM = "59264073a2a60c0c08e20bfd"
ONCE = msgspec.structs.replace(VENDOR.limits, attempts=1, rates={})
WIDGETS = reply(200, b'{"widgets":[{"name":"no","label":"No.","type":"text"}],"sysWidgets":[]}')


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (400, '{"code":8303,"msg":"超出请求频率限制"}', RateLimited),
        (400, '{"code":8304,"msg":"超出请求频率限制"}', RateLimited),
        (429, '{"code":8303,"msg":"超出请求并发限制"}', RateLimited),
        (429, "<html>429</html>", RateLimited),
        (400, '{"code":8301,"msg":"SECRET"}', Unauthorized),
        (400, '{"code":17018,"msg":"SECRET"}', Unauthorized),
        (401, "", Unauthorized),
        (403, "<html>IP</html>", Unauthorized),
        (400, '{"code":8302,"msg":"SECRET"}', Misconfigured),
        (400, '{"code":2004,"msg":"SECRET"}', Misconfigured),
        (400, '{"code":3000,"msg":"SECRET"}', Misconfigured),
        (400, '{"code":3005,"msg":"SECRET"}', Misconfigured),
        (400, '{"code":7212,"msg":"SECRET"}', Misconfigured),
        (400, '{"code":4000,"msg":"SECRET"}', NotFound),
        (400, '{"code":4001,"msg":"SECRET"}', NotFound),
        (400, '{"code":9007,"msg":"SECRET"}', Retryable),
        (400, '{"code":1,"msg":"SECRET"}', Rejected),
        (400, '{"code":99999,"msg":"SECRET"}', Rejected),
        (400, '{"code":"8303","msg":"SECRET"}', Rejected),
        (400, "[]", Rejected),
        (400, "", Rejected),
        (404, "<html>404</html>", Malformed),
        (500, "", Retryable),
        (502, "<html>502 Bad Gateway</html>", Retryable),
        (503, '{"code":1,"msg":"SECRET"}', Retryable),
    ],
)
def test_a_verdict_follows_from_code_and_status(
    status: int, body: str, verdict: type[SourceError]
) -> None:
    error = judge_for("jdy")(Response(status, {}, body.encode()))
    assert isinstance(error, verdict)
    assert (error.status, error.source) == (status, "jdy")
    assert "SECRET" not in f"{error} {error!r} {vars(error)}"
    if isinstance(error, RateLimited):
        assert error.retry_after == 1.0


def test_a_success_is_none() -> None:
    assert judge_for("jdy")(Response(200, {}, b'{"data":[]}')) is None


def settings(origin: str, **changes: Any) -> JiandaoyunSettings:
    order = {"table": FORM, "id": "no", "number": "no", "created_at": "createTime"}
    given = {
        "vendor": "jiandaoyun",
        "base_url": origin,
        "app_id": "59264073a2a60c0c08e20bfb",
        "orders": [order],
        **changes,
    }
    return msgspec.convert(
        {**given, "key": KEY}, JiandaoyunSettings, dec_hook=lambda type_, value: Secret(value)
    )


async def asked(*answers: Any) -> Any:
    """What one order's key is answered, after the form's fields were read."""
    async with LocalServer(in_turn(WIDGETS, *answers)) as server:
        async with connected(VENDOR, settings(server.origin), ONCE, name="jdy") as connector:
            found: Any = None
            try:
                found = await connector.orders_by_number(["SO-1"])
            except SourceError as error:
                found = error
        assert len(server.calls) > 1
        return found


@pytest.mark.parametrize(
    ("answer", "kind", "detail"),
    [
        (reply(200, b"<html>maintenance</html>"), Malformed, "the answer is not JSON"),
        (reply(200, b'{"data":[{"_id"'), Malformed, "the answer is not JSON"),
        (reply(200, b"\xff\xfe"), Malformed, "the answer is not JSON"),
        (reply(200, b"{}"), Malformed, "the answer does not fit at $.data"),
        (reply(200, b'{"data":{}}'), Malformed, "the answer does not fit at $.data"),
        (reply(200, b'{"data":[{"no":"SO-1"}]}'), Malformed, r"does not fit at $.data[...]._id"),
        (reply(200, b'{"code":8301,"msg":"x"}'), Unauthorized, "the key is refused"),
        (reply(200, b'{"code":8303,"msg":"x"}'), RateLimited, "too many calls"),
        (reply(400, b'{"code":8302,"msg":"x"}'), Misconfigured, f"form {FORM}: the key may not"),
        (reply(400, b'{"code":3005,"msg":"x"}'), Retryable, ""),
    ],
    ids=str,
)
async def test_an_answer_that_is_none_is_a_clear_error(answer: Any, kind: Any, detail: str) -> None:
    if kind is Retryable:
        # The form may have been changed: it is read again, the question asked once more.
        found = await asked(answer, WIDGETS, reply(200, b'{"data":[]}'))
        assert found == {}
        return
    found = await asked(answer)
    assert isinstance(found, kind)
    assert detail in found.detail
    assert KEY not in f"{found!r}{found}"


async def test_a_form_that_still_refuses_is_named() -> None:
    refusal = reply(400, b'{"code":4815,"msg":"x"}')
    found = await asked(refusal, WIDGETS, refusal)
    assert isinstance(found, Misconfigured)
    assert found.detail == f"form {FORM}: a field or a filter is refused"


async def test_a_record_that_is_gone_is_none() -> None:
    gone = reply(400, b'{"code":4000,"msg":"x"}')
    order = {"table": FORM, "id": "_id", "number": "no", "created_at": "createTime"}
    async with LocalServer(in_turn(WIDGETS, gone)) as server:
        by_id = settings(server.origin, orders=[order])
        async with connected(VENDOR, by_id, ONCE, name="jdy") as connector:
            assert await connector.orders(["59e9a2fe283ffa7c11b1ddbf"]) == {}
        assert len(server.calls) == 2


async def test_a_number_beyond_what_a_double_holds_is_exact() -> None:
    row = b'{"_id":"59e9a2fe283ffa7c11b1ddbf","no":9007199254740993}'
    answers = in_turn(WIDGETS, reply(200, b'{"data":[' + row + b"]}"))
    async with (
        LocalServer(answers) as server,
        connected(VENDOR, settings(server.origin), ONCE, name="jdy") as connector,
    ):
        found = await connector.orders_by_number(["9007199254740993"])
    assert [order.number for order in found["9007199254740993"]] == ["9007199254740993"]


async def test_a_page_that_does_not_go_on_is_malformed() -> None:
    rows = b",".join(b'{"_id":"%024x","no":"SO-1"}' % number for number in range(100))
    full = reply(200, b'{"data":[' + rows + b"]}")
    found = await asked(full, full)
    assert isinstance(found, Malformed)
    assert found.detail == "a page that does not follow the one before"


async def test_questions_are_sent_as_the_vendor_documents_them() -> None:
    async with LocalServer(in_turn(WIDGETS, reply(200, b'{"data":[]}'))) as server:
        async with connected(VENDOR, settings(server.origin), ONCE, name="jdy") as connector:
            await connector.orders_by_number(["SO-1", 'SO"-2', "$ne", "订单"])
        widgets, listed = server.calls
    assert (widgets.method, widgets.target) == ("POST", "/api/v5/app/entry/widget/list")
    assert (listed.method, listed.target) == ("POST", "/api/v5/app/entry/data/list")
    assert listed.headers["authorization"] == f"Bearer {KEY}"
    assert listed.headers["content-type"] == "application/json"
    assert msgspec.json.decode(listed.body) == {
        "app_id": "59264073a2a60c0c08e20bfb",
        "entry_id": FORM,
        "limit": 100,
        "data_id": "",
        "fields": ["no", "createTime"],
        "filter": {
            "rel": "and",
            "cond": [{"field": "no", "method": "in", "value": ["SO-1", 'SO"-2', "$ne", "订单"]}],
        },
    }


async def test_a_refused_call_is_repeated_when_it_came_too_often() -> None:
    busy = reply(400, '{"code":8303,"msg":"超出请求频率限制"}'.encode())
    limits = msgspec.structs.replace(ONCE, attempts=2)
    async with LocalServer(in_turn(WIDGETS, busy, reply(200, b'{"data":[]}'))) as server:
        async with connected(VENDOR, settings(server.origin), limits, name="jdy") as connector:
            assert await connector.orders_by_number(["SO-1"]) == {}
        assert len(server.calls) == 3


async def test_fifty_first_questions_read_a_form_once() -> None:
    async def answered(call: Any) -> Any:
        return WIDGETS if call.target.endswith("widget/list") else reply(200, b'{"data":[]}')

    async with LocalServer(answered) as server:
        async with connected(VENDOR, settings(server.origin), ONCE, name="jdy") as connector:
            numbers = (connector.orders_by_number([f"SO-{n}"]) for n in range(50))
            await asyncio.gather(*numbers)
        assert len(server.calls) == 51


async def test_a_key_that_cannot_be_sent_is_refused_at_once() -> None:
    for key in ("", "k e y", "schlüssel", "k\n"):
        with pytest.raises(ValueError, match="key: holds spaces"):
            JiandaoyunSettings(
                vendor="jiandaoyun", app_id="59264073a2a60c0c08e20bfb", key=Secret(key)
            )


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"app_id": "销售管理"}, "app_id: not 24 hexadecimal digits"),
        (
            {"orders": [{"table": "国内订单", "id": "a", "number": "b", "created_at": "c"}]},
            r"orders\[0\].table: not the entry_id of a form",
        ),
        ({"orders": [{"table": FORM, "id": "a"}]}, r"orders\[0\].created_at: missing"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        settings("http://127.0.0.1", **changes)


async def test_without_a_mapping_forms_can_be_described_and_nothing_else() -> None:
    forms = reply(200, b'{"forms":[{"entry_id":"%s","name":"F"}]}' % FORM.encode())
    async with LocalServer(always(forms)) as server:
        bare = settings(server.origin, orders=[])
        async with connected(VENDOR, bare, ONCE, name="jdy") as connector:
            probe = await connector.probe()
            assert probe.notes == ("no form is mapped: there are no customers and no orders",)
            assert connector.orders is None
            assert connector.customers is None
        assert [call.target for call in server.calls] == ["/api/v5/app/entry/list"]
