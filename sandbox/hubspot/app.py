"""The ASGI application: who calls, how often, what for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.hubspot import search
from sandbox.hubspot.errors import HubspotError, answer, invalid
from sandbox.hubspot.limits import Limits
from sandbox.hubspot.portal import Portal
from sandbox.oddities import shuffle
from sandbox.simulator import Context

BATCH, LINK_BATCH, LIST, LINKS = 100, 1000, 100, 500
STARTED = {"startedAt": "2026-01-02T03:04:05.678Z", "completedAt": "2026-01-02T03:04:05.690Z"}
DATED = r"20\d\d-0[39]"
OBJECTS = rf"/crm/(?:v3/objects|objects/{DATED})/([^/]+)"
Call = tuple[Portal, tuple[str, ...], dict[str, str], bytes]
Result = tuple[int, dict[str, Any]]


class Input(msgspec.Struct):
    id: str
    after: str | None = None


class BatchRead(msgspec.Struct, rename="camel"):
    inputs: Annotated[list[Input], msgspec.Meta(min_length=1)]
    properties: list[str]
    properties_with_history: list[str] = []
    id_property: str | None = None


class LinkRead(msgspec.Struct):
    inputs: Annotated[list[Input], msgspec.Meta(min_length=1)]


BATCH_READ, LINK_READ = msgspec.json.Decoder(BatchRead), msgspec.json.Decoder(LinkRead)


def read_properties(portal: Portal, table: str) -> Result:
    found = portal.definitions[portal.table(table)].values()
    return 200, {"results": [one.shown() for one in found]}


def batch_read(portal: Portal, name: str, body: bytes) -> Result:
    """In any order; what there is not is told beside it."""
    table, asked = portal.table(name), decoded(BATCH_READ, body)
    keys = checked(asked.inputs, BATCH)
    if asked.id_property:
        by = portal.known_by(table, asked.id_property)
    else:
        now = {key: portal.present(table, key) for key in keys}
        by = {key: number for key, number in now.items() if number is not None}
    numbers = dict.fromkeys(by[key] for key in keys if key in by)
    found = [portal.shown(table, number, asked.properties) for number in numbers]
    shuffle(found, portal.rng)
    return complete(found, [key for key in keys if key not in by], table)


def run_search(portal: Portal, name: str, body: bytes) -> Result:
    table, asked = portal.table(name), search.asked(body)
    total, numbers, after = search.found(portal.searched(table), portal.definitions[table], asked)
    rows = [portal.shown(table, number, asked.properties) for number in numbers]
    return 200, {"total": total, "results": rows, **paging(after)}


def batch_links(portal: Portal, origin: str, target: str, body: bytes) -> Result:
    """A page of each record's associations; one that has none is told of as an error."""
    origin, target = portal.table(origin), portal.table(target)
    asked = decoded(LINK_READ, body)
    checked(asked.inputs, LINK_BATCH)
    results, none = [], []
    for one in asked.inputs:
        links, start = portal.linked(origin, target, one.id), int(one.after or 0)
        if not links:
            none.append(one.id)
            continue
        end = start + LINKS
        after = str(end) if end < len(links) else None
        results.append({"from": {"id": one.id}, "to": links[start:end], **paging(after)})
    errors = [
        {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
            "message": f"No {target} is associated with {origin} {key}.",
            "context": {"fromObjectId": [key]},
        }
        for key in none
    ]
    content: dict[str, Any] = {"status": "COMPLETE", "results": results, **STARTED}
    return (
        (207, {**content, "numErrors": len(errors), "errors": errors})
        if errors
        else (
            200,
            content,
        )
    )


def list_objects(portal: Portal, name: str, query: dict[str, str]) -> Result:
    table, limit = portal.table(name), int(query.get("limit", "10"))
    if not 1 <= limit <= LIST:
        raise invalid(f"limit must be between 1 and {LIST}")
    numbers = sorted(portal.records.values[table], key=int)
    start = int(query.get("after", "0"))
    page = [number for number in numbers if int(number) > start]
    rows = [portal.shown(table, number, wanted(query)) for number in page[:limit]]
    return 200, {
        "results": rows,
        **paging(page[limit - 1] if len(page) > limit else None),
    }


