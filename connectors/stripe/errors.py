"""Stripe's verdicts as our errors (https://docs.stripe.com/api/errors, /error-low-level).

The body is `{"error": {"type", "code", "param", "message", ...}}`; the message quotes values and
is read for one sentence only, which has no code. What counts most comes first: that sentence, the
code, then the type, then the HTTP status.
"""

from __future__ import annotations

import re

import msgspec

from connectors.errors import (
    Malformed,
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


class CursorRejected(Rejected):
    """Stripe does not know the row or the page from which a list was to be resumed."""


class SearchUnavailable(Rejected):
    """Stripe offers this account no search (https://docs.stripe.com/search: not in India)."""


class TooManyPages(Rejected):
    """A list is longer than we read."""


class NotNow(Retryable):
    """A passing failure of which Stripe says that repeating the call now is no use."""

    again = False


class SlowDown(RateLimited):
    """Too many calls, and repeating this one now would only be one more."""

    again = False


FINAL: dict[Verdict, Verdict] = {Retryable: NotNow, RateLimited: SlowDown}
"""What a verdict becomes when Stripe sends `stripe-should-retry: false`."""


class _Error(msgspec.Struct, frozen=True):
    type: str | None = None
    code: str | None = None
    param: str | None = None
    message: str | None = None


class _Body(msgspec.Struct, frozen=True):
    error: _Error = _Error()


_WORD = re.compile(r"[a-z0-9_]{1,64}")
_BODY = msgspec.json.Decoder(_Body)
_NO_SEARCH = re.compile(r"\bsearch\b.{0,80}\b(un|not )(available|supported)\b", re.I | re.S)
"""As in "The search feature is temporarily unavailable in your region", with HTTP 400."""

BY_PARAM: dict[str | None, Verdict] = {
    "starting_after": CursorRejected,
    "ending_before": CursorRejected,
    "page": CursorRejected,
}
BY_CODE: dict[str | None, Verdict] = {
    "resource_missing": NotFound,
    "api_key_expired": Unauthorized,
    "platform_api_key_expired": Unauthorized,
    "secret_key_required": Unauthorized,
    "lock_timeout": Retryable,
    "idempotency_key_in_use": Retryable,
    "rate_limit": RateLimited,
}
BY_TYPE: dict[str | None, Verdict] = {
    "idempotency_error": Rejected,
    "card_error": Rejected,
}
BY_STATUS: dict[int, Verdict] = {
    401: Unauthorized,
    403: Unauthorized,
    404: Malformed,
    409: Retryable,
    424: Retryable,
    429: RateLimited,
}
# Stripe says `resource_missing` with its 404s: one without it is a proxy's, or a wrong address.
DETAILS: dict[Verdict, str] = {
    Malformed: "there is no Stripe at this address",
    Unauthorized: "the key is refused or lacks a permission",
    NotFound: "there is no such object",
    RateLimited: "too many calls",
    Retryable: "Stripe failed for the moment",
    Rejected: "the call was refused",
    CursorRejected: "the page cannot be resumed there",
    SearchUnavailable: "Stripe offers this account no search",
}


def judge_for(source: str) -> Judge:
    """The judge of one source's answers."""

    def judge(response: Response) -> SourceError | None:
        return None if response.status < 400 else _error(source, response)

    return judge


def _error(source: str, response: Response) -> SourceError:
    error = _read(response.body)
    verdict = _verdict(response.status, error)
    detail, code = DETAILS[verdict], _word(error.code) or _word(error.type)
    if response.headers.get("stripe-should-retry") == "false":
        verdict = FINAL.get(verdict, verdict)
    if issubclass(verdict, RateLimited):
        wait = _seconds(response.headers.get("retry-after"))
        return verdict(source, detail, retry_after=wait, status=response.status, code=code)
    return verdict(source, detail, status=response.status, code=code)


def _verdict(status: int, error: _Error) -> Verdict:
    if status in (400, 403) and _NO_SEARCH.search(error.message or ""):
        return SearchUnavailable
    if status == 400 and error.param in BY_PARAM:
        return BY_PARAM[error.param]
    if status < 500:
        if found := BY_CODE.get(error.code) or BY_TYPE.get(error.type):
            return found
        if status == 403 and error.code:
            # Without a code it is the key's own permissions, with one it is this call alone.
            return Rejected
    return BY_STATUS.get(status, Retryable if status >= 500 else Rejected)


def _read(body: bytes) -> _Error:
    """What a proxy or an outage page says is no JSON: then the status alone decides."""
    try:
        return read(_BODY, body).error
    except msgspec.DecodeError:
        return _Error()


def _word(code: str | None) -> str | None:
    """A code goes to logs and clients: what is not one of Stripe's plain words does not."""
    return code if code and _WORD.fullmatch(code) else None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
