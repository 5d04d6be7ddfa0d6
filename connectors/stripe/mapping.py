"""From Stripe's objects to records, without I/O: one function per kind, words by table.

An amount or currency that does not fit raises ValueError, a time OverflowError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import overload

from connectors import records
from connectors.currency import minor_unit_digits
from connectors.fitting import Unfit, aside
from connectors.money import INT64_MAX, InexactAmount, Money
from connectors.price import TOO_FINE, Price
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
from connectors.references import trimmed
from connectors.stripe import payloads
from connectors.stripe.payloads import Charge, Intent, Paid
from connectors.stripe.words import (
    CHANNELS,
    CHARGE_STATUS,
    DISPUTE_STATUS,
    EXPIRED,
    HOLDS,
    INTENT_STATUS,
    REFUND_STATUS,
    SESSION_STATE,
    WIRE_DIGITS,
)

UNTOLD = "the session does not tell by which payments it is paid"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINOR = re.compile(r"-?\d{1,15}(\.\d{1,12})?", re.ASCII)


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


@overload
def moment(seconds: int) -> datetime: ...


@overload
def moment(seconds: int | None) -> datetime | None: ...


def moment(seconds: int | None) -> datetime | None:
    """Unix seconds as aware UTC."""
    return None if seconds is None else EPOCH + timedelta(seconds=seconds)


def known(amount: int | None, currency: str) -> Money | None:
    """As `money`, None for what is not told."""
    return None if amount is None else money(amount, currency)


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
    held = charge is not None and bool(charge.disputed) and _holds(contested)
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
        status=PaymentStatus.UNKNOWN
        if unsure
        else _overlaid(base, charge, captured, refunded, held),
        provider_status=paid.status,
        amount=money(paid.amount, paid.currency),
        captured=None if unsure else captured,
        refunded=None if unsure else refunded,
        fee=aside(lambda: known(settled.fee, settled.currency)) if settled else None,
        net=aside(lambda: known(settled.net, settled.currency)) if settled else None,
        reference=reference(metadata, reference_key),
        paid_at=moment(charge.created) if charge and captured and captured.minor_units else None,
        method=_method(charge),
        instalments=_instalments(charge),
        failure=None if base is PaymentStatus.SUCCEEDED else _failure(paid, charge),
        customer_id=paid.customer,
        refunds=refunds,
        disputes=contested,
    )


def reference(metadata: Mapping[str, str], key: str) -> str | None:
    """The merchant's order number, where there is one."""
    return trimmed(metadata.get(key, "")) or None


def refund(
    source: Source,
    row: payloads.Refund,
    reference_key: str,
    payment: records.Payment | None = None,
    charge: Charge | None = None,
) -> records.Refund:
    """A refund; its payment is an intent, or the charge where there is none.

    One that only releases an authorization moves no money: it is CANCELED. Whether it does shows
    in its charge: the one that came with it, or `charge` for a refund listed within its charge.
    """
    if row.amount is None:
        raise Unfit("a refund without an amount")
    intent, told = row.payment_intent, row.charge
    whole = told if isinstance(told, Charge) else charge
    metadata = row.metadata or {}
    status = REFUND_STATUS.get(row.status, RefundStatus.UNKNOWN)
    return records.Refund(
        source=source,
        native_id=row.id,
        created_at=moment(row.created),
        custom_fields=_others(metadata, reference_key),
        status=RefundStatus.CANCELED if _is_release(row, whole) else status,
        provider_status=row.status,
        amount=money(row.amount, row.currency),
        reason=row.reason,
        reference=reference(metadata, reference_key),
        payment_id=_id_of(intent) or _id_of(told),
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
        status=DISPUTE_STATUS.get(row.status or "", DisputeStatus.UNKNOWN),
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
        created_at=moment(row.created),
        custom_fields=dict(row.metadata or {}),
        name=row.name or row.business_name or row.individual_name,
        kind=CustomerKind.COMPANY if row.business_name else kind,
        email=row.email,
        phones=(row.phone,) if row.phone else (),
    )


