"""What a client is told: one table from our errors to `extensions.code` and a fixed sentence.

A vendor's text, a stack, a value or a secret is never part of it; what is not in the table is an
internal error, logged with the request's id and answered without detail.
"""

from __future__ import annotations

import logging
from typing import Any

from graphql import GraphQLError

from connectors import errors
from resolvers.errors import InputError

log = logging.getLogger("tillgate.graphql")

SOURCE_ERRORS: dict[type[errors.SourceError], tuple[str, str]] = {
    errors.TimedOut: ("UPSTREAM_TIMEOUT", "The source did not answer in time."),
    errors.Overloaded: ("UPSTREAM_OVERLOADED", "Too many calls are waiting for the source."),
    errors.OwnFailure: ("GATEWAY_RESOURCES", "The gateway lacks what it takes to ask the source."),
    errors.NotReady: ("UPSTREAM_NOT_READY", "The source's statements do not reach that far yet."),
    errors.Retryable: ("UPSTREAM_UNAVAILABLE", "The source cannot be reached right now."),
    errors.RateLimited: ("UPSTREAM_RATE_LIMITED", "The source refuses more calls for now."),
    errors.Unauthorized: ("UPSTREAM_UNAUTHORIZED", "The source refuses our credentials."),
    errors.Rejected: ("UPSTREAM_REJECTED", "The source refused the call."),
    errors.Undecided: ("UPSTREAM_UNDECIDED", "The source's own answer leaves this value open."),
    errors.NotFound: ("UPSTREAM_NOT_FOUND", "The source does not know the record."),
    errors.FieldMisfit: ("FIELD_MISFIT", "The source holds a value that does not fit this field."),
    errors.Malformed: ("UPSTREAM_MALFORMED", "The source's answer does not fit its description."),
    errors.Misconfigured: ("SOURCE_MISCONFIGURED", "The source is not configured correctly."),
}
INTERNAL = ("INTERNAL_SERVER_ERROR", "Something went wrong here.")


def code_of(error: errors.SourceError) -> str:
    return _source_error(error)[0]


def _source_error(error: errors.SourceError) -> tuple[str, str]:
    for class_ in type(error).__mro__:
        if class_ in SOURCE_ERRORS:
            return SOURCE_ERRORS[class_]
    return INTERNAL


def formatted(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """One entry of `errors` for a failure during execution."""
    extensions: dict[str, Any] = {"correlationId": request_id}
    cause = error.original_error
    if isinstance(cause, errors.SourceError):
        extensions["code"], message = _source_error(cause)
        extensions["source"] = cause.source
        log.warning("request=%s path=%s %s", request_id, _dotted(error.path), cause)
    elif isinstance(cause, InputError):
        extensions["code"], message = cause.code, str(cause)
    else:
        extensions["code"], message = INTERNAL
        kind = type(cause or error).__name__
        log.error("request=%s path=%s %s", request_id, _dotted(error.path), kind, exc_info=cause)
    entry: dict[str, Any] = {"message": message, "extensions": extensions}
    if error.locations:
        entry["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        entry["path"] = list(error.path)
    return entry


def refusal(error: GraphQLError, code: str, request_id: str) -> dict[str, Any]:
    """One entry of `errors` for a request that is not executed. Its message is GraphQL's own."""
    code = str((error.extensions or {}).get("code", code))
    # Python's own words about a number of thousands of digits are no news for a client.
    strange = "integer string conversion" in error.message
    entry: dict[str, Any] = {
        "message": "A value cannot be read." if strange else error.message,
        "extensions": {"code": code, "correlationId": request_id},
    }
    if error.locations:
        entry["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    return entry


def _dotted(path: list[str | int] | None) -> str:
    return ".".join(map(str, path or ()))
