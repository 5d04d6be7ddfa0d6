"""What a client can get wrong: a clear error with its place and code, and no upstream call."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.graph.conftest import Control, Truth
from tests.serving import GatewayServer


def refused(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a request error: there is no `data` at all."""
    body = response.json()
    assert "data" not in body
    (error,) = body["errors"]
    assert error["message"]
    assert error["extensions"]["correlationId"] == response.headers["x-request-id"]
    return response.status_code, error["extensions"]["code"]


REFUSALS = {
    "first too large": ("{ orders(first: 100000) { nodes { id } } }", "BAD_FIRST"),
    "first zero": ("{ orders(first: 0) { nodes { id } } }", "BAD_FIRST"),
    "first negative, nested": (
        "{ orders(first: 1) { nodes { payments(first: -1) { nodes { id } } } } }",
        "BAD_FIRST",
    ),
    "a cursor that is no base64": ('{ orders(after: "!!") { nodes { id } } }', "BAD_CURSOR"),
    "a cursor that is something else": (
        '{ orders(after: "aGVsbG8") { nodes { id } } }',
        "BAD_CURSOR",
    ),
    "an id without parts": ('{ order(id: "801") { id } }', "BAD_ID"),
    "an id of an unknown source": ('{ order(id: "sap:order:801") { id } }', "BAD_ID"),
    "an id of an unknown kind": ('{ node(id: "salesforce:invoice:1") { id } }', "BAD_ID"),
    "an id of another kind": ('{ order(id: "stripe_eu:payment:pi_1") { id } }', "BAD_ID"),
    "a native id that cannot be one": ('{ order(id: "salesforce:order:8;DROP") { id } }', "BAD_ID"),
    "a path in an id": ('{ payment(id: "stripe_eu:payment:pi_1/../x") { id } }', "BAD_ID"),
    "a payment of a CRM": ('{ payment(id: "salesforce:payment:1") { id } }', "BAD_ID"),
    "an unknown currency": (
        '{ orders(filter: {total: {currency: "XXZ", gte: "1"}}) { nodes { id } } }',
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a float for a decimal": (
        '{ orders(filter: {total: {currency: "EUR", gte: 1.5}}) { nodes { id } } }',
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a time without a zone": (
        '{ orders(filter: {placedAt: {gte: "2026-01-01T00:00:00"}}) { nodes { id } } }',
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "an unknown field": ("{ orders { nodes { pin } } }", "GRAPHQL_VALIDATION_FAILED"),
    "an unknown argument": ("{ orders(last: 1) { nodes { id } } }", "GRAPHQL_VALIDATION_FAILED"),
    "a syntax error": ("{ orders { ", "GRAPHQL_PARSE_FAILED"),
    "an empty document": ("", "GRAPHQL_PARSE_FAILED"),
    "a deep query": (
        "{ orders { nodes { customer { orders { nodes { customer { orders { nodes { customer"
        " { orders { nodes { customer { orders { nodes { id } } } } } } } } } } } } } } }",
        "MAX_DEPTH_LIMIT",
    ),
    "many aliases": (
        "{" + " ".join(f"a{i}: __typename" for i in range(31)) + "}",
        "MAX_ALIASES_LIMIT",
    ),
    "a circular fragment": (
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "too many tokens": ("{" + "a " * 6000 + "}", "GRAPHQL_PARSE_FAILED"),
    "too many characters": ("{ __typename } #" + "x" * 20_000, "MAX_CHARACTERS_LIMIT"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_request_that_cannot_be_answered_is_refused(
    gateway: GatewayServer, control: Control, name: str
) -> None:
    query, code = REFUSALS[name]
    response = gateway.post(query)
    errors = response.json()["errors"]
    assert response.status_code == 400
    assert "data" not in response.json()
    assert code in {error["extensions"]["code"] for error in errors}
    assert all(error["message"] for error in errors)
    assert control.paths() == []


@pytest.mark.parametrize("query", [query for query, _ in REFUSALS.values()])
def test_older_clients_get_the_same_errors_with_200(gateway: GatewayServer, query: str) -> None:
    response = gateway.post(query, accept="application/json")
    assert response.status_code == 200
    assert "data" not in response.json()
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_a_variable_is_checked_like_a_literal(gateway: GatewayServer) -> None:
    query = "query Q($n: Int, $c: String) { orders(first: $n, after: $c) { nodes { id } } }"
    assert refused(gateway.post(query, {"n": 100000})) == (400, "BAD_FIRST")
    assert refused(gateway.post(query, {"c": "nonsense"})) == (400, "BAD_CURSOR")
    assert refused(gateway.post(query, {"n": "ten"})) == (400, "BAD_USER_INPUT")
    for number in (1000.0, -1.0, 0.0):
        assert refused(gateway.post(query, {"n": number})) == (400, "BAD_FIRST")
    one = "query Q($id: ID!) { order(id: $id) { id } }"
    assert refused(gateway.post(one, {"id": 801.0})) == (400, "BAD_ID")


def test_a_cursor_of_another_question_is_refused(gateway: GatewayServer, control: Control) -> None:
    cursor = gateway.data("{ orders(first: 1) { pageInfo { endCursor } } }")["orders"]["pageInfo"]
    query = """query Q($c: String) {
      orders(after: $c, filter: {recordedState: [PAID]}) { nodes { id } } }"""
    control.clear()
    answer = gateway.ask(query, c=cursor["endCursor"])
    assert answer["data"] == {"orders": None}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
    assert control.paths() == []


FIELD_ERRORS = {
    "neither id nor number": ("{ order { id } }", "BAD_FILTER"),
    "both id and number": (
        '{ order(id: "salesforce:order:801000000000001", number: "x") { id } }',
        "BAD_FILTER",
    ),
    "an unknown source": ('{ orders(filter: {source: ["sap"]}) { nodes { id } } }', "BAD_FILTER"),
    "a source that has none": (
        '{ payments(filter: {source: ["salesforce"]}) { nodes { id } } }',
        "BAD_FILTER",
    ),
    "half a yen": (
        '{ orders(filter: {total: {currency: "JPY", gte: "1.5"}}) { nodes { id } } }',
        "BAD_FILTER",
    ),
    "an amount beyond 64 bits": (
        '{ orders(filter: {total: {currency: "EUR", gte: "92233720368547758.08"}})'
        " { nodes { id } } }",
        "BAD_FILTER",
    ),
    "totals of several currencies": (
        "{ orders(orderBy: TOTAL_DESC) { nodes { id } } }",
        "BAD_FILTER",
    ),
    "an order the vendor cannot list in": (
        '{ orders(orderBy: PLACED_AT_ASC, filter: {source: ["stripe_eu"]}) { nodes { id } } }',
        "BAD_FILTER",
    ),
    "a customer of another source than the filter's": (
        '{ orders(filter: {source: ["stripe_eu"], customer: "salesforce:customer:001000000000001"})'
        " { nodes { id } } }",
        "BAD_FILTER",
    ),
}


@pytest.mark.parametrize("name", FIELD_ERRORS)
def test_a_value_that_makes_no_sense_nulls_its_root(
    gateway: GatewayServer, control: Control, name: str
) -> None:
    query, code = FIELD_ERRORS[name]
    answer = gateway.ask(query)
    (error,) = answer["errors"]
    (root,) = answer["data"]
    assert (answer["data"][root], error["path"]) == (None, [root])
    assert error["extensions"]["code"] == code
    assert control.paths() == []


def test_a_bad_id_among_good_ones_is_null_with_its_own_error(
    gateway: GatewayServer, truth: Truth
) -> None:
    good = f"salesforce:order:{truth['orders'][0]['nativeId']}"
    missing = "salesforce:order:801000000000001AAA"
    query = "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    answer = gateway.ask(query, ids=[good, "nonsense", missing, good])
    assert answer["data"]["nodes"] == [{"id": good}, None, None, {"id": good}]
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["nodes", 1], "BAD_ID")


def test_what_does_not_exist_is_null_without_an_error(gateway: GatewayServer) -> None:
    query = """{
      a: order(id: "salesforce:order:801000000000001AAA") { id }
      b: payment(id: "stripe_eu:payment:pi_nothing") { id }
      c: customer(email: "nobody@example.org") { id }
      d: order(number: "NO-SUCH") { id }
      e: payment(reference: "NO-SUCH") { id }
      f: refund(id: "stripe_us:refund:re_nothing") { id }
      orders(filter: {number: {in: []}}) { nodes { id } pageInfo { hasNextPage } }
    }"""
    nothing: dict[str, Any] = dict.fromkeys("abcdef")
    assert gateway.data(query) == nothing | {
        "orders": {"nodes": [], "pageInfo": {"hasNextPage": False}}
    }


def test_a_fifteen_character_id_is_the_same_record(gateway: GatewayServer, truth: Truth) -> None:
    native = truth["orders"][3]["nativeId"]
    short = gateway.data(f'{{ order(id: "salesforce:order:{native[:15]}") {{ nativeId }} }}')
    assert short["order"]["nativeId"] == native


def test_an_unknown_status_is_unknown_and_keeps_the_vendors_word(
    gateway: GatewayServer, truth: Truth
) -> None:
    unknown = next(
        p
        for o in truth["orders"]
        for p in o["payments"]
        if p["status"] == "UNKNOWN" and p["source"].startswith("stripe")
    )
    id_ = f"{unknown['source']}:payment:{unknown['nativeId']}"
    payment = gateway.data(f'{{ payment(id: "{id_}") {{ status providerStatus }} }}')["payment"]
    assert payment == {"status": "UNKNOWN", "providerStatus": "settling_externally"}
