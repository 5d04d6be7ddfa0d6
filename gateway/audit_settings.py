"""`[audit]`: who saw what is written down, or (without the table) not."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from auth.audit.keys import SHORTEST, AuditKeys
from auth.audit.writer import Writer
from connectors.secret import Secret

NODE = re.compile(r"[A-Za-z0-9-]{1,63}")
YEAR = 365


class HoursSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours of the day in UTC in which personal data and refunds are usually read: from the first
    to before the last; past midnight if the first is the later one."""

    begin: Annotated[int, msgspec.Meta(ge=0, le=23)]
    end: Annotated[int, msgspec.Meta(ge=0, le=24)]


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`strict` answers nobody while nothing can be written; `relaxed` may lose entries of what was
    allowed. `keep` in days. `node` names this machine in the files, its host name unless told."""

    key: Secret
    folder: str = "audit"
    mode: Literal["strict", "relaxed"] = "strict"
    keep: Annotated[int, msgspec.Meta(ge=YEAR)] = YEAR
    node: str | None = None
    usual_hours: HoursSettings | None = None

    def __post_init__(self) -> None:
        if len(self.key.reveal()) < SHORTEST:
            raise ValueError(f"key: shorter than {SHORTEST} characters")
        if self.node is not None and not NODE.fullmatch(self.node):
            raise ValueError("node: letters, digits and hyphens, at most 63")

    @property
    def path(self) -> Path:
        return Path(self.folder)

    @property
    def keys(self) -> AuditKeys:
        return AuditKeys(self.key.reveal().encode())

    def writer(self) -> Writer:
        """Not started yet."""
        node = self.node or re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:63] or "node"
        return Writer(self.path, self.keys, node, strict=self.mode == "strict")
