"""What an auditor's probes find of the production profile: nothing, with a partner's token or where
nobody needs one.

The twelve probes are those of graphql-cop, asked in our own words.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import httpx
import pytest

from tests.serving import GatewayServer

GRAPHQL_RESPONSE = "application/graphql-response+json"
CIRCLE = "fields { type { " * 4 + "name" + " } }" * 4
LEAKS = ("exception", "stacktrace", "traceback", "tracing", "debug")


@pytest.fixture(scope="module", params=["anonymous", "partner"])
def probed(
    request: pytest.FixtureRequest, production: GatewayServer, guarded: GatewayServer, partner: str
) -> Iterator[GatewayServer]:
    """Whoever asks; a partner's requests carry its token."""
    if request.param == "anonymous":
        yield production
        return
    gateway = copy(guarded)
    with httpx.Client(
        base_url=guarded.origin, timeout=30, headers={"authorization": f"Bearer {partner}"}
    ) as client:
        gateway.client = client
        yield gateway


def refused(answer: httpx.Response, status: int, code: str) -> list[dict[str, Any]]:
    """The errors of an answer that is a refusal and has no data."""
    assert answer.status_code == status
    body = answer.json()
    assert body.keys() == {"errors"}
    assert {error["extensions"]["code"] for error in body["errors"]} == {code}
    errors: list[dict[str, Any]] = body["errors"]
    return errors


def get(gateway: GatewayServer, query: str, **headers: str) -> httpx.Response:
    return gateway.client.get("/graphql", params={"query": query}, headers=headers)


def keys(value: object) -> set[str]:
    """All keys of a JSON value, at any depth, in lower case."""
    if isinstance(value, dict):
        return {key.lower() for key in value}.union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(
    "query", ["{ custommer { id } }", "{ customer { nam } }", "{ customer(idd: 1) { id } }"]
)
def test_fields_are_not_suggested(probed: GatewayServer, query: str) -> None:
    errors = refused(probed.post(query), 400, "GRAPHQL_VALIDATION_FAILED")

    assert not any("did you mean" in error["message"].lower() for error in errors)


def test_the_schema_is_not_shown(probed: GatewayServer) -> None:
    refused(probed.post("{ __schema { queryType { name } } }"), 400, "INTROSPECTION_DISABLED")


@pytest.mark.parametrize("name", ["Query", "Order", "Nothing"])
def test_a_type_is_not_found_by_its_name(probed: GatewayServer, name: str) -> None:
    query = (
        f'{{ ...f }} fragment f on Query {{ t: __type(name: "{name}") {{ fields {{ name }} }} }}'
    )
    assert probed.post(query).json() == {"data": {"t": None}}


def test_the_schema_is_not_shown_to_a_router_either(probed: GatewayServer) -> None:
    """A partner does not even learn that there is something to switch on."""
    code = "FEDERATION_DISABLED" if probed.settings.auth is None else "GRAPHQL_VALIDATION_FAILED"
    refused(probed.post("{ _service { sdl } }"), 400, code)


@pytest.mark.parametrize("path", ["/graphql", "/", "/graphiql", "/playground", "/console"])
def test_no_page_to_explore_with(probed: GatewayServer, path: str) -> None:
    answer = probed.client.get(path, headers={"accept": "text/html"})

    assert answer.status_code == (406 if path == "/graphql" else 404)
    assert "text/html" not in answer.headers["content-type"]
    assert "graphiql" not in answer.text.lower()


def test_a_get_without_the_header_is_refused(probed: GatewayServer) -> None:
    refused(get(probed, "{ __typename }"), 400, "BAD_REQUEST")
    allowed = get(probed, "{ __typename }", **{"apollo-require-preflight": "1"})

    assert allowed.json() == {"data": {"__typename": "Query"}}


def test_101_aliases_are_refused(probed: GatewayServer) -> None:
    aliases = " ".join(f"a{number}: __typename" for number in range(101))

    answer = probed.post(f"{{ {aliases} }}")

    assert answer.status_code == 400
    body = answer.json()
    assert body.keys() == {"errors"}
    codes = {error["extensions"]["code"] for error in body["errors"]}
    assert codes == {"MAX_ALIASES_LIMIT", "MAX_ROOT_FIELDS_LIMIT"}


def test_a_batch_is_refused_whole(probed: GatewayServer) -> None:
    batch = [{"query": "{ __typename }"}] * 10

    refused(probed.client.post("/graphql", json=batch), 400, "BAD_REQUEST")


@pytest.mark.parametrize("query", ["{ __typename }", "{ nothing }", "{"])
def test_no_trace_comes_along(probed: GatewayServer, query: str) -> None:
    answer = probed.post(query, apollo_federation_include_trace="ftv1", x_apollo_tracing="1")

    body = answer.json()
    assert "extensions" not in body
    assert keys(body).isdisjoint(LEAKS)


def test_ten_unknown_directives_are_not_answered_one_by_one(probed: GatewayServer) -> None:
    answer = probed.post("{ __typename " + "@unknown" * 10 + " }")

    errors = answer.json()["errors"]
    assert answer.status_code == 400
    assert 1 <= len(errors) < 10


def test_circular_introspection_is_refused(probed: GatewayServer) -> None:
    query = f"{{ __schema {{ types {{ {CIRCLE} }} }} }}"

    refused(probed.post(query), 400, "INTROSPECTION_DISABLED")


def test_a_mutation_is_not_asked_by_get(probed: GatewayServer) -> None:
    refused(get(probed, "mutation M { __typename }"), 400, "BAD_REQUEST")
    headers = {"apollo-require-preflight": "1", "accept": GRAPHQL_RESPONSE}
    asked = get(probed, "mutation M { __typename }", **headers)

    assert asked.status_code == 405
    assert asked.json().keys() == {"errors"}


@pytest.mark.parametrize(
    "type_", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain"]
)
def test_a_form_of_another_page_is_refused(probed: GatewayServer, type_: str) -> None:
    """What a browser sends across origins without asking first."""
    for content in ("query=%7B__typename%7D", '{"query": "{ __typename }"}'):
        headers = {"content-type": type_}
        answer = probed.client.post("/graphql", content=content, headers=headers)

        refused(answer, 415, "BAD_REQUEST")


@pytest.mark.parametrize(
    "query", ["qwerty Q { abc }", "{ customer(id: {}) { id } }", "query Q($a: Nope!) { a }", "\0"]
)
def test_errors_carry_no_exception(probed: GatewayServer, query: str) -> None:
    answer = probed.post(query)

    assert answer.status_code == 400
    assert keys(answer.json()).isdisjoint(LEAKS)
    assert not any(word in answer.text for word in ("Traceback", ".py", "Error("))
