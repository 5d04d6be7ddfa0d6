"""Alipay's verdicts as our errors (https://opendocs.alipay.com/common/02km9f).

v2 answers HTTP 200 with `code` and `sub_code` (`isv.invalid-signature`, `ACQ.TRADE_NOT_EXIST`),
v3 an HTTP status with `code` (`invalid-signature`, `ACQ.TRADE_NOT_EXIST`). The word after the
point is the same in both and comes first; messages quote values and are never read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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

Verdict = type[SourceError]


class Unfit(Malformed):
    """A proven answer in which a value is not what its field says."""


NO_COMPLAINT = "PARAM_ILLEGAL"
"""What stands where a complaint does not exist; elsewhere it is what it says."""
_WORD = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_WORDS: dict[Verdict, str] = {
    NotFound: "TRADE_NOT_EXIST",
    NotReady: "BILL_NOT_EXIST NO_BILL_DATA BILL_DATE_BEFORE_REGISTRATION",
    RateLimited: "app-call-limited method-call-limited SYSTEM_RATE_LIMIT",
    Retryable: "SYSTEM_ERROR SYSTEM_BUSY UNKNOWN_ERROR unknow-error unknown-error",
    Unauthorized: """invalid-signature missing-signature invalid-signature-type invalid-app-id
        missing-app-id invalid-auth-token auth-token-time-out invalid-app-auth-token
        app-auth-token-time-out app-auth-token-not-support insufficient-isv-permissions
        insufficient-user-permissions AUTHORITY_ILLEGAL AGREEMENT_CHECK_FAIL
        USER_AGREEMENT_CHECK_FAIL""",
    Misconfigured: """invalid-timestamp illegal-timestamp missing-timestamp invalid-encrypt
        invalid-encrypt-type decryption-error missing-decrypt-key app-cert-expired
        invalid-app-cert-sn missing-app-cert-sn invalid-alipay-root-cert-sn""",
}
BY_WORD = {word: verdict for verdict, words in _WORDS.items() for word in words.split()}
BY_CODE: Mapping[str, Verdict] = {
    "20000": Retryable,
    "20001": Unauthorized,
    "40005": RateLimited,
    "40006": Unauthorized,
}
BY_STATUS: Mapping[int, Verdict] = {
    401: Unauthorized,
    403: Unauthorized,
    404: Malformed,
    429: RateLimited,
}
DETAILS: dict[Verdict, str] = {
    Malformed: "there is no Alipay at this address",
    Misconfigured: "the call was refused for what is configured here",
    NotFound: "there is no such trade",
    NotReady: "the bill is not there",
    RateLimited: "too many calls",
    Rejected: "the call was refused",
    Retryable: "Alipay failed for the moment",
    Unauthorized: "the application is refused or lacks a permission",
}
CLOCK = "Alipay's clock and ours are too far apart"
_SIGNATURE = "our signature is refused: private_key is not the key registered for app_id"
_CERTIFICATE = "the application's certificate is refused: it is unknown or has expired"
BY_WORD_DETAILS = {
    "invalid-timestamp": CLOCK,
    "illegal-timestamp": CLOCK,
    "invalid-signature": _SIGNATURE,
    "invalid-app-id": "there is no such application: app_id is wrong",
    "app-cert-expired": _CERTIFICATE,
    "invalid-app-cert-sn": _CERTIFICATE,
}


def refusal(
    source: str, word: str | None, code: str | None = None, status: int | None = None
) -> SourceError:
    """The error that an answer is: `word` of either protocol, v2's `code`, v3's HTTP `status`."""
    short = (word or "").rpartition(".")[2]
    verdict = BY_WORD.get(short) or BY_CODE.get(code or "") or _by_status(status)
    detail = BY_WORD_DETAILS.get(short, DETAILS[verdict])
    return verdict(source, detail, status=status, code=_plain(word) or _plain(code))


def denies(error: SourceError | None) -> bool:
    """Whether a refusal says that something does not exist, which is believed for good: so it
    must be rightly signed, whatever number it comes under.
    """
    return error is not None and (
        isinstance(error, NotFound | NotReady) or error.code == NO_COMPLAINT
    )


def _by_status(status: int | None) -> Verdict:
    if status is None:
        return Rejected
    return BY_STATUS.get(status, Retryable if status >= 500 else Rejected)


def _plain(word: str | None) -> str | None:
    """A code goes to logs and clients: what is not a plain word does not."""
    return word if word and _WORD.fullmatch(word) else None
