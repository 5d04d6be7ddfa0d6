"""Over HTTP, with real tokens: without one nothing is asked, with less of one less is seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from auth.rows import PartnerRows, RowRules, TenantRows
from gateway.auth_settings import AuthSettings, EmbeddedSettings
from gateway.demo_clients import PARTNER, TENANT, demo_client
from gateway.token import fetch_token
from sandbox.server import Server as Sandbox
from tests.graph.conftest import STRIPE_ONLY, Control, Truth
from tests.serving import GatewayServer

CHALLENGE = 'Bearer realm="tillgate", resource_metadata='
EMAILS = "{ customers(first: 5) { nodes { id email orders(first: 1) { nodes { number } } } } }"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> AuthSettings:
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    return AuthSettings(
        resource="http://127.0.0.1:8000",
        embedded=EmbeddedSettings(keys=str(keys), demo_clients=True),
        rows=RowRules(
            tenants={TENANT: TenantRows(sources=STRIPE_ONLY)},
            partners={PARTNER: PartnerRows(customers=())},
            without_partner="all",
        ),
    )


@pytest.fixture(scope="module")
def asked(sandbox: Sandbox, settings: AuthSettings) -> Iterator[GatewayServer]:
    with GatewayServer(sandbox, only=STRIPE_ONLY, indexed=False, auth=settings) as gateway:
        yield gateway


def token(gateway: GatewayServer, role: str, scope: str | None = None) -> dict[str, str]:
    text = fetch_token(gateway.origin, *demo_client(role), scope)
    return {"authorization": f"Bearer {text}"}


def test_without_a_token_nobody_is_asked_anything(asked: GatewayServer, control: Control) -> None:
    get = {"query": EMAILS}, {"apollo-require-preflight": "1"}
    for answer in (
        asked.post(EMAILS),
        asked.post("{ __typename }"),
        asked.post("{ __schema { types { name } } }"),
        asked.client.get("/graphql", params=get[0], headers=get[1]),
        asked.client.post("/graphql", content=b"not JSON"),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith(CHALLENGE)
        assert answer.json().keys() == {"errors"}
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert control.paths() == []


def test_a_new_token_with_less_sees_less_at_once(asked: GatewayServer) -> None:
    """And nothing of what was answered to the one before."""
    more = asked.post(EMAILS, None, **token(asked, "frontend")).json()
    less = asked.post(EMAILS, None, **token(asked, "frontend", "customers:read")).json()
    again = asked.post(EMAILS, None, **token(asked, "frontend")).json()
    nodes: list[list[dict[str, Any]]] = [a["data"]["customers"]["nodes"] for a in (more, less)]
    assert again["data"] == more["data"]
    assert [one["id"] for one in nodes[0]] == [one["id"] for one in nodes[1]]
    assert all("@" in one["email"] and "*" not in one["email"] for one in nodes[0] if one["email"])
    assert all("***" in one["email"] for one in nodes[1] if one["email"])
    assert [one["orders"] for one in nodes[1]] == [None] * 5
    assert {error["extensions"]["code"] for error in less["errors"]} == {
        "UNAUTHORIZED_FIELD_OR_TYPE"
    }


def test_both_tokens_at_once_are_answered_each_by_its_own(asked: GatewayServer) -> None:
    sent = [token(asked, "frontend"), token(asked, "frontend", "customers:read")] * 4
    seen = [asked.post(EMAILS, None, **one).json()["data"] for one in sent]
    assert seen[0::2] == [seen[0]] * 4
    assert seen[1::2] == [seen[1]] * 4
    assert seen[0] != seen[1]


@pytest.mark.parametrize("role", ["frontend", "partner"])
def test_entities_are_for_a_router_with_its_own_scope(
    asked: GatewayServer, control: Control, truth: Truth, role: str
) -> None:
    id_ = f"salesforce:order:{truth['orders'][0]['nativeId']}"
    query = "query E($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
    who = token(asked, role, "orders:read")
    control.clear()
    answer = asked.post(query, {"r": [{"__typename": "Order", "id": id_}]}, **who)
    # It is not there for a partner, and denied to everybody else.
    assert answer.status_code == (400 if role == "partner" else 200)
    assert answer.json().get("data") is None
    assert control.paths() == []
