"""The ASGI application: `/graphql`, `/healthz`, `/readyz`, and with `[auth]` what tokens need."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.registry import Registry
from gateway.access_log import AccessLog
from gateway.admission import Admission
from gateway.auth_compose import Auth, open_auth
from gateway.authenticate import Authenticate, not_ready
from gateway.compose import Gateway, Opening, open_gateway
from gateway.graphql_http import GraphQLEndpoint, wants_page
from gateway.hosts import KnownHosts
from gateway.oauth_http import oauth_routes
from gateway.rereading import read_again
from gateway.settings import Settings
from gateway.trail import Trail, open_trail

log = logging.getLogger("tillgate.audit")


class Process:
    """What lives from the end of start-up to the begin of shutdown, and the endpoints over it.

    Ready in between, unless every request would be refused. A vendor's outage changes nothing, the
    other sources' data is still served."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry
        self._endpoint: GraphQLEndpoint | None = None
        self._gateway: Gateway | None = None
        self._auth: Auth | None = None
        self._trail: Trail | None = None
        self._admission = Admission(settings.server.running, settings.server.waiting)
        self._stack = AsyncExitStack()
        self._rereading = asyncio.Lock()

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self._stack as stack:
            gateway = await stack.enter_async_context(open_gateway(self._settings, self._registry))
            self._trail = stack.enter_context(open_trail(self._settings.audit))
            self._auth = await self._opened(gateway, stack)
            self._serve(gateway)
            try:
                yield
            finally:
                self._gateway = self._endpoint = self._auth = self._trail = None

    def _serve(self, gateway: Gateway) -> None:
        page = _graphiql() if self._settings.server.development else None
        endpoint = GraphQLEndpoint(gateway, self._admission, page, self._trail)
        self._gateway, self._endpoint = gateway, endpoint

    async def reread(self, load: Callable[[], Settings]) -> None:
        """Takes over what of the settings and their files can change in a running process, and logs
        what it took over and what it did not. Never raises."""
        async with self._rereading:
            if self._gateway is not None:
                opening = Opening(
                    self._registry, self._gateway.index, self._gateway.learner, self._stack
                )
                self._serve(await read_again(self._gateway, self._auth, opening, load))

    async def _opened(self, gateway: Gateway, stack: AsyncExitStack) -> Auth | None:
        settings, trail = self._settings, self._trail
        if settings.auth is None:
            return None
        tell = None if trail is None else trail.tell
        opened = open_auth(settings.auth, gateway.engine, tell=tell, sealer=settings.sealer)
        auth = await stack.enter_async_context(opened)
        if trail is None and not settings.server.development:
            log.warning("[audit] is not configured: nobody writes down who saw what")
        return auth

    async def graphql(self, request: Request) -> Response:
        return not_ready() if self._endpoint is None else await self._endpoint(request)

    async def healthz(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        if self._gateway is None:
            return not_ready()
        if self._trail is not None and self._trail.refuses:
            return JSONResponse({"status": "the audit log cannot be written"}, 503)
        if self._auth is not None and (why := self._auth.unready()) is not None:
            return JSONResponse({"status": why}, 503)
        told: dict[str, object] = {"status": "ready"}
        if self._settings.auth is None:
            told["sources"] = list(self._gateway.sources)
        return JSONResponse(told)

    def is_page(self, request: Request) -> bool:
        shown = self._settings.server.development and request.url.path == "/graphql"
        return shown and wants_page(request)

    def auth(self) -> Auth | None:
        return self._auth

    def trail(self) -> Trail | None:
        return self._trail


def create_app(settings: Settings, registry: Registry) -> Starlette:
    """The application of one gateway; its sources live as long as its lifespan."""
    process = Process(settings, registry)
    routes = [
        Route("/graphql", process.graphql, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Route("/healthz", process.healthz),
        Route("/readyz", process.readyz),
    ]
    asking: list[Middleware] = []
    if settings.auth is not None:
        routes += oauth_routes(process.auth, settings.auth.embedded is not None)
        asking = [
            Middleware(
                Authenticate, auth=process.auth, is_page=process.is_page, trail=process.trail
            )
        ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(AccessLog, paths=frozenset(route.path for route in routes)),
            Middleware(KnownHosts, names=settings.server.hosts),
            *asking,
        ],
        lifespan=process.lifespan,
    )
    app.state.process = process
    return app


def _graphiql() -> str:
    """The page that Strawberry ships, for development only."""
    return files("strawberry").joinpath("static/graphiql.html").read_text(encoding="utf-8")
