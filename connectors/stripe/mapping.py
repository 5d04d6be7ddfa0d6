"""From Stripe's objects to records, without I/O: one function per kind, words by table.

An amount or currency that does not fit raises ValueError, a time OverflowError.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from connectors import records
from connectors.currency import minor_unit_digits
from connectors.money import INT64_MAX, InexactAmount, Money
from connectors.records import (
    CustomerKind,
    DisputeStatus,
    ExternalId,
    Failure,
    InstalmentPlan,
    OrderLine,
    OrderState,
    PaymentMethod,
    PaymentStatus,
    Provider,
    RefundStatus,
    Source,
)
from connectors.stripe import payloads
from connectors.stripe.payloads import Charge, Intent, Paid
from connectors.stripe.words import (
    CHANNELS,
    CHARGE_STATUS,
    DISPUTE_STATUS,
    HOLDS,
    INTENT_STATUS,
    REFUND_STATUS,
    SESSION_STATE,
    WIRE_DIGITS,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def money(amount: int, currency: str) -> Money:
    """Stripe's integer in our minor units (https://docs.stripe.com/currencies).

    Raises UnknownCurrency, or InexactAmount for an amount that our minor units cannot hold.
    """
    code = currency.upper()
    digits = minor_unit_digits(code)
    surplus = WIRE_DIGITS.get(code, digits) - digits
    minor, rest = divmod(amount, 10**surplus) if surplus > 0 else (amount * 10**-surplus, 0)
    if rest or abs(minor) > INT64_MAX:
        raise InexactAmount(f"not an amount of {code}")
    return Money(minor, code)


def moment(seconds: int) -> datetime:
    """Unix seconds as aware UTC."""
    return EPOCH + timedelta(seconds=seconds)


def charge_of(paid: Paid) -> Charge | None:
    """The charge that decides about a payment: the latest of an intent, if it came with it."""
    charge = paid.latest_charge if isinstance(paid, Intent) else paid
    return charge if isinstance(charge, Charge) else None


def payment(
    source: Source,
    paid: Paid,
    disputes: tuple[payloads.Dispute, ...] | None,
    reference_key: str,
) -> records.Payment:
    """A payment with what its charge, refunds and disputes say about it.

    `disputes` is None where the charge is disputed but nobody asked how: it then counts.
    """
    charge = charge_of(paid)
    refunds = _refunds(source, paid, charge, reference_key)
    captured = _captured(paid, charge)
    refunded = _refunded(paid, charge, refunds)
    contested = _disputes(source, paid, charge, disputes)
    held = charge is not None and charge.disputed and _holds(contested)
    base = _base_status(paid, charge)
    unsure = _is_unsure(charge, refunds)
    metadata = paid.metadata or {}
    balance = charge.balance_transaction if charge else None
    settled = balance if isinstance(balance, payloads.BalanceTransaction) else None
    return records.Payment(
        source=source,
        native_id=paid.id,
        created_at=moment(paid.created),
        custom_fields=_others(metadata, reference_key),
        provider=Provider.STRIPE,
        channel=CHANNELS.get(_method_type(paid, charge), records.PaymentChannel.UNKNOWN),
        status=PaymentStatus.UNKNOWN if unsure else _overlaid(base, captured, refunded, held),
        provider_status=paid.status,
        amount=money(paid.amount, paid.currency),
        captured=None if unsure else captured,
        refunded=None if unsure else refunded,
        fee=money(settled.fee, settled.currency) if settled else None,
        net=money(settled.net, settled.currency) if settled else None,
        reference=metadata.get(reference_key),
        paid_at=moment(charge.created) if charge and captured.minor_units else None,
        method=_method(charge),
        instalments=_instalments(charge),
        failure=None if base is PaymentStatus.SUCCEEDED else _failure(paid, charge),
        customer_id=paid.customer,
        refunds=refunds,
        disputes=contested,
    )


def refund(
    source: Source,
    row: payloads.Refund,
    reference_key: str,
    payment: records.Payment | None = None,
) -> records.Refund:
    """A refund; its payment is an intent, or the charge where there is none."""
    intent = row.payment_intent
    metadata = row.metadata or {}
    return records.Refund(
        source=source,
        native_id=row.id,
        created_at=moment(row.created),
        custom_fields=_others(metadata, reference_key),
        status=REFUND_STATUS.get(row.status, RefundStatus.UNKNOWN),
        provider_status=row.status,
        amount=money(row.amount, row.currency),
        reason=row.reason,
        reference=metadata.get(reference_key),
        payment_id=(intent.id if isinstance(intent, Intent) else intent) or row.charge,
        payment=payment,
    )


def dispute(source: Source, row: payloads.Dispute) -> records.Dispute:
    """A dispute; Stripe's `due_by` is 0 where the bank takes no answer."""
    due_by = row.evidence_details.due_by if row.evidence_details else None
    return records.Dispute(
        source=source,
        native_id=row.id,
        created_at=moment(row.created),
        custom_fields=dict(row.metadata or {}),
        status=DISPUTE_STATUS.get(row.status, DisputeStatus.UNKNOWN),
        amount=money(row.amount, row.currency),
        reason=row.reason,
        due_by=moment(due_by) if due_by else None,
        payment_id=row.payment_intent or row.charge,
    )


