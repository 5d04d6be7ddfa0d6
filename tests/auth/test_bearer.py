"""Each fault of a token has its exact status and challenge (RFC 6750, RFC 9068, RFC 9728)."""

from __future__ import annotations

import base64
import hmac
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from auth.principal import Principal
from gateway.auth_settings import AuthSettings, IssuerSettings
from tests.auth.authority import AUDIENCE, Authority, made
from tests.auth.gate import Gate

SCOPES = [
    "customers:pii",
    "customers:read",
    "disputes:read",
    "federation",
    "links:read",
    "orders:money",
    "orders:read",
    "payments:money",
    "payments:pii",
    "payments:read",
    "refunds:money",
    "refunds:read",
    "sources:read",
]
REQUIRED = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with Authority() as running:
        yield running


@pytest.fixture(scope="module")
def gate(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    def make(origin: str) -> AuthSettings:
        other = IssuerSettings(
            issuer=authority.url,
            audiences=(AUDIENCE, "https://second.acme.example"),
            required_scopes=("orders:read",),
        )
        return AuthSettings(resource=origin, issuers={"acme": other})

    with Gate(tmp_path_factory.mktemp("gate"), make) as running:
        running.ask("warms.the.keys")
        yield running


def challenges(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("www-authenticate")


def bearer(gate: Gate, error: str = "") -> str:
    where = f'resource_metadata="{gate.origin}/.well-known/oauth-protected-resource"'
    return f'Bearer realm="tillgate", {error}{where}'


def dpop(gate: Gate) -> str:
    where = f'resource_metadata="{gate.origin}/.well-known/oauth-protected-resource"'
    return f'DPoP realm="tillgate", algs="ES256 PS256 EdDSA Ed25519", {where}'


INVALID = 'error="invalid_token", error_description="The access token is not valid.", '
MALFORMED = (
    'error="invalid_request", error_description='
    '"The credentials are malformed, or sent in more than one way.", '
)


def test_a_good_token_is_a_principal(gate: Gate, authority: Authority) -> None:
    claims = authority.claims()
    token = authority.token(jti="j-1", exp=claims["exp"], partner_id="p-1")
    assert gate.principal(token) == Principal(
        issuer=authority.url,
        client_id="shop",
        subject="user-1",
        scopes=frozenset({"orders:read", "payments:read"}),
        tenant="acme",
        partner="p-1",
        token_id="j-1",
        expires_at=claims["exp"],
    )
    assert gate.principal(token, scheme="bEaReR").token_id == "j-1"


def test_no_credentials_are_a_challenge_without_an_error_code(gate: Gate) -> None:
    for answer in (gate.ask(), gate.ask("abc", scheme="Negotiate"), gate.ask("YTpi", "Basic")):
        assert answer.status_code == 401
        assert challenges(answer) == [bearer(gate), dpop(gate)]
        body = answer.json()["errors"][0]
        assert body["extensions"]["code"] == "UNAUTHENTICATED"
        assert body["extensions"]["correlationId"] == answer.headers["x-request-id"]
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "sent",
    [
        {"authorization": "Bearer"},
        {"authorization": "Bearer a b"},
        {"authorization": "Bearer a,b"},
        {"authorization": "Bearer ä"},
        [("authorization", "Bearer a"), ("authorization", "Bearer b")],
    ],
)
def test_what_is_malformed_or_sent_twice_is_400(gate: Gate, sent: Any) -> None:
    if isinstance(sent, dict):
        sent = [(name, value) for name, value in sent.items()]
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in sent]
    answer = gate.client.post("/graphql", json={"query": "{ __typename }"}, headers=pairs)
    assert answer.status_code == 400
    assert challenges(answer) == [bearer(gate, MALFORMED), dpop(gate)]
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_a_token_in_the_address_is_400_even_beside_a_good_one(
    gate: Gate, authority: Authority
) -> None:
    token = authority.token()
    for headers in ({}, {"authorization": f"Bearer {token}"}):
        answer = gate.client.post(
            "/graphql", params={"access_token": token}, json={}, headers=headers
        )
        assert answer.status_code == 400
        assert challenges(answer)[0] == bearer(gate, MALFORMED)


