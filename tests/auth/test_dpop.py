"""Tokens bound to a key (RFC 9449) or to a certificate (RFC 8705), over real HTTP."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from auth.certificate import thumbprint
from auth.digest import digest
from auth.dpop import Proof, Proofs
from auth.faults import InvalidProof
from connectors.secret import Secret
from gateway.auth_settings import AuthSettings, DpopSettings, IssuerSettings, MtlsSettings
from tests.auth.authority import AUDIENCE, Authority
from tests.auth.gate import Gate

ALGS = 'algs="ES256 PS256 EdDSA Ed25519"'
KEY = ECKey.generate_key("P-256")


def proof(url: str, token: str | None, key: Any = KEY, **changes: Any) -> str:
    """A good one; `changes` of header and claims, None leaves one out."""
    header = {
        "typ": "dpop+jwt",
        "alg": "ES256",
        "jwk": {n: v for n, v in key.as_dict(private=False).items() if n not in ("use", "kid")},
    }
    claims: dict[str, Any] = {
        "jti": secrets.token_hex(8),
        "htm": "POST",
        "htu": url,
        "iat": int(time.time()),
    }
    if token is not None:
        claims["ath"] = digest(token)
    for name, value in changes.items():
        (header if name in ("typ", "alg", "jwk", "jku", "crit") else claims)[name] = value
    header = {name: value for name, value in header.items() if value is not None}
    claims = {name: value for name, value in claims.items() if value is not None}
    algorithms = ["ES256", "PS256", "RS256", "Ed25519"]
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    registry.max_header_length = 100_000
    registry.check_header = lambda header: None  # type: ignore[method-assign]
    return jwt.encode(header, claims, key, registry=registry, default_type=None)


def settings(authority: Authority, origin: str, **changes: Any) -> AuthSettings:
    own = IssuerSettings(issuer=authority.url, audiences=(AUDIENCE,))
    return AuthSettings(resource=origin, issuers={"acme": own}, **changes)


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with Authority() as running:
        yield running


@pytest.fixture(scope="module")
def gate(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("gate")
    with Gate(folder, lambda origin: settings(authority, origin)) as running:
        yield running


@pytest.fixture
def token(authority: Authority) -> str:
    return authority.token(cnf={"jkt": KEY.thumbprint()})


def url(gate: Gate) -> str:
    return gate.origin + "/graphql"


def told(answer: httpx.Response) -> dict[str, str]:
    """The challenges by their scheme, without what they all have."""
    found = {}
    for text in answer.headers.get_list("www-authenticate"):
        scheme, _, rest = text.partition(" ")
        parts = [p for p in rest.split(", ") if not p.startswith(("realm", "resource_metadata"))]
        found[scheme] = ", ".join(p for p in parts if not p.startswith("error_description"))
    return found


def test_the_owner_of_the_key_is_let_in_with_a_new_proof_each_time(gate: Gate, token: str) -> None:
    for _ in range(3):
        principal = gate.principal(token, "DPoP", dpop=proof(url(gate), token))
        assert principal.client_id == "shop"


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (RSAKey.generate_key(2048), "PS256"),
        (RSAKey.generate_key(3072), "PS256"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
)
def test_a_proof_may_be_of_any_allowed_algorithm(
    gate: Gate, authority: Authority, key: Any, alg: str
) -> None:
    token = authority.token(cnf={"jkt": key.thumbprint()})
    assert gate.principal(token, "DPoP", dpop=proof(url(gate), token, key, alg=alg))


def test_a_bound_token_as_plain_bearer_is_refused(gate: Gate, token: str) -> None:
    answer = gate.ask(token, dpop=proof(url(gate), token))
    assert answer.status_code == 401
    assert told(answer) == {"Bearer": 'error="invalid_token"', "DPoP": ALGS}


def test_a_token_that_is_not_bound_is_refused_as_dpop(gate: Gate, authority: Authority) -> None:
    free = authority.token()
    answer = gate.ask(free, "DPoP", dpop=proof(url(gate), free))
    assert answer.status_code == 401
    assert told(answer) == {"Bearer": "", "DPoP": f'error="invalid_token", {ALGS}'}


def test_another_key_than_the_tokens_is_refused(gate: Gate, token: str) -> None:
    other = proof(url(gate), token, ECKey.generate_key("P-256"))
    answer = gate.ask(token, "DPoP", dpop=other)
    assert answer.status_code == 401
    assert told(answer)["DPoP"] == f'error="invalid_token", {ALGS}'


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"alg": "RS256", "key": RSAKey.generate_key(2048)},
        {"jwk": None},
        {"jwk": KEY.as_dict(private=True)},
        {"jwk": ECKey.generate_key("P-256").as_dict(private=False)},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"jwk": "abc"},
        {"jku": "https://evil.example/jwks"},
        {"crit": ["htm"]},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 256},
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": None},
        {"htu": "https://evil.example/graphql"},
        {"htu": None},
        {"htu": 7},
        {"htu": "http://[::1"},
        {"iat": None},
        {"iat": True},
        {"iat": "now"},
        {"iat": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"iat": 1e300},
        {"iat": 10**400},
        {"iat": -(10**400)},
        {"ath": None},
        {"ath": digest("another token")},
    ],
)
def test_a_proof_that_is_not_about_this_request_is_refused(
    gate: Gate, token: str, changes: dict[str, Any]
) -> None:
    answer = gate.ask(token, "DPoP", dpop=proof(url(gate), token, **changes))
    assert answer.status_code == 401
    assert told(answer) == {"Bearer": "", "DPoP": f'error="invalid_dpop_proof", {ALGS}'}


@pytest.mark.parametrize("sent", ["", "abc", "a.b.c", "x" * 9000])
def test_what_is_no_proof_is_refused(gate: Gate, token: str, sent: str) -> None:
    assert told(gate.ask(token, "DPoP", dpop=sent))["DPoP"].startswith('error="invalid_dpop_proof"')


def test_none_and_two_proofs_are_refused(gate: Gate, token: str) -> None:
    assert gate.ask(token, "DPoP").status_code == 401
    headers = [("authorization", f"DPoP {token}")]
    headers += [("dpop", proof(url(gate), token)) for _ in range(2)]
    answer = gate.client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert told(answer)["DPoP"].startswith('error="invalid_dpop_proof"')


def test_a_proof_is_used_once_in_all_processes(
    gate: Gate, authority: Authority, token: str, tmp_path: Path
) -> None:
    with Gate(tmp_path, lambda o: settings(authority, "https://graph.acme.example")) as one:
        own = one.settings.auth
        assert own is not None
        with Gate(tmp_path, lambda o: own) as other:
            used = proof("https://graph.acme.example/graphql", token)
            assert one.ask(token, "DPoP", dpop=used).status_code == 200
            for gateway in (one, other):
                again = gateway.ask(token, "DPoP", dpop=used)
                assert again.status_code == 401
                assert told(again)["DPoP"].startswith('error="invalid_dpop_proof"')


def test_a_proof_of_who_has_no_good_token_is_not_remembered(gate: Gate, token: str) -> None:
    """Nobody without a token may fill the store."""
    sent = proof(url(gate), token)
    assert gate.ask(token[:-4] + "AAAA", "DPoP", dpop=sent).status_code == 401
    assert gate.ask(token, "DPoP", dpop=sent).status_code == 200


@pytest.mark.parametrize(
    ("htu", "good"),
    [
        ("https://graph.acme.example/graphql", True),
        ("https://graph.acme.example:443/graphql", True),
        ("HTTPS://Graph.ACME.example/graphql", True),
        ("https://graph.acme.example/graphql?query=1#x", True),
        ("https://graph.acme.example/graphql/", False),
        ("https://graph.acme.example/GraphQL", False),
        ("http://graph.acme.example/graphql", False),
        ("https://graph.acme.example:8443/graphql", False),
        ("https://user@graph.acme.example/graphql", False),
        ("https://graph.acme.example.evil.example/graphql", False),
    ],
)
def test_the_address_is_ours_as_clients_see_it(
    authority: Authority, token: str, tmp_path: Path, htu: str, good: bool
) -> None:
    """Behind a proxy: the process itself is asked at another address."""
    with Gate(tmp_path, lambda o: settings(authority, "https://graph.acme.example")) as gate:
        answer = gate.ask(token, "DPoP", dpop=proof("", token, htu=htu))
        assert answer.status_code == (200 if good else 401)


def test_a_nonce_is_asked_for_told_and_ends(
    authority: Authority, token: str, tmp_path: Path
) -> None:
    nonces = DpopSettings(nonce_secret=Secret("the same in every process"))
    with Gate(tmp_path, lambda o: settings(authority, o, dpop=nonces)) as gate:
        answer = gate.ask(token, "DPoP", dpop=proof(url(gate), token))
        assert answer.status_code == 401
        assert told(answer)["DPoP"] == f'error="use_dpop_nonce", {ALGS}'
        nonce = answer.headers["dpop-nonce"]
        good = gate.ask(token, "DPoP", dpop=proof(url(gate), token, nonce=nonce))
        assert good.status_code == 200
        assert good.headers["dpop-nonce"] == nonce
        for wrong in ("", "x" * 24, 7, nonce[:-1], "ü"):
            sent = proof(url(gate), token, nonce=wrong)
            assert told(gate.ask(token, "DPoP", dpop=sent))["DPoP"].startswith('error="use_dpop')


RFC_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo"
    "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW"
    "clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh"
    "0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8"
    "v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)


class Never:
    async def first(self, kind: str, value: str, ends: float) -> bool:
        return True


def test_the_example_of_rfc_9449_is_verified() -> None:
    """Section 4.1, and the thumbprint of section 6.1."""
    url = "https://server.example.com/token"
    asked = Proof(headers=(RFC_PROOF,), method="POST", url=url, token=None)
    proven = Proofs(Never(), lambda: 1562262616.0).check(asked)
    assert proven.key == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    for off in (-61, 61):
        with pytest.raises(InvalidProof):
            Proofs(Never(), lambda off=off: 1562262616.0 + off).check(asked)  # type: ignore[misc]
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert digest(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def certificate(name: str) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )


CLIENT, STRANGER = certificate("client"), certificate("stranger")


def rfc9440(certificate: x509.Certificate) -> str:
    return f":{base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"


def escaped(certificate: x509.Certificate) -> str:
    return quote(certificate.public_bytes(Encoding.PEM).decode())


def bound(authority: Authority) -> str:
    print_ = base64.urlsafe_b64encode(CLIENT.fingerprint(SHA256())).rstrip(b"=").decode()
    return authority.token(cnf={"x5t#S256": print_})


@pytest.mark.parametrize("form", [rfc9440, escaped])
def test_a_certificate_told_by_the_proxy_lets_its_owner_in(
    authority: Authority, tmp_path: Path, form: Any
) -> None:
    mtls = MtlsSettings(proxies=("127.0.0.0/8",))
    with Gate(tmp_path, lambda o: settings(authority, o, mtls=mtls)) as gate:
        token = bound(authority)
        assert gate.principal(token, client_cert=form(CLIENT)).client_id == "shop"
        metadata = gate.client.get("/.well-known/oauth-protected-resource").json()
        assert metadata["tls_client_certificate_bound_access_tokens"] is True
        for wrong in (form(STRANGER), "", ":abc:", "x", form(CLIENT)[:-5]):
            answer = gate.ask(token, client_cert=wrong)
            assert answer.status_code == 401
            assert told(answer)["Bearer"] == 'error="invalid_token"'
        assert gate.ask(token).status_code == 401
        headers = [("authorization", f"Bearer {token}"), *[("client-cert", form(CLIENT))] * 2]
        twice = gate.client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        assert twice.status_code == 401


@pytest.mark.parametrize("forwarded", [None, "127.0.0.1", "10.1.2.3"])
def test_a_certificate_told_by_anybody_else_does_not_count(
    authority: Authority, tmp_path: Path, forwarded: str | None
) -> None:
    mtls = MtlsSettings(proxies=("10.1.2.0/24",))
    with Gate(tmp_path, lambda o: settings(authority, o, mtls=mtls)) as gate:
        headers = {} if forwarded is None else {"x_forwarded_for": forwarded}
        answer = gate.ask(bound(authority), client_cert=rfc9440(CLIENT), **headers)
        assert answer.status_code == 401


def test_a_certificate_of_an_unknown_version_has_no_thumbprint() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    now = datetime.now(UTC)
    good = (
        x509.CertificateBuilder(name, name, key.public_key(), 5, now, now + timedelta(1))
        .sign(key, SHA256())
        .public_bytes(Encoding.DER)
    )
    version = b"\xa0\x03\x02\x01"
    other = good.replace(version + b"\x02", version + b"\x05", 1)
    for der, is_good in ((good, True), (other, False)):
        found = thumbprint(f":{base64.b64encode(der).decode()}:")
        assert (found is not None) is is_good


def test_a_certificate_that_is_none_has_no_thumbprint() -> None:
    for text in ("", ":", "::", ":!:", "%", "-----BEGIN", "x" * 20_000):
        assert thumbprint(text) is None


def test_fapi_demands_binding_strong_algorithms_and_little_skew(tmp_path: Path) -> None:
    with Authority("PS256") as authority:
        mtls = MtlsSettings(proxies=("127.0.0.1/32",))

        def make(origin: str) -> AuthSettings:
            return settings(authority, origin, profile="fapi2", mtls=mtls)

        with Gate(tmp_path, make) as gate:
            assert gate.ask(authority.token()).status_code == 401
            cnf = {"jkt": KEY.thumbprint()}

            def status(**changes: Any) -> int:
                token = authority.token(cnf=cnf, **changes)
                sent = gate.ask(token, "DPoP", dpop=proof(url(gate), token))
                return int(sent.status_code)

            now = int(time.time())
            assert status() == 200
            assert (status(iat=now + 8), status(nbf=now + 8)) == (200, 200)
            assert (status(iat=now + 61), status(nbf=now + 61)) == (401, 401)
            assert gate.ask(bound(authority), client_cert=rfc9440(CLIENT)).status_code == 200
    with Authority("RS256") as weak:
        own = IssuerSettings(issuer=weak.url, audiences=(AUDIENCE,), algorithms=("RS256", "PS256"))
        strict = AuthSettings(
            resource="https://graph.acme.example", profile="fapi2", issuers={"a": own}
        )
        with Gate(tmp_path, lambda o: strict) as gate:
            sent = weak.token(cnf={"jkt": KEY.thumbprint()})
            proven = proof("https://graph.acme.example/graphql", sent)
            assert gate.ask(sent, "DPoP", dpop=proven).status_code == 401
