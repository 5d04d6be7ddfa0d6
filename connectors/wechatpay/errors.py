"""WeChat Pay's verdicts as our errors (https://pay.weixin.qq.com/doc/v3/merchant/4012070379).

The body is `{"code", "message", "detail"}`; only the code is read. The same code is spelt with and
without underscores, so they do not count. Answers other than 2xx are not relied on to be signed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec

from connectors.charset import utf8_of
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
from connectors.wechatpay.proof import TOLERANCE

Verdict = type[SourceError]


class NoStatement(NotFound):
    """There is no bill of that day: it had no traffic, as far as WeChat knows by now."""


class NotAllowed(Rejected):
    """This merchant has not been given that product, or may not see it."""


class _Body(msgspec.Struct, frozen=True):
    code: str | None = None


_BODY = msgspec.json.Decoder(_Body)
_WORD = re.compile(r"[A-Z0-9_]{1,64}")

BY_CODE: dict[str, Verdict] = {
    "SIGNERROR": Unauthorized,
    "NOAUTH": NotAllowed,
    "MCHNOTEXISTS": Misconfigured,
    "APPIDMCHIDNOTMATCH": Misconfigured,
    "ORDERNOTEXIST": NotFound,
    "RESOURCENOTEXISTS": NotFound,
    "NOSTATEMENTEXIST": NoStatement,
    "STATEMENTCREATING": NotReady,
    "FREQUENCYLIMITED": RateLimited,
    "FREQUENCYLIMITEXCEED": RateLimited,
    "RATELIMITEXCEEDED": RateLimited,
    "SYSTEMERROR": Retryable,
    "BANKERROR": Retryable,
}
BY_STATUS: dict[int, Verdict] = {
    401: Unauthorized,
    404: Malformed,
    429: RateLimited,
}
# WeChat says which thing does not exist: a 404 without a code is a proxy's, or a wrong address.
DETAILS: dict[Verdict, str] = {
    Malformed: "there is no WeChat Pay at this address",
    Misconfigured: "WeChat Pay does not know this merchant number",
    Unauthorized: "our signature is refused: the key, serial_no or mchid is wrong or has expired",
    NotAllowed: "the merchant number has no permission for this call",
    NotFound: "there is no such payment, refund or complaint",
    NoStatement: "there is no bill of that day",
    NotReady: "the bill is still being made",
    RateLimited: "too many calls",
    Retryable: "WeChat Pay failed for the moment",
    Rejected: "the call was refused",
}


def judge_for(source: str, clock: Callable[[], datetime]) -> Judge:
    """The judge of one source's answers; `clock` tells whether a refusal is our clock's fault."""

    def judge(response: Response) -> SourceError | None:
        return None if response.status < 400 else _error(source, response, clock())

    return judge


def _error(source: str, response: Response, now: datetime) -> SourceError:
    code = _code(response.body)
    verdict = _verdict(response.status, code)
    detail = DETAILS[verdict]
    if verdict is Unauthorized and (off := _skew(response, now)):
        detail = f"our signature is refused: this machine's clock is off by {off} seconds"
    return verdict(source, detail, status=response.status, code=code)


def _verdict(status: int, code: str | None) -> Verdict:
    if status < 500 and code and (found := BY_CODE.get(code.replace("_", ""))):
        return found
    return BY_STATUS.get(status, Retryable if status >= 500 else Rejected)


def _code(body: bytes) -> str | None:
    """What a proxy or an outage page says is no JSON: then the status alone decides."""
    try:
        code = read(_BODY, utf8_of(body)).code
    except msgspec.DecodeError:
        return None
    return code if code and _WORD.fullmatch(code) else None


def _skew(response: Response, now: datetime) -> int | None:
    """Seconds by which our clock differs from WeChat's, if by more than it tolerates."""
    try:
        off = now - parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    return round(off.total_seconds()) if abs(off) >= TOLERANCE else None
