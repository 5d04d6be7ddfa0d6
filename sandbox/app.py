"""All simulated vendors in one application, with the controls under `/_sandbox`."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import format_datetime
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.calls import CallLog, LoggedCalls
from sandbox.faults import Faults, FaultsBody, Faulty
from sandbox.simulator import Clock, Context, Credentials, Vendor, wall_clock
from sandbox.world import World


def create_app(
    world: World,
    vendors: Sequence[Vendor],
    *,
    origin: str = "http://127.0.0.1",
    rate_limits: bool = True,
    search_lag: float = 5.0,
    clock: Clock = wall_clock,
) -> Starlette:
    """The application: each vendor at `/<name>`, and the controls."""
    context = Context(origin, clock, world.seed, rate_limits, search_lag)
    log = CallLog()
    faults = Faults(vendors, world.seed)
    routes: list[BaseRoute] = []
    credentials: Credentials = {}
    settings: dict[str, str] = {}
    for vendor in vendors:
        inner = Faulty(vendor.app(world, context), vendor, context, faults)
        logged = LoggedCalls(inner, vendor, context, log)
        routes.append(Mount(f"/{vendor.name}", app=Dated(logged, context.clock)))
        credentials |= vendor.credentials(context)
        settings |= vendor.settings(context)
    controls = Controls(world, log, faults, credentials)
    app = Starlette(routes=[Mount("/_sandbox", routes=controls.routes()), *routes])
    app.state.credentials = credentials
    app.state.settings = settings
    return app


class Dated:
    """ASGI middleware: answers carry the vendor's own time (RFC 9110 section 6.6.1)."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self.app = app
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self.clock(), usegmt=True).encode()
                message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
            await send(message)

        await self.app(scope, receive, dated)


class Controls:
    """`/_sandbox`: the truth, the call log, the faults and the credentials."""

    def __init__(
        self, world: World, log: CallLog, faults: Faults, credentials: Credentials
    ) -> None:
        self.world = world
        self.log = log
        self.faults = faults
        self.credentials = credentials

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/truth", self.truth),
            Route("/calls", self.forget_calls, methods=["DELETE"]),
            Route("/calls", self.show_calls),
            Route("/faults", self.set_faults, methods=["PUT"]),
            Route("/faults", self.clear_faults, methods=["DELETE"]),
            Route("/faults", self.show_faults),
            Route("/answers", self.show_answers),
            Route("/credentials", self.show_credentials),
        ]

    async def truth(self, request: Request) -> Response:
        return json_response(self.world.truth())

    async def show_calls(self, request: Request) -> Response:
        asked = request.query_params
        return json_response(self.log.shown(asked.get("vendor"), bodies="bodies" in asked))

    async def forget_calls(self, request: Request) -> Response:
        self.log.calls.clear()
        return Response(status_code=204)

    async def set_faults(self, request: Request) -> Response:
        try:
            self.faults.replace(await request.body())
        except ValueError as error:  # what msgspec raises is one too
            return json_response({"error": str(error)}, 422)
        return await self.show_faults(request)

    async def show_faults(self, request: Request) -> Response:
        return json_response(FaultsBody(self.faults.current))

    async def clear_faults(self, request: Request) -> Response:
        self.faults.current = []
        return Response(status_code=204)

    async def show_answers(self, request: Request) -> Response:
        return json_response(self.faults.answers)

    async def show_credentials(self, request: Request) -> Response:
        return json_response(self.credentials)


def json_response(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
