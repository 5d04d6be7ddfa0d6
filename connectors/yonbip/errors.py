"""YonBIP's verdicts as our errors (https://open.yonyoucloud.com, "return codes").

Nearly every refusal arrives as HTTP 200 with `{"code", "message"}`; the code is a text or a number.
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

Verdict = tuple[type[SourceError], str]
MINUTE = 60.0


class MinuteUsedUp(RateLimited):
    """The calls of a minute are used up: asking again within the lookup is no use."""

    again = False


_TOKEN: Verdict = (Unauthorized, "the token is refused")
_APP: Verdict = (Unauthorized, "the app does not exist or is switched off")
_LOGIN: Verdict = (Unauthorized, "app_key and app_secret are refused")
_NETWORK: Verdict = (Misconfigured, "our network address is not on the list of allowed ones")
_OFTEN: Verdict = (RateLimited, "too many calls")
_FAILED: Verdict = (Retryable, "YonBIP failed for the moment")
_REFUSED: Verdict = (Rejected, "the call was refused")

BY_CODE: dict[str, Verdict] = {
    "310001": _TOKEN,
    "310003": _TOKEN,
    "310036": _TOKEN,
    "310005": _APP,
    "310006": _APP,
    "10018": _APP,
    "310037": (Misconfigured, "the app is not authorised for the sales order's list and detail"),
    "310031": _NETWORK,
    "310038": _NETWORK,
    "310041": _NETWORK,
    "310047": _NETWORK,
    "310032": _OFTEN,
    "310039": _OFTEN,
    "310042": _OFTEN,
    "310046": (MinuteUsedUp, "the calls of this minute are used up"),
    "310404": (Misconfigured, "there is no such API at gateway_url"),
    "310405": (Misconfigured, "there is no such API at gateway_url"),
    "310007": _FAILED,
    "310043": _FAILED,
    "310071": _FAILED,
    "310072": _FAILED,
    "310504": _FAILED,
    "315001": _FAILED,
}
BY_STATUS: dict[int, Verdict] = {401: _TOKEN, 429: _OFTEN}
_NO_ORDER = "未获取到当前订单商品信息"
"""The detail of an order that does not exist has the code of any failure: only this text tells."""
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")


class _Body(msgspec.Struct):
    code: str | int
    message: str | None = None


_BODY = msgspec.json.Decoder(_Body)


def judge_for(source: str) -> Judge:
    """The judge of the gateway's answers."""
    return lambda response: _verdict(source, response, "200", _REFUSED)


def login_judge(source: str) -> Judge:
    """The judge of the token service: what it refuses for reasons unknown is our credentials."""
    return lambda response: _verdict(source, response, "00000", _LOGIN)


def _verdict(
    source: str, response: Response, success: str, otherwise: Verdict
) -> SourceError | None:
    status = response.status
    if status >= 500:
        return _FAILED[0](source, _FAILED[1], status=status)
    try:
        body = read(_BODY, response.body)
    except msgspec.DecodeError:
        kind, detail = BY_STATUS.get(status, (Malformed, "the answer is not YonBIP's JSON"))
        return kind(source, detail, status=status)
    code = str(body.code)
    if status < 300 and code == success:
        return None
    kind, detail = BY_CODE.get(code) or BY_STATUS.get(status, otherwise)
    if body.message == _NO_ORDER:
        kind, detail = NotFound, "there is no such order"
    word = code if _CODE.fullmatch(code) else None
    if issubclass(kind, MinuteUsedUp):
        return kind(source, detail, retry_after=MINUTE, status=status, code=word)
    return kind(source, detail, status=status, code=word)