def order(
    source: Source, row: payloads.Session, invoiced: tuple[str, ...] | None = None
) -> records.Order | None:
    """A checkout session as an order; its lines when all of them came with it. None for one that
    only sets a payment method up.

    `invoiced` are the payments of its invoice, None where they are not known. Where it is paid and
    they are not, so are its `payment_ids`.
    """
    if row.mode == "setup":
        return None
    paid_by = _paid_by(source, row, invoiced)
    untold = (row.payment_status == "paid" and not paid_by) or (row.by_invoice and invoiced is None)
    state = SESSION_STATE.get((row.status, row.payment_status)) or SESSION_STATE.get(
        (row.status, None), OrderState.UNKNOWN
    )
    return records.Order(
        source=source,
        native_id=row.id,
        created_at=moment(row.created),
        custom_fields=dict(row.metadata or {}),
        number=trimmed(row.client_reference_id or "") or row.id,
        total=known(row.amount_total, row.currency) if row.currency else None,
        placed_at=moment(row.created),
        recorded_state=state,
        recorded_status=row.status,
        customer_id=row.customer,
        payment_ids=paid_by,
        lines=_lines(source, row.line_items),
        misfits={"payment_ids": UNTOLD} if untold else None,
    )


def _paid_by(
    source: Source, row: payloads.Session, invoiced: tuple[str, ...] | None
) -> tuple[ExternalId, ...]:
    if row.payment_intent:
        return (ExternalId(source.name, row.payment_intent, "payment_intent"),)
    return tuple(ExternalId(source.name, payment, "invoice") for payment in invoiced or ())


def line(source: Source, item: payloads.Item) -> OrderLine:
    """A line of a session.

    Stripe has no article number: merchants keep theirs in the metadata, or as a price's lookup key.
    """
    told = item.price
    price = aside(lambda: unit_price(told)) if told else None
    too_fine = price is not None and price.money is None
    return OrderLine(
        sku=(item.metadata or {}).get("sku") or (told.lookup_key if told else None),
        name=item.description,
        quantity=Decimal(1 if item.quantity is None else item.quantity),
        price=price,
        total=aside(lambda: known(item.amount_total, item.currency)),
        source=source.name,
        misfits={"unit_price": f"price: {TOO_FINE}"} if too_fine else None,
    )


def unit_price(told: payloads.Price) -> Price | None:
    """`unit_amount_decimal` has up to twelve decimals of Stripe's minor unit, and where they are
    used there is no `unit_amount`. https://docs.stripe.com/api/prices/object"""
    minor = told.unit_amount_decimal if told.unit_amount is None else str(told.unit_amount)
    if minor is None or not _MINOR.fullmatch(minor):
        return None
    code = told.currency.upper()
    return Price.of(Decimal(minor).scaleb(-WIRE_DIGITS.get(code, minor_unit_digits(code))), code)


def _lines(source: Source, items: payloads.ItemList | None) -> tuple[OrderLine, ...] | None:
    """All lines of a session; None where more follow, or none were told."""
    if items is None or items.data is None or items.has_more:
        return None
    return tuple(line(source, item) for item in items.data)


def _id_of(reference: Intent | Charge | str | None) -> str | None:
    return reference.id if isinstance(reference, Intent | Charge) else reference


def _released(charge: Charge) -> int:
    """Stripe's minor units of an authorization that were never captured. Stripe tells of them as a
    refund, and counts them in `amount_refunded`, once the authorization has ended.
    """
    if charge.amount_captured is None or charge.amount_refunded is None:
        return 0
    uncaptured = charge.amount - charge.amount_captured
    return uncaptured if 0 < uncaptured <= charge.amount_refunded else 0


