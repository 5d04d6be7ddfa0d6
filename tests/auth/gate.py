"""A gateway that asks who asks, over real HTTP; its one source is never called."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from auth.principal import Principal
from connectors.registry import Registry
from gateway.audit_settings import AuditSettings
from gateway.auth_settings import AuthSettings
from gateway.compose import Gateway
from gateway.server import listen, server
from gateway.settings import Settings, StoreSettings, parse
from gateway.strict import Reader
from resolvers.context import Context
from tests.waiting import until

STRIPE = '[sources.stripe_eu]\nvendor = "stripe"\nkey = { env = "KEY" }\n'
QUERY = {"query": "{ __typename }"}
Make = Callable[[str], AuthSettings]


def read(auth: str, environ: dict[str, str] | None = None) -> Settings:
    """Settings with these tables below `[auth]`."""
    return parse(auth + STRIPE, Registry(), Reader({"KEY": "sk_test_1", **(environ or {})}))


class Gate:
    """`make(origin)` gives its `[auth]`; `store` is the URL of another database than a new SQLite
    file. `principals` are those of the answered requests."""

    def __init__(
        self,
        folder: Path,
        make: Make,
        profile: str = "production",
        audit: AuditSettings | None = None,
        store: str | None = None,
    ) -> None:
        self._listener = listen("127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        settings = read("")
        kept = StoreSettings(url=store or f"sqlite+aiosqlite:///{folder}/tillgate.db")
        own = msgspec.structs.replace(settings.server, profile=profile)
        self.settings = msgspec.structs.replace(
            settings, auth=make(self.origin), audit=audit, store=kept, server=own
        )
        self.uvicorn = server(self.settings, Registry())
        self.principals: list[Principal | None] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.client = httpx.Client(base_url=self.origin, timeout=120)

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

    def ask(self, token: str | None = None, scheme: str = "Bearer", **headers: str) -> Any:
        """The answer to a query; headers are given with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"{scheme} {token}"
        return self.client.post("/graphql", json=QUERY, headers=sent)

    def principal(self, token: str, scheme: str = "Bearer", **headers: str) -> Principal:
        """Who a good token is of, as resolvers see it."""
        with Watched() as seen:
            answer = self.ask(token, scheme, **headers)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"data": {"__typename": "Query"}}
        (principal,) = seen
        assert principal is not None
        return principal


class Watched:
    """The principals of the contexts that gateways make meanwhile."""

    def __enter__(self) -> list[Principal | None]:
        self._before = Gateway.context
        seen: list[Principal | None] = []
        before = self._before

        def context(gateway: Gateway, *arguments: Any) -> Context:
            made = before(gateway, *arguments)
            seen.append(made.principal)
            return made

        Gateway.context = context  # type: ignore[method-assign,assignment]
        return seen

    def __exit__(self, *_: object) -> None:
        Gateway.context = self._before  # type: ignore[method-assign]


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()
