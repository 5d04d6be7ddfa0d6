"""Verdicts on answers that are not a success. REST API guide, "Status Codes and Error Responses".

Errors of the data API are an array of `{"errorCode", "message"}`, those of the OAuth endpoints an
object `{"error", "error_description"}`, and the web server in front answers with HTML.
"""

from __future__ import annotations

import re

import msgspec

from connectors.errors import (
    Misconfigured,
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.json_reading import read
from connectors.transport import Judge, Response

INVALID_FIELD = "INVALID_FIELD"
INVALID_TYPE = "INVALID_TYPE"
_CODE = re.compile(r"[A-Za-z_]{1,80}")
_BY_CODE: dict[str, tuple[type[SourceError], str]] = {
    "INVALID_SESSION_ID": (Unauthorized, "the session is not valid"),
    "INVALID_AUTH_HEADER": (Unauthorized, "the session is not valid"),
    "API_DISABLED_FOR_ORG": (Misconfigured, "the user may not use the API"),
    "API_CURRENTLY_DISABLED": (Retryable, "the API is switched off at the moment"),
    "REQUEST_LIMIT_EXCEEDED": (RateLimited, "too many calls at once"),
    "UNABLE_TO_LOCK_ROW": (Retryable, "a record is locked"),
    "QUERY_TIMEOUT": (Retryable, "the query took too long"),
    "SERVER_UNAVAILABLE": (Retryable, "the service is unavailable"),
    "UNKNOWN_EXCEPTION": (Retryable, "the service failed"),
    INVALID_TYPE: (Misconfigured, "an object does not exist or may not be read"),
    "UNSUPPORTED_API_VERSION": (Misconfigured, "the API version is not supported"),
    "NOT_FOUND": (NotFound, "it does not exist or may not be seen"),
    "ENTITY_IS_DELETED": (NotFound, "it was deleted"),
    "INSUFFICIENT_ACCESS": (NotFound, "it may not be seen"),
    "INSUFFICIENT_ACCESS_OR_READONLY": (NotFound, "it may not be seen"),
}
_BY_STATUS: dict[int, tuple[type[SourceError], str]] = {
    401: (Unauthorized, "the session is not valid"),
    404: (NotFound, "it does not exist or may not be seen"),
    408: (Retryable, "the call took too long"),
    410: (Misconfigured, "the API version is not supported"),
    414: (Rejected, "the address is too long"),
    429: (RateLimited, "too many calls"),
    431: (Rejected, "the address and headers are too long"),
}
_REFUSED = (Rejected, "the call was refused")
_DOWN = (Retryable, "the service failed")


class DailyLimit(RateLimited):
    """The calls of 24 hours are used up: asking again now would only use more."""

    again = False


class _Entry(msgspec.Struct):
    code: str = msgspec.field(name="errorCode", default="")
    message: str = ""


class _Refusal(msgspec.Struct):
    error: str = ""


_ENTRIES = msgspec.json.Decoder(list[_Entry])
_REFUSAL = msgspec.json.Decoder(_Refusal)


def verdict(source: str, status: int, body: bytes | msgspec.Raw) -> SourceError | None:
    """None for a success; also for one part of a composite."""
    if status < 300:
        return None
    entry = _entry(body)
    code = entry.code if _CODE.fullmatch(entry.code) else None
    if code == "REQUEST_LIMIT_EXCEEDED" and "TotalRequests" in entry.message:
        return DailyLimit(source, "the calls of 24 hours are used up", status=status, code=code)
    by_status = _BY_STATUS.get(status, _DOWN if status >= 500 else _REFUSED)
    kind, detail = _BY_CODE.get(code or "", by_status)
    return kind(source, detail, status=status, code=code)


def login_judge(source: str) -> Judge:
    """For the token endpoint: OAuth 2.0 Authorization Errors."""

    def judge(response: Response) -> SourceError | None:
        status = response.status
        if status < 300:
            return None
        code = _oauth_code(response.body)
        if status >= 500:
            return Retryable(source, "the login service failed", status=status, code=code)
        if status == 429:
            return RateLimited(source, "too many logins", status=status, code=code)
        if status == 404:
            return Misconfigured(source, "there is no login at this address", status=status)
        return Unauthorized(source, "the login was refused", status=status, code=code)

    return judge


def _entry(body: bytes | msgspec.Raw) -> _Entry:
    try:
        entries = read(_ENTRIES, body)
    except msgspec.DecodeError:
        entries = []
    return next(iter(entries), _Entry())


def _oauth_code(body: bytes) -> str | None:
    try:
        code = read(_REFUSAL, body).error
    except msgspec.DecodeError:
        return None
    return code if _CODE.fullmatch(code) else None
