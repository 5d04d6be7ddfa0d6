"""Stripe's JSON as far as it is read, API version 2026-10-28.endive.

A reference is an id, or the object itself where it was expanded
(https://docs.stripe.com/api/expanding_objects). Unknown fields are ignored.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Metadata = dict[str, str]


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """An object of Stripe's."""


class Listing(Payload, frozen=True, kw_only=True):
    """A list or a search result, its rows not yet decoded (`next_page` is a search's)."""

    object: Literal["list", "search_result"]
    data: list[msgspec.Raw]
    has_more: bool
    next_page: str | None = None


class Stub(Payload, frozen=True, kw_only=True):
    """As little as can be read from a row that does not fit otherwise."""

    id: str
    metadata: Any = None
    customer: Any = None


class BalanceTransaction(Payload, frozen=True, kw_only=True):
    """What a charge did to the balance, in the currency of settlement."""

    currency: str = ""
    fee: int | None = None
    net: int | None = None


class InstalmentTerms(Payload, frozen=True, kw_only=True):
    count: int | None = None
    interval: str | None = None


class Installments(Payload, frozen=True, kw_only=True):
    plan: InstalmentTerms | None = None


class Wallet(Payload, frozen=True, kw_only=True):
    type: str | None = None


class Instrument(Payload, frozen=True, kw_only=True):
    """A card or bank account; the number itself is never sent by Stripe."""

    brand: str | None = None
    last4: str | None = None
    wallet: Wallet | None = None
    installments: Installments | None = None


class MethodDetails(Payload, frozen=True, kw_only=True):
    """`charge.payment_method_details`: its `type` names the one key that is filled."""

    type: str | None = None
    card: Instrument | None = None
    card_present: Instrument | None = None
    interac_present: Instrument | None = None
    kr_card: Instrument | None = None
    acss_debit: Instrument | None = None
    au_becs_debit: Instrument | None = None
    bacs_debit: Instrument | None = None
    sepa_debit: Instrument | None = None
    us_bank_account: Instrument | None = None


class Refund(Payload, frozen=True, kw_only=True):
    """https://docs.stripe.com/api/refunds/object"""

    id: str
    amount: int | None = None
    currency: str = ""
    created: int | None = None
    status: str | None = None
    reason: str | None = None
    balance_transaction: str | None = None
    charge: Charge | str | None = None
    payment_intent: Intent | str | None = None
    metadata: Metadata | None = None


class RefundList(Payload, frozen=True, kw_only=True):
    data: list[Refund] | None = None
    has_more: bool = False


class Charge(Payload, frozen=True, kw_only=True):
    """https://docs.stripe.com/api/charges/object"""

    id: str
    amount: int
    currency: str
    amount_captured: int | None = None
    amount_refunded: int | None = None
    created: int | None = None
    status: str | None = None
    captured: bool | None = None
    refunded: bool | None = None
    disputed: bool | None = None
    customer: str | None = None
    failure_code: str | None = None
    balance_transaction: BalanceTransaction | str | None = None
    payment_intent: Intent | str | None = None
    payment_method_details: MethodDetails | None = None
    refunds: RefundList | None = None
    metadata: Metadata | None = None


class PaymentError(Payload, frozen=True, kw_only=True):
    code: str | None = None
    decline_code: str | None = None
    type: str | None = None


class Intent(Payload, frozen=True, kw_only=True):
    """https://docs.stripe.com/api/payment_intents/object"""

    id: str
    amount: int
    currency: str
    amount_received: int | None = None
    created: int | None = None
    status: str | None = None
    customer: str | None = None
    last_payment_error: PaymentError | None = None
    latest_charge: Charge | str | None = None
    payment_method_types: list[str] = []
    metadata: Metadata | None = None


Paid = Intent | Charge
"""A payment: an intent, or a charge from before there were intents."""


class EvidenceDetails(Payload, frozen=True, kw_only=True):
    due_by: int | None = None


class Dispute(Payload, frozen=True, kw_only=True):
    """https://docs.stripe.com/api/disputes/object"""

    id: str
    amount: int
    currency: str
    created: int | None = None
    status: str | None = None
    charge: str | None = None
    reason: str | None = None
    payment_intent: str | None = None
    evidence_details: EvidenceDetails | None = None
    metadata: Metadata | None = None


class Customer(Payload, frozen=True, kw_only=True):
    """https://docs.stripe.com/api/customers/object; a deleted one has its id only."""

    id: str
    deleted: bool = False
    created: int | None = None
    name: str | None = None
    business_name: str | None = None
    individual_name: str | None = None
    email: str | None = None
    phone: str | None = None
    metadata: Metadata | None = None


class Price(Payload, frozen=True, kw_only=True):
    currency: str = ""
    unit_amount: int | None = None
    unit_amount_decimal: str | None = None
    lookup_key: str | None = None


class Item(Payload, frozen=True, kw_only=True):
    """https://docs.stripe.com/api/checkout/sessions/line_items"""

    id: str
    amount_total: int | None = None
    currency: str = ""
    description: str | None = None
    quantity: int | None = None
    price: Price | None = None
    metadata: Metadata | None = None


class ItemList(Payload, frozen=True, kw_only=True):
    data: list[Item] | None = None
    has_more: bool = False


class InvoicePaid(Payload, frozen=True, kw_only=True):
    """How an invoice was paid; what was paid past Stripe has neither."""

    payment_intent: str | None = None
    charge: str | None = None

    @property
    def native_id(self) -> str | None:
        return self.payment_intent or self.charge


class InvoicePayment(Payload, frozen=True, kw_only=True):
    """https://docs.stripe.com/api/invoice-payment/object"""

    id: str
    created: int | None = None
    invoice: str | None = None
    payment: InvoicePaid | None = None


class Session(Payload, frozen=True, kw_only=True):
    """https://docs.stripe.com/api/checkout/sessions/object"""

    id: str
    created: int | None = None
    payment_status: str | None = None
    status: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    client_reference_id: str | None = None
    customer: str | None = None
    mode: str | None = None
    payment_intent: str | None = None
    invoice: str | None = None
    line_items: ItemList | None = None
    metadata: Metadata | None = None

    @property
    def by_invoice(self) -> bool:
        """Whether its payments are those of its invoice."""
        nothing_due = self.payment_status == "no_payment_required"
        return self.invoice is not None and self.payment_intent is None and not nothing_due
