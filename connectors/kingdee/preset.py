"""The standard forms of Galaxy: customers and sales orders. A standard installation has no field
that leads from a receipt to its order, so receipts and refunds are the company's own mapping.

Galaxy's bills: https://openapi.open.kingdee.com (form ids and field keys).
"""

from __future__ import annotations

from connectors.mapping import (
    NEXT,
    ClosedMap,
    CustomerMap,
    FieldMap,
    LineMap,
    OrderMap,
    Preset,
    StatusMap,
)

CUSTOMER = "BD_Customer"
ORDER = "SAL_SaleOrder"
ORDER_LINES = f"{ORDER}.FSaleOrderEntry"
CURRENCY = "FSettleCurrId.FNumber"

# Field permissions that lack show as blank, so a blank letter says nothing.
VOIDED = StatusMap(
    field="FCancelStatus", words={"A": NEXT, "B": "CANCELED"}, empty="UNKNOWN", otherwise="UNKNOWN"
)
DOCUMENT = StatusMap(
    field="FDocumentStatus",
    words={"Z": "DRAFT", "A": "DRAFT", "D": "DRAFT", "B": "PENDING_PAYMENT", "C": NEXT},
    empty="UNKNOWN",
    otherwise="UNKNOWN",
)

PRESET = Preset(
    customers=(
        CustomerMap(
            table=CUSTOMER,
            id="FCUSTID",
            name="FName",
            status="FForbidStatus",
            created_at="FCreateDate",
            updated_at="FModifyDate",
        ),
    ),
    orders=(
        OrderMap(
            table=ORDER,
            id="FID",
            number="FBillNo",
            customer="FCustId",
            total=FieldMap(field="FBillAllAmount", currency_field=CURRENCY),
            created_at="FCreateDate",
            updated_at="FModifyDate",
            placed_at="FDate",
            status=(VOIDED, DOCUMENT),
            shown_status=DOCUMENT.field,
            closed=ClosedMap(field="FCloseStatus", words=("B",)),
            lines=LineMap(
                table=ORDER_LINES,
                order="FID",
                sku="FMaterialId.FNumber",
                name="FMaterialId.FName",
                quantity="FQty",
                unit_price=FieldMap(field="FTaxPrice", currency_field=CURRENCY),
                total=FieldMap(field="FAllAmount", currency_field=CURRENCY),
            ),
        ),
    ),
)
CURRENCIES = {"PRE001": "CNY", "PRE007": "USD"}
