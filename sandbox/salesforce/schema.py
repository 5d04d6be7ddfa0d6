"""The objects of the simulated organisation: their fields, parents and children."""

from __future__ import annotations

from dataclasses import dataclass, field

LENGTHS = {
    "id": 18,
    "reference": 18,
    "string": 255,
    "email": 80,
    "phone": 40,
    "picklist": 255,
    "textarea": 32000,
}
TEXT = frozenset({"string", "email", "phone", "picklist", "textarea"})
IDS = frozenset({"id", "reference"})
NUMBERS = frozenset({"currency", "double"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field; a reference also names the object it leads to and the way there in a query."""

    name: str
    type: str
    updateable: bool = False
    external_id: bool = False
    leads_to: str | None = None
    relationship: str | None = None

    @property
    def label(self) -> str:
        return self.name.removesuffix("__c").replace("_", " ")

    @property
    def length(self) -> int:
        return LENGTHS.get(self.type, 0)

    @property
    def filterable(self) -> bool:
        """Long text can be read but neither filtered nor sorted by."""
        return self.type != "textarea"


@dataclass(frozen=True, slots=True)
class Child:
    """The other side of a reference: `relationship` is what a subquery selects from."""

    object: str
    field: str
    relationship: str


@dataclass(frozen=True, slots=True)
class SObject:
    """One kind of record. The dictionaries are by lower case: names are not case-sensitive."""

    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    parents: dict[str, Field] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)


def plain(type_: str, *names: str) -> list[Field]:
    return [Field(name, type_) for name in names]


def editable(type_: str, *names: str) -> list[Field]:
    return [Field(name, type_, updateable=True) for name in names]


def external(*names: str) -> list[Field]:
    return [Field(name, "string", updateable=True, external_id=True) for name in names]


def link(relationship: str, leads_to: str, updateable: bool = False) -> Field:
    """A reference; its field has the relationship's name and `Id`."""
    name = f"{relationship}Id"
    return Field(name, "reference", updateable, leads_to=leads_to, relationship=relationship)


SYSTEM = [
    *plain("boolean", "IsDeleted"),
    *plain("datetime", "CreatedDate", "LastModifiedDate", "SystemModstamp"),
]
PARTY = external("Stripe_EU_Customer__c", "Stripe_US_Customer__c")
MONEY_STATE = [
    *editable("picklist", "Payment_Status__c"),
    *editable("currency", "Paid_Amount__c", "Refunded_Amount__c"),
    *external("Stripe_EU_Payment__c", "Stripe_US_Payment__c", "PayPal_Payment__c"),
    *external("Alipay_Payment__c", "WeChat_Payment__c", "UnionPay_Payment__c", "ECNY_Payment__c"),
    *editable("string", "Payment_Channel__c", "WeChat_Refund_No__c"),
]
PRICED = [*plain("double", "Quantity"), *plain("currency", "UnitPrice", "TotalPrice")]

FIELDS: dict[str, list[Field]] = {
    "Account": [
        *plain("id", "Id"),
        *plain("string", "Name"),
        *editable("string", "AccountNumber"),
        *editable("phone", "Phone"),
        *editable("picklist", "Industry", "Type", "Tier__c"),
        *editable("email", "Email__c"),
        *plain("boolean", "IsPersonAccount"),
        *editable("email", "PersonEmail"),
        *editable("phone", "PersonMobilePhone"),
        link("MasterRecord", "Account"),
        *plain("picklist", "CurrencyIsoCode"),
        *PARTY,
        *SYSTEM,
    ],
    "Contact": [
        *plain("id", "Id"),
        link("Account", "Account"),
        *plain("string", "FirstName", "LastName", "Name"),
        *editable("email", "Email"),
        *editable("phone", "Phone", "MobilePhone"),
        link("MasterRecord", "Contact"),
        *PARTY,
        *SYSTEM,
    ],
    "Order": [
        *plain("id", "Id"),
        *plain("string", "OrderNumber"),
        link("Account", "Account"),
        *plain("date", "EffectiveDate"),
        *editable("picklist", "Status"),
        *plain("picklist", "StatusCode"),
        *plain("currency", "TotalAmount"),
        *plain("picklist", "CurrencyIsoCode"),
        *MONEY_STATE,
        link("BillToContact", "Contact", updateable=True),
        *editable("string", "PoNumber", "OrderReferenceNumber"),
        *editable("textarea", "Description"),
        *SYSTEM,
    ],
    "OrderItem": [
        *plain("id", "Id"),
        link("Order", "Order"),
        *plain("string", "OrderItemNumber"),
        link("Product2", "Product2"),
        *PRICED,
        *plain("picklist", "CurrencyIsoCode"),
        *SYSTEM,
    ],
    "Product2": [
        *plain("id", "Id"),
        *plain("string", "Name", "ProductCode"),
        *plain("boolean", "IsActive"),
        *SYSTEM,
    ],
    "Opportunity": [
        *plain("id", "Id"),
        *plain("string", "Name"),
        link("Account", "Account"),
        *editable("picklist", "StageName"),
        *plain("boolean", "IsClosed", "IsWon"),
        *plain("currency", "Amount"),
        *plain("picklist", "CurrencyIsoCode"),
        *plain("date", "CloseDate"),
        *MONEY_STATE,
        *SYSTEM,
    ],
    "OpportunityLineItem": [
        *plain("id", "Id"),
        link("Opportunity", "Opportunity"),
        link("Product2", "Product2"),
        *PRICED,
        *plain("picklist", "CurrencyIsoCode"),
        *SYSTEM,
    ],
}
CHILDREN: dict[str, list[Child]] = {
    "Account": [
        Child("Order", "AccountId", "Orders"),
        Child("Contact", "AccountId", "Contacts"),
        Child("Opportunity", "AccountId", "Opportunities"),
    ],
    "Contact": [Child("Order", "BillToContactId", "BilledOrders")],
    "Order": [Child("OrderItem", "OrderId", "OrderItems")],
    "Opportunity": [Child("OpportunityLineItem", "OpportunityId", "OpportunityLineItems")],
}


def sobject(name: str) -> SObject:
    fields = FIELDS[name]
    return SObject(
        name,
        {f.name.lower(): f for f in fields},
        {f.relationship.lower(): f for f in fields if f.relationship},
        {child.relationship.lower(): child for child in CHILDREN.get(name, [])},
    )


OBJECTS: dict[str, SObject] = {name.lower(): sobject(name) for name in FIELDS}
