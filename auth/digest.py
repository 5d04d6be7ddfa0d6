"""What stands for a token where the token itself must not: its SHA-256."""

from __future__ import annotations

import base64
import hashlib


def digest(text: str) -> str:
    """base64url(SHA-256), as `ath` is made (RFC 9449 section 4.2)."""
    hashed = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
