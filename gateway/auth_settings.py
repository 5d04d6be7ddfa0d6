"""The tables below `[auth]`."""

from __future__ import annotations

import msgspec

from auth.rows import RowRules
from gateway.access_settings import PolicySettings


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With it, whoever is not identified sees what is public and nothing else."""

    policy: PolicySettings = PolicySettings()
    rows: RowRules = RowRules()
