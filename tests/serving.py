"""The gateway over real HTTP in a thread of its own, against a running sandbox."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from connectors.registry import Registry
from gateway.audit_settings import AuditSettings
from gateway.auth_settings import AuthSettings
from gateway.demo import BOOKS_BEGIN, demo_settings
from gateway.index_sync import sync_index
from gateway.server import listen, server
from gateway.settings import PairSettings, Settings
from resolvers.index.sync import State
from sandbox.server import Server as Sandbox
from tests.waiting import until


def settings_for(sandbox: Sandbox, folder: str, **server_changes: Any) -> Settings:
    """The demo's settings with changes to its `[server]` table."""
    settings = demo_settings(sandbox, Registry(), folder, port=0)
    changed = msgspec.structs.replace(settings.server, **server_changes)
    return msgspec.structs.replace(settings, server=changed)


_FILLED: dict[str, bytes] = {}


def fill_index(sandbox: Sandbox, settings: Settings, folder: str) -> None:
    """The index of references of the whole world; read once per sandbox, then copied."""
    file = Path(folder) / "tillgate.db"
    if sandbox.origin not in _FILLED:
        run = sync_index(settings, Registry(), BOOKS_BEGIN, (), lambda outcome: None)
        outcomes = asyncio.run(run)
        assert [o for o in outcomes if o.state is State.FAILED] == []
        _FILLED[sandbox.origin] = file.read_bytes()
    file.write_bytes(_FILLED[sandbox.origin])


class GatewayServer:
    """`source_changes` replace settings of every source, for instance `deadline`; `only` names the
    sources that are configured at all; `indexed` False leaves the index of references empty;
    `changes` are other tables of the settings, by name."""

    def __init__(
        self,
        sandbox: Sandbox,
        profile: str = "development",
        source_changes: Mapping[str, Any] | None = None,
        pairs: tuple[PairSettings, ...] | None = None,
        only: Sequence[str] = (),
        indexed: bool = True,
        auth: AuthSettings | None = None,
        audit: AuditSettings | None = None,
        changes: Mapping[str, Any] | None = None,
        **server_changes: Any,
    ) -> None:
        self._folder = TemporaryDirectory(prefix="tillgate-test-")
        settings = settings_for(sandbox, self._folder.name, profile=profile, **server_changes)
        sources = {
            name: msgspec.structs.replace(own, **(source_changes or {}))
            for name, own in settings.sources.items()
            if not only or name in only
        }
        links = msgspec.structs.replace(settings.links, pairs=pairs)
        self.settings = msgspec.structs.replace(
            settings, sources=sources, links=links, auth=auth, audit=audit, **(changes or {})
        )
        if indexed:
            fill_index(sandbox, settings, self._folder.name)
        self._listener = listen("127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.uvicorn = server(self.settings, Registry())
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self.client = httpx.Client(base_url=self.origin, timeout=120)

    @property
    def store(self) -> Path:
        return Path(self._folder.name) / "tillgate.db"

    def _run(self) -> None:
        asyncio.run(self.uvicorn.serve(sockets=[self._listener]))

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self.uvicorn.started or not self._thread.is_alive())
        assert self.uvicorn.started, "the gateway did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()
        self.uvicorn.should_exit = True
        self._thread.join()
        self._listener.close()
        self._folder.cleanup()

    def post(
        self, query: str, variables: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """The raw HTTP answer; headers are given with underscores."""
        sent = {"accept": "application/graphql-response+json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"query": query, "variables": dict(variables or {})}
        return self.client.post("/graphql", json=body, headers=sent)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole body of the answer."""
        body: dict[str, Any] = self.post(query, variables).json()
        return body

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that has no errors."""
        body = self.ask(query, **variables)
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data
