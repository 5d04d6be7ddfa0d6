"""The ASGI application: `/graphql`, `/healthz`, `/readyz`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.registry import Registry
from gateway.access_log import AccessLog
from gateway.compose import Gateway, open_gateway
from gateway.graphql_http import GraphQLEndpoint
from gateway.hosts import KnownHosts
from gateway.settings import Settings


class Readiness:
    """Ready from the end of start-up to the begin of shutdown. A vendor's outage changes nothing:
    the other sources' data is still served."""

    def __init__(self) -> None:
        self.endpoint: GraphQLEndpoint | None = None
        self.gateway: Gateway | None = None


def create_app(settings: Settings, registry: Registry) -> Starlette:
    """The application of one gateway; its sources live as long as its lifespan."""
    ready = Readiness()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_gateway(settings, registry) as gateway:
            page = _graphiql() if settings.server.development else None
            ready.gateway, ready.endpoint = gateway, GraphQLEndpoint(gateway, page)
            app.state.gateway = gateway
            try:
                yield
            finally:
                ready.gateway = ready.endpoint = None

    async def graphql(request: Request) -> Response:
        if ready.endpoint is None:
            return _not_ready()
        return await ready.endpoint(request)

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        if ready.gateway is None:
            return _not_ready()
        return JSONResponse({"status": "ready", "sources": list(ready.gateway.sources)})

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/graphql", graphql, methods=methods),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
        middleware=[
            Middleware(AccessLog),
            Middleware(KnownHosts, names=settings.server.hosts),
        ],
        lifespan=lifespan,
    )


def _not_ready() -> Response:
    return JSONResponse({"status": "not ready"}, 503, {"retry-after": "1"})


def _graphiql() -> str:
    """The page that Strawberry ships, for development only."""
    return files("strawberry").joinpath("static/graphiql.html").read_text(encoding="utf-8")
