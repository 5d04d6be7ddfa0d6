"""Salesforce without a network: verdicts, the quota, cursors and composites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

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
from connectors.salesforce import soql
from connectors.salesforce.errors import FOR_OPERATORS, LOST_CURSOR, login_judge, verdict
from connectors.salesforce.reading import MAX_URI, Judge, Reader
from connectors.transport import Request, Response


def refusal(code: str, message: str = "quotes 'secret' values") -> bytes:
    return msgspec.json.encode([{"errorCode": code, "message": message}])


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, refusal("INVALID_SESSION_ID"), Unauthorized),
        (403, refusal("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit"), RateLimited),
        (400, refusal("UNABLE_TO_LOCK_ROW"), Retryable),
        (400, refusal("QUERY_TIMEOUT"), Retryable),
        (400, refusal("MALFORMED_QUERY"), Rejected),
        (400, refusal("INVALID_TYPE"), Misconfigured),
        (404, refusal("UNSUPPORTED_API_VERSION"), Misconfigured),
        (404, b"<html>", NotFound),
        (410, b"", Misconfigured),
        (414, b"<h1>Bad Message 414</h1>", Rejected),
        (431, b"<h1>Bad Message 431</h1>", Rejected),
        (500, refusal("UNKNOWN_EXCEPTION"), Retryable),
        (503, b"Back soon", Retryable),
        (400, b"[]", Rejected),
        (400, b'{"error":"odd"}', Rejected),
        (400, b"\xff", Rejected),
        (403, refusal("INSUFFICIENT_ACCESS"), NotFound),
    ],
)
def test_verdicts(status: int, body: bytes, kind: type[SourceError]) -> None:
    found = verdict("crm", status, body)
    assert type(found) is kind
    assert "secret" not in f"{found}{found!r}"


def test_the_daily_limit_says_not_to_ask_again() -> None:
    body = refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    found = verdict("crm", 403, body)
    assert isinstance(found, RateLimited)
    assert (getattr(found, "again", True), found.retry_after) == (False, None)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, b'{"error":"invalid_grant","error_description":"x"}', Unauthorized, "invalid_grant"),
        (400, b"<html>", Unauthorized, None),
        (400, b'{"error":"a b<c"}', Unauthorized, None),
        (503, b"", Retryable, None),
        (404, b"", Misconfigured, None),
    ],
)
def test_login_verdicts(
    status: int, body: bytes, kind: type[SourceError], code: str | None
) -> None:
    found = login_judge("crm")(Response(status, {}, body))
    assert type(found) is kind
    assert found.code == code


@pytest.mark.parametrize(
    ("info", "quota"),
    [
        ("api-usage=25/15000", (25, 15000)),
        ("api-usage=25/15000; per-app-api-usage=17/250(appName=x)", (17, 250)),
        ("per-app-api-usage=1/20000(appName=x), api-usage=25/15000", (25, 15000)),
        ("nonsense", (None, None)),
    ],
)
def test_the_quota_is_read_from_every_answer(info: str, quota: tuple[Any, Any]) -> None:
    judge = Judge("crm")
    assert judge(Response(500, {"sforce-limit-info": info}, b"")) is not None
    assert (judge.quota_used, judge.quota_total) == quota


class Scripted:
    """A transport that answers from a list and remembers what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        body = self.answers.pop(0)
        if (error := verdict("crm", 400 if body.startswith(b"[") else 200, body)) is not None:
            raise error
        return Response(200, {}, body)

    async def aclose(self) -> None:
        pass


def answer(*names: str, following: str | None = None) -> bytes:
    body: dict[str, Any] = {"done": following is None, "records": [{"Id": n} for n in names]}
    return msgspec.json.encode({**body, "nextRecordsUrl": following} if following else body)


NEXT = "/services/data/v60.0/query/01gRO0000016PIAYA2-500"


@pytest.mark.anyio
async def test_cursors_are_read_to_their_end_by_the_path_as_given() -> None:
    transport = Scripted(answer("a", following=NEXT), answer("b"))
    rows = await Reader("crm", transport, "65.0").query("SELECT Id FROM Order")
    assert [r["Id"] for r in rows] == ["a", "b"]
    assert transport.asked[1].path == NEXT


@pytest.mark.anyio
async def test_a_query_whose_cursor_was_closed_is_asked_anew_once_and_no_row_repeats() -> None:
    lost = refusal("INVALID_QUERY_LOCATOR")
    first = answer("a", following=NEXT)
    transport = Scripted(first, lost, answer("a", "b", following=NEXT), answer("c"))
    rows = await Reader("crm", transport, "65.0").query("SELECT Id FROM Order")
    assert [r["Id"] for r in rows] == ["a", "b", "c"]
    assert transport.asked[2].path == transport.asked[0].path

    transport = Scripted(first, lost, first, lost)
    with pytest.raises(Rejected, match="cursor of the query was closed") as refused:
        await Reader("crm", transport, "65.0").query("SELECT Id FROM Order")
    assert refused.value.code == LOST_CURSOR
    assert len(transport.asked) == 4


