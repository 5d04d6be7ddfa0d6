"""Which rows a principal may see: the sources of its tenant, the customers of its partner.

A claim that is missing, or that nothing is configured for, sees no row; that those without a claim
see everything must be written down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Literal, TypeVar

import msgspec

from auth.principal import Principal

Unclaimed = Literal["deny", "all"]
R = TypeVar("R")


class Customers(frozenset[str]):
    """Ids of the graph, `salesforce:customer:0015g`."""

    @cached_property
    def native_ids(self) -> Mapping[str, tuple[str, ...]]:
        """By source."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for id_ in sorted(self):
            source, _, native = id_.split(":", 2)
            found[source].append(native)
        return {source: tuple(ids) for source, ids in found.items()}


class TenantRows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """`sources` are names of the configuration."""

    sources: tuple[str, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self.sources)


class PartnerRows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """`customers` are ids of the graph, `salesforce:customer:0015g`."""

    customers: tuple[str, ...]

    @cached_property
    def ids(self) -> Customers:
        return Customers(self.customers)


NO_SOURCES = TenantRows(sources=())
NOBODY = PartnerRows(customers=())


class RowScope(msgspec.Struct, frozen=True):
    """None: any. `customers` are ids of the graph; orders, payments, refunds and disputes are seen
    that are theirs."""

    sources: frozenset[str] | None = None
    customers: Customers | None = None

    @property
    def is_everything(self) -> bool:
        return self.sources is None and self.customers is None

    def customers_in(self, source: str) -> tuple[str, ...]:
        """Native ids of the customers that may be seen in a source."""
        return () if self.customers is None else self.customers.native_ids.get(source, ())

    def holds(self, source: str) -> bool:
        return self.sources is None or source in self.sources


NO_ROWS = RowScope(NO_SOURCES.names, NOBODY.ids)
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
        tenant = _allowed(principal.tenant, self.tenants, self.without_tenant, NO_SOURCES)
        partner = _allowed(principal.partner, self.partners, self.without_partner, NOBODY)
        return RowScope(
            None if tenant is None else tenant.names, None if partner is None else partner.ids
        )


def _allowed(
    claim: str | None, known: Mapping[str, R], unclaimed: Unclaimed, nothing: R
) -> R | None:
    """A claim without a table is one that nobody has said anything about: nothing."""
    if claim is not None:
        return known.get(claim, nothing)
    return nothing if known and unclaimed == "deny" else None
