"""Tokens of a certified authorization server (`oidc-provider`): let in, refused, and its keys
rotated under load."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from auth.rows import PartnerRows, RowRules
from connectors.secret import Secret
from gateway.auth_settings import AuthSettings, IntrospectionSettings, IssuerSettings
from sandbox.server import Server as Sandbox
from tests.serving import GatewayServer
from tests.waiting import until
from tests.witnesses.authorization_server import (
    ELSEWHERE,
    RESOURCE,
    SECRET,
    AuthorizationServer,
    Client,
    Token,
)
from tests.witnesses.node import Node

SOURCES = ("salesforce", "stripe_eu", "stripe_us")
READ, MONEY = "orders:read", "orders:read orders:money"
CLIENTS = (
    Client(id="shop", scope=MONEY),
    Client(id="kiosk", scope=MONEY, opaque=True),
    Client(id="bank", scope=MONEY, bound=True),
    Client(id="vault", scope=MONEY, bound=True, opaque=True),
    Client(id="brief", scope=READ, seconds=1),
    Client(id="blink", scope=READ, seconds=1, opaque=True),
    Client(id="reseller", scope=MONEY, extra={"partner_id": "reseller"}),
    Client(id="agent", scope=MONEY, opaque=True, extra={"partner_id": "reseller"}),
    Client(id="guest", scope="customers:read"),
)
SIGNED_AND_OPAQUE = pytest.mark.parametrize("client", ["shop", "kiosk"])
BOUND = pytest.mark.parametrize("client", ["bank", "vault"])
QUERY = "{ orders(first: 3) { nodes { number total { amount currency } } } }"
METADATA = f'resource_metadata="{RESOURCE}/.well-known/oauth-protected-resource"'
PLAIN = 'Bearer realm="tillgate", ' + METADATA
ALGS = 'algs="ES256 PS256 EdDSA Ed25519"'


@pytest.fixture(scope="module")
def issuer(node: Node) -> Iterator[AuthorizationServer]:
    with AuthorizationServer(node, CLIENTS) as running:
        yield running


def auth_for(issuer: AuthorizationServer, **changes: Any) -> AuthSettings:
    introspection = IntrospectionSettings(
        url=f"{issuer.url}/token/introspection",
        client_id="gateway",
        client_secret=Secret(SECRET + "gateway"),
    )
    sso = IssuerSettings(issuer=issuer.url, leeway=0, introspection=introspection, **changes)
    rows = RowRules(partners={"reseller": PartnerRows(customers=())}, without_partner="all")
    return AuthSettings(resource=RESOURCE, issuers={"sso": sso}, rows=rows)


def serving(sandbox: Sandbox, issuer: AuthorizationServer, **changes: Any) -> GatewayServer:
    auth = auth_for(issuer, **changes)
    return GatewayServer(sandbox, profile="production", only=SOURCES, indexed=False, auth=auth)


@pytest.fixture(scope="module")
def guarded(sandbox: Sandbox, issuer: AuthorizationServer) -> Iterator[GatewayServer]:
    """It knows the issuer's address, and finds all else by its metadata."""
    with serving(sandbox, issuer) as gateway:
        yield gateway


def ask(
    gateway: GatewayServer, token: Token, scheme: str | None = None, **headers: str
) -> httpx.Response:
    authorization = f"{scheme or token.scheme} {token.text}"
    return gateway.post(QUERY, None, authorization=authorization, **headers)


def told(answer: httpx.Response) -> tuple[int, list[str]]:
    """Status and challenges of a refusal, which has no data."""
    assert answer.json().keys() == {"errors"}
    return answer.status_code, answer.headers.get_list("www-authenticate")


def challenge(scheme: str, error: str, sentence: str) -> list[str]:
    """Both, with the fault in that of the scheme that was tried."""
    fault = f'error="{error}", error_description="{sentence}", '
    bearer, dpop = (fault if scheme == name else "" for name in ("Bearer", "DPoP"))
    return [
        f'Bearer realm="tillgate", {bearer}{METADATA}',
        f'DPoP realm="tillgate", {dpop}{ALGS}, {METADATA}',
    ]


NOT_VALID = (401, challenge("Bearer", "invalid_token", "The access token is not valid."))
NOT_VALID_BOUND = (401, challenge("DPoP", "invalid_token", "The access token is not valid."))
NO_PROOF = (401, challenge("DPoP", "invalid_dpop_proof", "The DPoP proof is not valid."))


