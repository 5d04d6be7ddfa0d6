"""What was forgotten is refused: another protocol, a request that nobody looked at, a start-up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from gateway.auth_settings import AuthSettings, EmbeddedSettings
from gateway.authenticate import Authenticate
from tests.auth.gate import Gate

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


def test_a_request_that_nobody_authenticated_is_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if somebody had left the middleware out, or opened a path too many."""
    monkeypatch.setattr("gateway.authenticate.OPEN", frozenset({"/graphql"}))

    def make(origin: str) -> AuthSettings:
        return AuthSettings(
            resource=origin, embedded=EmbeddedSettings(keys=str(tmp_path / "keys.json"))
        )

    with Gate(tmp_path, make) as gate:
        answer = gate.ask()
        assert answer.status_code == 500
        assert "data" not in answer.json()
