"""PayPal's verdicts as our errors (https://developer.paypal.com/api/rest/responses/).

The body is `{"name", "message", "debug_id", "details": [{"issue", ...}]}`, of the token endpoint
`{"error", "error_description"}`. Messages and values are never kept.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import TypeVar

import msgspec

from connectors.errors import (
    Malformed,
    Misconfigured,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.json_reading import read
from connectors.transport import Judge, Response

T = TypeVar("T")
Verdict = type[SourceError]


class TooManyRows(Rejected):
    """More than 10,000 transactions in the window that was asked for: ask for a smaller one."""


class Forbidden(Unauthorized):
    """The token lacks a permission: another token may have it, if it was granted since."""


class NotOurs(Rejected):
    """The app may not see this one thing."""


class _Detail(msgspec.Struct, frozen=True):
    issue: str | None = None


class _Body(msgspec.Struct, frozen=True):
    name: str | None = None
    message: str | None = None
    details: list[_Detail] | None = None
    error: str | None = None


_WORD = re.compile(r"[A-Za-z0-9_]{1,64}")
_BODY = msgspec.json.Decoder(_Body)
_NOT_YET = "Data for the given start date is not available."
"""With the name INVALID_REQUEST and no details: only the message tells (PayPal-node-SDK#452)."""

BY_WORD: dict[str | None, Verdict] = {
    "RESULTSET_TOO_LARGE": TooManyRows,
    "PERMISSION_DENIED": NotOurs,
    "INVALID_RESOURCE_ID": NotFound,
    "RESOURCE_NOT_FOUND": NotFound,
    "AUTHENTICATION_FAILURE": Unauthorized,
    "NOT_AUTHORIZED": Forbidden,
    "RATE_LIMIT_REACHED": RateLimited,
    "RESOURCE_CONFLICT": Retryable,
    "invalid_token": Unauthorized,
    "invalid_client": Unauthorized,
}
"""By the issue of a detail, then by the name: the more exact word first."""

# PayPal names its 404s: one without a name is a proxy's, or a wrong address.
BY_STATUS: dict[int, Verdict] = {
    401: Unauthorized,
    403: Forbidden,
    404: Malformed,
    409: Retryable,
    429: RateLimited,
}
DETAILS: dict[Verdict, str] = {
    Forbidden: "the app lacks a permission",
    Malformed: "there is no PayPal at this address",
    NotFound: "there is no such object",
    NotOurs: "the app may not see this object",
    NotReady: "PayPal does not report this time yet",
    RateLimited: "too many calls",
    Rejected: "the call was refused",
    Retryable: "PayPal failed for the moment",
    TooManyRows: "too many transactions for one search",
    Unauthorized: "the client id and secret, or the token, are refused",
}


def judge_for(source: str) -> Judge:
    """The judge of one source's answers."""

    def judge(response: Response) -> SourceError | None:
        return None if response.status < 400 else _error(source, response)

    return judge


async def permitted(
    source: str, feature: str, call: Awaitable[T], signs: tuple[Verdict, ...] = (Forbidden, NotOurs)
) -> T:
    """The outcome of a call that takes a feature of the app; Misconfigured when it lacks it.

    `signs` are the verdicts that mean this: of a single object, NotOurs means just that.
    """
    try:
        return await call
    except signs as error:
        raise Misconfigured(source, lacks(feature), status=error.status, code=error.code) from None


def lacks(feature: str) -> str:
    return f'the app lacks "{feature}": tick it among the features of the app at PayPal'


def _error(source: str, response: Response) -> SourceError:
    body = _read(response.body)
    words = [detail.issue for detail in body.details or ()] + [body.name, body.error]
    verdict = _verdict(response.status, body, words)
    detail = DETAILS[verdict]
    code = next((word for word in words if word and _WORD.fullmatch(word)), None)
    if issubclass(verdict, RateLimited):
        wait = _seconds(response.headers.get("retry-after"))
        return verdict(source, detail, retry_after=wait, status=response.status, code=code)
    return verdict(source, detail, status=response.status, code=code)


def _verdict(status: int, body: _Body, words: list[str | None]) -> Verdict:
    if status >= 500:
        return Retryable
    if body.message == _NOT_YET:
        return NotReady
    known = [BY_WORD[word] for word in words if word in BY_WORD]
    return known[0] if known else BY_STATUS.get(status, Rejected)


def _read(body: bytes) -> _Body:
    """What a proxy or an outage page says is no JSON: then the status alone decides."""
    try:
        return read(_BODY, body)
    except msgspec.DecodeError:
        return _Body()


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