@SIGNED_AND_OPAQUE
def test_the_scopes_of_a_token_decide_which_fields_it_sees(
    guarded: GatewayServer, issuer: AuthorizationServer, client: str
) -> None:
    some = ask(guarded, issuer.token(client, READ)).json()
    more = ask(guarded, issuer.token(client, MONEY)).json()
    assert [order["total"] for order in some["data"]["orders"]["nodes"]] == [None] * 3
    assert [error["path"] for error in some["errors"]] == [["orders", "nodes", "@", "total"]]
    assert "errors" not in more
    assert all(order["total"]["amount"] for order in more["data"]["orders"]["nodes"])
    numbers = [[order["number"] for order in a["data"]["orders"]["nodes"]] for a in (some, more)]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("client", ["reseller", "agent"])
def test_the_claims_of_a_token_decide_whose_rows_it_sees(
    guarded: GatewayServer, issuer: AuthorizationServer, client: str
) -> None:
    answer = ask(guarded, issuer.token(client, MONEY))
    assert (answer.json()["data"], "errors" in answer.json()) == ({"orders": {"nodes": []}}, False)
    hidden = ask(guarded, issuer.token(client, READ))
    assert hidden.status_code == 400
    assert hidden.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@SIGNED_AND_OPAQUE
def test_a_token_for_somebody_else_is_refused(
    guarded: GatewayServer, issuer: AuthorizationServer, client: str
) -> None:
    assert told(ask(guarded, issuer.token(client, READ, ELSEWHERE))) == NOT_VALID


@pytest.mark.parametrize("client", ["brief", "blink"])
def test_a_token_that_is_over_is_refused(
    guarded: GatewayServer, issuer: AuthorizationServer, client: str
) -> None:
    used, unused = issuer.token(client, READ), issuer.token(client, READ)
    first = ask(guarded, used).status_code
    until(lambda: ask(guarded, used).status_code == 401)
    assert told(ask(guarded, used)) == NOT_VALID
    until(lambda: ask(guarded, unused).status_code == 401)
    assert told(ask(guarded, unused)) == NOT_VALID
    assert first in (200, 401), "it may have been over already"


def test_a_token_that_was_revoked_is_refused(
    guarded: GatewayServer, issuer: AuthorizationServer
) -> None:
    token, other = issuer.token("kiosk", READ), issuer.token("kiosk", READ)
    issuer.revoke("kiosk", token)
    assert told(ask(guarded, token)) == NOT_VALID
    assert ask(guarded, other).status_code == 200