@pytest.mark.anyio
async def test_a_query_of_a_composite_whose_cursor_was_closed_is_asked_anew_alone() -> None:
    parts = [
        {"httpStatusCode": 200, "referenceId": f"q{n}", "body": msgspec.Raw(answer(*rows))}
        for n, rows in enumerate(["a", "b"])
    ]
    parts[1]["body"] = msgspec.Raw(answer("b", following=NEXT))
    composite = msgspec.json.encode({"compositeResponse": parts})
    transport = Scripted(composite, refusal("INVALID_QUERY_LOCATOR"), answer("b", "c"))
    found = await Reader("crm", transport, "65.0").queries(["A", "B"])
    assert [[row["Id"] for row in rows] for rows in found if isinstance(rows, list)] == [
        ["a"],
        ["b", "c"],
    ]
    assert transport.asked[2].path.endswith("query?q=B")


ACTS = re.compile(r"\b(reset|unlock|activate|widen|add|ask|end|exempt|give|set)\b")


@pytest.mark.parametrize("code", sorted(FOR_OPERATORS))
def test_a_code_that_an_operator_must_act_on_has_a_sentence_that_says_how(code: str) -> None:
    for status in (400, 403):
        found = verdict("crm", status, refusal(code))
        assert isinstance(found, Misconfigured)
        assert found.code == code
        assert ACTS.search(found.detail.partition(":")[2]), found.detail
        assert "secret" not in str(found)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/services/data/v65.0/query/01g-1",
        "//evil.example/services/data/v65.0/query/01g-1",
        "/services/data/v65.0/query/../../x",
        "/services/data/v65.0/sobjects/Account",
        "@evil.example",
        "",
    ],
)
async def test_a_cursor_elsewhere_is_not_followed(following: str) -> None:
    body = msgspec.json.encode({"done": False, "records": [], "nextRecordsUrl": following})
    transport = Scripted(body, answer("b"))
    with pytest.raises(Malformed):
        await Reader("crm", transport, "65.0").query("SELECT Id FROM Order")
    assert len(transport.asked) == 1


@pytest.mark.anyio
async def test_a_cursor_that_turns_in_a_circle_ends() -> None:
    again = answer("a", following=NEXT)
    with pytest.raises(Malformed):
        await Reader("crm", Scripted(again, again, again), "65.0").query("SELECT Id FROM Order")


@pytest.mark.anyio
async def test_child_rows_may_be_null_or_have_a_cursor_of_their_own() -> None:
    reader = Reader("crm", Scripted(answer("b")), "65.0")
    assert await reader.nested(None) == []
    nested = {"done": False, "records": [{"Id": "a"}], "nextRecordsUrl": NEXT}
    assert [r["Id"] for r in await reader.nested(nested)] == ["a", "b"]
    with pytest.raises(Malformed):
        await reader.nested({"records": "none"})


@pytest.mark.anyio
async def test_several_queries_go_inside_one_composite() -> None:
    parts = [
        {"httpStatusCode": 200, "referenceId": "q1", "body": msgspec.Raw(answer("b"))},
        {"httpStatusCode": 400, "referenceId": "q0", "body": msgspec.Raw(refusal("QUERY_TIMEOUT"))},
    ]
    transport = Scripted(msgspec.json.encode({"compositeResponse": parts}))
    found = await Reader("crm", transport, "65.0").queries(["A", "B", "C"])
    assert isinstance(found[0], Retryable)
    assert found[1] == [{"Id": "b"}]
    assert isinstance(found[2], Malformed)
    assert transport.asked[0].may_repeat


def test_parts_never_exceed_the_limit_of_an_address() -> None:
    reader = Reader("crm", Scripted(), "65.0")
    keys = [f"{'é' * 60}{i}" for i in range(500)]

    def query(part: Sequence[str]) -> str:
        return soql.one_of("F", part)

    parts = list(reader.parts(keys, query))
    assert [key for part in parts for key in part] == keys
    assert all(len(soql.address("/services/data/v65.0", query(p))) <= MAX_URI for p in parts)
    assert [len(p) for p in reader.parts([str(i) for i in range(401)], query)] == [200, 200, 1]
    assert "F IN ('0')" in unquote(soql.address("", query(["0"])))