def one_object(portal: Portal, name: str, key: str, query: dict[str, str]) -> Result:
    table = portal.table(name)
    by = query.get("idProperty")
    number = portal.known_by(table, by).get(key) if by else key
    number = portal.present(table, number) if number is not None else None
    if number is None:
        raise HubspotError("OBJECT_NOT_FOUND", "resource not found")
    return 200, portal.shown(table, number, wanted(query))


def links_of_one(portal: Portal, origin: str, number: str, target: str) -> Result:
    origin, target = portal.table(origin), portal.table(target)
    return 200, {"results": portal.linked(origin, target, number)}


def schemas(portal: Portal) -> Result:
    portal.need("crm.schemas.custom.read")
    return 200, {"results": []}


GET: tuple[tuple[str, Callable[..., Result], bool], ...] = (
    (rf"/crm/(?:v3/properties|properties/{DATED})/([^/]+)", read_properties, False),
    (OBJECTS, list_objects, True),
    (rf"{OBJECTS}/([^/]+)", one_object, True),
    (r"/crm/v4/objects/([^/]+)/([^/]+)/associations/([^/]+)", links_of_one, False),
    (rf"/crm-object-schemas/(?:v3|{DATED})/schemas", schemas, False),
)
POST: tuple[tuple[str, Callable[..., Result], bool], ...] = (
    (rf"{OBJECTS}/batch/read", batch_read, True),
    (rf"{OBJECTS}/search", run_search, True),
    (
        rf"/crm/(?:v4/associations|associations/{DATED})/([^/]+)/([^/]+)/batch/read",
        batch_links,
        True,
    ),
)
"""Path, what answers it, and whether that takes the query (GET) or the body (POST)."""


class HubspotApp:
    def __init__(self, portal: Portal, context: Context) -> None:
        self.portal = portal
        self.context = context
        self.limits = Limits(context.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"HubSpot speaks HTTP, not {scope['type']}")
        headers: tuple[tuple[str, str], ...] = ()
        try:
            self.portal.admit(header(scope, b"authorization"))
            is_search = vendor_path(scope).endswith("/search")
            headers = self.limits.enter(is_search, self.context.rate_limits)
            status, content = self.answer(scope, await body_of(receive))
        except HubspotError as error:
            status, content = error.status, error.content
        await send_answer(answer(status, content, headers), send)

    def answer(self, scope: Scope, body: bytes) -> Result:
        path, method = vendor_path(scope), scope["method"]
        given: Any = query_of(scope)
        if method == "POST":
            if not header(scope, b"content-type").startswith("application/json"):
                raise HubspotError("VALIDATION_ERROR", "Unsupported Media Type", 415)
            given = body
        for pattern, run, takes in {"GET": GET, "POST": POST}.get(method, ()):
            if found := re.fullmatch(pattern, path):
                return run(self.portal, *found.groups(), *([given] if takes else []))
        raise HubspotError("OBJECT_NOT_FOUND", "resource not found")


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise invalid(f"Invalid input JSON: {error}") from None


def checked(inputs: list[Input], most: int) -> list[str]:
    keys = [one.id for one in inputs]
    if len(keys) > most:
        raise invalid(f"The maximum number of inputs supported in a batch request is {most}.")
    if len(set(keys)) < len(keys):
        raise invalid("Duplicate ids were given.")
    return keys


def complete(found: list[dict[str, Any]], absent: list[str], table: str) -> Result:
    content: dict[str, Any] = {"status": "COMPLETE", "results": found, **STARTED}
    if not absent:
        return 200, content
    message = (
        f"Could not get some {table.upper()} objects, they may be deleted or not exist. Check that"
        " ids are valid."
    )
    error = {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": message,
        "context": {"ids": absent},
    }
    return 207, {**content, "numErrors": 1, "errors": [error]}


def paging(after: str | None) -> dict[str, Any]:
    if after is None:
        return {}
    return {"paging": {"next": {"after": after, "link": f"?after={after}"}}}


def query_of(scope: Scope) -> dict[str, str]:
    """A parameter that comes several times is one with commas: both ways are in use."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(scope["query_string"].decode("latin-1")):
        query[name] = f"{query[name]},{value}" if name in query else value
    return query


def wanted(query: dict[str, str]) -> list[str]:
    return [name for name in query.get("properties", "").split(",") if name]


def header(scope: Scope, name: bytes) -> str:
    value: bytes = dict(scope["headers"]).get(name, b"")
    return value.decode("latin-1")


async def body_of(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    more = True
    while more:
        message: Any = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)
