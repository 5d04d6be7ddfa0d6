"""Several issuers at once: their spellings, their keys, their metadata, their outages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from auth.issuer import PRESETS, Issuer
from connectors.secret import Secret
from gateway.auth_compose import make_issuer
from gateway.auth_settings import AuthSettings, IntrospectionSettings, IssuerSettings
from gateway.clients import restore, revoke
from tests.auth.authority import AUDIENCE, SECRET, Authority, made
from tests.auth.gate import Gate
from tests.waiting import until

KEYCLOAK = {
    "azp": "shop",
    "sub": "f1",
    "scope": "orders:read",
    "realm_access": {"roles": ["admin"]},
    "jti": "k-1",
}
AUTH0 = {
    "azp": "shop",
    "sub": "shop@clients",
    "gty": "client-credentials",
    "scope": "customers:read orders:read",
    "permissions": ["orders:read"],
    "org_id": "org_1",
}
OKTA = {"cid": "0oa1", "sub": "shop@acme.example", "scp": ["orders:read", "payments:read"]}
ENTRA_USER = {"azp": "app-1", "sub": "u", "scp": "orders:read refunds:read", "tid": "t-1"}
ENTRA_APP = {"appid": "app-2", "sub": "s", "roles": ["orders:read"], "tid": "t-1", "uti": "u-1"}


@pytest.mark.parametrize(
    ("preset", "claims", "expected"),
    [
        ("keycloak", KEYCLOAK, ("shop", {"orders:read"}, None, "k-1")),
        ("auth0", AUTH0, ("shop", {"orders:read"}, "org_1", None)),
        ("auth0", AUTH0 | {"permissions": []}, ("shop", set(), "org_1", None)),
        ("okta", OKTA, ("0oa1", {"orders:read", "payments:read"}, None, None)),
        ("entra", ENTRA_USER, ("app-1", {"orders:read", "refunds:read"}, "t-1", None)),
        ("entra", ENTRA_APP, ("app-2", {"orders:read"}, "t-1", "u-1")),
    ],
)
def test_each_provider_is_understood(
    preset: str, claims: Mapping[str, Any], expected: tuple[Any, ...]
) -> None:
    issuer = Issuer(name="x", url="https://x", audiences=(AUDIENCE,), preset=PRESETS[preset])
    principal = issuer.principal({**claims, "exp": 1})
    assert principal is not None
    told = (principal.client_id, set(principal.scopes), principal.tenant, principal.token_id)
    assert told == expected


def make(settings: IssuerSettings) -> Issuer:
    auth = AuthSettings(resource="https://graph.acme.example", issuers={"x": settings})
    return make_issuer(auth, "x", settings, "")


def test_roles_become_our_scopes_and_others_grant_nothing() -> None:
    issuer = make(
        IssuerSettings(
            issuer="https://keycloak.acme.example/realms/acme",
            preset="keycloak",
            scopes_from=("resource_access.tillgate.roles",),
            scopes={"sales": ("orders:read", "customers:read"), "books": ("payments:read",)},
            tenant_from=("https://acme.example/tenant",),
        )
    )
    access = {"tillgate": {"roles": ["sales", "admin", "payments:read", 7]}}
    told = {"azp": "shop", "resource_access": access, "https://acme.example/tenant": "cn"}
    principal = issuer.principal(told)
    assert principal is not None
    assert principal.scopes == {"orders:read", "customers:read"}
    assert principal.tenant == "cn"
    for broken in ({"roles": "sales"}, {"roles": {"sales": True}}, {}, None, "sales"):
        found = issuer.principal({**told, "resource_access": {"tillgate": broken}})
        assert found is not None
        assert found.scopes <= {"orders:read", "customers:read"}
        if broken != {"roles": "sales"}:
            assert found.scopes == frozenset()


@pytest.mark.parametrize("client", [None, 7, "", ["shop"], "x" * 256])
def test_a_token_that_does_not_say_whose_it_is_is_nobodys(client: Any) -> None:
    issuer = make(IssuerSettings(issuer="https://x"))
    assert issuer.principal({"client_id": client, "exp": 1}) is None


def test_a_tenant_of_another_type_is_none_and_not_the_next_claim() -> None:
    issuer = make(IssuerSettings(issuer="https://x", tenant_from=("tenant", "org")))
    found = issuer.principal({"client_id": "c", "tenant": 7, "org": "other"})
    assert found is not None
    assert found.tenant is None


def two(one: Authority, other: Authority) -> AuthSettings:
    def own(authority: Authority) -> IssuerSettings:
        return IssuerSettings(issuer=authority.url, audiences=(AUDIENCE,))

    issuers = {"one": own(one), "other": own(other)}
    return AuthSettings(resource="https://graph.acme.example", issuers=issuers)


def test_a_key_id_of_one_issuer_says_nothing_about_another(tmp_path: Path) -> None:
    with Authority() as one, Authority() as other, Gate(tmp_path, lambda o: two(one, other)) as g:
        assert g.principal(one.token()).issuer == one.url
        assert g.principal(other.token()).issuer == other.url
        assert g.ask(one.token(iss=other.url)).status_code == 401
        assert g.ask(other.token(iss=one.url)).status_code == 401


def test_an_entra_template_lets_in_the_listed_tenants_only(tmp_path: Path) -> None:
    with Authority("RS256") as authority:
        own = IssuerSettings(
            issuer=authority.url + "/{tid}/v2.0",
            preset="entra",
            audiences=(AUDIENCE,),
            tenants=("t-1", "t-2"),
            jwks_uri=authority.url + "/jwks",
        )
        issuers = {"entra": own}
        with Gate(tmp_path, lambda o: AuthSettings(resource=o, issuers=issuers)) as gate:

            def token(tenant: str, tid: str) -> str:
                return authority.token(
                    {"typ": "JWT"},
                    iss=f"{authority.url}/{tenant}/v2.0",
                    tid=tid,
                    azp="app-1",
                    client_id=None,
                    scope=None,
                    roles=["orders:read"],
                )

            principal = gate.principal(token("t-2", "t-2"))
            assert (principal.client_id, principal.tenant) == ("app-1", "t-2")
            assert principal.scopes == {"orders:read"}
            assert gate.ask(token("t-1", "t-2")).status_code == 401
            assert gate.ask(token("t-3", "t-3")).status_code == 401
            assert gate.ask(token("{tid}", "{tid}")).status_code == 401

            # 6.3 no. 12, of every tenant of the template.
            for change, status in ((revoke, 401), (restore, 200)):
                asyncio.run(change(gate.settings, "app-1", "entra"))
                for t in ("t-1", "t-2"):
                    until(lambda t=t, s=status: gate.ask(token(t, t)).status_code == s)  # type: ignore[misc]


def test_tokens_of_another_use_are_refused_where_their_type_is_not_marked(tmp_path: Path) -> None:
    with Authority("RS256") as authority:
        own = IssuerSettings(issuer=authority.url, preset="keycloak", audiences=(AUDIENCE,))
        issuers = {"keycloak": own}
        with Gate(tmp_path, lambda o: AuthSettings(resource=o, issuers=issuers)) as gate:
            plain = {"typ": "JWT"}
            assert gate.principal(authority.token(plain, typ="Bearer", azp="shop"))
            for kind in ("ID", "Refresh", "Offline"):
                assert gate.ask(authority.token(plain, typ=kind)).status_code == 401
            assert gate.ask(authority.token({"typ": "logout+jwt"})).status_code == 401
            # Keycloak leaves the audience out unless it is told: who asked is not for whom it is.
            assert gate.ask(authority.token(plain, aud=None, azp=AUDIENCE)).status_code == 401


def one(authority: Authority, **changes: Any) -> Any:
    own = IssuerSettings(issuer=authority.url, audiences=(AUDIENCE,), **changes)
    return lambda origin: AuthSettings(resource=origin, issuers={"acme": own})


def test_metadata_of_another_issuer_is_not_believed(tmp_path: Path) -> None:
    with Authority() as authority:
        authority.said_issuer = authority.url + "/"
        with Gate(tmp_path, one(authority)) as gate:
            answer = gate.ask(authority.token())
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
            assert authority.calls["jwks"] == 0


def test_keys_are_not_fetched_where_the_settings_do_not_say(tmp_path: Path) -> None:
    with Authority() as authority, Authority() as elsewhere:
        authority.moved = elsewhere.url + "/jwks"
        with Gate(tmp_path, one(authority)) as gate:
            assert gate.ask(authority.token()).status_code == 503
            assert elsewhere.calls["jwks"] == 0


def test_while_the_issuer_is_down_its_tokens_are_accepted_and_others_refused_fast(
    tmp_path: Path,
) -> None:
    """6.3 no. 11, over HTTP."""
    with Authority() as authority, Gate(tmp_path, one(authority)) as gate:
        assert gate.principal(authority.token())
        authority.down = True
        before = authority.calls["jwks"]
        strange = made("ES256", "strange")
        for number in range(300):
            token = authority.token({"kid": f"random-{number}"}, key=strange)
            assert gate.ask(token).status_code == 401
            if number % 10 == 0:
                assert gate.ask(authority.token()).status_code == 200
        assert authority.calls["jwks"] - before <= 2


def test_a_rotation_under_load_refuses_no_good_token(tmp_path: Path) -> None:
    """6.3 no. 12: the new key is published before it signs."""
    with Authority() as authority, Gate(tmp_path, one(authority)) as gate:
        old = authority.keys[0]
        statuses = []
        for number in range(150):
            if number == 40:
                authority.rotate()
                # An early token with the new key starts the fetch, as the hourly poll would.
                until(lambda: gate.ask(authority.token()).status_code == 200)
            newest = authority.keys[-1] if number >= 80 else old
            statuses.append(gate.ask(authority.token(key=newest)).status_code)
        assert statuses == [200] * 150


def test_an_issuer_that_announces_nothing_may_be_waited_for(tmp_path: Path) -> None:
    with Authority() as authority, Gate(tmp_path, one(authority, key_wait=2.0)) as gate:
        assert gate.ask(authority.token()).status_code == 200
        authority.rotate()
        assert gate.ask(authority.token()).status_code == 200


def opaque(authority: Authority, **changes: Any) -> dict[str, Any]:
    return {
        "introspection": IntrospectionSettings(
            url=authority.url + "/introspect",
            client_id="gateway",
            client_secret=Secret(SECRET),
            **changes,
        )
    }


def test_an_opaque_token_is_asked_for_once_and_believed_for_a_while(tmp_path: Path) -> None:
    with Authority() as authority, Gate(tmp_path, one(authority, **opaque(authority))) as gate:
        authority.opaque["opaque-1"] = authority.claims(iss=None)
        for _ in range(5):
            principal = gate.principal("opaque-1")
        assert (principal.issuer, principal.client_id) == (authority.url, "shop")
        assert authority.calls["introspect"] == 1
        for _ in range(5):
            assert gate.ask("opaque-2").status_code == 401
        assert authority.calls["introspect"] == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"iss": "https://evil.example"},
        {"client_id": None},
        {"cnf": {"jkt": "abc"}},
        {"nbf": 99_999_999_999},
        {"exp": 10**400},
        {"iat": 10**400},
        {"exp": -1},
        {"token_use": "refresh_token"},
        {"token_use": "id"},
        {"typ": "Refresh"},
        {"typ": "ID"},
        {"typ": 7},
        {"token_type": "refresh_token"},
        {"token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
    ],
)
def test_what_the_issuer_says_of_it_is_checked_all_the_same(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with Authority() as authority, Gate(tmp_path, one(authority, **opaque(authority))) as gate:
        authority.opaque["opaque-1"] = authority.claims(**changes)
        assert gate.ask("opaque-1").status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"token_use": "access_token"},
        {"token_use": "access", "token_type": "Bearer"},
        {"typ": "Bearer", "token_type": "urn:ietf:params:oauth:token-type:access_token"},
        {"nbf": 1.5},
    ],
)
def test_what_is_said_of_an_access_token_is_understood(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with Authority() as authority, Gate(tmp_path, one(authority, **opaque(authority))) as gate:
        authority.opaque["opaque-1"] = authority.claims(**changes)
        assert gate.ask("opaque-1").status_code == 200


def test_a_flood_of_opaque_tokens_delays_no_keys(tmp_path: Path) -> None:
    settings = opaque(authority := Authority(), stale=False)
    with authority, Gate(tmp_path, one(authority, key_wait=2.0, **settings)) as gate:
        assert gate.ask(authority.token()).status_code == 200
        authority.held = True
        with ThreadPoolExecutor(30) as pool:
            flood = [pool.submit(gate.ask, f"guess-{n}") for n in range(30)]
            until(lambda: authority.calls["introspect"] >= 16)
            authority.rotate()
            answer = gate.ask(authority.token())
            authority.held = False
            assert answer.status_code == 200
            assert {one.result().status_code for one in flood} <= {401, 503}


def test_a_template_is_asked_about_an_opaque_token_once(tmp_path: Path) -> None:
    with Authority("RS256") as authority:
        own = IssuerSettings(
            issuer=authority.url + "/{tid}/v2.0",
            preset="entra",
            audiences=(AUDIENCE,),
            tenants=("t-1", "t-2", "t-3"),
            jwks_uri=authority.url + "/jwks",
            **opaque(authority),
        )
        with Gate(tmp_path, lambda o: AuthSettings(resource=o, issuers={"entra": own})) as gate:
            told = authority.claims(iss=None, azp="app-1", tid="t-2", roles=["orders:read"])
            authority.opaque["opaque-1"] = told
            authority.opaque["opaque-2"] = told | {"tid": "t-4"}
            principal = gate.principal("opaque-1")
            assert (principal.issuer, principal.tenant) == (authority.url + "/t-2/v2.0", "t-2")
            assert authority.calls["introspect"] == 1
            assert gate.ask("opaque-2").status_code == 401
            assert gate.ask("opaque-3").status_code == 401
            assert authority.calls["introspect"] == 3


def test_an_opaque_token_is_refused_while_its_issuer_is_silent(tmp_path: Path) -> None:
    with Authority() as authority, Gate(tmp_path, one(authority, **opaque(authority))) as gate:
        authority.opaque["opaque-1"] = authority.claims()
        authority.down = True
        answer = gate.ask("opaque-1")
        assert answer.status_code == 503
        assert "www-authenticate" not in answer.headers
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        authority.down = False
        assert gate.ask("opaque-1").status_code == 200


def test_a_signed_token_is_asked_for_as_well_if_wanted(tmp_path: Path) -> None:
    settings = opaque(authority := Authority(), always=True)
    with authority, Gate(tmp_path, one(authority, **settings)) as gate:
        token = authority.token()
        assert gate.ask(token).status_code == 401
        other = authority.token()
        authority.opaque[other] = authority.claims()
        assert gate.ask(other).status_code == 200
        # The least that RFC 7662 demands.
        least = authority.token()
        authority.opaque[least] = {}
        assert gate.principal(least).scopes == {"orders:read", "payments:read"}


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": "never"},
        {"aud": "https://other.example"},
        {"iss": "https://evil.example"},
        {"client_id": "another"},
        {"client_id": None},
        {"tenant": "another"},
        {"cnf": {"jkt": "abc"}},
        {"cnf": {}},
        {"nbf": 99_999_999_999},
        {"token_use": "id"},
    ],
)
def test_what_the_issuer_says_of_a_signed_token_counts_too(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    settings = opaque(authority := Authority(), always=True)
    with authority, Gate(tmp_path, one(authority, **settings)) as gate:
        token = authority.token()
        authority.opaque[token] = changes
        assert gate.ask(token).status_code == 401


def test_a_signed_token_grants_no_more_than_its_issuer_says_now(tmp_path: Path) -> None:
    settings = opaque(authority := Authority(), always=True)
    with authority, Gate(tmp_path, one(authority, **settings)) as gate:
        token, nothing = authority.token(jti="own"), authority.token()
        said = {"scope": "orders:read refunds:read", "exp": int(time.time()) + 60, "jti": "x"}
        authority.opaque[token] = said
        authority.opaque[nothing] = {"scope": ""}
        principal = gate.principal(token)
        assert principal.scopes == {"orders:read"}
        assert (principal.expires_at, principal.token_id) == (said["exp"], "own")
        assert gate.principal(nothing).scopes == frozenset()


def test_secrets_and_tokens_are_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with Authority() as authority, Gate(tmp_path, one(authority, **opaque(authority))) as gate:
        good, bad = authority.token(), authority.token(aud="https://other.example")
        authority.opaque["opaque-canary-1"] = authority.claims()
        answers = [gate.ask(one) for one in (good, bad, "opaque-canary-1", "opaque-canary-2")]
        authority.down = True
        answers.append(gate.ask("opaque-canary-3"))
        answers.append(gate.ask("canary secret", "Bearer"))
        assert [answer.status_code for answer in answers] == [200, 401, 200, 401, 503, 400]
    own = [r for r in caplog.records if r.name.startswith(("tillgate", "uvicorn"))]
    assert len([r for r in own if r.message == "refused"]) == 4
    told = "".join(repr(r.__dict__) for r in own) + "".join(map(shown, answers))
    for secret in (good.split(".")[2], bad.split(".")[2], "canary", SECRET, "Bearer ey"):
        assert secret not in told


def shown(answer: httpx.Response) -> str:
    return answer.text + repr(answer.headers)