def header(**values: Any) -> Callable[[Authority], str]:
    return lambda authority: authority.token(values)


def claims(**values: Any) -> Callable[[Authority], str]:
    return lambda authority: authority.token(**values)


def dated(**seconds: float) -> Callable[[Authority], str]:
    def make(authority: Authority) -> str:
        changes: dict[str, Any] = {name: time.time() + by for name, by in seconds.items()}
        return authority.token(**changes)

    return make


def forged(authority: Authority) -> str:
    return authority.token(key=made("ES256", "first"))


def flipped(authority: Authority) -> str:
    head, body, signature = authority.token().split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def confused(authority: Authority) -> str:
    """Signed with the public key as if it were a shared secret (RFC 8725 section 2.1)."""
    secret = authority.keys[0].as_pem(private=False)
    whole = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'first'})}.{part(authority.claims())}"
    signature = hmac.digest(secret, whole.encode(), "sha256")
    return f"{whole}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(authority: Authority) -> str:
    return f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{part(authority.claims())}."


def own_key(authority: Authority) -> str:
    key = ECKey.generate_key("P-256")
    return authority.token({"jwk": key.as_dict(private=False), "kid": None}, key=key)


REFUSED: dict[str, Callable[[Authority], str]] = {
    "not a token at all": lambda authority: "abc",
    "three parts that are none": lambda authority: "a.b.c",
    "too large": claims(scope="orders:read " * 800),
    "unsigned": unsigned,
    "a forged signature": forged,
    "a changed signature": flipped,
    "a public key as a shared secret": confused,
    "a key of its own": own_key,
    "an address of keys": header(jku="https://evil.example/jwks"),
    "an address of certificates": header(x5u="https://evil.example/x5u"),
    "certificates of its own": header(x5c=["MIIB"]),
    "a critical header": header(crit=["exp"], exp=1),
    "unencoded payload": header(b64=True),
    "an unknown key": header(kid="never-seen"),
    "the type of an ID token": header(typ="JWT"),
    "no type": header(typ=None),
    "an algorithm that is not the key's": lambda authority: authority.token(
        {"alg": "ES384"}, key=made("ES384", "first")
    ),
    "expired": dated(exp=-61),
    "not yet": dated(nbf=+90),
    "issued in the future": dated(iat=+90),
    "an issuer with a slash more": lambda a: a.token(iss=a.url + "/"),
    "an issuer nobody trusts": claims(iss="https://evil.example"),
    "an issuer that is a number": claims(iss=7),
    "for somebody else": claims(aud="https://other.example"),
    "for several others": claims(aud=["https://other.example", "https://third.example"]),
    "an audience that begins alike": claims(aud=AUDIENCE + ".evil"),
    "an expiry that is a text": claims(exp="2099"),
    "an expiry that is true": claims(exp=True),
    "a binding that is not understood": claims(cnf={"x5t": "abc"}),
    "an empty binding": claims(cnf={}),
    "bound to a key": claims(cnf={"jkt": "abc"}),
    "bound to a certificate": claims(cnf={"x5t#S256": "abc"}),
    **{f"without {name}": claims(**{name: None}) for name in REQUIRED},
}


@pytest.mark.parametrize("fault", sorted(REFUSED))
def test_a_token_that_is_not_valid_is_401(gate: Gate, authority: Authority, fault: str) -> None:
    answer = gate.ask(REFUSED[fault](authority))
    assert answer.status_code == 401
    assert challenges(answer) == [bearer(gate, INVALID), dpop(gate)]
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "good",
    [
        dated(exp=-30),
        dated(nbf=+30),
        dated(iat=+30),
        claims(aud=["https://other.example", AUDIENCE]),
        claims(aud="https://second.acme.example"),
        header(typ="application/at+jwt"),
        header(typ="AT+JWT"),
        header(kid=None),
        header(vendor="anything"),
    ],
)
def test_what_differs_within_the_rules_is_accepted(
    gate: Gate, authority: Authority, good: Callable[[Authority], str]
) -> None:
    assert gate.principal(good(authority)).client_id == "shop"


