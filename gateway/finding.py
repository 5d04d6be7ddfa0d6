"""What a check found out about one thing that the settings name."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """`lines` are for the operator; the first is the verdict."""

    ok: bool
    lines: tuple[str, ...]
