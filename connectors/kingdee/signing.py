"""Proofs of who calls: the signature headers of each call, and the sign of a login.

The headers are those of Kingdee's own SDK (PyPI `kingdee.cdp.webapi.sdk`): base64 is over the
text of the hexadecimal digest, never over the digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import quote

from connectors.kingdee.settings import KingdeeSettings

_PAD = b"0054f397c6234378b09ca7d3e5debce7"
"""What the second half of an app id is masked with, in every installation."""
_MASKED = 32


def signature_headers(settings: KingdeeSettings, path: str, now: int) -> dict[str, str]:
    """Headers of a call that needs no session; `path` is that of the whole URL, `now` in seconds.

    The list of signed headers names the timestamp first and the signed text the nonce.
    """
    client_id, client_secret = client_of(settings.app_id)
    stamp = str(now)
    told = f"{settings.acct_id},{settings.username},{settings.lcid},{settings.org_num}"
    signed = (
        f"POST\n{quote(path).replace('/', '%2F')}\n\nx-api-nonce:{stamp}\nx-api-timestamp:{stamp}\n"
    )
    secret = settings.app_secret.reveal()
    return {
        "X-Api-ClientID": client_id,
        "X-Api-Auth-Version": "2.0",
        "x-api-timestamp": stamp,
        "x-api-nonce": stamp,
        "x-api-signheaders": "x-api-timestamp,x-api-nonce",
        "X-Api-Signature": _hmac(client_secret, signed),
        "X-Kd-Appkey": settings.app_id,
        "X-Kd-Appdata": base64.b64encode(told.encode()).decode(),
        "X-Kd-Signature": _hmac(secret, settings.app_id + told),
    }


def client_of(app_id: str) -> tuple[str, str]:
    """The client id and secret that an app id holds, masked; empty where it holds none."""
    client_id, separator, masked = app_id.partition("_")
    if not separator or "_" in masked:
        return "", ""
    if len(masked) != _MASKED:
        return client_id, ""
    try:
        plain = base64.b64decode(masked, validate=True)
    except binascii.Error:
        return client_id, ""
    unmasked = bytes(one ^ pad for one, pad in zip(plain, _PAD, strict=False))
    return client_id, base64.b64encode(unmasked).decode()


def login_sign(settings: KingdeeSettings, now: int) -> str:
    """The fifth parameter of LoginBySign; `now` in seconds."""
    secret = settings.app_secret.reveal()
    parts = sorted([settings.acct_id, settings.username, settings.app_id, secret, str(now)])
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _hmac(key: str, text: str) -> str:
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(digest.encode()).decode()
