"""GraphQL over HTTP (graphql.github.io/graphql-over-http, 2025 draft): POST and GET.

A request error is answered with 4xx as `application/graphql-response+json`, and with 200 as
`application/json`, which older clients need. What is not a GraphQL request at all is 4xx in both.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from auth.audit.writer import AuditUnavailable
from auth.principal import Principal
from gateway.admission import Admission, Busy
from gateway.compose import Gateway
from gateway.operations import Operations
from gateway.peer import peer
from gateway.trail import Trail
from gateway.trusted_documents import PREFIX, digest
from schema.execution import Operation, Outcome

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
MOST_NESTED = 64
PREFLIGHT_HEADERS = ("x-apollo-operation-name", "apollo-require-preflight")
_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder()


class BadRequest(Exception):
    """Not a GraphQL request: `status` and a sentence for the client."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] = {}) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers)


AGAIN = {"retry-after": "1"}
NOT_AUDITED = BadRequest(503, "Nothing can be answered now.", AGAIN)
BUSY = BadRequest(503, "Too many operations run at once: try again.", AGAIN)


class GraphQLEndpoint:
    """`graphiql` is the page shown to browsers in development, None otherwise."""

    def __init__(
        self,
        gateway: Gateway,
        admission: Admission,
        graphiql: str | None,
        trail: Trail | None = None,
    ) -> None:
        self._gateway = gateway
        self._operations = Operations(gateway, trail)
        self._server = gateway.settings.server
        self._admission = admission
        self._graphiql = graphiql

    async def __call__(self, request: Request) -> Response:
        if self._graphiql is not None and wants_page(request):
            return HTMLResponse(self._graphiql, headers={"cache-control": "no-store"})
        try:
            media_type = _media_type(request.headers.get("accept"))
        except BadRequest as error:
            return await self._refused(error, JSON, request)
        try:
            operation = await self._operation(request)
            if request.method == "GET":
                self._check_get(request, operation)
        except BadRequest as error:
            return await self._refused(error, media_type, request)
        try:
            async with self._admission.turn():
                return await self._answered(operation, media_type, request)
        except Busy:
            return _error(BUSY, media_type, request)
        except AuditUnavailable:
            return _error(NOT_AUDITED, media_type, request)

    async def _answered(self, operation: Operation, media_type: str, request: Request) -> Response:
        """Its deadline begins now: waiting for a turn is not the operation's time."""
        context = self._gateway.context(_id(request), self._principal(request))
        outcome = await self._operations.answer(operation, context, peer(request))
        request.state.operation = outcome.operation
        request.state.errors = outcome.error_count
        return _answer(outcome, media_type)

    async def _refused(self, error: BadRequest, media_type: str, request: Request) -> Response:
        """What is no operation is not free either."""
        context = self._gateway.context(_id(request), self._principal(request))
        error.headers |= await self._operations.charged(context)
        return _error(error, media_type, request)

    def _principal(self, request: Request) -> Principal | None:
        """None where nobody is asked; with [auth] nobody comes here without one."""
        principal: Principal | None = getattr(request.state, "principal", None)
        if principal is None and self._gateway.settings.auth is not None:
            raise RuntimeError("a request that nobody authenticated")
        return principal

    async def _operation(self, request: Request) -> Operation:
        if request.method == "GET":
            return _from_query(request)
        if request.method != "POST":
            raise BadRequest(405, "GraphQL is asked by GET or POST", {"allow": "GET, POST"})
        _check_content_type(request.headers.get("content-type"))
        return _from_body(await self._body(request))

    async def _body(self, request: Request) -> bytes:
        """Read piece by piece, so that a large body is refused before it is held."""
        most = self._gateway.settings.limits.body
        announced = request.headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > most:
            raise _too_large(most)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise _too_large(most)
        return bytes(body)

    def _check_get(self, request: Request, operation: Operation) -> None:
        """A simple GET can be sent by any page a user visits; the header makes it ask first."""
        if not self._server.development and not any(map(request.headers.get, PREFLIGHT_HEADERS)):
            raise BadRequest(400, f"A GET needs the header {PREFLIGHT_HEADERS[1]}, or use POST")
        if self._operations.kind_of(operation) not in (None, "query"):
            raise BadRequest(405, "Only queries are asked by GET", {"allow": "POST"})


def wants_page(request: Request) -> bool:
    """Whether a browser wants GraphiQL, which holds no data."""
    accept = request.headers.get("accept", "")
    asked = {"query", "documentId", "extensions"} & request.query_params.keys()
    return request.method == "GET" and not asked and "text/html" in accept


