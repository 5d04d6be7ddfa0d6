"""PayPal's refusals and what they become, and the settings that are refused at the start."""

from __future__ import annotations

import json
from typing import Any

import msgspec
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
from connectors.paypal.errors import Forbidden, NotOurs, TooManyRows, judge_for, permitted
from connectors.paypal.settings import PaypalSettings
from connectors.secret import Secret
from connectors.transport import Response

JUDGE = judge_for("paypal")
SECRET = "EFGH-very-secret"


def judged(status: int, body: Any, **headers: str) -> SourceError | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return JUDGE(Response(status, headers, content))


def named(name: str, *issues: str) -> dict[str, Any]:
    details = [{"field": "/x", "value": SECRET, "issue": issue} for issue in issues]
    return {"name": name, "message": f"about {SECRET}", "debug_id": "9", "details": details}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (
            400,
            named("INVALID_REQUEST", "INVALID_PARAMETER_VALUE"),
            Rejected,
            "INVALID_PARAMETER_VALUE",
        ),
        (400, named("RESULTSET_TOO_LARGE"), TooManyRows, "RESULTSET_TOO_LARGE"),
        (400, named("INVALID_REQUEST", "RESULTSET_TOO_LARGE"), TooManyRows, "RESULTSET_TOO_LARGE"),
        (401, named("AUTHENTICATION_FAILURE"), Unauthorized, "AUTHENTICATION_FAILURE"),
        (
            401,
            {"error": "invalid_token", "message": SECRET},
            Unauthorized,
            "invalid_token",
        ),
        (401, {"error": "invalid_client"}, Unauthorized, "invalid_client"),
        (401, b"", Unauthorized, None),
        (403, named("NOT_AUTHORIZED"), Forbidden, "NOT_AUTHORIZED"),
        (403, named("NOT_AUTHORIZED", "PERMISSION_DENIED"), NotOurs, "PERMISSION_DENIED"),
        (403, b"<html>", Forbidden, None),
        (404, named("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"), NotFound, "INVALID_RESOURCE_ID"),
        (404, named("RESOURCE_NOT_FOUND"), NotFound, "RESOURCE_NOT_FOUND"),
        (404, b"<html>not here</html>", Malformed, None),
        (409, named("RESOURCE_CONFLICT"), Retryable, "RESOURCE_CONFLICT"),
        (415, named("UNSUPPORTED_MEDIA_TYPE"), Rejected, "UNSUPPORTED_MEDIA_TYPE"),
        (422, named("UNPROCESSABLE_ENTITY", "X_Y"), Rejected, "X_Y"),
        (429, named("RATE_LIMIT_REACHED"), RateLimited, "RATE_LIMIT_REACHED"),
        (429, b"slow", RateLimited, None),
        (500, named("INTERNAL_SERVER_ERROR"), Retryable, "INTERNAL_SERVER_ERROR"),
        (503, named("SERVICE_UNAVAILABLE"), Retryable, "SERVICE_UNAVAILABLE"),
        (503, named("NOT_AUTHORIZED"), Retryable, "NOT_AUTHORIZED"),
        (502, b"<html>", Retryable, None),
        (400, {"name": f"with spaces {SECRET}"}, Rejected, None),
        (400, b"[" * 5000, Rejected, None),
        (400, {"name": 5}, Rejected, None),
    ],
)
def test_each_refusal_has_its_kind(
    status: int, body: Any, kind: type[SourceError], code: str | None
) -> None:
    error = judged(status, body)
    assert type(error) is kind
    assert (error.code, error.status) == (code, status)
    assert SECRET not in f"{error} {error!r}"


def test_what_is_no_refusal_is_none() -> None:
    assert judged(200, {"name": "RATE_LIMIT_REACHED"}) is None


def test_a_window_that_is_too_young_is_not_ready() -> None:
    body = {
        "debug_id": "4a924c46669da",
        "name": "INVALID_REQUEST",
        "details": [],
        "links": [],
        "message": "Data for the given start date is not available.",
    }
    assert type(judged(400, body)) is NotReady


@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("soon", None), ("-1", None)])
def test_a_wait_is_kept_when_it_is_told(header: str, wait: float | None) -> None:
    error = judged(429, named("RATE_LIMIT_REACHED"), **{"retry-after": header})
    assert isinstance(error, RateLimited)
    assert error.retry_after == wait


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [Forbidden, NotOurs])
async def test_a_missing_feature_is_named(kind: type[SourceError]) -> None:
    async def refused() -> None:
        raise kind("paypal", "no", status=403, code="NOT_AUTHORIZED")

    with pytest.raises(Misconfigured, match='lacks "Transaction search"') as caught:
        await permitted("paypal", "Transaction search", refused())
    assert (caught.value.status, caught.value.code) == (403, "NOT_AUTHORIZED")


def settings(**more: Any) -> PaypalSettings:
    own = {"client_id": "AbC_1-2", "client_secret": Secret(SECRET)}
    return PaypalSettings(vendor="paypal", **{**own, **more})


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"client_id": "a b"}, "client_id"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": Secret("geheim\n")}, "client_secret"),
        ({"client_secret": Secret("秘密")}, "client_secret"),
        ({"reference_pattern": "SO-("}, "reference_pattern"),
        ({"reference_pattern": "SO-\\d+"}, "reference_pattern"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(
    changes: dict[str, Any], key: str
) -> None:
    with pytest.raises(ValueError, match=f"^{key}: ") as caught:
        settings(**changes)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [{"environment": "test"}, {"reference": "note"}, {"report_lag": -1}, {"webhook": "x"}],
)
def test_settings_have_only_the_values_there_are(changes: dict[str, Any]) -> None:
    given = {"vendor": "paypal", "client_id": "A", **changes}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, PaypalSettings)


def test_where_the_app_lives() -> None:
    assert settings().address == "https://api-m.paypal.com"
    assert settings(environment="sandbox").address == "https://api-m.sandbox.paypal.com"
    assert settings(base_url="http://127.0.0.1:1/paypal").address == "http://127.0.0.1:1/paypal"
    assert SECRET not in repr(settings())
