"""Which attributes are withheld from whom, and what of them is read all the same."""

from __future__ import annotations

import pytest

from auth.access import Access, Mode, Policy
from auth.field_rules import FIELD_RULES
from auth.principal import Principal
from connectors.mapping import CustomerMap, LineMap, OrderMap
from connectors.withholding import _CUSTOMER, _LINE, _ORDER
from resolvers.withheld import _SEEN_WITH, NOTHING, withheld

CLERK = "orders:read customers:read"
AMOUNTS = {"Order.total", "OrderLine.price", "OrderLine.total"}
OWN = {"Order.custom_fields", "Customer.custom_fields"}


def access(scopes: str, mode: Mode = Mode.FILTER) -> Access:
    principal = Principal(
        issuer="https://as", client_id="c", subject="s", scopes=frozenset(scopes.split())
    )
    return Policy(mode=mode).access(principal)


def hidden(scopes: str, *reads: str) -> set[str]:
    return set(withheld(access(scopes), frozenset(reads)))


def test_amounts_and_own_fields_are_withheld_from_who_sees_neither() -> None:
    assert hidden(CLERK, "Order.recordedState") == AMOUNTS | OWN
    assert hidden(f"{CLERK} orders:money") == OWN
    assert hidden(f"{CLERK} customers:pii", "Order.recordedState") == AMOUNTS | {
        "Order.custom_fields"
    }
    assert hidden(f"{CLERK} orders:money customers:pii") == set()


def test_what_is_seen_masked_is_read() -> None:
    assert not {"Customer.name", "Customer.email", "Customer.phones"} & hidden(CLERK)
    assert {"Customer.name", "Customer.email", "Customer.phones"} <= hidden("orders:read")


def test_states_are_not_told_where_nobody_reads_them_and_the_total_is_withheld() -> None:
    assert hidden(CLERK, "Order.number") == AMOUNTS | OWN | {"Order.recorded_state"}
    assert "Order.recorded_state" not in hidden(f"{CLERK} orders:money", "Order.number")


@pytest.mark.parametrize(
    "field", ["Order.payments", "Order.links", "Customer.refunds", "Query.payments"]
)
def test_the_total_is_read_where_payments_are_looked_for_by_orders(field: str) -> None:
    found = hidden(f"{CLERK} payments:read", "Order.recordedState", field)
    assert found == AMOUNTS - {"Order.total"} | OWN
    stateless = hidden(f"{CLERK} payments:read", "Order.number", field)
    assert stateless == found | {"Order.recorded_state"}


def test_nothing_is_withheld_where_nobody_decides_or_in_a_dry_run() -> None:
    assert withheld(None, NOTHING) == NOTHING
    assert withheld(access("", Mode.DRY_RUN), NOTHING) == NOTHING


def test_who_is_not_identified_is_told_nothing() -> None:
    assert withheld(Policy().access(None), NOTHING) >= AMOUNTS | OWN | {"Customer.name"}


def test_every_attribute_that_a_mapping_can_leave_out_is_one_that_a_rule_tells_of() -> None:
    for names, declared in ((_CUSTOMER, CustomerMap), (_ORDER, OrderMap), (_LINE, LineMap)):
        assert names.keys() <= _SEEN_WITH.keys()
        assert set(names.values()) <= set(declared.__struct_fields__)


def test_every_protected_plain_field_of_a_mapped_record_can_be_left_out() -> None:
    """Who adds a field of money or personal data to the graph adds it here too."""
    protected = {
        (name, field)
        for name in ("Customer", "Order", "OrderLine")
        for field, rule in FIELD_RULES[name].fields.items()
        if rule.class_.is_sensitive and not rule.reads
    }
    spelled = {"emails": "email", "customFields": "custom_fields", "unitPrice": "price"}
    attributes = {f"{name}.{spelled.get(field, field)}" for name, field in protected}
    assert attributes <= {*_CUSTOMER, *_ORDER, *_LINE}