def _media_type(accept: str | None) -> str:
    """The first of ours that the client accepts; 406 if none."""
    if accept is None or not accept.strip():
        return JSON
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        if any(p.startswith("charset=") and p not in _UTF8 for p in parameters):
            continue
        if any(p.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for p in parameters):
            continue
        if name == GRAPHQL_RESPONSE:
            return GRAPHQL_RESPONSE
        if name in (JSON, "application/*", "*/*"):
            return JSON
    raise BadRequest(406, f"Answers are {GRAPHQL_RESPONSE} or {JSON}")


_UTF8 = ("charset=utf-8", 'charset="utf-8"', "charset=utf8")


def _check_content_type(value: str | None) -> None:
    name, *parameters = (part.strip().lower() for part in (value or "").split(";"))
    charsets = [p for p in parameters if p.startswith("charset=")]
    if name != JSON or any(p not in _UTF8 for p in charsets):
        raise BadRequest(415, f"The body must be {JSON} in UTF-8", {"accept": JSON})


def _from_query(request: Request) -> Operation:
    parameters = request.query_params
    return _operation(
        {
            "query": parameters.get("query"),
            "documentId": parameters.get("documentId"),
            "operationName": parameters.get("operationName") or None,
            "variables": _json(parameters.get("variables"), "variables"),
            "extensions": _json(parameters.get("extensions"), "extensions"),
        }
    )


def _json(text: str | None, name: str) -> Any:
    return None if text is None or text == "" else _decoded(text.encode(), name)


def _from_body(body: bytes) -> Operation:
    """RFC 8259 8.1: a byte order mark may be ignored."""
    request = _decoded(body.removeprefix(BOM_UTF8), "the body")
    if isinstance(request, list):
        raise BadRequest(400, "Batches are not accepted")
    if not isinstance(request, dict):
        raise BadRequest(400, "The body must be a JSON object")
    return _operation(request)


def _decoded(text: bytes, name: str) -> Any:
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest(400, f"{name} is not JSON") from None


def _operation(request: Mapping[str, Any]) -> Operation:
    query = request.get("query")
    if query is not None and not isinstance(query, str):
        raise BadRequest(400, "query must be a string")
    for name, type_, article in (
        ("operationName", str, "a string"),
        ("documentId", str, "a string"),
        ("variables", dict, "an object"),
        ("extensions", dict, "an object"),
    ):
        if not isinstance(request.get(name), (type_, type(None))):
            raise BadRequest(400, f"{name} must be {article}")
    variables = request.get("variables") or {}
    if _deeper(variables, MOST_NESTED):
        raise BadRequest(400, f"variables are nested deeper than {MOST_NESTED}")
    id_ = _document_id(request)
    if query is None:
        if id_ is None:
            raise BadRequest(400, "query must be a string")
        return Operation("", request.get("operationName"), variables, id_)
    if id_ is not None and _is_other(id_.removeprefix(PREFIX), query):
        raise BadRequest(400, "the id is not that of the query")
    return Operation(query, request.get("operationName"), variables)


def _document_id(request: Mapping[str, Any]) -> str | None:
    """Of a registered operation: `documentId` (GraphQL over HTTP, appendix on persisted documents)
    or Apollo's extension."""
    if (id_ := request.get("documentId")) is not None:
        return str(id_)
    persisted = (request.get("extensions") or {}).get("persistedQuery")
    id_ = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    return id_ if isinstance(id_, str) else None


def _is_other(id_: str, query: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", id_) is not None and id_ != digest(query)


def _deeper(value: object, levels: int) -> bool:
    """Whether objects and lists stand in each other more than `levels` deep."""
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(item, levels - 1) for item in inner)


def _too_large(most: int) -> BadRequest:
    # The connection stays open: closing it under a client that still sends would lose the answer.
    return BadRequest(413, f"The body is larger than {most} bytes")


def _answer(outcome: Outcome, media_type: str) -> Response:
    """What is no fault of the request's (503) is told to older clients too."""
    refused = outcome.status or (403 if outcome.forbidden else 400)
    status = 200 if outcome.executed or (media_type == JSON and refused < 500) else refused
    return _response(outcome.body, status, media_type, outcome.headers)


def _error(error: BadRequest, media_type: str, request: Request) -> Response:
    code = "UNAVAILABLE" if error.status == 503 else "BAD_REQUEST"
    extensions = {"code": code, "correlationId": _id(request)}
    body = {"errors": [{"message": error.message, "extensions": extensions}]}
    return _response(body, error.status, media_type, error.headers)


def _response(
    body: object, status: int, media_type: str, headers: Mapping[str, str] = {}
) -> Response:
    return Response(
        _encoder.encode(body),
        status,
        {"cache-control": "no-store", "vary": "accept", **headers},
        f"{media_type}; charset=utf-8",
    )


def _id(request: Request) -> str:
    return str(request.state.request_id)
