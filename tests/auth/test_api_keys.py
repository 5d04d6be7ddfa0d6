"""Keys for tools that speak only HTTP Basic: the same principal, the same care."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth import hashed
from auth.api_keys import ApiKeys
from auth.faults import TooManyFailures, WrongKey
from auth.hashed import hash_secret, read_hash
from auth.principal import Principal
from auth.throttle import Throttle
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
            **{
                name: ApiKeySettings(secret_hash=HASHED, scopes=scopes)
                for name in ("guessed", "aimed-at", "at-once", "costly")
            },
        }
        return AuthSettings(resource=origin, api_keys=keys)

    with Gate(tmp_path_factory.mktemp("gate"), make) as running:
        yield running


@contextmanager
def scrypt_calls() -> Iterator[list[str]]:
    """One entry for each time that the slow hash is made meanwhile."""
    slow, calls = hashed._digest, list[str]()

    def counted(salt: bytes, secret: str) -> bytes:
        calls.append("scrypt")
        return slow(salt, secret)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashed, "_digest", counted)
        yield calls


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
    with scrypt_calls() as calls:
        for _ in range(20):
            assert ask(gate, "excel", SECRET).status_code == 200
    assert calls == []


def test_what_is_wrong_costs_no_scrypt(gate: Gate) -> None:
    with scrypt_calls() as calls:
        for number in range(20):
            assert ask(gate, f"nobody-{number}", SECRET).status_code == 401
            assert ask(gate, "costly", f"wrong {number}").status_code in (401, 429)
    assert calls == []


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
    answer = ask(gate, "guessed", "wrong")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert "www-authenticate" not in answer.headers
    assert ask(gate, "excel", SECRET).status_code == 200


def test_who_has_the_secret_is_let_in_however_often_others_failed(gate: Gate) -> None:
    """Behind a proxy all have one address."""
    statuses = [ask(gate, "aimed-at", f"wrong {n}").status_code for n in range(10)]
    assert statuses == [401] * 5 + [429] * 5
    assert ask(gate, "aimed-at", SECRET).status_code == 200


def test_many_who_guess_at_once_are_counted_one_by_one(gate: Gate) -> None:
    with ThreadPoolExecutor(20) as pool:
        wrong = pool.map(lambda n: ask(gate, "at-once", f"wrong {n}").status_code, range(40))
        assert Counter(wrong) == {401: 5, 429: 35}


def test_of_names_that_no_key_can_have_nothing_is_kept() -> None:
    throttle = Throttle(time.monotonic)
    keys = ApiKeys({}, throttle, clock=time.monotonic, wall=time.time)

    async def wrong(name: str) -> None:
        with pytest.raises(WrongKey):
            await keys.principal(name, "x" * 100_000, "127.0.0.1")

    async def all_wrong() -> None:
        for number in range(20):
            await wrong("A" * 65 + str(number))
            await wrong(f"a\0{number}")
            await wrong("A" * 64)

    with pytest.raises(TooManyFailures):
        asyncio.run(all_wrong())
    throttle.check("A" * 65 + "0 127.0.0.1")
    with pytest.raises(TooManyFailures):
        throttle.check("A" * 64 + " 127.0.0.1")


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
        HASHED.replace("$14$", "$18$"),
        HASHED.replace("scrypt$14", "scrypt$014"),
        HASHED[:-8],
        HASHED + "$",
    ],
    ids=["empty", "none", "other method", "cheap", "dear", "leading zero", "cut", "longer"],
)
def test_a_hash_that_is_none_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="not a hash that tillgate makes"):
        read_hash(text)
