"""Vendor-neutral, immutable values: what every connector answers with.

A record is the source object of its GraphQL type: plain fields are read from it by attribute, so
the names here are the schema's names in snake case. Times are aware UTC, amounts are `Money`.
A relation that a vendor delivered together with the record (`Payment.refunds`) is kept on it;
`None` there means "not fetched", never "none exist".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar

import msgspec

from connectors.errors import FieldMisfit, SourceError
from connectors.money import Money
from connectors.price import Price


class Kind(Enum):
    """The middle part of an id, `source:kind:native`."""

    CUSTOMER = "customer"
    ORDER = "order"
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"


class SourceKind(Enum):
    CRM = "CRM"
    PAYMENTS = "PAYMENTS"


class CustomerKind(Enum):
    PERSON = "PERSON"
    COMPANY = "COMPANY"
    UNKNOWN = "UNKNOWN"


class OrderState(Enum):
    DRAFT = "DRAFT"
    PENDING_PAYMENT = "PENDING_PAYMENT"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    FULFILLED = "FULFILLED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"


class PaymentStatus(Enum):
    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    DISPUTED = "DISPUTED"
    UNKNOWN = "UNKNOWN"


class RefundStatus(Enum):
    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"


class DisputeStatus(Enum):
    NEEDS_RESPONSE = "NEEDS_RESPONSE"
    UNDER_REVIEW = "UNDER_REVIEW"
    WON = "WON"
    LOST = "LOST"
    CLOSED = "CLOSED"
    UNKNOWN = "UNKNOWN"


class Provider(Enum):
    STRIPE = "STRIPE"
    PAYPAL = "PAYPAL"
    ALIPAY = "ALIPAY"
    WECHAT_PAY = "WECHAT_PAY"
    UNIONPAY = "UNIONPAY"
    OTHER = "OTHER"


class PaymentChannel(Enum):
    CARD = "CARD"
    WALLET = "WALLET"
    BANK = "BANK"
    QR = "QR"
    ECNY = "ECNY"
    PAY_LATER = "PAY_LATER"
    CASH = "CASH"
    UNKNOWN = "UNKNOWN"


class Source(msgspec.Struct, frozen=True):
    """One configured account of a vendor, such as `stripe_eu`."""

    name: str
    vendor: str
    kind: SourceKind


class ExternalId(msgspec.Struct, frozen=True):
    """A native id of a record in another source, and the field that holds it."""

    source: str
    native_id: str
    field: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What every record has. A native id alone is never a key; `id` is.

    `misfits` says of which attributes the source holds a value that does not fit its mapping, and
    why, in our words; `failed` which of them a call that failed would have given. The attribute
    itself is then empty, or UNKNOWN.
    """

    KIND: ClassVar[Kind]

    source: Source
    native_id: str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    custom_fields: Mapping[str, Any] | None = None
    misfits: Mapping[str, str] | None = None
    failed: Mapping[str, SourceError] | None = None

    @property
    def id(self) -> str:
        """`source:kind:native`, for instance `stripe_eu:payment:pi_3N`."""
        return f"{self.source.name}:{self.KIND._value_}:{self.native_id}"

    def misfit(self, name: str) -> SourceError | None:
        """Why an attribute is empty although the source holds something."""
        if self.failed and name in self.failed:
            return self.failed[name]
        reason = (self.misfits or {}).get(name)
        return None if reason is None else FieldMisfit(self.source.name, reason)


class Customer(Record, frozen=True, kw_only=True):
    KIND: ClassVar[Kind] = Kind.CUSTOMER

    name: str | None = None
    kind: CustomerKind = CustomerKind.UNKNOWN
    email: str | None = None
    more_emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    tier: str | None = None
    industry: str | None = None
    status: str | None = None
    external_ids: tuple[ExternalId, ...] = ()

    @property
    def emails(self) -> tuple[str, ...]:
        return (self.email, *self.more_emails) if self.email is not None else self.more_emails


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """`source` is the name of the source, for `misfits`, which are as those of a record. A `price`
    that is no money has the misfit `unit_price`."""

    sku: str | None = None
    name: str | None = None
    quantity: Decimal | None
    price: Price | None = None
    total: Money | None = None
    source: str = ""
    misfits: Mapping[str, str] | None = None

    @property
    def unit_price(self) -> Money | None:
        return self.price.money if self.price is not None else None

    def misfit(self, name: str) -> FieldMisfit | None:
        reason = (self.misfits or {}).get(name)
        return None if reason is None else FieldMisfit(self.source, reason)


class Order(Record, frozen=True, kw_only=True):
    """What the order's own record says of its payments: `payment_ids` are ids at a provider,
    `recorded_providers` those through which it was paid, () where it does not say.
    """

    KIND: ClassVar[Kind] = Kind.ORDER

    number: str
    total: Money | None = None
    placed_at: datetime | None = None
    recorded_state: OrderState = OrderState.UNKNOWN
    recorded_status: str | None = None
    customer_id: str | None = None
    payment_ids: tuple[ExternalId, ...] = ()
    recorded_providers: tuple[Provider, ...] = ()
    lines: tuple[OrderLine, ...] | None = None


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """How it was paid: never a card number, at most its last four digits."""

    brand: str | None = None
    last4: str | None = None
    wallet: str | None = None


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """Who paid, as the provider knows them, masked: `159****5620`, `*三`."""

    account: str | None = None
    name: str | None = None


class InstalmentPlan(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    interval: str | None = None


class Deduction(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon, points or promotion that paid a part of the amount."""

    kind: str
    amount: Money
    funded_by: str | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a payment failed, in the provider's code. Never the provider's free text."""

    code: str


class Refund(Record, frozen=True, kw_only=True):
    KIND: ClassVar[Kind] = Kind.REFUND

    status: RefundStatus
    provider_status: str | None = None
    amount: Money
    reason: str | None = None
    settled_at: datetime | None = None
    reference: str | None = None
    payment_id: str | None = None
    payment: Payment | None = None


class Dispute(Record, frozen=True, kw_only=True):
    KIND: ClassVar[Kind] = Kind.DISPUTE

    status: DisputeStatus
    amount: Money
    reason: str | None = None
    due_by: datetime | None = None
    payment_id: str | None = None


class Payment(Record, frozen=True, kw_only=True):
    """`customer_id` is the payer as the same source knows it; `disputes` as `Record` says."""

    KIND: ClassVar[Kind] = Kind.PAYMENT

    provider: Provider
    channel: PaymentChannel = PaymentChannel.UNKNOWN
    status: PaymentStatus
    provider_status: str | None = None
    amount: Money
    captured: Money | None = None
    refunded: Money | None = None
    fee: Money | None = None
    net: Money | None = None
    reference: str | None = None
    paid_at: datetime | None = None
    method: PaymentMethod | None = None
    payer: Payer | None = None
    instalments: InstalmentPlan | None = None
    deductions: tuple[Deduction, ...] = ()
    failure: Failure | None = None
    customer_id: str | None = None
    refunds: tuple[Refund, ...] | None = None
    disputes: tuple[Dispute, ...] | None = None
