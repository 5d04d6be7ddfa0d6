"""What state an order is in by its system's own word: status fields first, then its own amounts.

A word that nobody has declared is UNKNOWN, never a success.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.mapping import NEXT, ClosedMap, StatusMap
from connectors.money import Money
from connectors.records import OrderState

_HELD = (OrderState.PAID, OrderState.FULFILLED)
Words = Callable[[str], str | None]
"""The text in a field of the row, None where it is empty or not there."""


def recorded_state(
    status: tuple[StatusMap, ...],
    closed: ClosedMap | None,
    word_in: Words,
    *,
    total: Money | None,
    paid: Money | None,
    refunded: Money | None,
    tells_paid: bool,
) -> OrderState:
    """`tells_paid` says that the mapping has an amount paid: none is then nothing paid."""
    state = _by_word(status, word_in)
    if state is None:
        state = _by_money(total, paid) if tells_paid else OrderState.UNKNOWN
    if closed is not None and _says(closed, word_in):
        state = _closed(state, closed)
    return _less_refunds(state, total, refunded)


def follows_from_total(
    status: tuple[StatusMap, ...], *, tells_paid: bool, tells_refunded: bool
) -> bool:
    """Whether some order's state hangs on its total: to tell what is paid in part, where words may
    leave that open, or what is given back in part. `tells_...` say that the mapping has amounts."""
    open_ = all(NEXT in (one.empty, one.otherwise, *one.words.values()) for one in status)
    return tells_refunded or (tells_paid and open_)


def _by_word(status: tuple[StatusMap, ...], word_in: Words) -> OrderState | None:
    for one in status:
        word = word_in(one.field)
        known = one.empty if word is None else one.folded.get(word.strip().casefold())
        said = one.otherwise if known is None else known
        if said != NEXT:
            return OrderState(said)
    return None


def _by_money(total: Money | None, paid: Money | None) -> OrderState:
    """An order of nothing is paid by nothing."""
    if paid is None or paid.minor_units == 0:
        nothing_due = total is not None and total.minor_units == 0
        return OrderState.PAID if nothing_due else OrderState.PENDING_PAYMENT
    if total is None or total.currency != paid.currency or paid.minor_units < 0:
        return OrderState.UNKNOWN
    enough = paid.minor_units >= total.minor_units
    return OrderState.PAID if enough else OrderState.PARTIALLY_PAID


def _says(closed: ClosedMap, word_in: Words) -> bool:
    word = word_in(closed.field)
    words = {one.casefold() for one in closed.words}
    return word is not None and (not words or word.strip().casefold() in words)


def _closed(state: OrderState, closed: ClosedMap) -> OrderState:
    if state is OrderState.PAID:
        return OrderState.FULFILLED
    if state is OrderState.PENDING_PAYMENT and closed.unpaid is not None:
        return OrderState(closed.unpaid)
    return state


def _less_refunds(state: OrderState, total: Money | None, refunded: Money | None) -> OrderState:
    """Money given back is laid over a paid state."""
    if state not in _HELD or refunded is None or refunded.minor_units == 0:
        return state
    if total is None or refunded.minor_units < 0 or refunded.currency != total.currency:
        return OrderState.UNKNOWN
    whole = refunded.minor_units >= total.minor_units
    return OrderState.REFUNDED if whole else OrderState.PARTIALLY_REFUNDED