def _is_release(row: payloads.Refund, charge: Charge | None) -> bool:
    """Whether a refund is the part of an authorization that was let go.

    The release of a part carries no mark: its amount is what was not captured, and it has no
    movement of the balance, which a refund that succeeded has.
    """
    if charge is None or row.reason == EXPIRED:
        return row.reason == EXPIRED
    if charge.captured is False:
        return True
    unmoved = row.status == "succeeded" and row.balance_transaction is None
    return unmoved and row.amount == _released(charge) > 0


def _base_status(paid: Paid, charge: Charge | None) -> PaymentStatus:
    """The status before refunds and disputes are laid over it."""
    if isinstance(paid, Charge):
        status = CHARGE_STATUS.get((paid.status or "", paid.captured), PaymentStatus.UNKNOWN)
    elif paid.status == "requires_payment_method" and paid.last_payment_error:
        status = PaymentStatus.FAILED
    else:
        status = INTENT_STATUS.get(paid.status or "", PaymentStatus.UNKNOWN)
    released = charge is not None and charge.refunded and charge.captured is False
    # A "refund" of what was never captured is the authorisation let go: no money moved.
    return PaymentStatus.CANCELED if released and status is PaymentStatus.AUTHORIZED else status


def _overlaid(
    base: PaymentStatus,
    charge: Charge | None,
    captured: Money | None,
    refunded: Money | None,
    held: bool,
) -> PaymentStatus:
    """Refunds and disputes over a success; UNKNOWN where it is not told whether there are any."""
    if base is not PaymentStatus.SUCCEEDED:
        return base
    if held:
        return PaymentStatus.DISPUTED
    untold = charge is not None and charge.disputed is None
    if untold or captured is None or refunded is None:
        return PaymentStatus.UNKNOWN
    if refunded.minor_units <= 0:
        return base
    whole = refunded.minor_units >= captured.minor_units
    return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED


def _captured(paid: Paid, charge: Charge | None) -> Money | None:
    """A pending bank debit already says `captured`: only a charge that succeeded counts. None where
    the charge that would tell is not there, or does not tell.
    """
    if charge is None:
        received = paid.amount_received if isinstance(paid, Intent) else None
        untouched = _never_charged(paid) and paid.status != "succeeded"
        return known(0 if received is None and untouched else received, paid.currency)
    if charge.status is None or charge.captured is None:
        return None
    succeeded = charge.status == "succeeded" and charge.captured
    return known(charge.amount_captured if succeeded else 0, charge.currency)


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
    rows = charge.refunds.data
    if rows is None or any(row.currency != charge.currency for row in rows):
        return None
    return aside(lambda: tuple(refund(source, row, reference_key, charge=charge) for row in rows))


def _refunded(
    paid: Paid, charge: Charge | None, refunds: tuple[records.Refund, ...] | None
) -> Money | None:
    """What did go back: Stripe's own `amount_refunded` also counts refunds that are still pending,
    and what was never captured. None where neither it nor all refunds are told.
    """
    if charge is None:
        return known(0 if _never_charged(paid) else None, paid.currency)
    if charge.captured is False:
        return money(0, charge.currency)
    counted, released = charge.amount_refunded, _released(charge)
    if refunds is None:
        return None if counted is None else money(counted - released, charge.currency)
    done, pending = _sum_of(refunds, "succeeded"), _sum_of(refunds, "pending")
    # An account whose list leaves the release out counts it all the same.
    listed = done + pending >= money(counted or 0, charge.currency).minor_units
    let_go = money(released, charge.currency).minor_units if listed else 0
    return Money(max(0, done - let_go), charge.currency.upper())


def _sum_of(refunds: Sequence[records.Refund], word: str) -> int:
    return sum(r.amount.minor_units for r in refunds if r.provider_status == word)


def _disputes(
    source: Source,
    paid: Paid,
    charge: Charge | None,
    rows: tuple[payloads.Dispute, ...] | None,
) -> tuple[records.Dispute, ...] | None:
    if _never_charged(paid) or (charge is not None and charge.disputed is False):
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
    if details is None or details.type is None or details.type not in details.__struct_fields__:
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