def customer(source: Source, row: payloads.Customer) -> records.Customer | None:
    """A customer, or None for one that was deleted."""
    if row.deleted:
        return None
    kind = CustomerKind.PERSON if row.individual_name else CustomerKind.UNKNOWN
    return records.Customer(
        source=source,
        native_id=row.id,
        created_at=None if row.created is None else moment(row.created),
        custom_fields=dict(row.metadata or {}),
        name=row.name or row.business_name or row.individual_name,
        kind=CustomerKind.COMPANY if row.business_name else kind,
        email=row.email,
        phones=(row.phone,) if row.phone else (),
    )


def order(source: Source, row: payloads.Session) -> records.Order:
    """A checkout session as an order; its lines when all of them came with it."""
    items = row.line_items
    known = row.amount_total is not None and row.currency is not None
    intent = row.payment_intent
    state = SESSION_STATE.get((row.status, row.payment_status)) or SESSION_STATE.get(
        (row.status, None), OrderState.UNKNOWN
    )
    return records.Order(
        source=source,
        native_id=row.id,
        created_at=moment(row.created),
        custom_fields=dict(row.metadata or {}),
        number=row.client_reference_id or row.id,
        total=money(row.amount_total or 0, row.currency or "") if known else None,
        placed_at=moment(row.created),
        recorded_state=state,
        recorded_status=row.status,
        customer_id=row.customer,
        payment_ids=(ExternalId(source.name, intent, "payment_intent"),) if intent else (),
        lines=tuple(map(line, items.data)) if items and not items.has_more else None,
    )


def line(item: payloads.Item) -> OrderLine:
    """A line of a session; a price in parts of a minor unit has no `unit_amount`.

    Stripe has no article number: merchants keep theirs in the metadata, or as a price's lookup key.
    """
    price = item.price
    unit = price.unit_amount if price else None
    return OrderLine(
        sku=(item.metadata or {}).get("sku") or (price.lookup_key if price else None),
        name=item.description,
        quantity=Decimal(1 if item.quantity is None else item.quantity),
        unit_price=money(unit, price.currency) if price and unit is not None else None,
        total=money(item.amount_total, item.currency),
    )


def _base_status(paid: Paid, charge: Charge | None) -> PaymentStatus:
    """The status before refunds and disputes are laid over it."""
    if isinstance(paid, Charge):
        status = CHARGE_STATUS.get((paid.status, paid.captured), PaymentStatus.UNKNOWN)
    elif paid.status == "requires_payment_method" and paid.last_payment_error:
        status = PaymentStatus.FAILED
    else:
        status = INTENT_STATUS.get(paid.status, PaymentStatus.UNKNOWN)
    released = charge is not None and charge.refunded and not charge.captured
    # A "refund" of what was never captured is the authorisation let go: no money moved.
    return PaymentStatus.CANCELED if released and status is PaymentStatus.AUTHORIZED else status


def _overlaid(base: PaymentStatus, captured: Money, refunded: Money, held: bool) -> PaymentStatus:
    if base is not PaymentStatus.SUCCEEDED:
        return base
    if held:
        return PaymentStatus.DISPUTED
    if refunded.minor_units <= 0:
        return base
    whole = refunded.minor_units >= captured.minor_units
    return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED


def _captured(paid: Paid, charge: Charge | None) -> Money:
    """A pending bank debit already says `captured`: only a charge that succeeded counts."""
    if charge is None:
        return money(paid.amount_received if isinstance(paid, Intent) else 0, paid.currency)
    succeeded = charge.status == "succeeded" and charge.captured
    return money(charge.amount_captured if succeeded else 0, charge.currency)


def _is_unsure(charge: Charge | None, refunds: tuple[records.Refund, ...] | None) -> bool:
    """Whether a status that is not known leaves open what was taken, or what went back."""
    told = charge is None or (charge.status, charge.captured) in CHARGE_STATUS
    return not told or any(one.status is RefundStatus.UNKNOWN for one in refunds or ())


def _never_charged(paid: Paid) -> bool:
    """Then there is nothing to refund or dispute; a charge that was not expanded is unknown."""
    return isinstance(paid, Intent) and paid.latest_charge is None


def _refunds(
    source: Source, paid: Paid, charge: Charge | None, reference_key: str
) -> tuple[records.Refund, ...] | None:
    if _never_charged(paid):
        return ()
    if charge is None or charge.refunds is None or charge.refunds.has_more:
        return None
    return tuple(refund(source, row, reference_key) for row in charge.refunds.data)


def _refunded(
    paid: Paid, charge: Charge | None, refunds: tuple[records.Refund, ...] | None
) -> Money:
    """What did go back: Stripe's own `amount_refunded` counts refunds that are still pending."""
    if charge is None or not charge.captured:
        return money(0, paid.currency)
    if refunds is None:
        return money(charge.amount_refunded, charge.currency)
    done = [r.amount.minor_units for r in refunds if r.status is RefundStatus.SUCCEEDED]
    return Money(sum(done), charge.currency.upper())


def _disputes(
    source: Source,
    paid: Paid,
    charge: Charge | None,
    rows: tuple[payloads.Dispute, ...] | None,
) -> tuple[records.Dispute, ...] | None:
    if _never_charged(paid) or (charge is not None and not charge.disputed):
        return ()
    return None if charge is None or rows is None else tuple(dispute(source, r) for r in rows)


def _holds(disputes: tuple[records.Dispute, ...] | None) -> bool:
    return disputes is None or any(d.status in HOLDS for d in disputes)


def _method_type(paid: Paid, charge: Charge | None) -> str | None:
    """Before there is a charge, the method is known when only one is allowed."""
    if charge and charge.payment_method_details:
        return charge.payment_method_details.type
    allowed = paid.payment_method_types if isinstance(paid, Intent) else []
    return allowed[0] if len(allowed) == 1 else None


def _instrument(charge: Charge | None) -> payloads.Instrument | None:
    details = charge.payment_method_details if charge else None
    if details is None or details.type not in details.__struct_fields__:
        return None
    found = getattr(details, details.type)
    return found if isinstance(found, payloads.Instrument) else None


def _method(charge: Charge | None) -> PaymentMethod | None:
    if charge is None or charge.payment_method_details is None:
        return None
    instrument = _instrument(charge) or payloads.Instrument()
    type_ = charge.payment_method_details.type
    named = type_ if CHANNELS.get(type_) is records.PaymentChannel.WALLET else None
    wallet = instrument.wallet.type if instrument.wallet else named
    return PaymentMethod(brand=instrument.brand, last4=instrument.last4, wallet=wallet)


def _instalments(charge: Charge | None) -> InstalmentPlan | None:
    """A `bonus` or `revolving` plan has no count and is no plan of equal parts."""
    instrument = _instrument(charge)
    plan = instrument.installments.plan if instrument and instrument.installments else None
    if plan is None or plan.count is None:
        return None
    return InstalmentPlan(count=plan.count, interval=plan.interval)


def _failure(paid: Paid, charge: Charge | None) -> Failure | None:
    error = paid.last_payment_error if isinstance(paid, Intent) else None
    code = (error.decline_code or error.code or error.type) if error else None
    code = code or (charge.failure_code if charge else None)
    return Failure(code=code) if code else None


def _others(metadata: Mapping[str, str], reference_key: str) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key != reference_key}
