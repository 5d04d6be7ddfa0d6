"""`POST /composite`: several requests in one call, each with a status of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.salesforce.call import Call, Reply, split_path, split_query
from sandbox.salesforce.errors import ApiError

if TYPE_CHECKING:
    from sandbox.salesforce.simulator import Simulator

MAX_PARTS = 25
MAX_QUERIES = 5
NEEDED = ("method", "url", "referenceId")
HALTED = ApiError(
    400,
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)


def composite(simulator: Simulator, call: Call) -> Reply:
    """200 even when parts fail; with `allOrNone` a failure undoes the others."""
    body = call.record()
    parts = body.get("compositeRequest")
    calls = [part_call(part) for part in checked(parts)]
    if sum(1 for part in calls if is_query(part)) > MAX_QUERIES:
        raise limit(f"at most {MAX_QUERIES} query or collection subrequests")
    mark = len(simulator.journal)
    replies = [simulator.reply(part) for part in calls]
    if body.get("allOrNone") and any(reply.status >= 400 for reply in replies):
        simulator.roll_back(mark)
        replies = [r if r.status >= 400 else Reply(400, HALTED.body) for r in replies]
    answers = [shown(part, reply) for part, reply in zip(parts or [], replies, strict=True)]
    return Reply(200, {"compositeResponse": answers})


def checked(parts: Any) -> list[dict[str, Any]]:
    if not isinstance(parts, list) or not parts or not all(isinstance(p, dict) for p in parts):
        raise ApiError(400, "REQUIRED_FIELD_MISSING", "compositeRequest is required")
    if len(parts) > MAX_PARTS:
        raise limit(f"at most {MAX_PARTS} subrequests")
    names = [part.get("referenceId") for part in parts]
    if any(not part.get(name) for part in parts for name in NEEDED):
        raise ApiError(400, "REQUIRED_FIELD_MISSING", f"a subrequest needs {', '.join(NEEDED)}")
    if len(set(names)) < len(names):
        raise ApiError(400, "INVALID_INPUT", "duplicate referenceId in the request")
    return parts


def limit(text: str) -> ApiError:
    return ApiError(400, "LIMIT_EXCEEDED", f"The composite request can have {text}.")


def part_call(part: dict[str, Any]) -> Call:
    path, _, query = str(part["url"]).partition("?")
    headers = {k.lower(): str(v) for k, v in (part.get("httpHeaders") or {}).items()}
    method = str(part["method"]).upper()
    return Call(method, split_path(path), split_query(query), headers, part.get("body"))


def is_query(call: Call) -> bool:
    """What counts against the smaller limit: queries and collections."""
    return call.path[3:4] in (("query",), ("queryAll",), ("composite",))


def shown(part: dict[str, Any], reply: Reply) -> dict[str, Any]:
    return {
        "body": reply.body,
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": part["referenceId"],
    }
