"""What a principal is granted, and which rows it may see."""

from __future__ import annotations

import logging

import pytest

from auth.access import Mode, Policy
from auth.principal import Principal
from auth.requirement import AUTHENTICATED, NEVER, PUBLIC, policies, scopes
from auth.rows import (
    EVERY_ROW,
    NO_ROWS,
    Customers,
    PartnerRows,
    RowRules,
    RowScope,
    TenantRows,
)


def who(scopes: str = "", tenant: str | None = None, partner: str | None = None) -> Principal:
    return Principal(
        issuer="https://as",
        client_id="client",
        subject="subject",
        scopes=frozenset(scopes.split()),
        tenant=tenant,
        partner=partner,
    )


def test_nobody_is_granted_what_is_public_alone() -> None:
    access = Policy().access(None)
    assert access.sees(PUBLIC)
    assert not access.sees(AUTHENTICATED)
    assert access.rows == NO_ROWS


def test_scopes_are_granted_as_scopes() -> None:
    access = Policy().access(who("orders:read authenticated policy:vip"))
    assert access.sees(scopes("orders:read"))
    assert not access.sees(scopes("orders:read orders:money"))
    assert not access.sees(policies("vip"))


def raises(principal: Principal) -> bool:
    raise RuntimeError("canary of the customer")


@pytest.mark.parametrize(
    ("check", "granted"),
    [
        (lambda p: True, True),
        (lambda p: False, False),
        (lambda p: None, False),
        (lambda p: "yes", False),
        (raises, False),
    ],
)
def test_only_a_plain_yes_of_a_policy_grants(
    check: object, granted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        access = Policy(checks={"vip": check}).access(who())  # type: ignore[dict-item]
    assert access.sees(policies("vip")) is granted
    assert "canary" not in caplog.text
    if check is raises:
        assert "vip failed: RuntimeError" in caplog.text


def test_a_policy_that_nobody_knows_denies() -> None:
    assert not Policy().access(who()).sees(policies("vip"))


def test_a_dry_run_sees_everything_and_its_own_rows() -> None:
    rules = RowRules(tenants={"one": TenantRows(sources=("stripe_eu",))})
    access = Policy(mode=Mode.DRY_RUN, rows=rules).access(who(tenant="one"))
    assert access.sees(NEVER)
    assert access.rows == RowScope(frozenset({"stripe_eu"}))


RULES = RowRules(
    tenants={"one": TenantRows(sources=("salesforce", "stripe_eu"))},
    partners={"shop": PartnerRows(customers=("salesforce:customer:1", "kingdee:customer:2"))},
)
ONE = frozenset({"salesforce", "stripe_eu"})
SHOP = Customers({"salesforce:customer:1", "kingdee:customer:2"})


@pytest.mark.parametrize(
    ("tenant", "partner", "scope"),
    [
        ("one", "shop", RowScope(ONE, SHOP)),
        (None, "shop", RowScope(frozenset(), SHOP)),
        ("one", None, RowScope(ONE, Customers())),
        (None, None, NO_ROWS),
        ("unknown", "shop", RowScope(frozenset(), SHOP)),
        ("one", "unknown", RowScope(ONE, Customers())),
        ("", "", NO_ROWS),
    ],
)
def test_a_missing_or_unknown_claim_sees_nothing(
    tenant: str | None, partner: str | None, scope: RowScope
) -> None:
    assert RULES.scope_of(who(tenant=tenant, partner=partner)) == scope


def test_who_has_no_claim_sees_all_only_where_that_is_written() -> None:
    open_ = RowRules(tenants=RULES.tenants, partners=RULES.partners, without_partner="all")
    assert open_.scope_of(who(tenant="one")) == RowScope(ONE, None)
    assert open_.scope_of(who(tenant="one", partner="x")) == RowScope(ONE, Customers())


def test_a_claim_is_not_ignored_because_nothing_is_configured() -> None:
    assert RowRules().scope_of(who()) == EVERY_ROW
    assert RowRules().scope_of(who(tenant="one")).sources == frozenset()
    assert RowRules().scope_of(who(partner="shop")).customers == frozenset()


def test_customers_of_a_source_are_native_ids() -> None:
    assert RULES.scope_of(who("", "one", "shop")).customers_in("salesforce") == ("1",)
    assert RULES.scope_of(who("", "one", "shop")).customers_in("sales") == ()


def test_what_a_table_says_is_made_out_once() -> None:
    """Not for every request: a partner may have hundreds of customers, an issuer many partners."""
    one, again = (RULES.scope_of(who("", "one", "shop")) for _ in range(2))
    assert one.sources is again.sources
    assert one.customers is again.customers
    assert one.customers_in("kingdee") is again.customers_in("kingdee")
