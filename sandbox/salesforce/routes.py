"""The table of resources under `/services/data/vXX.X`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sandbox.salesforce import reads, writes
from sandbox.salesforce.call import Call, Reply
from sandbox.salesforce.composite import composite
from sandbox.salesforce.errors import ApiError, not_found

if TYPE_CHECKING:
    from sandbox.salesforce.simulator import Simulator


class Handler(Protocol):
    def __call__(self, simulator: Simulator, call: Call, *segments: Any) -> Reply: ...


ANY = "*"  # a segment that is passed on to the handler
ROUTES: dict[tuple[str, ...], dict[str, Handler]] = {
    ("query",): {"GET": reads.query},
    ("queryAll",): {"GET": reads.query_all},
    ("query", ANY): {"GET": reads.query_more},
    ("limits",): {"GET": reads.limits},
    ("sobjects",): {"GET": reads.objects},
    ("sobjects", ANY): {"GET": reads.basic},
    ("sobjects", ANY, "describe"): {"GET": reads.describe},
    ("sobjects", ANY, ANY): {
        "GET": reads.record,
        "PATCH": writes.update,
        "DELETE": writes.delete,
    },
    ("sobjects", ANY, ANY, ANY): {"GET": reads.by_external_id},
    ("composite",): {"POST": composite},
    ("composite", "sobjects"): {"PATCH": writes.update_many},
    ("composite", "sobjects", ANY): {"GET": reads.collection, "POST": reads.collection_by_body},
}


def dispatch(simulator: Simulator, call: Call) -> Reply:
    """Find the resource and let it answer."""
    segments = call.path[3:]
    for route, methods in ROUTES.items():
        if len(route) == len(segments) and all(
            mine in (ANY, theirs) for mine, theirs in zip(route, segments, strict=True)
        ):
            if call.method not in methods:
                message = f"HTTP Method '{call.method}' not allowed. Allowed are "
                raise ApiError(405, "METHOD_NOT_ALLOWED", message + ",".join(methods))
            passed = [s for s, mine in zip(segments, route, strict=True) if mine == ANY]
            return methods[call.method](simulator, call, *passed)
    raise not_found()
