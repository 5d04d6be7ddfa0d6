"""U8 OpenAPI's verdicts as our errors.

Every answer is HTTP 200 with `{"errcode": "0", "errmsg": ""}`; any other errcode is a failure. The
codes are not published, so the text decides unless `errcodes` of the settings names the code. The
text itself is never kept.

That something "does not exist" may be said of a document as well as of the account set: it is a
`NotFound`, which stands for nothing but a document that was asked for by its code. A list has no
rows only where it says that (`NoRows`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
from connectors.yonyou.settings import Meaning

Verdict = type[SourceError]


class Offline(Retryable):
    """The relay does not reach the company's server."""


class NoRows(NotFound):
    """A list that holds nothing."""


class QuotaUsedUp(RateLimited):
    """The calls of the plan are used up: asking again now is no use."""

    again = False


class _Body(msgspec.Struct, frozen=True):
    errcode: str | int | None = None
    errmsg: str | None = None


_BODY = msgspec.json.Decoder(_Body)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,32}")

MEANINGS: dict[Meaning, tuple[Verdict, str]] = {
    "token": (Unauthorized, "the token is refused"),
    "key": (Unauthorized, "from_account, app_key or app_secret is refused"),
    "quota": (QuotaUsedUp, "the calls of the plan are used up"),
    "rate": (RateLimited, "too many calls"),
    "offline": (Offline, "the relay does not reach the company's U8 server"),
    "denied": (Misconfigured, "to_account has not granted this to the app"),
    "unknown": (Misconfigured, "the account set, the app or a parameter is not known there"),
    "absent": (NotFound, "there is no such document"),
    "empty": (NoRows, "there are no rows"),
}
_TEXTS: tuple[tuple[str, Meaning], ...] = (
    # The whole text, since 没有数据权限 is a right that is lacking.
    (
        r"^\W*(查询(结果)?)?(暂?无|没有|查无|未查询到|查询不到|未找到)(符合条件的|相关|任何|此)?"
        r"(数据|记录|结果)\W*$|^\W*查无\W*$|^\W*no (data|records?|rows?)( found)?\W*$",
        "empty",
    ),
    (
        r"(今日|当日|每日|每天|本月|套餐|次数).*(上限|用完|已超(?!时)|超过|超出|超限|限制)|配额|额度",
        "quota",
    ),
    (r"频繁|频率|过快|限流|并发|too many|rate limit", "rate"),
    (r"token", "token"),
    (r"app_?key|app_?secret|secret|from_account", "key"),
    (r"离线|未启动|未连接|不在线|无响应|超时|繁忙|timeout|timed out|offline", "offline"),
    (r"无权|未授权|没有.*权限|授权|数据源|ds_sequence|to_account|接口不存在|不支持", "denied"),
    (
        r"(账套|账号|企业|租户|应用|服务|资源|接口|权限|参数|字段|数据库|数据表).{0,40}不存在",
        "unknown",
    ),
    (r"不存在|未找到|没有找到|找不到|查无|not found", "absent"),
)
"""The first that is found in the text of a failure. Limits come first: what is limited is named in
them, such as the token."""

BY_STATUS: dict[int, tuple[Verdict, str]] = {
    401: (Unauthorized, "the call is not let in"),
    403: (Unauthorized, "the call is not let in"),
    404: (Malformed, "there is no U8 OpenAPI at this address"),
    429: (RateLimited, "too many calls"),
}
_REFUSED: tuple[Verdict, str] = (Rejected, "the call was refused")


def judge_for(source: str, errcodes: Mapping[str, Meaning]) -> Judge:
    """The judge of one source's answers; `errcodes` comes before the texts."""

    def judge(response: Response) -> SourceError | None:
        status = response.status
        if status >= 500:
            return Retryable(source, "U8 OpenAPI failed for the moment", status=status)
        if status >= 400:
            verdict, detail = BY_STATUS.get(status, _REFUSED)
            return verdict(source, detail, status=status)
        try:
            body = read(_BODY, response.body)
        except msgspec.DecodeError:
            return Malformed(source, "the answer is not JSON with an errcode", status=status)
        if body.errcode is None:
            return Malformed(source, "the answer has no errcode", status=status)
        code = str(body.errcode)
        if code == "0":
            return None
        verdict, detail = _meaning(code, body.errmsg or "", errcodes)
        return verdict(source, detail, code=code if _CODE.fullmatch(code) else None)

    return judge


def _meaning(code: str, text: str, errcodes: Mapping[str, Meaning]) -> tuple[Verdict, str]:
    if code in errcodes:
        return MEANINGS[errcodes[code]]
    found = next((m for pattern, m in _TEXTS if re.search(pattern, text, re.IGNORECASE)), None)
    return MEANINGS[found] if found else _REFUSED
