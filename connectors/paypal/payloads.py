"""PayPal's JSON as far as it is read. Unknown fields are ignored.

Orders v2, payments v2, transaction search v1 and customer disputes v1
(https://developer.paypal.com/api/rest/). An amount is a decimal string, never a number; a time has
a zone, in reports without the colon: `2026-01-02T09:00:00+0000`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_CAPTURE = re.compile(r"/v2/payments/captures/([A-Z0-9]{1,24})")


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """An object of PayPal's."""


class Amount(Payload, frozen=True, kw_only=True):
    """What lacks either part is no amount."""

    currency_code: str = ""
    value: str = ""


class Link(Payload, frozen=True, kw_only=True):
    """Where PayPal would have us go. Its address is never called: only words are read of it."""

    href: str = ""
    rel: str = ""

    @property
    def capture(self) -> str | None:
        """The id in a link to a capture, whatever its host."""
        found = _CAPTURE.fullmatch(_split(self.href)[0])
        return found[1] if found else None

    @property
    def page(self) -> tuple[str, str] | None:
        """The parameter that leads to another page of a list."""
        query = parse_qs(_split(self.href)[1])
        return next(
            ((name, query[name][0]) for name in ("next_page_token", "page") if name in query), None
        )


class StatusDetails(Payload, frozen=True, kw_only=True):
    reason: str | None = None


class NetworkReference(Payload, frozen=True, kw_only=True):
    """Only payments by card have one."""

    network: str | None = None


class ProcessorResponse(Payload, frozen=True, kw_only=True):
    """Only payments by card have one."""

    response_code: str | None = None


class Breakdown(Payload, frozen=True, kw_only=True):
    """What the merchant receives; absent until the money is there."""

    paypal_fee: Amount | None = None
    net_amount: Amount | None = None


class RelatedIds(Payload, frozen=True, kw_only=True):
    order_id: str | None = None


class SupplementaryData(Payload, frozen=True, kw_only=True):
    related_ids: RelatedIds = RelatedIds()


class Authorization(Payload, frozen=True, kw_only=True):
    """https://developer.paypal.com/docs/api/payments/v2/#authorizations_get"""

    id: str
    status: str | None = None
    amount: Amount = Amount()
    create_time: Moment | None = None
    update_time: Moment | None = None
    status_details: StatusDetails | None = None
    custom_id: str | None = None
    invoice_id: str | None = None
    network_transaction_reference: NetworkReference | None = None
    processor_response: ProcessorResponse | None = None
    supplementary_data: SupplementaryData = SupplementaryData()

    @property
    def order_id(self) -> str | None:
        return self.supplementary_data.related_ids.order_id

    @property
    def reason(self) -> str | None:
        return self.status_details.reason if self.status_details else None


class Capture(Authorization, frozen=True, kw_only=True):
    """https://developer.paypal.com/docs/api/payments/v2/#captures_get"""

    seller_receivable_breakdown: Breakdown | None = None


class Refund(Payload, frozen=True, kw_only=True):
    """https://developer.paypal.com/docs/api/payments/v2/#refunds_get

    The link `up` is all that leads back to the capture.
    """

    id: str
    status: str | None = None
    amount: Amount = Amount()
    create_time: Moment | None = None
    update_time: Moment | None = None
    invoice_id: str | None = None
    links: tuple[Link, ...] = ()

    @property
    def capture_id(self) -> str | None:
        return next((link.capture for link in self.links if link.rel == "up"), None)


class PersonName(Payload, frozen=True, kw_only=True):
    given_name: str | None = None


class Instrument(Payload, frozen=True, kw_only=True):
    """A card or an account; a card's `name` is one text, an account's is in parts."""

    brand: str | None = None
    last_digits: str | None = None
    account_id: str | None = None
    name: str | PersonName | None = None


class Collection(Payload, frozen=True, kw_only=True):
    authorizations: tuple[Authorization, ...] = ()
    captures: tuple[Capture, ...] = ()
    refunds: tuple[Refund, ...] = ()


class Unit(Payload, frozen=True, kw_only=True):
    payments: Collection = Collection()


class Order(Payload, frozen=True, kw_only=True):
    """https://developer.paypal.com/docs/api/orders/v2/#orders_get

    `payment_source` has one key, which says how it was paid. A row that comes twice counts once.
    """

    id: str
    purchase_units: tuple[Unit, ...] = ()
    payment_source: dict[str, Instrument] | None = None

    @property
    def captures(self) -> dict[str, Capture]:
        return {row.id: row for unit in self.purchase_units for row in unit.payments.captures}

    @property
    def authorizations(self) -> dict[str, Authorization]:
        return {row.id: row for unit in self.purchase_units for row in unit.payments.authorizations}

    @property
    def refunds(self) -> dict[str, Refund]:
        return {row.id: row for unit in self.purchase_units for row in unit.payments.refunds}


class DisputedTransaction(Payload, frozen=True, kw_only=True):
    seller_transaction_id: str | None = None


class Outcome(Payload, frozen=True, kw_only=True):
    outcome_code: str | None = None


class Dispute(Payload, frozen=True, kw_only=True):
    """https://developer.paypal.com/docs/api/customer-disputes/v1/#disputes_get"""

    dispute_id: str
    status: str | None = None
    dispute_amount: Amount = Amount()
    create_time: Moment | None = None
    update_time: Moment | None = None
    reason: str | None = None
    seller_response_due_date: Moment | None = None
    dispute_outcome: Outcome | None = None
    disputed_transactions: tuple[DisputedTransaction, ...] = ()

    @property
    def capture_id(self) -> str | None:
        ids = (row.seller_transaction_id for row in self.disputed_transactions)
        return next((capture_id for capture_id in ids if capture_id), None)


class DisputeStub(Payload, frozen=True, kw_only=True):
    """A row of the list of disputes: it does not say whose payment it is about."""

    dispute_id: str


class DisputeList(Payload, frozen=True, kw_only=True):
    items: tuple[DisputeStub, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def next_page(self) -> tuple[str, str] | None:
        return next((link.page for link in self.links if link.rel == "next"), None)


class Transaction(Payload, frozen=True, kw_only=True):
    """`transaction_info` of a report. Amounts are signed: what the account pays is negative."""

    transaction_id: str | None = None
    transaction_event_code: str | None = None
    transaction_initiation_date: Moment | None = None
    transaction_amount: Amount | None = None
    fee_amount: Amount | None = None
    paypal_reference_id: str | None = None
    paypal_reference_id_type: str | None = None
    custom_field: str | None = None
    invoice_id: str | None = None


class Row(Payload, frozen=True, kw_only=True):
    transaction_info: Transaction


class Report(Payload, frozen=True, kw_only=True):
    """https://developer.paypal.com/docs/api/transaction-search/v1/#transactions_get

    Each of the `transaction_details` is a `Row`, to be decoded on its own.
    """

    transaction_details: tuple[msgspec.Raw, ...] = ()
    last_refreshed_datetime: Moment | None = None
    total_items: int
    total_pages: int


def _split(href: str) -> tuple[str, str]:
    """Path and query of an address; nothing of what is no address."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return "", ""
    return parts.path, parts.query
