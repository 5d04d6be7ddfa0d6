"""What a form posts when its records change (数据推送): whether it is Jiandaoyun's.

https://hc.jiandaoyun.com/open/11507. The nonce and the timestamp stand in the query, the signature
in the header X-JDY-Signature; X-JDY-DeliverId tells deliveries of the same push apart. Changes in
bulk are not pushed, so a push never replaces the reading of what was changed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from connectors.secret import Secret

WINDOW = timedelta(minutes=5)
"""How old a delivery may be; the vendor sets no bound of its own."""
_DIGITS = 12


def signature(body: bytes, secret: Secret, nonce: str, timestamp: str) -> str:
    """SHA-1 of `nonce:body:secret:timestamp` in hexadecimal, over the exact bytes of the body."""
    parts = (nonce.encode(), body, secret.reveal().encode(), timestamp.encode())
    # The vendor signs with nothing better.
    return hashlib.sha1(b":".join(parts)).hexdigest()  # noqa: S324


def is_genuine(
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    secret: Secret,
    now: datetime,
    window: timedelta = WINDOW,
) -> bool:
    """Whether the form's secret signed this delivery, not long ago. `headers` have lower-case
    names; `timestamp` is in seconds.
    """
    nonce, timestamp = query.get("nonce", ""), query.get("timestamp", "")
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > _DIGITS:
        return False
    if abs(now.timestamp() - int(timestamp)) > window.total_seconds():
        return False
    given = headers.get("x-jdy-signature", "").lower()
    expected = signature(body, secret, nonce, timestamp)
    return hmac.compare_digest(given.encode(), expected.encode())
