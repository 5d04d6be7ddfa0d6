"""Which rows a principal may see: the sources of its tenant, the customers of its partner.

A claim that is missing, or that nothing is configured for, sees no row; that those without a claim
see everything must be written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from auth.principal import Principal

Unclaimed = Literal["deny", "all"]


class TenantRows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sources` are names of the configuration."""

    sources: tuple[str, ...]


class PartnerRows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`customers` are ids of the graph, `salesforce:customer:0015g`."""

    customers: tuple[str, ...]


class RowScope(msgspec.Struct, frozen=True):
    """None: any. `customers` are ids of the graph; orders, payments, refunds and disputes are seen
    that are theirs."""

    sources: frozenset[str] | None = None
    customers: frozenset[str] | None = None

    @property
    def is_everything(self) -> bool:
        return self.sources is None and self.customers is None

    def customers_in(self, source: str) -> tuple[str, ...]:
        """Native ids of the customers that may be seen in a source."""
        lead = f"{source}:customer:"
        own = (id_ for id_ in self.customers or () if id_.startswith(lead))
        return tuple(sorted(id_.removeprefix(lead) for id_ in own))

    def holds(self, source: str) -> bool:
        return self.sources is None or source in self.sources


NO_ROWS = RowScope(frozenset(), frozenset())
EVERY_ROW = RowScope()


class RowRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[auth.rows]`. `without_tenant` and `without_partner` say what principals without
    the claim see, once rows are told apart by it at all."""

    tenants: dict[str, TenantRows] = {}
    partners: dict[str, PartnerRows] = {}
    without_tenant: Unclaimed = "deny"
    without_partner: Unclaimed = "deny"

    def scope_of(self, principal: Principal | None) -> RowScope:
        if principal is None:
            return NO_ROWS
        tenants = {name: rows.sources for name, rows in self.tenants.items()}
        partners = {name: rows.customers for name, rows in self.partners.items()}
        sources = _allowed(principal.tenant, tenants, self.without_tenant)
        customers = _allowed(principal.partner, partners, self.without_partner)
        return RowScope(sources, customers)


def _allowed(
    claim: str | None, known: Mapping[str, Iterable[str]], unclaimed: Unclaimed
) -> frozenset[str] | None:
    """A claim without a table is one that nobody has said anything about: nothing."""
    if claim is not None:
        return frozenset(known.get(claim, ()))
    return frozenset() if known and unclaimed == "deny" else None
