"""What HubSpot posts by itself: whether it is HubSpot's.

https://developers.hubspot.com/docs/api/webhooks/validating-requests. The third version signs the
time as well and is the only one that a repeated delivery cannot pass for long; the others are
accepted only where the caller says so.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from connectors.secret import Secret

OLDEST = timedelta(milliseconds=300_000)
_ESCAPES = {f"%{ord(letter):02X}": letter for letter in ":/?@!$'()*,;"}
_ESCAPE = re.compile("|".join(_ESCAPES), re.IGNORECASE)


def signature(
    version: str, secret: Secret, method: str, uri: str, body: bytes, timestamp: str = ""
) -> str:
    """Of a delivery to `uri`, by "v1", "v2" or "v3"; `timestamp` is in milliseconds."""
    key = secret.reveal().encode()
    request = method.encode() + uri.encode()
    if version == "v1":
        return hashlib.sha256(key + body).hexdigest()
    if version == "v2":
        return hashlib.sha256(key + request + body).hexdigest()
    digest = hmac.digest(key, request + body + timestamp.encode(), "sha256")
    return b64encode(digest).decode()


def is_genuine(
    headers: Mapping[str, str],
    secret: Secret,
    method: str,
    uri: str,
    body: bytes,
    now: datetime,
    accepted: Collection[str] = ("v3",),
) -> bool:
    """Whether the owner of `secret` signed this delivery, and just now.

    `headers` have lower-case names; `uri` is the whole address as it was registered.
    """
    timestamp = headers.get("x-hubspot-request-timestamp", "")
    given = headers.get("x-hubspot-signature-v3")
    version = "v3"
    if given is None:
        given = headers.get("x-hubspot-signature", "")
        version = headers.get("x-hubspot-signature-version", "")
    elif not _is_recent(timestamp, now):
        return False
    if version not in accepted or (version == "v3") != ("x-hubspot-signature-v3" in headers):
        return False
    # HubSpot's page says that some escapes are undone before signing; its own libraries do not.
    return any(
        hmac.compare_digest(
            signature(version, secret, method, spelled, body, timestamp).encode(), given.encode()
        )
        for spelled in (uri, _ESCAPE.sub(lambda found: _ESCAPES[found[0].upper()], uri))
    )


def _is_recent(timestamp: str, now: datetime) -> bool:
    """Neither too old, nor as far from the future."""
    if not re.fullmatch(r"[0-9]{1,15}", timestamp):
        return False
    return abs(now.timestamp() * 1000 - int(timestamp)) <= OLDEST / timedelta(milliseconds=1)
