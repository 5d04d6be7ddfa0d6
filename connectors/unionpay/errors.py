"""UnionPay's verdicts as our errors: the HTTP status, then `respCode`, which is about the call.

The transport's status is 200 for whatever UnionPay says; `respMsg` quotes values and is never
read. What became of a transaction is its `origRespCode` and no matter of this page.
"""

from __future__ import annotations

import re

from connectors.errors import (
    Malformed,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.transport import Response

Verdict = tuple[type[SourceError], str]

BUSY: Verdict = (Retryable, "UnionPay is busy or does not know yet")
REFUSED: Verdict = (Rejected, "the call was refused")
RIGHTS: Verdict = (Unauthorized, "the merchant has no right to this call")
BY_CODE: dict[str, Verdict] = {
    "02": BUSY,
    "03": BUSY,
    "04": BUSY,
    "05": BUSY,
    "06": BUSY,
    "11": (Unauthorized, "UnionPay refuses our signature: wrong key, certificate or merchant_id"),
    "30": RIGHTS,
    "31": RIGHTS,
    "32": RIGHTS,
    "34": (NotFound, "there is no such transaction"),
    "37": (RateLimited, "too many calls"),
    "98": (NotReady, "there is no settlement file of this day yet"),
}
"""Every code that is not here, known or not, is REFUSED."""
BY_STATUS: dict[int, Verdict] = {
    401: RIGHTS,
    403: RIGHTS,
    404: (Malformed, "there is no UnionPay at this address"),
    429: BY_CODE["37"],
}
AGAIN = frozenset(code for code, verdict in BY_CODE.items() if verdict in (BUSY, BY_CODE["37"]))
"""Codes of calls that may do better when they are repeated at once."""
DONE = "00"
_CODE = re.compile(r"[0-9A-Z]{2}")


def http_error(source: str, response: Response) -> SourceError | None:
    """The judge of what comes without a message of UnionPay's."""
    if response.status < 400:
        return None
    fallback = BUSY if response.status >= 500 else REFUSED
    kind, detail = BY_STATUS.get(response.status, fallback)
    return kind(source, detail, status=response.status)


def refusal(source: str, code: str) -> SourceError | None:
    """What `respCode` says of the call; None when it was answered."""
    if code == DONE:
        return None
    if not _CODE.fullmatch(code):
        return Malformed(source, "an answer without a respCode")
    kind, detail = BY_CODE.get(code, REFUSED)
    return kind(source, detail, code=code)
