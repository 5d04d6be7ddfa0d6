"""The embedded issuer's endpoints, and what is published about this gateway (RFC 8414, 9728)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.embedded.issuing import INTROSPECTION, JWKS, REVOKE, TOKEN, EmbeddedIssuer
from auth.embedded.protocol import Form, OAuthError, Reply, refused
from auth.metadata import RESOURCE, SERVER
from gateway.auth_compose import Auth
from gateway.authenticate import asked, not_ready

MOST_BYTES = 16 * 1024
MOST_FIELDS = 32
OLD = {"pragma": "no-cache"}
FORM = "application/x-www-form-urlencoded"
Find = Callable[[], Auth | None]


def oauth_routes(find: Find, embedded: bool) -> list[Route]:
    """`find` gives what is open now; the issuer's own only if it is `embedded`."""

    async def metadata(request: Request) -> Response:
        auth = find()
        return not_ready() if auth is None else JSONResponse(dict(auth.metadata))

    routes = [Route(RESOURCE, metadata)]
    if not embedded:
        return routes
    return [
        *routes,
        Route(SERVER, _told(find, lambda issuer: Reply(200, issuer.metadata()))),
        Route(JWKS, _told(find, lambda issuer: issuer.jwks())),
        Route(TOKEN, _answered(find, lambda issuer: issuer.token), methods=["POST"]),
        Route(REVOKE, _answered(find, lambda issuer: issuer.revoke), methods=["POST"]),
        Route(INTROSPECTION, _answered(find, lambda issuer: issuer.introspect), methods=["POST"]),
    ]


def _told(find: Find, tell: Callable[[EmbeddedIssuer], Reply]) -> Callable[..., object]:
    async def endpoint(request: Request) -> Response:
        auth = find()
        if auth is None or auth.embedded is None:
            return not_ready()
        return _response(tell(auth.embedded))

    return endpoint


def _answered(
    find: Find, method: Callable[[EmbeddedIssuer], Callable[[Form], Awaitable[Reply]]]
) -> Callable[..., object]:
    async def endpoint(request: Request) -> Response:
        auth = find()
        if auth is None or auth.embedded is None:
            return not_ready()
        try:
            form = await _form(request)
        except OAuthError as error:
            return _response(refused(error))
        return _response(await method(auth.embedded)(form))

    return endpoint


async def _form(request: Request) -> Form:
    """Read piece by piece, so that a large one is refused before it is held."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"The body must be {FORM}.", 415)
    if request.url.query:
        raise OAuthError("invalid_request", "Parameters belong into the body.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise OAuthError("invalid_request", "The body is too large.", 413)
    try:
        text = bytes(body).decode("utf-8")
        pairs = parse_qsl(text, True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The body is not a form.") from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value)
    return Form(asked=asked(request.scope), fields=fields)


def _response(reply: Reply) -> Response:
    # Both are demanded (RFC 6749 section 5.1); what may be kept says so itself.
    fresh = {} if "cache-control" in reply.headers else {"cache-control": "no-store", **OLD}
    headers = {**fresh, **reply.headers}
    if reply.body is None:
        return Response(None, reply.status, headers)
    return JSONResponse(dict(reply.body), reply.status, headers)
