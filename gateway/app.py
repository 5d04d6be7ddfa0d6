"""The ASGI application: `/graphql`, `/healthz`, `/readyz`, and with `[auth]` what tokens need."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.registry import Registry
from gateway.access_log import AccessLog
from gateway.auth_compose import Auth, open_auth
from gateway.authenticate import Authenticate, not_ready
from gateway.compose import Gateway, open_gateway
from gateway.graphql_http import GraphQLEndpoint, wants_page
from gateway.hosts import KnownHosts
from gateway.oauth_http import oauth_routes
from gateway.settings import Settings
from gateway.trail import Trail, open_trail

log = logging.getLogger("tillgate.audit")


class Readiness:
    """Ready from the end of start-up to the begin of shutdown. A vendor's outage changes nothing:
    the other sources' data is still served."""

    def __init__(self) -> None:
        self.endpoint: GraphQLEndpoint | None = None
        self.gateway: Gateway | None = None
        self.auth: Auth | None = None
        self.trail: Trail | None = None


def create_app(settings: Settings, registry: Registry) -> Starlette:
    """The application of one gateway; its sources live as long as its lifespan."""
    ready = Readiness()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(open_gateway(settings, registry))
            trail = ready.trail = stack.enter_context(open_trail(settings.audit))
            if settings.auth is not None:
                tell = None if trail is None else trail.tell
                opened = open_auth(settings.auth, gateway.engine, tell=tell, sealer=settings.sealer)
                ready.auth = await stack.enter_async_context(opened)
                if trail is None and not settings.server.development:
                    log.warning("[audit] is not configured: nobody writes down who saw what")
            page = _graphiql() if settings.server.development else None
            ready.gateway, ready.endpoint = gateway, GraphQLEndpoint(gateway, page, trail)
            app.state.gateway = gateway
            try:
                yield
            finally:
                ready.gateway = ready.endpoint = ready.auth = ready.trail = None

    async def graphql(request: Request) -> Response:
        if ready.endpoint is None:
            return not_ready()
        return await ready.endpoint(request)

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        if ready.gateway is None:
            return not_ready()
        if ready.trail is not None and ready.trail.refuses:
            return JSONResponse({"status": "the audit log cannot be written"}, 503)
        told: dict[str, object] = {"status": "ready"}
        if settings.auth is None:
            told["sources"] = list(ready.gateway.sources)
        return JSONResponse(told)

    def is_page(request: Request) -> bool:
        shown = settings.server.development and request.url.path == "/graphql"
        return shown and wants_page(request)

    def find() -> Auth | None:
        return ready.auth

    def find_trail() -> Trail | None:
        return ready.trail

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    routes = [
        Route("/graphql", graphql, methods=methods),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
    ]
    asking: list[Middleware] = []
    if settings.auth is not None:
        routes += oauth_routes(find, settings.auth.embedded is not None)
        asking = [Middleware(Authenticate, auth=find, is_page=is_page, trail=find_trail)]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(AccessLog, paths=frozenset(route.path for route in routes)),
            Middleware(KnownHosts, names=settings.server.hosts),
            *asking,
        ],
        lifespan=lifespan,
    )


def _graphiql() -> str:
    """The page that Strawberry ships, for development only."""
    return files("strawberry").joinpath("static/graphiql.html").read_text(encoding="utf-8")