def test_a_token_in_use_that_is_revoked_is_refused_when_what_was_said_of_it_is_over(
    sandbox: Sandbox, issuer: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after half a minute here, that nobody waits for it."""
    monkeypatch.setattr("auth.introspection.POSITIVE", 0.2)
    with serving(sandbox, issuer) as gateway:
        token = issuer.token("kiosk", READ)
        assert ask(gateway, token).status_code == 200
        issuer.revoke("kiosk", token)
        until(lambda: ask(gateway, token).status_code != 200)
        assert told(ask(gateway, token)) == NOT_VALID


def test_a_token_that_was_tampered_with_is_refused(
    guarded: GatewayServer, issuer: AuthorizationServer
) -> None:
    head, claims, signature = issuer.token("shop", READ).text.split(".")
    other = issuer.token("shop", MONEY).text.split(".")[1]
    for text in (f"{head}.{other}.{signature}", f"{head}.{claims}.", f"{head}.{claims}.AAAA"):
        assert told(ask(guarded, Token(text=text, scheme="Bearer"))) == NOT_VALID


def test_no_token_and_one_of_nobody_are_refused(guarded: GatewayServer) -> None:
    dpop = f'DPoP realm="tillgate", {ALGS}, {METADATA}'
    assert told(guarded.post(QUERY)) == (401, [PLAIN, dpop])
    assert told(ask(guarded, Token(text="unknown", scheme="Bearer"))) == NOT_VALID


def test_a_token_without_the_scopes_that_all_need_is_forbidden(
    sandbox: Sandbox, issuer: AuthorizationServer
) -> None:
    with serving(sandbox, issuer, required_scopes=("orders:read",)) as gateway:
        assert ask(gateway, issuer.token("shop", READ)).status_code == 200
        status, challenges = told(ask(gateway, issuer.token("guest", "customers:read")))
    assert status == 403
    assert challenges[0] == (
        'Bearer realm="tillgate", error="insufficient_scope", error_description='
        f'"The access token does not grant enough.", scope="orders:read", {METADATA}'
    )


@BOUND
def test_a_bound_token_comes_with_a_proof_made_by_another_library(
    guarded: GatewayServer, issuer: AuthorizationServer, client: str
) -> None:
    token = issuer.token(client, MONEY)
    assert token.scheme == "DPoP"
    proof, _ = issuer.prove("POST", f"{RESOURCE}/graphql", token)
    answer = ask(guarded, token, dpop=proof)
    assert answer.status_code == 200
    assert len(answer.json()["data"]["orders"]["nodes"]) == 3
    assert told(ask(guarded, token, dpop=proof)) == NO_PROOF, "a proof is good once"


@BOUND
def test_a_bound_token_without_its_proof_is_refused(
    guarded: GatewayServer, issuer: AuthorizationServer, client: str
) -> None:
    token = issuer.token(client, MONEY)
    assert told(ask(guarded, token, "Bearer")) == NOT_VALID
    assert told(ask(guarded, token)) == NO_PROOF
    stranger, _ = issuer.prove("POST", f"{RESOURCE}/graphql", Token(text=token.text, scheme=""))
    assert told(ask(guarded, token, dpop=stranger)) == NOT_VALID_BOUND
    for method, url in (("GET", f"{RESOURCE}/graphql"), ("POST", f"{guarded.origin}/graphql")):
        wrong, _ = issuer.prove(method, url, token)
        assert told(ask(guarded, token, dpop=wrong)) == NO_PROOF
    other, _ = issuer.prove("POST", f"{RESOURCE}/graphql", issuer.token(client, READ))
    assert told(ask(guarded, token, dpop=other)) == NO_PROOF


def test_a_signed_token_costs_its_issuer_no_call_and_an_opaque_one_a_single_one(
    guarded: GatewayServer, issuer: AuthorizationServer
) -> None:
    signed, opaque = issuer.token("shop", READ), issuer.token("kiosk", READ)
    before = issuer.do("asked")
    for _ in range(5):
        assert ask(guarded, signed).status_code == ask(guarded, opaque).status_code == 200
    after = issuer.do("asked")
    assert after["introspection"] - before["introspection"] == 1
    assert after["jwks"] == before["jwks"]


class Load:
    """Clients that get a token, use it a few times, and get the next one, until it is enough."""

    CLIENTS = 4
    USES = 3
    SHORT = "{ __typename }"

    def __init__(self, gateway: GatewayServer, issuer: AuthorizationServer) -> None:
        self._gateway = gateway
        self._issuer = issuer
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._client) for _ in range(self.CLIENTS)]
        self.statuses: list[int] = []
        self.keys: set[str] = set()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _client(self) -> None:
        while not self._enough.is_set():
            token = self._issuer.token("shop", READ)
            self.keys.add(token.text.split(".")[0])
            for _ in range(self.USES):
                answer = self._gateway.post(
                    self.SHORT, authorization=f"{token.scheme} {token.text}"
                )
                self.statuses.append(answer.status_code)

    def go_on(self, requests: int) -> None:
        """Until so many more were answered."""
        enough = len(self.statuses) + requests
        self.until(lambda: len(self.statuses) >= enough)

    def until(self, reached: Callable[[], bool]) -> None:
        until(lambda: reached() or not any(thread.is_alive() for thread in self._threads))
        assert reached()


def published(issuer: AuthorizationServer) -> Callable[[], bool]:
    """Publishes a key; tells whether somebody has fetched the set since."""
    before = issuer.do("publish")["jwks"]
    return lambda: issuer.do("asked")["jwks"] > before


def test_keys_are_rotated_under_load_and_no_request_fails(
    sandbox: Sandbox, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new key is published, then signs, then the old one is gone. We look for new keys every
    second here instead of every minute, that nobody waits for it."""
    monkeypatch.setattr("auth.key_cache.POLL", (1.0, 1.0))
    monkeypatch.setattr("auth.key_cache.INTERVAL", 0.5)
    with (
        AuthorizationServer(node, CLIENTS) as issuer,
        serving(sandbox, issuer) as gateway,
        Load(gateway, issuer) as load,
    ):
        for _ in range(2):
            load.go_on(150)
            load.until(published(issuer))
            load.go_on(50)
            issuer.do("sign")
            load.go_on(150)
            issuer.do("retire")
            load.go_on(50)
    assert len(load.keys) == 3
    assert len(load.statuses) >= 800
    assert [status for status in load.statuses if status != 200] == []


def test_an_issuer_that_signs_with_a_key_at_once_is_waited_for_under_load(
    sandbox: Sandbox, node: Node
) -> None:
    with (
        AuthorizationServer(node, CLIENTS) as issuer,
        serving(sandbox, issuer, key_wait=5.0) as gateway,
        Load(gateway, issuer) as load,
    ):
        load.go_on(100)
        issuer.do("publish")
        issuer.do("sign")
        load.go_on(200)
    assert len(load.keys) == 2
    assert [status for status in load.statuses if status != 200] == []
