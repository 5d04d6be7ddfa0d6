"""What was forgotten is refused: another protocol, a request that nobody looked at, a start-up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from gateway.auth_settings import AuthSettings, EmbeddedSettings
from gateway.authenticate import Authenticate
from tests.auth.gate import Gate, Make

pytestmark = pytest.mark.anyio


async def told(scope: dict[str, Any]) -> list[Message]:
    """What a middleware that is not ready yet sends; the application behind it must not be run."""
    sent: list[Message] = []

    async def application(*_: object) -> None:
        raise AssertionError("it came through")

    async def receive() -> Message:
        raise AssertionError("nothing of it is read")

    async def send(message: Message) -> None:
        sent.append(message)

    def find() -> None:
        return None

    def is_page(request: Request) -> bool:
        return False

    await Authenticate(application, find, is_page)(scope, receive, send)
    return sent


async def test_another_protocol_is_closed() -> None:
    sent = await told({"type": "websocket", "path": "/graphql", "headers": []})
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_before_it_can_be_judged_nothing_is_answered() -> None:
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": []}
    sent = await told({**scope, "query_string": b""})
    assert sent[0]["status"] == 503


def make(folder: Path) -> Make:
    embedded = EmbeddedSettings(keys=str(folder / "keys.json"))
    return lambda origin: AuthSettings(resource=origin, embedded=embedded)


def test_what_nobody_thought_of_lets_nobody_in_and_is_told_by_its_type_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OverflowError("canary")

    monkeypatch.setattr("auth.authenticator.credentials", fails)
    with Gate(tmp_path, make(tmp_path)) as gate:
        answer = gate.ask("canary-token")
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    told = [r.__dict__["fields"]["reason"] for r in caplog.records if r.message == "refused"]
    assert told == ["unexpected: OverflowError"]
    assert "canary" not in caplog.text + answer.text


def test_what_runs_beside_the_requests_does_not_end_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError("canary")

    monkeypatch.setattr("auth.revocations.Revocations.poll", fails)
    with Gate(tmp_path, make(tmp_path)) as gate:
        assert gate.ask().status_code == 401
    ended = [r for r in caplog.records if "beside the requests" in r.message]
    fields = [r.__dict__["fields"] for r in ended]
    assert fields == [{"task": "revocations", "why": "ZeroDivisionError"}]


def test_a_request_that_nobody_authenticated_is_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if somebody had left the middleware out, or opened a path too many."""
    monkeypatch.setattr("gateway.authenticate.OPEN", frozenset({"/graphql"}))

    with Gate(tmp_path, make(tmp_path)) as gate:
        answer = gate.ask()
        assert answer.status_code == 500
        assert "data" not in answer.json()
