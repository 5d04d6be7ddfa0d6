"""What a principal is granted, decided once per request: the one object a context carries."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from enum import Enum

import msgspec

from auth import masks
from auth.principal import Principal
from auth.requirement import AUTHENTICATED_ATOM, POLICY, SCOPE, Requirement
from auth.rows import RowRules, RowScope
from auth.rules import Mask

log = logging.getLogger("tillgate.auth")

Check = Callable[[Principal], "bool | None"]
"""A named policy. None is no: only True grants."""


class Mode(Enum):
    """What is done with an operation that asks for more than it may see. To one who is hidden from,
    there is no more: names that he may not see are answered as names that there are not."""

    FILTER = "filter"
    REJECT = "reject"
    DRY_RUN = "dry_run"
    HIDE = "hide"


class Told(Enum):
    """Where the paths that were denied are told."""

    ERRORS = "errors"
    EXTENSIONS = "extensions"
    DISABLED = "disabled"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How one installation decides. `partner_mode` is for principals of a partner, who need not
    even learn what there is. `checks` are the policies that rules may name; `mask_key` is the key
    of pseudonyms, and is in no repr."""

    mode: Mode = Mode.FILTER
    partner_mode: Mode = Mode.HIDE
    told: Told = Told.ERRORS
    rows: RowRules = RowRules()
    checks: Mapping[str, Check] = {}
    mask_key: bytes | None = None

    def access(self, principal: Principal | None) -> Access:
        """None is somebody who is not identified: what is public is all there is."""
        is_partner = principal is not None and principal.partner is not None
        return Access(
            principal=principal,
            policy=self,
            mode=self.partner_mode if is_partner else self.mode,
            granted=self._granted(principal),
            rows=self.rows.scope_of(principal),
        )

    def _granted(self, principal: Principal | None) -> frozenset[str]:
        if principal is None:
            return frozenset()
        held = {name for name, check in self.checks.items() if _holds(name, check, principal)}
        return frozenset(
            {
                AUTHENTICATED_ATOM,
                *(SCOPE + scope for scope in principal.scopes),
                *(POLICY + name for name in held),
            }
        )

    def __repr__(self) -> str:
        modes = f"mode={self.mode.value}, partner_mode={self.partner_mode.value}"
        return f"Policy({modes}, told={self.told.value})"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """`granted` are the atoms of `auth.requirement` that hold; `rows` which rows may be seen;
    `mode` is that of this principal."""

    principal: Principal | None
    policy: Policy
    mode: Mode
    granted: frozenset[str]
    rows: RowScope

    @property
    def is_enforced(self) -> bool:
        """A dry run only reports. Rows are told apart in any mode."""
        return self.mode is not Mode.DRY_RUN

    @property
    def shape(self) -> frozenset[str] | None:
        """The atoms whose schema is all there is for him; None: he may know of the whole."""
        return self.granted if self.mode is Mode.HIDE else None

    def sees(self, needs: Requirement) -> bool:
        return not self.is_enforced or needs.met_by(self.granted)

    def masked(self, mask: Mask, value: str) -> str | None:
        return masks.shown(mask, value, self._tenant_key() if mask is Mask.HASH else None)

    def _tenant_key(self) -> bytes | None:
        """A key of the tenant's own: pseudonyms of two tenants cannot be joined."""
        if self.policy.mask_key is None or self.principal is None:
            return None
        tenant = f"{self.principal.issuer}\n{self.principal.tenant or ''}"
        return hmac.new(self.policy.mask_key, tenant.encode(), hashlib.sha256).digest()


def _holds(name: str, check: Check, principal: Principal) -> bool:
    """A policy that fails denies; why is for the log alone, without what it said."""
    try:
        return check(principal) is True
    except Exception as error:
        log.error("the policy %s failed: %s", name, type(error).__name__)
        return False
