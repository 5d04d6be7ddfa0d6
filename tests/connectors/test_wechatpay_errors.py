"""WeChat Pay's refusals as literal answers, and which of our errors each one is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.errors import (
    Malformed,
    Misconfigured,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.transport import Response
from connectors.wechatpay.errors import NoStatement, NotAllowed, judge_for

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JUDGE = judge_for("wechat_cn", lambda: NOW)
QUOTING = '{"code":"%s","message":"订单号SO-1001不存在","detail":{"value":"SO-1001"}}'


def judged(status: int, body: str, **headers: str) -> SourceError:
    error = JUDGE(Response(status, headers, body.encode()))
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "PARAM_ERROR", Rejected),
        (400, "INVALID_REQUEST", Rejected),
        (400, "MCH_NOT_EXISTS", Misconfigured),
        (404, "MCH_NOT_EXISTS", Misconfigured),
        (400, "APPID_MCHID_NOT_MATCH", Misconfigured),
        (400, "NO_STATEMENT_EXIST", NoStatement),
        (400, "NO_STATEMENTEXIST", NoStatement),
        (400, "STATEMENT_CREATING", NotReady),
        (401, "SIGN_ERROR", Unauthorized),
        (401, "", Unauthorized),
        (403, "NO_AUTH", NotAllowed),
        (403, "NOT_ENOUGH", Rejected),
        (404, "ORDER_NOT_EXIST", NotFound),
        (404, "ORDERNOTEXIST", NotFound),
        (404, "RESOURCE_NOT_EXISTS", NotFound),
        (404, "", Malformed),
        (429, "FREQUENCY_LIMITED", RateLimited),
        (429, "FREQUENCY_LIMIT_EXCEED", RateLimited),
        (403, "RATELIMIT_EXCEEDED", RateLimited),
        (429, "", RateLimited),
        (500, "SYSTEM_ERROR", Retryable),
        (500, "ORDER_NOT_EXIST", Retryable),
        (502, "SERVICE_UNAVAILABLE", Retryable),
        (503, "BANK_ERROR", Retryable),
        (504, "", Retryable),
    ],
)
def test_each_refusal_is_an_error_that_says_what_to_do(
    status: int, code: str, kind: type[SourceError]
) -> None:
    error = judged(status, QUOTING % code)
    assert type(error) is kind
    assert (error.status, error.code) == (status, code or None)


@pytest.mark.parametrize(
    "body", ["", "<html>502</html>", "[1]", '{"code":7}', '{"code":"<b>"}', "[" * 5000]
)
def test_a_refusal_that_is_not_wechats_is_judged_by_its_status(body: str) -> None:
    assert type(judged(404, body)) is Malformed
    assert judged(502, body).code is None


def test_nothing_of_what_wechat_writes_for_people_is_kept() -> None:
    error = judged(404, QUOTING % "ORDER_NOT_EXIST")
    assert "SO-1001" not in f"{error} {error!r} {vars(error)}"


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Thu, 01 Jan 2026 00:04:59 GMT", "the key, serial_no or mchid is wrong"),
        ("Thu, 01 Jan 2026 00:05:00 GMT", "clock is off by -300 seconds"),
        ("Wed, 31 Dec 2025 23:00:00 GMT", "clock is off by 3600 seconds"),
        ("yesterday", "the key, serial_no or mchid is wrong"),
    ],
)
def test_a_refused_signature_is_the_clocks_fault_where_it_is(date: str, said: str) -> None:
    assert said in str(judged(401, QUOTING % "SIGN_ERROR", date=date))


def test_a_success_is_not_judged() -> None:
    assert JUDGE(Response(204, {}, b"")) is None
