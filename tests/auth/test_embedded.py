"""Our own issuer, over real HTTP: who gets which token, and how a token ends before its time."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from auth.embedded.key_ring import AHEAD, MOST_KEYS, SPARE, KeyFileUnusable, KeyRing
from auth.faults import Unavailable
from auth.key_set import read_key_set
from gateway import clients
from gateway.auth_settings import AuthSettings, EmbeddedSettings
from gateway.settings import Settings
from tests.auth.gate import Gate, basic
from tests.auth.test_api_keys import scrypt_calls
from tests.auth.test_dpop import proof
from tests.waiting import until

SCOPES = ("orders:read", "payments:read", "customers:pii")
SIGNER = ECKey.generate_key("P-256", {"kid": "client-key", "use": "sig"})


class Own:
    """A gateway with its own issuer, and clients made as an operator makes them."""

    def __init__(self, folder: Path, gate: Gate) -> None:
        self.gate = gate
        self.folder = folder
        self.origin = gate.origin
        self.secret = self.add("shop", tenant="acme", partner="p-1")
        assert self.secret is not None
        file = folder / "public.json"
        file.write_text(KeySet([SIGNER]).as_dict(private=False).__repr__().replace("'", '"'))
        assert self.add("signing", keys=file) is None

    def add(self, client_id: str, scopes: tuple[str, ...] = SCOPES, **facts: Any) -> str | None:
        facts = {"default_scopes": ("orders:read",), **facts}
        new = clients.NewClient(client_id=client_id, scopes=scopes, **facts)
        return asyncio.run(clients.add(self.settings, new))

    @property
    def settings(self) -> Settings:
        return self.gate.settings

    def post(self, path: str, form: Any = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gate.client.post(f"/oauth/{path}", data=form, headers=sent)

    def asked(self, secret: str | None = None, client_id: str = "shop", **form: Any) -> Any:
        """Asks for a token with Basic."""
        pair = basic(client_id, secret or self.secret or "")
        whole = {"grant_type": "client_credentials", **form}
        return self.post("token", whole, authorization=f"Basic {pair}")

    def token(self, **form: Any) -> str:
        answer = self.asked(**form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def make(folder: Path, **changes: Any) -> Any:
    def settings(origin: str) -> AuthSettings:
        embedded = EmbeddedSettings(keys=str(folder / "keys.json"))
        return AuthSettings(resource=origin, embedded=embedded, **changes)

    return settings


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    folder = tmp_path_factory.mktemp("own")
    with Gate(folder, make(folder)) as gate:
        yield Own(folder, gate)


def test_a_client_gets_a_token_that_lets_it_in(own: Own) -> None:
    answer = own.asked(scope="orders:read payments:read")
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    body = answer.json()
    token = body.pop("access_token")
    assert body == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "orders:read payments:read",
    }
    published = own.gate.client.get("/oauth/jwks.json")
    assert published.headers["cache-control"] == "max-age=300"
    assert "pragma" not in published.headers
    keys = published.json()
    assert all("d" not in key for key in keys["keys"])
    read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["ES256"])
    assert read.header["typ"] == "at+jwt"
    now = time.time()
    assert {n: v for n, v in read.claims.items() if n not in ("iat", "exp", "jti")} == {
        "iss": own.origin,
        "aud": own.origin,
        "sub": "shop",
        "client_id": "shop",
        "scope": "orders:read payments:read",
        "tenant": "acme",
        "partner_id": "p-1",
    }
    assert abs(read.claims["iat"] - now) < 5
    assert read.claims["exp"] == read.claims["iat"] + 600
    principal = own.gate.principal(token)
    assert (principal.client_id, principal.tenant, principal.partner) == ("shop", "acme", "p-1")
    assert principal.scopes == {"orders:read", "payments:read"}


def test_its_metadata_says_what_it_does(own: Own) -> None:
    told = own.gate.client.get("/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == own.origin
    for name, path in (
        ("token_endpoint", "token"),
        ("jwks_uri", "jwks.json"),
        ("revocation_endpoint", "revoke"),
        ("introspection_endpoint", "introspect"),
    ):
        assert told[name] == f"{own.origin}/oauth/{path}"
    assert told["grant_types_supported"] == ["client_credentials"]
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    assert told["token_endpoint_auth_methods_supported"] == methods


def test_a_secret_may_stand_in_the_form(own: Own) -> None:
    form = {"grant_type": "client_credentials", "client_id": "shop", "client_secret": own.secret}
    assert own.post("token", form).status_code == 200


def test_without_asking_it_gets_its_default_and_not_all(own: Own) -> None:
    assert own.asked().json()["scope"] == "orders:read"
    secret = own.add("no-default", default_scopes=())
    answer = own.asked(secret, "no-default")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"scope": "orders:read refunds:read"}, "invalid_scope"),
        ({"scope": "introspection"}, "invalid_scope"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"scope": ["orders:read", "payments:read"]}, "invalid_request"),
        ({"client_id": "another"}, "invalid_client"),
        ({"client_secret": "another"}, "invalid_request"),
    ],
)
def test_what_it_may_not_have_is_refused(own: Own, form: dict[str, Any], error: str) -> None:
    answer = own.asked(**form)
    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert own.asked(resource=own.origin).status_code == 200


def test_a_wrong_secret_and_an_unknown_client_are_answered_alike(own: Own) -> None:
    wrong = own.asked("wrong")
    unknown = own.asked("wrong", "nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"] == "invalid_client"
    assert wrong.headers["www-authenticate"] == 'Basic realm="tillgate"'
    # A client with keys of its own has no secret.
    assert own.asked("", "signing").status_code == 401
    assert own.asked("None", "signing").status_code == 401


def test_an_unknown_client_costs_what_a_wrong_secret_does_which_is_nothing(own: Own) -> None:
    own.add("costly")
    with scrypt_calls() as calls:
        assert own.asked("wrong", "costly").status_code == 401
        assert own.asked("wrong", "costless").status_code == 401
    assert calls == []


def test_guessing_is_slowed_down_and_others_are_not(own: Own) -> None:
    secret = own.add("guessed")
    statuses = [own.asked("wrong", "guessed").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    answer = own.asked("wrong", "guessed")
    assert (answer.status_code, answer.json()["error"]) == (429, "slow_down")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert own.asked(secret, "guessed").status_code == 200
    assert own.asked().status_code == 200


def test_who_signs_cannot_be_locked_out_by_assertions_that_nobody_signed(own: Own) -> None:
    forged = assertion(own.origin, key=ECKey.generate_key("P-256"))
    for _ in range(10):
        assert own.post("token", forged).status_code == 401
    assert own.post("token", assertion(own.origin)).status_code == 200


@pytest.mark.parametrize("client_id", ["a\0b", "a" * 65, "a b", "ü", "a" * 5_000])
def test_a_name_that_no_client_can_have_is_not_looked_up(own: Own, client_id: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "x"}
    for _ in range(7):
        answer = own.post("token", form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    signed = assertion(own.origin, iss=client_id, sub=client_id)
    assert own.post("token", signed).status_code == 401


def test_who_tried_basic_is_challenged_by_it_whatever_was_wrong(tmp_path: Path) -> None:
    with Gate(tmp_path, make(tmp_path, realm="acme")) as gate:
        own = Own(tmp_path, gate)
        form = {"grant_type": "client_credentials"}
        for pair in (basic("shop", ""), basic("a" * 65, "x"), basic("shop", "wrong")):
            answer = own.post("token", form, authorization=f"Basic {pair}")
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Basic realm="acme"'
        answer = own.asked(client_id="shop", scope="orders:read")
        assert answer.status_code == 200
        other = own.post(
            "token",
            form | {"client_id": "other"},
            authorization=f"Basic {basic('shop', own.secret or '')}",
        )
        assert other.headers["www-authenticate"] == 'Basic realm="acme"'
        assert "www-authenticate" not in own.post("token", form).headers


def test_a_form_that_is_none_is_refused(own: Own) -> None:
    client = own.gate.client
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.get("/oauth/token").status_code == 405
    assert client.post("/oauth/token", json={}).status_code == 415
    for content in (b"a=%ff", b"&".join([b"a=b"] * 40)):
        answer = client.post("/oauth/token", content=content, headers=kind)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    large = client.post("/oauth/token", content=b"a=" + b"b" * 20_000, headers=kind)
    assert large.status_code == 413
    query = {"client_id": "shop", "client_secret": own.secret}
    form = {"grant_type": "client_credentials"}
    assert client.post("/oauth/token", params=query, data=form).status_code == 400
    assert own.post("token", form).status_code == 401
    assert own.post("token", form, authorization="Basic !").status_code == 400
    assert own.post("token", form, authorization="Bearer abc").status_code == 400


def assertion(origin: str, key: Any = SIGNER, header: Any = None, **changes: Any) -> dict[str, str]:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "signing",
        "sub": "signing",
        "aud": origin,
        "exp": now + 60,
        "iat": now,
        "jti": secrets.token_hex(8),
    }
    claims = {n: v for n, v in (claims | changes).items() if v is not None}
    whole = {"alg": "ES256", "kid": "client-key", **(header or {})}
    signed = jwt.encode(whole, claims, key, algorithms=["ES256", "HS256"])
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": kind,
        "client_assertion": signed,
    }


def test_a_client_may_sign_who_it_is(own: Own) -> None:
    form = assertion(own.origin)
    answer = own.post("token", form)
    assert answer.status_code == 200, answer.text
    assert own.gate.principal(answer.json()["access_token"]).client_id == "signing"
    again = own.post("token", form)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


def test_authlib_signs_in_as_any_client_would(own: Own) -> None:
    """An independent client, whose audience is the token endpoint and whose time is an hour."""
    endpoint = own.origin + "/oauth/token"
    client = type("Client", (), {"client_secret": SIGNER, "client_id": "signing"})()
    signed = PrivateKeyJWT(endpoint, alg="ES256").sign(client, endpoint)
    form = assertion(own.origin) | {"client_assertion": signed}
    answer = own.post("token", form)
    assert answer.status_code == 200, answer.text


def test_an_assertion_that_is_not_of_now_for_us_and_from_it_is_refused(
    tmp_path: Path,
) -> None:
    with Gate(tmp_path, make(tmp_path)) as gate:
        own = Own(tmp_path, gate)
        now = int(time.time())
        wrong: list[dict[str, Any]] = [
            {"aud": "https://other.example"},
            {"aud": own.origin + "/oauth/revoke"},
            {"aud": [own.origin, "https://other.example"]},
            {"aud": None},
            {"iss": "shop"},
            {"iss": None},
            {"exp": now - 60},
            {"exp": now + 7200},
            {"exp": None},
            {"exp": True},
            {"exp": 10**400},
            {"exp": -(10**400)},
            {"iat": 10**400},
            {"jti": "\0", "nbf": -1},
            {"nbf": now + 60},
            {"iat": now + 60},
            {"iat": "now"},
            {"jti": None},
            {"jti": ""},
            {"header": {"typ": "at+jwt"}},
            {"header": {"kid": "another"}},
            {"key": ECKey.generate_key("P-256")},
            {"key": OctKey.generate_key(256), "header": {"alg": "HS256"}},
        ]
        for number, changes in enumerate(wrong):
            # Each as a client of its own, so that nobody is merely slowed down.
            client_id = f"signing-{number}"
            own.add(client_id, keys=tmp_path / "public.json")
            facts = {"iss": client_id, "sub": client_id, **changes}
            answer = own.post("token", assertion(own.origin, **facts))
            assert answer.status_code == 401, changes
            assert answer.json()["error"] == "invalid_client"
            good = assertion(own.origin, iss=client_id, sub=client_id)
            assert own.post("token", good).status_code == 200
        for changes in ({"client_assertion_type": "x"}, {"client_secret": "x"}):
            answer = own.post("token", assertion(own.origin) | changes)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_token_may_be_bound_to_the_clients_key(own: Own) -> None:
    url = own.origin + "/oauth/token"
    pair = f"Basic {basic('shop', own.secret or '')}"
    form = {"grant_type": "client_credentials"}
    answer = own.post("token", form, authorization=pair, dpop=proof(url, None))
    assert answer.json()["token_type"] == "DPoP"
    token = answer.json()["access_token"]
    assert own.gate.ask(token).status_code == 401
    sent = proof(own.origin + "/graphql", token)
    assert own.gate.principal(token, "DPoP", dpop=sent).client_id == "shop"
    for sent in (proof(own.origin, None), proof(url, None, iat=10**400)):
        bad = own.post("token", form, authorization=pair, dpop=sent)
        assert (bad.status_code, bad.json()["error"]) == (400, "invalid_dpop_proof")


def form_of(token: str) -> dict[str, str]:
    return {"token": token}


def test_a_revoked_token_is_refused_at_once(own: Own) -> None:
    token, other = own.token(), own.token()
    pair = f"Basic {basic('shop', own.secret or '')}"
    assert own.gate.ask(token).status_code == 200
    answer = own.post("revoke", form_of(token), authorization=pair)
    assert (answer.status_code, answer.content) == (200, b"")
    refused = own.gate.ask(token)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert own.gate.ask(other).status_code == 200
    for unknown in (token, "abc", "a.b.c"):
        assert own.post("revoke", form_of(unknown), authorization=pair).status_code == 200
    assert own.post("revoke", {}, authorization=pair).json()["error"] == "invalid_request"
    assert own.post("revoke", form_of(other)).status_code == 401
    assert own.gate.ask(other).status_code == 200


def test_nobody_revokes_or_asks_about_the_token_of_another(own: Own) -> None:
    token = own.token(scope="orders:read")
    secret = own.add("curious")
    curious = f"Basic {basic('curious', secret or '')}"
    assert own.post("revoke", form_of(token), authorization=curious).status_code == 200
    assert own.gate.ask(token).status_code == 200
    inactive = {"active": False}
    assert own.post("introspect", form_of(token), authorization=curious).json() == inactive
    server = own.add("server", scopes=("introspection",), default_scopes=())
    asking = f"Basic {basic('server', server or '')}"
    told = own.post("introspect", form_of(token), authorization=asking).json()
    assert {n: v for n, v in told.items() if n not in ("exp", "jti")} == {
        "active": True,
        "iss": own.origin,
        "aud": own.origin,
        "sub": "shop",
        "client_id": "shop",
        "scope": "orders:read",
        "tenant": "acme",
        "partner_id": "p-1",
        "token_type": "Bearer",
    }
    mine = f"Basic {basic('shop', own.secret or '')}"
    own.post("revoke", form_of(token), authorization=mine)
    for gone in (token, "abc"):
        assert own.post("introspect", form_of(gone), authorization=asking).json() == inactive
    assert own.post("introspect", form_of(token)).status_code == 401


def test_a_revoked_token_is_refused_by_every_process(tmp_path: Path) -> None:
    """Test 40 of the list: one token, revoked at one process, and the others stay good."""
    with Gate(tmp_path, make(tmp_path)) as gate:
        settings = gate.settings.auth
        assert settings is not None
        own = Own(tmp_path, gate)
        with Gate(tmp_path, lambda origin: settings) as second:
            token, other = own.token(), own.token()
            assert [g.ask(token).status_code for g in (gate, second)] == [200, 200]
            pair = f"Basic {basic('shop', own.secret or '')}"
            assert own.post("revoke", form_of(token), authorization=pair).status_code == 200
            assert gate.ask(token).status_code == 401
            until(lambda: second.ask(token).status_code != 200)
            assert [g.ask(other).status_code for g in (gate, second)] == [200, 200]


def test_a_revoked_client_has_nothing_left_anywhere(tmp_path: Path) -> None:
    """6.3 no. 12, test 40: two processes that share only the store, and the command line."""
    with Gate(tmp_path, make(tmp_path)) as gate:
        settings = gate.settings.auth
        assert settings is not None
        own = Own(tmp_path, gate)
        with Gate(tmp_path, lambda origin: settings) as second:
            token, kept = own.token(), own.add("kept")
            good = own.asked(kept, "kept").json()["access_token"]
            for gateway in (gate, second):
                assert gateway.ask(token).status_code == 200
            asyncio.run(clients.revoke(gate.settings, "shop", None))
            until(lambda: all(g.ask(token).status_code != 200 for g in (gate, second)))
            assert own.asked().status_code == 401
            assert all(g.ask(good).status_code == 200 for g in (gate, second))
        with Gate(tmp_path, lambda origin: settings) as restarted:
            assert restarted.ask(token).status_code == 401
            assert restarted.ask(good).status_code == 200


def test_a_revocation_that_failed_half_way_is_done_to_its_end(tmp_path: Path) -> None:
    with Gate(tmp_path, make(tmp_path)) as gate:
        own = Own(tmp_path, gate)
        token = own.token()
        store = sqlite3.connect(tmp_path / "tillgate.db")
        with store:
            store.execute("ALTER TABLE revocation RENAME TO away")
        with pytest.raises(Unavailable):
            asyncio.run(clients.revoke(gate.settings, "shop", None))
        with store:
            store.execute("ALTER TABLE away RENAME TO revocation")
        store.close()
        asyncio.run(clients.revoke(gate.settings, "shop", None))
        until(lambda: gate.ask(token).status_code == 401)
        assert own.asked().status_code == 401


def test_a_rotated_secret_counts_at_once_and_the_old_one_no_more(own: Own) -> None:
    old = own.add("rotating")
    new = asyncio.run(clients.rotate(own.settings, "rotating", None))
    assert own.asked(old, "rotating").status_code == 401
    assert own.asked(new, "rotating").status_code == 200


def test_secrets_are_stored_as_hashes_only(own: Own) -> None:
    assert own.secret is not None
    files = [path for path in own.folder.iterdir() if path.is_file()]
    assert files
    assert all(own.secret.encode() not in path.read_bytes() for path in files)


def test_the_key_file_is_the_owners_alone(own: Own) -> None:
    assert stat.S_IMODE((own.folder / "keys.json").stat().st_mode) == 0o600


class Rotating:
    def __init__(self, path: Path) -> None:
        self.now = 1_800_000_000.0
        self.path = path
        self.ring = self.another()

    def another(self, user: Callable[[], int] = os.geteuid) -> KeyRing:
        return KeyRing(
            self.path, lifetime=600, rotate=30 * 86_400, wall=lambda: self.now, user=user
        )


def test_a_key_is_published_long_before_it_signs_and_stays_until_its_last_token_ends(
    tmp_path: Path,
) -> None:
    """Over 200 days, in steps of ten minutes: whoever keeps the key set for two hours knows the
    key of every token; two processes use the same file."""
    own = Rotating(tmp_path / "keys.json")
    own.ring.tend()
    other = own.another()
    seen: list[tuple[float, set[str]]] = []
    signers: list[str] = []
    previous = own.ring.signing().kid
    for step in range(200 * 144):
        (own.ring if step % 2 else other).tend()
        kids = {key["kid"] for key in own.ring.published()["keys"]}
        assert len(kids) <= 2
        seen.append((own.now, kids))
        signer = other.signing().kid
        assert signer == own.ring.signing().kid
        assert signer is not None
        if signer not in signers:
            signers.append(signer)
            early = [kids for at, kids in seen if at <= own.now - AHEAD + 600]
            assert len(signers) == 1 or signer in early[-1]
        # The key of a token of ten minutes ago is still there.
        assert previous in kids
        previous = signer
        seen = seen[-20:]
        own.now += 600
    assert len(signers) == 7
    assert SPARE > 60


def test_a_clock_that_was_set_back_before_the_first_key_signs_with_that_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = Rotating(tmp_path / "keys.json")
    own.ring.tend()
    first = own.ring.signing().kid
    own.ring.rotate()
    started, own.now = own.now, own.now - 7 * 86_400
    own.ring.tend()
    assert [own.ring.signing().kid, own.another().signing().kid] == [first, first]
    (line, _) = [record for record in caplog.records if record.name == "tillgate.oauth"]
    assert line.message == "the clock is behind the first signing key"
    assert vars(line)["fields"] == {"seconds": 7 * 86_400, "file": str(own.path)}
    own.now = started + AHEAD
    assert own.ring.signing().kid != first


def test_a_key_that_is_rotated_by_hand_signs_later_and_refuses_nobody(tmp_path: Path) -> None:
    own = Rotating(tmp_path / "keys.json")
    own.ring.tend()
    first = own.ring.signing().kid
    new = own.another().rotate()
    assert own.ring.signing().kid == first
    assert {key["kid"] for key in own.ring.published()["keys"]} == {first, new}
    own.now += AHEAD
    assert own.ring.signing().kid == new
    own.ring.tend()
    assert asyncio.run(own.ring.find(first, "ES256"))
    own.now += 600 + SPARE + 1
    own.ring.tend()
    assert asyncio.run(own.ring.find(first, "ES256")) == []


def test_a_key_file_that_others_may_read_or_that_is_none_is_not_used(tmp_path: Path) -> None:
    own = Rotating(tmp_path / "keys.json")
    own.ring.tend()
    own.path.chmod(0o640)
    with pytest.raises(KeyFileUnusable, match="others may read it"):
        own.another().tend()
    own.path.write_bytes(b"{}")
    own.path.chmod(0o600)
    with pytest.raises(KeyFileUnusable, match="ValidationError"):
        own.another().tend()
    with pytest.raises(KeyFileUnusable, match="No such file or directory"):
        Rotating(tmp_path / "nowhere" / "keys.json").ring.tend()


def test_no_more_keys_are_published_than_others_read(tmp_path: Path) -> None:
    own = Rotating(tmp_path / "keys.json")
    own.ring.tend()
    for _ in range(MOST_KEYS - 1):
        own.ring.rotate()
    with pytest.raises(KeyFileUnusable, match=f"{MOST_KEYS} keys are published already"):
        own.ring.rotate()
    assert len(read_key_set(json.dumps(own.ring.published()).encode())) == MOST_KEYS
    own.now += AHEAD + 600 + SPARE
    own.ring.tend()
    assert own.ring.rotate()


def test_a_key_file_of_another_user_is_not_used(tmp_path: Path) -> None:
    """He could read it, and put other keys there. Root is no exception: what it writes would be
    its own, and the gateway could not read it any more."""
    own = Rotating(tmp_path / "keys.json")
    own.ring.tend()
    another = own.path.stat().st_uid + 1
    with pytest.raises(KeyFileUnusable, match="another user owns it"):
        own.another(lambda: another).tend()
    with pytest.raises(KeyFileUnusable, match="another user owns it"):
        own.another(lambda: another).rotate()


def test_fapi_clients_sign_and_bind(tmp_path: Path) -> None:
    with Gate(tmp_path, make(tmp_path)) as plain:
        own = Own(tmp_path, plain)
    with Gate(tmp_path, make(tmp_path, profile="fapi2")) as gate:
        own.gate, own.origin = gate, gate.origin
        to_endpoint = assertion(gate.origin, aud=gate.origin + "/oauth/token")
        assert own.post("token", to_endpoint).status_code == 401
        methods = gate.client.get("/.well-known/oauth-authorization-server").json()
        assert methods["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert own.asked().status_code == 401
        assert own.post("token", assertion(gate.origin)).status_code == 400
        sent = proof(gate.origin + "/oauth/token", None)
        answer = own.post("token", assertion(gate.origin), dpop=sent)
        assert answer.status_code == 200
        token = answer.json()["access_token"]
        asked = proof(gate.origin + "/graphql", token)
        assert gate.principal(token, "DPoP", dpop=asked).client_id == "signing"
