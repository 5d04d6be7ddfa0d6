"""HubSpot's verdicts as our errors (https://developers.hubspot.com/docs/api/error-handling).

The body is `{"status": "error", "category", "message", "errors", "correlationId"}`, of a rate limit
`{"status": "error", "errorType": "RATE_LIMIT", "policyName"}`. Messages are never kept.
"""

from __future__ import annotations

import re

import msgspec

from connectors.errors import (
    Malformed,
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

Verdict = type[SourceError]


class LacksScope(Misconfigured):
    """The token may not do this; which object it was about is the caller's to say."""


class DayIsUsedUp(RateLimited):
    """No more calls until midnight of the portal's own time zone."""

    again = False


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    category: str | None = None
    error_type: str | None = None
    policy_name: str | None = None
    correlation_id: str | None = None


_BODY = msgspec.json.Decoder(_Body)
_WORD = re.compile(r"[A-Za-z0-9_]{1,64}")
_FAILED_QUIETLY = re.compile(rb'\s*\{\s*"status"\s*:\s*"error"')

BY_WORD: dict[str | None, Verdict] = {
    "DAILY": DayIsUsedUp,
    "RATE_LIMIT": RateLimited,
    "RATE_LIMITS": RateLimited,
    "INVALID_AUTHENTICATION": Unauthorized,
    "EXPIRED_AUTHENTICATION": Unauthorized,
    "MISSING_SCOPES": LacksScope,
    "OBJECT_NOT_FOUND": NotFound,
    "VALIDATION_ERROR": Rejected,
}
"""By the policy, the error type, then the category: the more exact word first."""

BY_STATUS: dict[int, Verdict] = {
    401: Unauthorized,
    403: LacksScope,
    404: NotFound,
    423: Retryable,  # a record is locked by a heavy import
    429: RateLimited,
    477: Retryable,  # the portal is moving to another data centre
}
DETAILS: dict[Verdict, str] = {
    DayIsUsedUp: "the calls of this day are used up",
    LacksScope: "the token lacks a scope",
    Malformed: "there is no HubSpot at this address",
    NotFound: "there is no such object type or record",
    RateLimited: "too many calls",
    Rejected: "the call was refused",
    Retryable: "HubSpot failed for the moment",
    Unauthorized: "the token is refused",
}
PARTLY = 207
"""The status of what HubSpot says of some keys of a batch."""
WAITS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
"""Seconds by policy, where the answer itself does not say."""


def judge_for(source: str) -> Judge:
    """The judge of one source's answers."""

    def judge(response: Response) -> SourceError | None:
        # An error is told with its own status; should one ever come as a success, it is none.
        if response.status < 400 and not _FAILED_QUIETLY.match(response.body):
            return None
        return _error(source, response)

    return judge


def part_error(source: str, category: str | None) -> SourceError:
    """What HubSpot says of some keys of a batch."""
    verdict = BY_WORD.get(category, Rejected)
    return verdict(source, DETAILS[verdict], status=PARTLY, code=_code(category))


def _error(source: str, response: Response) -> SourceError:
    body = _read(response.body)
    words = (body.policy_name, body.error_type, body.category)
    verdict = _verdict(response.status, words)
    if verdict is NotFound and body.correlation_id is None:
        verdict = Malformed  # HubSpot's own have one: this is a proxy's, or a wrong address
    detail, code = DETAILS[verdict], next(filter(None, map(_code, words)), None)
    if issubclass(verdict, RateLimited):
        wait = _seconds(response.headers.get("retry-after")) or WAITS.get(body.policy_name or "")
        return verdict(source, detail, retry_after=wait, status=response.status, code=code)
    return verdict(source, detail, status=response.status, code=code)


def _verdict(status: int, words: tuple[str | None, ...]) -> Verdict:
    if status >= 500:
        return Retryable
    known = [BY_WORD[word] for word in words if word in BY_WORD]
    return known[0] if known else BY_STATUS.get(status, Rejected)


def _read(body: bytes) -> _Body:
    """A proxy's page is no JSON: then the status alone decides."""
    try:
        return read(_BODY, body)
    except msgspec.DecodeError:
        return _Body()


def _code(word: str | None) -> str | None:
    return word if word and _WORD.fullmatch(word) else None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
