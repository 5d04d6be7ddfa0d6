"""How a call of a cube interface proves who it is from: a digest of the password and the time."""

from __future__ import annotations

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.secret import Secret


def digest(system_id: str, password: Secret, written: str) -> str:
    """MD5 in lower hexadecimal digits; `written` is the time in fourteen digits."""
    told = f"{system_id}{password.reveal()}{written}"
    return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()


def header(system_id: str, password: Secret, now: datetime, zone: str) -> dict[str, str]:
    """The `header` of a call, good for about the moment it was made in."""
    written = now.astimezone(ZoneInfo(zone)).strftime("%Y%m%d%H%M%S")
    return {
        "systemid": system_id,
        "currentDateTime": written,
        "Md5": digest(system_id, password, written),
    }
