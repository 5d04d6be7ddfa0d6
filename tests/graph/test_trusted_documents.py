"""Registered operations over HTTP: asked by id, and all that some clients may ask."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from auth.hashed import hash_secret
from gateway.auth_settings import ApiKeySettings, AuthSettings
from gateway.documents_settings import DocumentsSettings
from sandbox.server import Server as Sandbox
from tests.graph.conftest import STRIPE_ONLY, Control
from tests.graph.principals import EVERY_SCOPE
from tests.serving import GatewayServer

ORDER = "query Order($number: String!) { order(number: $number) { id } }"
ID = hashlib.sha256(ORDER.encode()).hexdigest()
APOLLO = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": ID}}}
UNKNOWN = {"documentId": "sha256:" + "0" * 64}
VARIABLES = {"variables": {"number": "NO-SUCH"}}
RESPONSE = "application/graphql-response+json"


@pytest.fixture(scope="module")
def guarded(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    """`shop` may ask anything, `partner` only what is registered."""
    manifest = Path(tmp_path_factory.mktemp("documents")) / "operations.json"
    manifest.write_text(json.dumps({ID: ORDER}))
    key = ApiKeySettings(secret_hash=str(hash_secret("secret")), scopes=tuple(EVERY_SCOPE.split()))
    auth = AuthSettings(resource="https://graph.example", api_keys={"shop": key, "partner": key})
    documents = DocumentsSettings(files=(str(manifest),), only=("partner",))
    with GatewayServer(
        sandbox,
        profile="production",
        only=STRIPE_ONLY,
        indexed=False,
        auth=auth,
        changes={"documents": documents},
    ) as running:
        yield running


def headers(client: str, accept: str = RESPONSE) -> dict[str, str]:
    basic = b64encode(f"{client}:secret".encode()).decode()
    return {"authorization": f"Basic {basic}", "accept": accept, "apollo-require-preflight": "1"}


def sent(
    gateway: GatewayServer, body: Mapping[str, Any], client: str = "partner", accept: str = RESPONSE
) -> httpx.Response:
    return gateway.client.post("/graphql", json=body, headers=headers(client, accept))


@pytest.mark.parametrize("client", ["shop", "partner"])
@pytest.mark.parametrize(
    "asked", [{"documentId": f"sha256:{ID}"}, {"documentId": ID}, APOLLO, {"query": ORDER}]
)
def test_a_registered_operation_is_asked_by_id_or_text(
    guarded: GatewayServer, client: str, asked: dict[str, Any]
) -> None:
    answer = sent(guarded, asked | VARIABLES, client)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"order": None}


def test_a_get_names_it_too(guarded: GatewayServer) -> None:
    for asked in ({"documentId": ID}, {"extensions": json.dumps(APOLLO["extensions"])}):
        params = asked | {"variables": json.dumps(VARIABLES["variables"])}
        answer = guarded.client.get("/graphql", params=params, headers=headers("partner"))
        assert answer.json()["data"] == {"order": None}


@pytest.mark.parametrize(("accept", "status"), [(RESPONSE, 400), ("application/json", 200)])
def test_anything_else_is_refused_as_what_is_unknown(
    guarded: GatewayServer, control: Control, accept: str, status: int
) -> None:
    errors = []
    for asked in (UNKNOWN, {"query": "{ sources { name } }"}, {"query": "{ nothing"}):
        answer = sent(guarded, asked, accept=accept)
        assert answer.status_code == status
        (error,) = answer.json()["errors"]
        error["extensions"].pop("correlationId")
        errors.append(error)
    assert errors[0] == errors[1] == errors[2]
    assert errors[0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert control.paths() == []


def test_who_is_not_held_asks_anything_but_registers_nothing(guarded: GatewayServer) -> None:
    text = "{ __typename }"
    id_ = hashlib.sha256(text.encode()).hexdigest()
    both = {"query": text, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": id_}}}
    assert sent(guarded, both, "shop").json() == {"data": {"__typename": "Query"}}
    again = sent(guarded, {"documentId": id_}, "shop")
    assert again.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "asked",
    [
        {"query": "{ __typename }", "documentId": ID},
        {"documentId": 1},
        {"documentId": None},
        {"extensions": {"persistedQuery": {"sha256Hash": 1}}},
        {"extensions": {"persistedQuery": []}},
    ],
)
def test_what_names_no_operation_is_no_request(
    guarded: GatewayServer, asked: dict[str, Any]
) -> None:
    answer = sent(guarded, asked, "shop")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_where_nothing_is_registered_apollos_clients_are_told_so(
    stripe_only: GatewayServer,
) -> None:
    answer = stripe_only.client.post("/graphql", json=APOLLO, headers={"accept": RESPONSE})
    code = answer.json()["errors"][0]["extensions"]["code"]
    assert (answer.status_code, code) == (400, "PERSISTED_QUERY_NOT_SUPPORTED")
