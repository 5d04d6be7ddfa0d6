"""Standard objects of Salesforce as customers and orders. Object Reference for each of them.

Amounts are in the row's own CurrencyIsoCode unless the source has one currency; see `settings`.
"""

from __future__ import annotations

from typing import Any

from connectors.mapping import NEXT, CustomerMap, FieldMap, KindMap, LineMap, OrderMap, StatusMap

SYSTEM: dict[str, Any] = {
    "id": "Id",
    "created_at": "CreatedDate",
    "updated_at": "LastModifiedDate",
}
"""Fields that every object has, also an organisation's own."""
PERSONS = "IsPersonAccount"
"""Of an account that is a person. An organisation without person accounts has neither this nor the
fields of persons (Object Reference, "Account" and "Person Account Fields")."""
CUSTOMERS = {
    "Account": CustomerMap(
        table="Account",
        **SYSTEM,
        name="Name",
        kind=KindMap(
            field=PERSONS, words={"true": "PERSON"}, otherwise="COMPANY", only_with=PERSONS
        ),
        email=FieldMap(field="PersonEmail", only_with=PERSONS),
        phones=("Phone", FieldMap(field="PersonMobilePhone", only_with=PERSONS)),
        industry="Industry",
    ),
    "Contact": CustomerMap(
        table="Contact",
        **SYSTEM,
        name="Name",
        kind="PERSON",
        email="Email",
        phones=("Phone", "MobilePhone"),
    ),
}
_LINE: dict[str, Any] = {
    "sku": "Product2.ProductCode",
    "name": "Product2.Name",
    "quantity": "Quantity",
    "unit_price": "UnitPrice",
    "total": "TotalPrice",
}
ORDERS = {
    "Order": OrderMap(
        table="Order",
        **SYSTEM,
        number="OrderNumber",
        total="TotalAmount",
        placed_at="EffectiveDate",
        customer="AccountId",
        # An organisation's own words come first; the code behind each of them is one of four.
        status=(
            StatusMap(field="Status", otherwise=NEXT),
            StatusMap(
                field="StatusCode",
                words={
                    "Draft": "DRAFT",
                    "Activated": NEXT,
                    "Canceled": "CANCELED",
                    "Expired": "CANCELED",
                },
                empty="UNKNOWN",
            ),
        ),
        lines=LineMap(table="OrderItem", order="OrderId", **_LINE),
    ),
    "Opportunity": OrderMap(
        table="Opportunity",
        **SYSTEM,
        number="Name",
        total="Amount",
        placed_at="CloseDate",
        customer="AccountId",
        status=(
            StatusMap(field="StageName", otherwise=NEXT),
            StatusMap(field="IsClosed", words={"false": "DRAFT"}, otherwise=NEXT),
            StatusMap(field="IsWon", words={"false": "CANCELED"}, otherwise=NEXT),
        ),
        lines=LineMap(table="OpportunityLineItem", order="OpportunityId", **_LINE),
    ),
}
CONTACT_FIELDS = {"Order": "BillToContactId", "Opportunity": "ContactId"}
"""What leads from an order to its customer where the customers are contacts."""
RELATIONSHIPS = {
    ("Account", "Order", "AccountId"): "Orders",
    ("Account", "Opportunity", "AccountId"): "Opportunities",
}
"""The way back, as a subquery names it; others are asked for."""
TYPES = {
    "CreatedDate": "datetime",
    "LastModifiedDate": "datetime",
    "ActivatedDate": "datetime",
    "EffectiveDate": "date",
    "CloseDate": "date",
    "TotalAmount": "currency",
    "Amount": "currency",
    "Status": "picklist",
    "StatusCode": "picklist",
    "StageName": "picklist",
    "IsClosed": "boolean",
    "IsWon": "boolean",
}
"""Types of fields that an organisation cannot redefine; others are asked for."""
