"""Presets with a company's own tables laid over them, and what is refused at start."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest

from connectors.mapping import (
    CustomerMap,
    FieldMap,
    LineMap,
    MappedSettings,
    OrderMap,
    Preset,
    StatusMap,
    paths_of,
    source_names,
)

STANDARD = OrderMap(
    table="SAL_SaleOrder",
    id="FID",
    number="FBillNo",
    created_at="FCreateDate",
    total=FieldMap(field="FBillAllAmount", currency_field="FSettleCurrId.FNumber"),
    status=(StatusMap(field="FDocumentStatus", words={"C": "PAID"}),),
    payment_ids={"stripe_eu": "F_EU"},
    lines=LineMap(table="SAL_SaleOrder", order="FID", quantity="FQty"),
)


class Standard(MappedSettings, frozen=True, kw_only=True):
    PRESET: ClassVar[Preset] = Preset(orders=(STANDARD,))


def settings(**given: Any) -> Standard:
    return msgspec.convert({"vendor": "standard", **given}, Standard)


def test_a_standard_installation_needs_no_mapping() -> None:
    assert settings().mapping.orders == (STANDARD,)


def test_own_words_are_laid_over_the_preset() -> None:
    own = {"payment_ids": {"paypal": "F_PP"}, "total": "F_TOTAL", "lines": {"sku": "F_SKU"}}
    (found,) = settings(orders=[own]).mapping.orders
    assert found.table == "SAL_SaleOrder"
    assert found.payment_ids == {"stripe_eu": "F_EU", "paypal": "F_PP"}
    assert found.total == "F_TOTAL"
    assert found.status == STANDARD.status
    assert found.lines == LineMap(table="SAL_SaleOrder", order="FID", quantity="FQty", sku="F_SKU")


def test_a_table_of_another_name_stands_by_itself() -> None:
    own = {"table": "F_ORDER", "id": "FID", "number": "FBillNo", "created_at": "FDate"}
    (found,) = settings(orders=[own]).mapping.orders
    assert found == msgspec.convert(own, OrderMap)


def test_a_field_may_be_one_or_several_or_written_in_some_way() -> None:
    many = ("Email__c", FieldMap(field="Amount", currency_field="Cur"), "")
    assert list(paths_of(many)) == ["Email__c", "Amount", "Cur"]


def test_the_sources_that_a_mapping_names() -> None:
    customers = [{"table": "c", "id": "i", "created_at": "t", "external_ids": {"stripe_us": "x"}}]
    mapping = settings(customers=customers).mapping
    assert list(source_names(mapping)) == ["stripe_us", "stripe_eu"]


COMPLETE = {"table": "t", "id": "i", "created_at": "c", "number": "n"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"orders": [{"table": "t", "id": "i"}]}, r"orders\[0\].created_at: missing"),
        ({"orders": [COMPLETE, {**COMPLETE, "number": ""}]}, r"orders\[1\].number: missing"),
        ({"customers": [{"table": "t", "created_at": "c"}]}, r"customers\[0\].id: missing"),
        ({"receipts": [{"table": "t", "order": "o"}]}, r"receipts\[0\].amount: missing"),
        ({"orders": [{**COMPLETE, "nubmer": "x"}]}, "unknown field `nubmer`"),
        ({"orders": [{**COMPLETE, "total": {"field": "x", "unit": "cents"}}]}, "unit"),
        ({"orders": [{**COMPLETE, "total": {"field": "x", "currency": "RMB"}}]}, "ISO 4217"),
        ({"orders": [{**COMPLETE, "placed_at": {"field": "x", "zone": "Peking"}}]}, "IANA"),
        ({"orders": [{**COMPLETE, "total": {"field": "x", "thousands": "."}}]}, "separators"),
        ({"orders": [{**COMPLETE, "status": [{"field": "s", "words": {"a": "DONE"}}]}]}, "'DONE'"),
        ({"orders": [{**COMPLETE, "closed": {"field": "s", "unpaid": "GONE"}}]}, "'GONE'"),
        ({"orders": [{**COMPLETE, "channels": {"x": "VISA"}}]}, "'VISA', no provider"),
        ({"orders": [{**COMPLETE, "lines": {"quantity": "q"}}]}, "give path, or table and order"),
        ({"orders": [{**COMPLETE, "lines": {"path": "l", "quantity": "q"}}]}, "names a list"),
        ({"orders": [{**COMPLETE, "lines": {"path": "l[]"}}]}, "lines.quantity: missing"),
        ({"orders": [{**COMPLETE, "lines": {"table": "l", "quantity": "q"}}]}, "lines.order"),
        ({"customers": [{"kind": "ROBOT"}]}, "'ROBOT'"),
        ({"customers": [{"kind": {"field": "k", "words": {"x": "ROBOT"}}}]}, "'ROBOT'"),
        (
            {
                "zone": "UTC",
                "orders": [{**COMPLETE, "created_at": {"field": "x", "zone": "Asia/Tokyo"}}],
            },
            "its zone is that of the source",
        ),
        ({"currency": "RMB"}, "ISO 4217"),
        ({"currencies": {"人民币": "RMB"}}, "'人民币' leads to 'RMB'"),
        ({"zone": "../etc/passwd"}, "IANA"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_at_start(given: dict[str, Any], why: str) -> None:
    class Bare(MappedSettings, frozen=True, kw_only=True):
        pass

    with pytest.raises(msgspec.ValidationError, match=why):
        msgspec.convert({"vendor": "bare", **given}, Bare)


def test_a_customer_needs_nothing_but_its_place() -> None:
    own = CustomerMap(table="c", id="i", created_at="t")
    assert MappedSettings(vendor="x", customers=(own,)).mapping.customers == (own,)
