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
LOST_CURSOR = "INVALID_QUERY_LOCATOR"
_CODE = re.compile(r"[A-Za-z0-9_]{1,80}")
FOR_OPERATORS: dict[str, str] = {
    "API_DISABLED_FOR_ORG": "the user may not use the API: give it the permission API Enabled, and"
    " see that the edition has the API",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": "the password of the integration user has expired:"
    " reset it, and give the user the permission Password Never Expires",
    "PASSWORD_LOCKOUT": "the integration user is locked out: unlock it on its page in Setup",
    "USER_INACTIVE": "the integration user is not active: activate it in Setup",
    "LOGIN_DURING_RESTRICTED_TIME": "the profile of the integration user has login hours, and it"
    " is outside them: widen them",
    "LOGIN_DURING_RESTRICTED_DOMAIN": "the profile of the integration user has login IP ranges"
    " without this address: add it",
    "ORG_LOCKED": "the organisation is locked: ask Salesforce to unlock it",
    "TRIAL_EXPIRED": "the trial of the organisation has ended: ask Salesforce to extend it",
    "TXN_SECURITY_END_SESSION": "a transaction security policy limits the sessions of the"
    " integration user: end one of them in Setup, or exempt the user",
    "TXN_SECURITY_NO_ACCESS": "a transaction security policy blocks the integration user: exempt"
    " it in Setup",
    "TXN_SECURITY_METERING_ERROR": "a transaction security policy blocks the integration user:"
    " exempt it in Setup",
    "TXN_SECURITY_RULE_REQUIRES_2FA_OR_FREEZE": "a transaction security policy asks the"
    " integration user for a second factor: exempt it in Setup",
    "UNSUPPORTED_API_VERSION": "the API version is not supported: set api_version to a later one",
}
"""What an operator must do in Salesforce, or in our configuration, by code: SOAP API guide, "Core
Data Types Used in API Calls", ExceptionCode. Sentences are ours.
"""
_BY_CODE: dict[str, tuple[type[SourceError], str]] = {
    "INVALID_SESSION_ID": (Unauthorized, "the session is not valid"),
    "INVALID_AUTH_HEADER": (Unauthorized, "the session is not valid"),
    "API_CURRENTLY_DISABLED": (Retryable, "the API is switched off at the moment"),
    "REQUEST_LIMIT_EXCEEDED": (RateLimited, "too many calls at once"),
    "UNABLE_TO_LOCK_ROW": (Retryable, "a record is locked"),
    "QUERY_TIMEOUT": (Retryable, "the query took too long"),
    "SERVER_UNAVAILABLE": (Retryable, "the service is unavailable"),
    "UNKNOWN_EXCEPTION": (Retryable, "the service failed"),
    INVALID_TYPE: (Misconfigured, "an object does not exist or may not be read"),
    LOST_CURSOR: (Rejected, "the cursor of the query was closed: at most ten are open for a user"),
    **{code: (Misconfigured, sentence) for code, sentence in FOR_OPERATORS.items()},
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
