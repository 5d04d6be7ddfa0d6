"""One JSON line per request, and nothing in it that a client or a vendor wrote."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.access_log import AccessLog, JsonFormatter, access
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.serving import GatewayServer
from tests.waiting import until

EMAIL = "quirky@example.com"
FIELDS = {
    "time",
    "level",
    "logger",
    "message",
    "request",
    "method",
    "path",
    "status",
    "bytes",
    "ms",
    "operation",
    "errors",
}


class Lines(logging.Handler):
    """What would stand in the log."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def requests(self, count: int) -> list[dict[str, Any]]:
        """All lines about requests; a request's line follows its answer, so `count` are awaited."""
        until(lambda: len(self._accesses()) >= count)
        return self._accesses()

    def _accesses(self) -> list[dict[str, Any]]:
        lines = [json.loads(text) for text in list(self.texts)]
        return [line for line in lines if line["logger"] == "tillgate.access"]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Of all loggers, our own at any level."""
    handler = Lines()
    logger = logging.getLogger()
    ours = logging.getLogger("tillgate")
    before = ours.level
    ours.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    ours.setLevel(before)


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayServer]:
    with (
        Sandbox(vendors=discover(("salesforce",)), size=20, rate_limits=False) as sandbox,
        GatewayServer(sandbox) as running,
    ):
        yield running


def test_every_request_is_one_line(gateway: GatewayServer, lines: Lines) -> None:
    body = {"query": "query Some { sources { name } }", "operationName": "Some"}
    answer = gateway.client.post("/graphql", json=body)
    (line,) = lines.requests(1)
    assert set(line) == FIELDS
    assert line["request"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/graphql", 200)
    assert (line["operation"], line["errors"]) == ("Some", 0)
    assert (line["bytes"], line["level"]) == (len(answer.content), "info")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_not_graphql_is_a_line_too(gateway: GatewayServer, lines: Lines) -> None:
    ids = [gateway.client.get(path).headers["x-request-id"] for path in ("/healthz", "/none")]
    seen = [(r["request"], r["path"], r["status"], r["operation"]) for r in lines.requests(2)]
    assert seen == [(ids[0], "/healthz", 200, None), (ids[1], None, 404, None)]
    assert len(set(ids)) == 2


def test_nothing_that_a_client_sent_is_in_the_log(gateway: GatewayServer, lines: Lines) -> None:
    hostile = f'{EMAIL}\n{{"level":"error"}}'
    search = "query Q($e: String) { customer(email: $e) { id } }"
    for body in (
        {"query": "{ __typename }", "operationName": hostile},
        {"query": search, "operationName": "Q", "variables": {"e": EMAIL}},
        {"query": f'{{ customer(email: "{EMAIL}") {{ id }} }}'},
        {"query": f'{{ order(id: "{EMAIL}") {{ id }} }}'},
        {"query": f"{{ {EMAIL} }}"},
        {"query": "{ __typename }", "variables": EMAIL},
    ):
        gateway.client.post("/graphql", json=body)
    gateway.client.get("/graphql", params={"query": f'{{ order(id: "{EMAIL}") {{ id }} }}'})
    assert len(lines.requests(7)) == 7
    assert [line["operation"] for line in lines.requests(7)] == [None, "Q"] + [None] * 5
    for text in lines.texts:
        assert "\n" not in text
        assert "quirky" not in text
        assert "customer(" not in text


def test_an_id_that_a_client_gives_itself_is_not_taken(
    gateway: GatewayServer, lines: Lines
) -> None:
    answer = gateway.client.get("/healthz", headers={"x-request-id": EMAIL})
    assert answer.headers["x-request-id"] == lines.requests(1)[0]["request"] != EMAIL


@pytest.mark.anyio
async def test_a_crash_is_a_500_and_its_message_is_not_logged(lines: Lines) -> None:
    async def crash(request: Request) -> Response:
        raise ValueError(EMAIL)

    app = AccessLog(Starlette(routes=[Route("/crash", crash)]), frozenset({"/crash"}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/crash")).status_code == 500
    assert [(line["status"], line["path"]) for line in lines.requests(1)] == [(500, "/crash")]
    try:
        raise ValueError(EMAIL)
    except ValueError:
        access.exception("it failed")
    crashed = json.loads(lines.texts[-1])
    assert (crashed["message"], crashed["exception"]) == ("it failed", "ValueError")
    assert crashed["at"][0].startswith("test_access_log.py:")
    assert EMAIL not in "".join(lines.texts)


def test_a_line_is_one_line_of_json_in_utc() -> None:
    record = logging.LogRecord("tillgate", logging.WARNING, "", 0, "a\nb %s", ("ü",), None)
    record.created, record.msecs = 0.25, 250
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert json.loads(text) == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "warning",
        "logger": "tillgate",
        "message": "a\nb ü",
    }


def test_a_card_number_in_a_log_line_is_replaced_and_told() -> None:
    record = logging.LogRecord(
        "tillgate.x", logging.INFO, "", 0, "paid with %s", ("4111 1111 1111 1111",), None
    )
    record.fields = {"n": 5555555555554444, "ids": ["378282246310005"], "ms": 1.5}
    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "paid with [PAN:1111]"
    assert line["n"] == "[PAN:4444]"
    assert line["ids"] == '["[PAN:0005]"]'
    assert line["card_number"] is True


def test_a_log_line_without_one_says_nothing_of_it() -> None:
    record = logging.LogRecord("tillgate.x", logging.INFO, "", 0, "order %s", ("SO-1001",), None)
    assert "card_number" not in json.loads(JsonFormatter().format(record))
