"""Kingdee's verdicts as our errors. Most failures arrive as HTTP 200.

A failure is `{"Result": {"ResponseStatus": {"IsSuccess": false, "Errors": [{"Message"}],
"MsgCode"}}}`, in a bill query as the only cell of the only row, `[[{...}]]`; or a text that begins
with `response_error:`. The old cloud gateway has HTTP 519 and `{"errcode"}`. Messages decide where
they are known, and are never kept.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any

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

Verdict = type[SourceError]
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)


class SessionLost(Unauthorized):
    """Another login helps."""


class NoForm(Misconfigured):
    pass


class Forbidden(Misconfigured):
    pass


class DatabaseFailed(Retryable):
    """Passing, or not: a filter whose value has not the type of its field is told the same way."""


class NoField(Misconfigured):
    """The form lacks a field of the query; which one, the server tells in the midst of a text."""

    def __init__(self, *args: Any, told: str = "", **facts: Any) -> None:
        super().__init__(*args, **facts)
        self._told = frozenset(word.strip(".").casefold() for word in _WORD.findall(told))

    def among(self, fields: Iterable[str]) -> list[str]:
        """Those of our own fields that it means: `FCustId` also by `FCustId.FNumber`."""
        fields = list(fields)
        whole = [one for one in fields if one.casefold() in self._told]
        return whole or [one for one in fields if one.partition(".")[0].casefold() in self._told]


BY_TEXT: tuple[tuple[str, Verdict], ...] = (
    ("会话信息已丢失", SessionLost),
    ("业务对象不存在", NoForm),
    ("字段不存在", NoField),
    ("权限", Forbidden),
)
BY_CODE: dict[int, Verdict] = {
    1: SessionLost,
    2: Forbidden,
    5: NoForm,
    6: DatabaseFailed,
    7: Misconfigured,
    9: NoField,
    10: NoForm,
    13: Retryable,
    14: RateLimited,
    15: Unauthorized,
}
"""By MsgCode: context lost, no right, no form id, database, licence, field missing, not found,
locked by another, too many calls, no login for administrators. All others are Rejected."""
BY_GATEWAY: dict[int, Verdict] = {4002: Unauthorized, 4006: Unauthorized, 5001: Misconfigured}
BY_STATUS: dict[int, Verdict] = {
    401: Unauthorized,
    403: Unauthorized,
    404: Misconfigured,
    405: Misconfigured,
    429: RateLimited,
}
DETAILS: dict[Verdict, str] = {
    DatabaseFailed: "the database refused the query: a filter of the wrong type, or a passing"
    " failure",
    Forbidden: "the integration user may not read a form",
    Malformed: "the answer is not what Kingdee documents",
    Misconfigured: "base_url leads to no WebAPI, or the licence does not cover it",
    NoField: "a form lacks a field of the mapping",
    NoForm: "a form of the mapping does not exist",
    RateLimited: "more calls than the licence allows",
    Rejected: "the call was refused",
    Retryable: "Kingdee failed for the moment",
    SessionLost: "the session has ended",
    Unauthorized: "the app or its user is refused",
}


class _Error(msgspec.Struct, frozen=True):
    message: str | None = msgspec.field(default=None, name="Message")
    field_name: str | None = msgspec.field(default=None, name="FieldName")


class _Status(msgspec.Struct, frozen=True):
    success: bool | str | None = msgspec.field(default=None, name="IsSuccess")
    code: int | str | None = msgspec.field(default=None, name="MsgCode")
    errors: list[_Error] | None = msgspec.field(default=None, name="Errors")


class _Result(msgspec.Struct, frozen=True):
    status: _Status | None = msgspec.field(default=None, name="ResponseStatus")


class _Envelope(msgspec.Struct, frozen=True):
    result: _Result | None = msgspec.field(default=None, name="Result")


class _Gateway(msgspec.Struct, frozen=True):
    errcode: int | None = None


_OBJECT = msgspec.json.Decoder(_Envelope)
_CELL = msgspec.json.Decoder(list[list[_Envelope]])
_GATEWAY = msgspec.json.Decoder(_Gateway)
_CRASH = b"response_error:"
_IN_A_CELL = re.compile(rb"\s*\[\s*\[\s*\{")


def judge_for(source: str) -> Judge:
    """The judge of one source's answers. Rows are not decoded twice: only what may be a failure."""

    def judge(response: Response) -> SourceError | None:
        told = _told(response.body)
        if told is not None:
            return _of_text(source, response.status, *told)
        return _of_status(source, response) if response.status >= 400 else None

    return judge


def _told(body: bytes) -> tuple[str, int | None] | None:
    """The message and MsgCode of a failure."""
    body = body.removeprefix(BOM_UTF8)
    start = body[:200].lstrip()
    if start.startswith(_CRASH):
        return body.lstrip()[len(_CRASH) :].decode("utf-8", "replace"), None
    try:
        if start.startswith(b"{"):
            envelopes = [read(_OBJECT, body)]
        elif _IN_A_CELL.match(start):
            envelopes = read(_CELL, body)[0]
        else:
            return None
    except msgspec.DecodeError:
        return None
    for envelope in envelopes:
        status = envelope.result.status if envelope.result is not None else None
        if status is not None and status.success is not None and not _succeeded(status.success):
            said = [word for one in status.errors or () for word in (one.message, one.field_name)]
            return " ".join(filter(None, said)), _number(status.code)
    return None


def _succeeded(word: bool | str) -> bool:
    return word is True or str(word).strip().casefold() == "true"


def _number(code: int | str | None) -> int | None:
    return int(code) if code is not None and str(code).strip().isdecimal() else None


def _of_text(source: str, status: int, told: str, code: int | None) -> SourceError:
    crashed = Retryable if status >= 500 else Rejected
    verdict = next(
        (verdict for text, verdict in BY_TEXT if text in told), BY_CODE.get(code or 0, crashed)
    )
    word = f"MsgCode {code}" if code is not None else None
    if verdict is NoField:
        return NoField(source, DETAILS[NoField], status=status, code=word, told=told)
    return verdict(source, DETAILS[verdict], status=status, code=word)


def _of_status(source: str, response: Response) -> SourceError:
    status = response.status
    code = _gateway_code(response.body)
    verdict = BY_GATEWAY.get(code or 0) or BY_STATUS.get(
        status, Retryable if status >= 500 else Rejected
    )
    return verdict(source, DETAILS[verdict], status=status, code=str(code) if code else None)


def _gateway_code(body: bytes) -> int | None:
    try:
        return read(_GATEWAY, body).errcode
    except msgspec.DecodeError:
        return None
