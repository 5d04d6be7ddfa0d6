"""Jiandaoyun's verdicts as our errors (https://hc.jiandaoyun.com/open/11261, section 6).

The body is `{"code": 8303, "msg": "..."}`, with HTTP 400 whatever is wrong; messages are never
kept. Of the codes only 1 and 8303 stand on the vendor's archived pages, see docs/vendors.
"""

from __future__ import annotations

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
PAUSE = 1.0
"""Seconds after which a call that came too often may be repeated: rates are told by the second."""


class NoForm(Misconfigured):
    """The form was deleted, or is one of another application."""


class Refused(Misconfigured):
    """A field or filter that the form does not take: it may have been changed since it was read."""


class NotGranted(Misconfigured):
    """The key is good, but not for this application or call."""


class Exhausted(Misconfigured):
    """The company's plan is used up, or over."""


BY_CODE: dict[int, Verdict] = {
    2004: NoForm,
    3000: NoForm,
    3005: Refused,
    4000: NotFound,
    4001: NotFound,
    4815: Refused,
    7103: Exhausted,
    7212: Exhausted,
    8017: Exhausted,
    8301: Unauthorized,
    8302: NotGranted,
    8303: RateLimited,
    8304: RateLimited,
    9007: Retryable,
    17018: Unauthorized,
    17032: Refused,
}
BY_STATUS: dict[int, Verdict] = {
    401: Unauthorized,
    403: Unauthorized,
    404: Malformed,
    429: RateLimited,
}
DETAILS: dict[Verdict, str] = {
    Exhausted: "the company's plan does not allow the call any more",
    Malformed: "there is no Jiandaoyun at this address",
    NoForm: "there is no such form in the application",
    NotFound: "there is no such record",
    NotGranted: "the key may not call this application: grant it under 密钥管理",
    RateLimited: "too many calls",
    Refused: "a field or a filter is refused",
    Rejected: "the call was refused",
    Retryable: "Jiandaoyun failed for the moment",
    Unauthorized: "the key is refused",
}


class Coded(msgspec.Struct, frozen=True):
    """What every answer may hold: a code other than 0 is a failure, whatever the HTTP status."""

    code: int | None = None


_BODY = msgspec.json.Decoder(Coded)


def judge_for(source: str) -> Judge:
    """The judge of one source's answers."""

    def judge(response: Response) -> SourceError | None:
        return None if response.status < 400 else error_of(source, response.status, _code(response))

    return judge


def error_of(source: str, status: int, code: int | None) -> SourceError:
    """By the code, then by the status."""
    verdict = _verdict(status, code)
    detail, word = DETAILS[verdict], str(code) if code is not None else None
    if issubclass(verdict, RateLimited):
        return verdict(source, detail, retry_after=PAUSE, status=status, code=word)
    return verdict(source, detail, status=status, code=word)


def _verdict(status: int, code: int | None) -> Verdict:
    if status >= 500:
        return Retryable
    if code in BY_CODE:
        return BY_CODE[code]
    return BY_STATUS.get(status, Rejected)


def _code(response: Response) -> int | None:
    """A gateway's page is no JSON: then the status alone decides."""
    try:
        return read(_BODY, response.body).code
    except msgspec.DecodeError:
        return None
