"""Verdicts on e-cology's answers. There is no public page of the vendor: what is certain is the
status "1" of a success, and that a filter in front answers with a page of HTML.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.errors import (
    Malformed,
    Misconfigured,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.json_reading import read
from connectors.transport import Judge, Response

Verdict = tuple[type[SourceError], str]
BY_STATUS: dict[int, Verdict] = {
    401: (Unauthorized, "the credentials are refused"),
    403: (Unauthorized, "the credentials are refused"),
    404: (Misconfigured, "there is no e-cology at this address"),
    429: (RateLimited, "too many calls"),
}
_FAILED: Verdict = (Retryable, "e-cology failed for the moment")
_PAGE: Verdict = (
    Malformed,
    "the answer is a page of HTML: the security filter refused a word, or no e-cology is here",
)
_NO_JSON: Verdict = (Malformed, "the answer is not e-cology's JSON")
_SESSION: Verdict = (Unauthorized, "the call needs a token, or its token is refused")
# A token of the OA could be renewed and would change nothing: these stand in every call.
_WHO: Verdict = (Misconfigured, "system_id and password are refused")
_REFUSED: Verdict = (Rejected, "the interface refused the call")
_NO_TOKEN: Verdict = (Unauthorized, "app_id and its secret are refused")


class _Body(msgspec.Struct):
    """`status` is a text or number of a cube interface, true or false of what guards it."""

    status: str | int | bool | None = None
    error_code: str | int | None = msgspec.field(name="errorCode", default=None)


_BODY = msgspec.json.Decoder(_Body)


def cube_judge(source: str, words: Iterable[str]) -> Judge:
    """The judge of cube interfaces; `words` tell that a refusal is about who we are."""
    marks = [word.casefold() for word in words]

    def judge(response: Response) -> SourceError | None:
        body = _read(source, response)
        if isinstance(body, SourceError):
            return body
        if body.error_code is not None or body.status is False:
            return _error(source, response, _SESSION)
        if str(body.status) == "1" and body.status is not True:
            return None
        text = response.body.decode("utf-8", "replace").casefold()
        known = any(mark in text for mark in marks)
        return _error(source, response, _WHO if known else _REFUSED)

    return judge


def token_judge(source: str) -> Judge:
    """The judge of registering and of applying for a token."""

    def judge(response: Response) -> SourceError | None:
        body = _read(source, response)
        if isinstance(body, SourceError):
            return body
        return None if body.status is True else _error(source, response, _NO_TOKEN)

    return judge


def _read(source: str, response: Response) -> _Body | SourceError:
    """What an answer says, unless its form says all."""
    if response.status >= 500:
        return _error(source, response, _FAILED)
    if response.status in BY_STATUS:
        return _error(source, response, BY_STATUS[response.status])
    try:
        return read(_BODY, response.body)
    except msgspec.DecodeError:
        html = response.body.lstrip()[:1] == b"<"
        return _error(source, response, _PAGE if html else _NO_JSON)


def _error(source: str, response: Response, verdict: Verdict) -> SourceError:
    return verdict[0](source, verdict[1], status=response.status)