def test_a_scope_that_every_token_needs_is_403_and_named(gate: Gate, authority: Authority) -> None:
    answer = gate.ask(authority.token(scope="payments:read"))
    assert answer.status_code == 403
    told = (
        'error="insufficient_scope", '
        'error_description="The access token does not grant enough.", scope="orders:read", '
    )
    assert challenges(answer) == [bearer(gate, told), dpop(gate)]
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_health_and_metadata_are_open_and_nothing_else_is(gate: Gate, authority: Authority) -> None:
    assert gate.client.get("/healthz").json() == {"status": "ok"}
    assert gate.client.get("/readyz").json() == {"status": "ready"}
    assert gate.client.get("/.well-known/oauth-protected-resource").json() == {
        "resource": gate.origin,
        "authorization_servers": [authority.url],
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA", "Ed25519"],
        "dpop_bound_access_tokens_required": False,
        "tls_client_certificate_bound_access_tokens": False,
    }
    for path in ("/", "/graphql", "/graphql/", "/healthz/", "/oauth/token", "/anything"):
        status = gate.client.get(path).status_code
        assert status == (404 if path == "/oauth/token" else 401), path


def test_the_page_for_browsers_is_open_in_development_only(
    gate: Gate, authority: Authority, tmp_path: Path
) -> None:
    page = {"accept": "text/html"}
    assert gate.client.get("/graphql", headers=page).status_code == 401
    settings = gate.settings.auth
    assert settings is not None
    with Gate(tmp_path, lambda origin: settings, profile="development") as developing:
        assert "<html" in developing.client.get("/graphql", headers=page).text
        for params in ({"query": "{ __typename }"}, {"query": ""}):
            asked = developing.client.get("/graphql", params=params, headers=page)
            assert asked.status_code == 401
        assert developing.client.post("/graphql", json={}, headers=page).status_code == 401


@pytest.mark.parametrize("alg", ["RS256", "PS256", "Ed25519", "EdDSA"])
def test_every_algorithm_that_is_allowed_is_verified(tmp_path: Path, alg: str) -> None:
    with Authority(alg) as authority:
        own = IssuerSettings(issuer=authority.url, audiences=(AUDIENCE,))
        with Gate(tmp_path, lambda o: AuthSettings(resource=o, issuers={"a": own})) as gate:
            assert gate.principal(authority.token()).client_id == "shop"
            assert gate.ask(authority.token(key=made(alg, "first"))).status_code == 401


def test_an_algorithm_that_the_issuer_may_not_use_is_refused(tmp_path: Path) -> None:
    with Authority("RS256") as authority:
        own = IssuerSettings(
            issuer=authority.url, audiences=(AUDIENCE,), algorithms=("PS256", "ES256")
        )
        with Gate(tmp_path, lambda o: AuthSettings(resource=o, issuers={"a": own})) as gate:
            assert gate.ask(authority.token()).status_code == 401


def test_a_key_that_is_too_short_is_not_used(tmp_path: Path) -> None:
    with Authority("RS256") as authority:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            short = RSAKey.generate_key(1024, {"kid": "short", "use": "sig"})
        authority.keys.insert(0, short)
        own = IssuerSettings(issuer=authority.url, audiences=(AUDIENCE,))
        with Gate(tmp_path, lambda o: AuthSettings(resource=o, issuers={"a": own})) as gate:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                token = authority.token(key=short)
            assert gate.ask(token).status_code == 401
            assert gate.principal(authority.token()).client_id == "shop"
