"""Keys for tools that speak only HTTP Basic: the same principal, the same care."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth.hashed import hash_secret, read_hash
from auth.principal import Principal
from gateway.auth_settings import ApiKeySettings, AuthSettings
from gateway.clients import api_key
from tests.auth.gate import Gate, basic, read

SECRET, HASHED = "a secret of a tool: ü", str(hash_secret("a secret of a tool: ü"))


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    def make(origin: str) -> AuthSettings:
        now = datetime.now(UTC)
        scopes = ("orders:read",)
        keys = {
            "excel": ApiKeySettings(
                secret_hash=HASHED, scopes=scopes, tenant="acme", partner="p-1"
            ),
            "ended": ApiKeySettings(
                secret_hash=HASHED, scopes=scopes, ends=now - timedelta(seconds=1)
            ),
            "guessed": ApiKeySettings(secret_hash=HASHED, scopes=scopes),
        }
        return AuthSettings(resource=origin, api_keys=keys)

    with Gate(tmp_path_factory.mktemp("gate"), make) as running:
        yield running


def ask(gate: Gate, name: str, secret: str) -> Any:
    return gate.ask(basic(name, secret), "Basic")


def test_a_key_is_a_principal(gate: Gate) -> None:
    assert gate.principal(basic("excel", SECRET), "Basic") == Principal(
        issuer="api_keys",
        client_id="excel",
        subject="excel",
        scopes=frozenset({"orders:read"}),
        tenant="acme",
        partner="p-1",
    )


def test_a_key_that_was_right_is_not_hashed_again_for_a_while(gate: Gate) -> None:
    assert ask(gate, "excel", SECRET).status_code == 200
    begun = time.perf_counter()
    for _ in range(20):
        assert ask(gate, "excel", SECRET).status_code == 200
    assert time.perf_counter() - begun < 0.4


@pytest.mark.parametrize(
    ("name", "secret"),
    [("excel", SECRET + " "), ("excel", "x"), ("nobody", SECRET), ("ended", SECRET)],
)
def test_a_wrong_key_is_challenged(gate: Gate, name: str, secret: str) -> None:
    answer = ask(gate, name, secret)
    assert answer.status_code == 401
    challenges = answer.headers.get_list("www-authenticate")
    assert 'Basic realm="tillgate", charset="UTF-8"' in challenges
    assert len(challenges) == 3
    assert not any("error=" in challenge for challenge in challenges)


@pytest.mark.parametrize("sent", ["!", "YWJj", "Og==", "YTo=", "OmI=", "w7w6/w=="])
def test_what_is_no_key_is_malformed(gate: Gate, sent: str) -> None:
    assert gate.ask(sent, "Basic").status_code == 400


def test_guessing_is_slowed_down(gate: Gate) -> None:
    statuses = [ask(gate, "guessed", f"wrong {n}").status_code for n in range(6)]
    assert statuses == [401] * 5 + [429]
    answer = ask(gate, "guessed", SECRET)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert ask(gate, "excel", SECRET).status_code == 200


def test_what_the_command_prints_is_what_the_settings_read(gate: Gate) -> None:
    for name in ("excel", "power-bi.1"):
        secret, table = api_key(name)
        auth = read(f'[auth]\nresource = "https://graph.acme.example"\n{table}\n').auth
        assert auth is not None
        own = auth.api_keys[name]
        assert read_hash(own.secret_hash).matches(secret)
        assert not read_hash(own.secret_hash).matches(secret + "x")
        assert secret not in table
        assert len(secret) >= 43


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        HASHED.replace("scrypt", "plain"),
        HASHED.replace("$14$", "$1$"),
        HASHED.replace("$14$", "$30$"),
        HASHED[:-8],
        HASHED + "$",
    ],
)
def test_a_hash_that_is_none_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="not a hash that tillgate makes"):
        read_hash(text)
