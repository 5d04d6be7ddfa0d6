"""GraphQL over HTTP: methods, media types, sizes, and what a browser may be tricked into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query

from sandbox.server import Server as Sandbox
from tests.graph.conftest import Control
from tests.serving import GatewayServer

TYPENAME = {"query": "{ __typename }"}
RESPONSE = "application/graphql-response+json"


@pytest.fixture(scope="module")
def production(sandbox: Sandbox) -> Iterator[GatewayServer]:
    with GatewayServer(sandbox, profile="production") as running:
        yield running


def test_tools_get_the_whole_schema_by_the_query_that_all_of_them_send(
    gateway: GatewayServer,
) -> None:
    told = gateway.data(get_introspection_query(input_value_deprecation=True))
    assert build_client_schema(told).get_type("Payment") is not None  # type: ignore[arg-type]


def test_post_and_get_answer_the_same(gateway: GatewayServer) -> None:
    posted = gateway.client.post("/graphql", json=TYPENAME)
    got = gateway.client.get("/graphql", params=TYPENAME)
    assert posted.json() == got.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}; charset=utf-8, application/json", RESPONSE),
        (f"text/html, {RESPONSE};q=0.8", RESPONSE),
        (f"{RESPONSE};q=0, application/json", "application/json"),
    ],
)
def test_the_media_type_is_the_one_that_is_accepted(
    gateway: GatewayServer, accept: str | None, answered: str
) -> None:
    headers = {"accept": accept} if accept is not None else {"accept": ""}
    response = gateway.client.post("/graphql", json=TYPENAME, headers=headers)
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


STATUSES: dict[str, tuple[int, dict[str, Any]]] = {
    "nothing acceptable": (406, {"json": TYPENAME, "headers": {"accept": "image/png"}}),
    "text/plain": (
        415,
        {"content": '{"query":"{__typename}"}', "headers": {"content-type": "text/plain"}},
    ),
    "a form": (415, {"data": {"query": "{__typename}"}}),
    "no content type": (415, {"content": b"{}"}),
    "another charset": (
        415,
        {"content": b"{}", "headers": {"content-type": "application/json; charset=utf-16"}},
    ),
    "not JSON": (400, {"content": b"{", "headers": {"content-type": "application/json"}}),
    "not UTF-8": (
        400,
        {"content": b'{"query": "\xff"}', "headers": {"content-type": "application/json"}},
    ),
    "deep JSON": (
        400,
        {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}},
    ),
    "a batch": (400, {"json": [TYPENAME]}),
    "a number": (400, {"json": 7}),
    "no query": (400, {"json": {}}),
    "query is a number": (400, {"json": {"query": 7}}),
    "variables is a list": (400, {"json": TYPENAME | {"variables": []}}),
    "operationName is a number": (400, {"json": TYPENAME | {"operationName": 1}}),
    "extensions is text": (400, {"json": TYPENAME | {"extensions": "x"}}),
    "deep variables": (400, {"json": TYPENAME | {"variables": {"v": nested(64)}}}),
    "10 MB": (413, {"content": b" " * 10_000_000, "headers": {"content-type": "application/json"}}),
}


@pytest.mark.parametrize("name", STATUSES)
def test_what_is_not_a_graphql_request_is_refused(
    gateway: GatewayServer, control: Control, name: str
) -> None:
    status, request = STATUSES[name]
    response = gateway.client.post("/graphql", **request)
    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert control.paths() == []


def test_a_byte_order_mark_before_a_body_is_passed_over(gateway: GatewayServer) -> None:
    body = '\ufeff{"query": "{ __typename }"}'.encode()
    response = gateway.client.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )
    assert response.json() == {"data": {"__typename": "Query"}}


def test_variables_nested_as_deep_as_allowed_are_taken(gateway: GatewayServer) -> None:
    response = gateway.client.post("/graphql", json=TYPENAME | {"variables": {"v": nested(63)}})
    assert response.json() == {"data": {"__typename": "Query"}}


def test_a_large_body_without_a_length_is_refused_while_it_is_read(gateway: GatewayServer) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 100_000

    headers = {"content-type": "application/json"}
    response = gateway.client.post("/graphql", content=endless(), headers=headers)
    assert response.status_code == 413


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_allowed(gateway: GatewayServer, method: str) -> None:
    response = gateway.client.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


def test_variables_of_a_get_are_json(gateway: GatewayServer) -> None:
    query = {"query": "query Q($n: Int) { orders(first: $n) { nodes { __typename } } }"}
    good = gateway.client.get("/graphql", params=query | {"variables": '{"n": 2}'})
    assert len(good.json()["data"]["orders"]["nodes"]) == 2
    assert gateway.client.get("/graphql", params=query | {"variables": "{n"}).status_code == 400


def test_the_named_operation_of_several_is_executed(gateway: GatewayServer) -> None:
    document = "query A { a: __typename } query B { b: __typename }"
    chosen = gateway.client.post("/graphql", json={"query": document, "operationName": "B"})
    assert chosen.json() == {"data": {"b": "Query"}}
    unnamed = gateway.post(document)
    assert unnamed.status_code == 400
    assert "data" not in unnamed.json()


def test_production_asks_a_get_for_a_header_that_no_simple_page_can_send(
    production: GatewayServer,
) -> None:
    bare = production.client.get("/graphql", params=TYPENAME)
    assert bare.status_code == 400
    for header in ("apollo-require-preflight", "x-apollo-operation-name"):
        sent = production.client.get("/graphql", params=TYPENAME, headers={header: "1"})
        assert sent.json() == {"data": {"__typename": "Query"}}
        empty = production.client.get("/graphql", params=TYPENAME, headers={header: ""})
        assert empty.status_code == 400


def test_production_shows_no_page_no_schema_and_no_federation(production: GatewayServer) -> None:
    page = production.client.get("/graphql", headers={"accept": "text/html"})
    assert page.status_code == 406
    introspected = production.post("{ __schema { types { name } } }")
    assert introspected.status_code == 400
    assert introspected.json()["errors"][0]["extensions"]["code"] == "INTROSPECTION_DISABLED"
    named = production.post('{ __type(name: "Order") { name } __typename }')
    assert named.json() == {"data": {"__type": None, "__typename": "Query"}}
    for query in (
        "{ _service { sdl } }",
        "query { ...f } fragment f on Query { _service { sdl } }",
    ):
        refusal = production.post(query)
        assert refusal.status_code == 400
        assert refusal.json()["errors"][0]["extensions"]["code"] == "FEDERATION_DISABLED"


def test_production_suggests_no_names(production: GatewayServer) -> None:
    for query in (
        "{ orderz { nodes { id } } }",
        "{ orders { nodes { numbr } } }",
        "{ order(idd: 1) { id } }",
    ):
        assert "did you mean" not in production.post(query).text.lower()
    variables = "query Q($f: OrderFilter) { orders(filter: $f) { nodes { id } } }"
    answer = production.post(variables, {"f": {"numbr": {"eq": "x"}, "recordedState": ["PAYD"]}})
    assert answer.status_code == 400
    assert "did you mean" not in answer.text.lower()


def test_development_shows_graphiql_to_a_browser(gateway: GatewayServer) -> None:
    page = gateway.client.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert "graphiql" in page.text.lower()


def test_health_and_readiness(gateway: GatewayServer, control: Control) -> None:
    assert gateway.client.get("/healthz").json() == {"status": "ok"}
    control.faults({"vendor": "stripe", "kind": "status", "status": 503})
    ready = gateway.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert control.paths() == []


def test_sources_tell_how_they_are(gateway: GatewayServer, control: Control) -> None:
    control.faults({"vendor": "stripe", "account": "stripe_us", "kind": "status", "status": 503})
    query = """{ sources { name vendor kind healthy problem latencyMs quotaLeft capabilities
      booksReadAt incompletePeriods } }"""
    every = gateway.data(query)["sources"]
    known = {source["name"]: source for source in every}
    crm, eu, us = (known.pop(name) for name in ("salesforce", "stripe_eu", "stripe_us"))
    others = known.values()
    assert (crm["name"], crm["kind"], crm["healthy"]) == ("salesforce", "CRM", True)
    assert 0 < crm["quotaLeft"] < 15_000
    assert (eu["healthy"], eu["problem"], eu["quotaLeft"]) == (True, None, None)
    assert (us["healthy"], us["problem"]) == (False, "UPSTREAM_UNAVAILABLE")
    assert "payments_by_reference" in eu["capabilities"]
    assert {other["name"] for other in others if other["healthy"]} == {
        "alipay_cn",
        "ecny_cn",
        "paypal",
        "unionpay_cn",
        "wechat_cn",
    }
    assert all("ledger" in other["capabilities"] for other in others)
    assert all(other["booksReadAt"] for other in others)
    assert (crm["booksReadAt"], eu["booksReadAt"]) == (None, None)
    assert {other["incompletePeriods"] for other in others} == {0}
    assert (crm["incompletePeriods"], eu["incompletePeriods"]) == (None, None)
