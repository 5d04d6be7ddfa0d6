"""From PayPal's objects to records, without I/O: one function per kind, words by table.

What does not fit raises what `fitting.mapped` makes the record's Malformed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from connectors import records
from connectors.fitting import Unfit, aside
from connectors.money import Money
from connectors.paypal import payloads
from connectors.paypal.fitting import money, positive, utc
from connectors.paypal.naming import Naming
from connectors.paypal.payloads import Authorization, Capture, Instrument, Order
from connectors.paypal.words import (
    AUTHORIZATION_STATUS,
    CAPTURE_STATUS,
    CHANNELS,
    DISPUTE_STATUS,
    HELD,
    OUTCOMES,
    REFUND_STATUS,
)
from connectors.records import (
    DisputeStatus,
    Failure,
    Payer,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Provider,
    RefundStatus,
    Source,
)
from connectors.references import trimmed

_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")
_EVER = datetime.min.replace(tzinfo=UTC)
_LAST_FOUR = re.compile(r"[0-9]{4}")


def payment(
    source: Source, paid: Authorization, order: Order | None, naming: Naming
) -> records.Payment:
    """A capture, or an authorization that has none yet; `order` where it was read."""
    amount = positive(paid.amount)
    base = _base_status(paid)
    captured = _captured(base, amount)
    refunds = _refunds(source, paid, order, captured)
    status, refunded, told = _settled(paid.status, base, captured, refunds)
    breakdown = paid.seller_receivable_breakdown if isinstance(paid, Capture) else None
    fee, net = (breakdown.paypal_fee, breakdown.net_amount) if breakdown else (None, None)
    used, instrument = _instrument(order)
    return records.Payment(
        source=source,
        native_id=paid.id,
        created_at=utc(paid.create_time),
        updated_at=utc(paid.update_time),
        custom_fields=naming.others(paid),
        provider=Provider.PAYPAL,
        channel=_channel(paid, used),
        status=status,
        provider_status=paid.status,
        amount=amount,
        captured=captured,
        refunded=refunded,
        fee=aside(lambda: money(fee)) if fee else None,
        net=aside(lambda: money(net)) if net else None,
        reference=naming.of(paid),
        paid_at=utc(paid.create_time) if captured and captured.minor_units else None,
        method=_method(paid, used, instrument),
        payer=_payer(instrument),
        failure=_failure(paid) if base is PaymentStatus.FAILED else None,
        refunds=told,
    )


def refund(source: Source, row: payloads.Refund, capture_id: str | None = None) -> records.Refund:
    """A refund; `capture_id` is its payment where the row itself does not say."""
    return records.Refund(
        source=source,
        native_id=row.id,
        created_at=utc(row.create_time),
        updated_at=utc(row.update_time),
        status=REFUND_STATUS.get(row.status or "", RefundStatus.UNKNOWN),
        provider_status=row.status,
        amount=positive(row.amount),
        # PayPal gives it the payment's own where the merchant gave the refund none.
        reference=trimmed(row.invoice_id or "") or None,
        payment_id=row.capture_id or capture_id,
    )


def refunds_of(source: Source, capture: Capture, order: Order) -> tuple[records.Refund, ...] | None:
    """All refunds of one capture, newest first; None where its order does not list them all."""
    base = _base_status(capture)
    captured = _captured(base, positive(capture.amount))
    listed = _refunds(source, capture, order, captured)
    return _settled(capture.status, base, captured, listed)[2]


def _listed(source: Source, capture: Capture, order: Order) -> tuple[records.Refund, ...] | None:
    """The refunds of one capture among those of its order, newest first; None where the order
    has a refund of which it does not say whose it is.

    Raises Unfit for one in another currency, or if more went back than was taken.
    """
    only = capture.id if order.captures.keys() == {capture.id} else None
    made = [refund(source, row, only) for row in order.refunds.values()]
    own = [r for r in made if r.payment_id == capture.id]
    taken = positive(capture.amount)
    if any(r.amount.currency != taken.currency for r in own):
        raise Unfit("a refund in another currency than its payment")
    if _sum_of(own) > taken.minor_units or any(
        r.amount.minor_units > taken.minor_units for r in own
    ):
        raise Unfit("a refund larger than its payment")
    if any(r.payment_id is None for r in made):
        return None
    newest = sorted(own, key=lambda r: (r.created_at or _EVER, r.native_id), reverse=True)
    return tuple(newest)


def dispute(
    source: Source, row: payloads.Dispute, payment_id: str | None = None
) -> records.Dispute:
    """A dispute; one about several payments is told with the first of them.

    `payment_id` is its payment where the row itself does not say.
    """
    return records.Dispute(
        source=source,
        native_id=row.dispute_id,
        created_at=utc(row.create_time),
        updated_at=utc(row.update_time),
        status=_dispute_status(row),
        amount=positive(row.dispute_amount),
        reason=row.reason,
        due_by=utc(row.seller_response_due_date),
        payment_id=row.capture_id or payment_id,
    )


def _dispute_status(row: payloads.Dispute) -> DisputeStatus:
    if row.status != "RESOLVED":
        return DISPUTE_STATUS.get(row.status or "", DisputeStatus.UNKNOWN)
    code = row.dispute_outcome.outcome_code if row.dispute_outcome else None
    return OUTCOMES.get(code, DisputeStatus.UNKNOWN)


def _base_status(paid: Authorization) -> PaymentStatus:
    if not isinstance(paid, Capture):
        return AUTHORIZATION_STATUS.get(paid.status or "", PaymentStatus.UNKNOWN)
    if (paid.status, paid.reason) in HELD:
        return PaymentStatus.DISPUTED
    return CAPTURE_STATUS.get(paid.status or "", PaymentStatus.UNKNOWN)


def _captured(base: PaymentStatus, amount: Money) -> Money | None:
    if base is PaymentStatus.UNKNOWN:
        return None
    taken = base in (PaymentStatus.SUCCEEDED, PaymentStatus.DISPUTED)
    return amount if taken else Money(0, amount.currency)


def _refunds(
    source: Source, paid: Authorization, order: Order | None, captured: Money | None
) -> tuple[records.Refund, ...] | None:
    """None where the order was not asked or does not say; nothing goes back of what was not
    taken.
    """
    if captured is not None and not captured.minor_units:
        return ()
    return _listed(source, paid, order) if order and isinstance(paid, Capture) else None


def _settled(
    word: str | None,
    base: PaymentStatus,
    captured: Money | None,
    refunds: tuple[records.Refund, ...] | None,
) -> tuple[PaymentStatus, Money | None, tuple[records.Refund, ...] | None]:
    """Status, what went back, and the refunds if they are all.

    An order does not list what was refunded past it: the capture's own word counts more.
    """
    if captured is None:
        return base, None, refunds
    back = _sum_of(refunds or ())
    whole = captured.minor_units
    if word == "REFUNDED" and back < whole:
        return PaymentStatus.REFUNDED, captured, None
    if word == "PARTIALLY_REFUNDED" and not back:
        return PaymentStatus.PARTIALLY_REFUNDED, None, None
    if back and base is PaymentStatus.SUCCEEDED:
        base = PaymentStatus.PARTIALLY_REFUNDED if back < whole else PaymentStatus.REFUNDED
    return base, Money(back, captured.currency), refunds


def _sum_of(refunds: Sequence[records.Refund]) -> int:
    """Minor units that did go back."""
    return sum(r.amount.minor_units for r in refunds if r.status is RefundStatus.SUCCEEDED)


def _instrument(order: Order | None) -> tuple[str | None, Instrument]:
    """How an order was paid: the word for it, and with what."""
    sources = order.payment_source if order else None
    return next(iter(sources.items()), (None, Instrument())) if sources else (None, Instrument())


def _channel(paid: Authorization, used: str | None) -> PaymentChannel:
    """What no card network handled is money in PayPal, unless the order knows better."""
    if used is not None:
        return CHANNELS.get(used, PaymentChannel.UNKNOWN)
    by_card = paid.network_transaction_reference or paid.processor_response
    return PaymentChannel.CARD if by_card else PaymentChannel.WALLET


def _method(paid: Authorization, used: str | None, instrument: Instrument) -> PaymentMethod | None:
    network = paid.network_transaction_reference
    brand = instrument.brand or (network.network if network else None)
    last = instrument.last_digits
    last4 = last if last and _LAST_FOUR.fullmatch(last) else None
    wallet = used if used and CHANNELS.get(used) is PaymentChannel.WALLET else None
    if brand is None and last4 is None and wallet is None:
        return None
    return PaymentMethod(brand=brand.lower() if brand else None, last4=last4, wallet=wallet)


def _payer(instrument: Instrument) -> Payer | None:
    """Masked: PayPal tells account and name in clear."""
    account, name = instrument.account_id, instrument.name
    given = name if isinstance(name, str) or name is None else name.given_name
    if not account and not given:
        return None
    return Payer(
        account=f"{account[:3]}***{account[-2:]}" if account and len(account) > 5 else None,
        name=f"{given[0]}**" if given else None,
    )


def _failure(paid: Authorization) -> Failure:
    """The bank's code, PayPal's reason, or at least the status."""
    bank = paid.processor_response.response_code if paid.processor_response else None
    code = bank or paid.reason or paid.status or ""
    return Failure(code=code if _CODE.fullmatch(code) else "UNKNOWN")
