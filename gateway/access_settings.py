"""`[auth.policy]` and `[auth.rows]`: how strictly is decided, and whose rows are whose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from auth.access import Mode, Policy, Told
from auth.rows import PartnerRows, RowRules
from connectors.records import Kind
from connectors.registry import Registry
from connectors.secret import Secret
from connectors.vendor import SourceSettings
from gateway.strict import SettingsError, unknown_name

SHORTEST_KEY = 32
ModeName = Literal["filter", "reject", "dry_run", "hide"]


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mode`: what may not be seen is left out, refuses the whole operation, is as if it were not
    there at all (`hide`), or is only reported (`dry_run`). `partner_mode` is that of tokens with a
    partner. `errors`: where it is told. `mask_key` makes pseudonyms. `forced` lets a dry run serve
    the production profile."""

    mode: ModeName = "filter"
    partner_mode: ModeName = "hide"
    errors: Literal["errors", "extensions", "disabled"] = "errors"
    mask_key: Secret | None = None
    forced: bool = False

    def __post_init__(self) -> None:
        if self.mask_key is not None and len(self.mask_key.reveal()) < SHORTEST_KEY:
            raise ValueError(f"mask_key: shorter than {SHORTEST_KEY} characters")

    def policy(self, rows: RowRules) -> Policy:
        key = self.mask_key.reveal().encode() if self.mask_key is not None else None
        return Policy(
            mode=Mode(self.mode),
            partner_mode=Mode(self.partner_mode),
            told=Told(self.errors),
            rows=rows,
            mask_key=key,
        )


def check_policy(policy: PolicySettings, development: bool) -> None:
    """SettingsError for a dry run, which hides nothing, where it is not known to be a trial."""
    if development or policy.forced:
        return
    for key, mode in (("mode", policy.mode), ("partner_mode", policy.partner_mode)):
        if mode == "dry_run":
            raise SettingsError(
                f"auth.policy.{key}: a dry run hides nothing; in the production profile it needs"
                " forced = true"
            )


def resolved_rows(
    rows: RowRules, sources: Mapping[str, SourceSettings], registry: Registry
) -> RowRules:
    """With every customer's id in its one spelling. SettingsError for a source or an id that there
    cannot be: a row scope that holds less than it says would be noticed late."""
    for tenant, own in rows.tenants.items():
        for name in own.sources:
            if name not in sources:
                raise SettingsError(
                    unknown_name(f"auth.rows.tenants.{tenant}.sources", name, sources)
                )
    partners = {
        partner: PartnerRows(
            customers=tuple(
                _customer(f"auth.rows.partners.{partner}.customers", id_, sources, registry)
                for id_ in own.customers
            )
        )
        for partner, own in rows.partners.items()
    }
    return msgspec.structs.replace(rows, partners=partners)


def _customer(
    place: str, id_: str, sources: Mapping[str, SourceSettings], registry: Registry
) -> str:
    name, kind, native = (*id_.split(":", 2), "", "")[:3]
    if kind != Kind.CUSTOMER.value or not native:
        raise SettingsError(f"{place}: {id_[:64]!r} is no id of the form source:customer:native")
    if name not in sources:
        raise SettingsError(unknown_name(place, name, sources))
    normal = registry[sources[name].vendor].normalise(Kind.CUSTOMER, native)
    if normal is None:
        raise SettingsError(f"{place}: {id_[:64]!r} ends with no id of a customer there")
    return f"{name}:{kind}:{normal}"
