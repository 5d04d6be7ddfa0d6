"""Filters as SOQL conditions: what can be said exactly or wider, never narrower.

Text comparison in SOQL ignores case, so equality there accepts what the filter accepts and more.
None stands for a filter that accepts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.currency import MINOR_UNIT_DIGITS
from connectors.filters import CustomerFilter, MoneyRange, OrderFilter
from connectors.money import Money
from connectors.records import OrderState
from connectors.salesforce import soql
from connectors.salesforce.ids import PREFIXES, canonical
from connectors.salesforce.mapping import status_field
from connectors.salesforce.settings import SalesforceSettings

_COMPARISONS = (("gte", ">="), ("gt", ">"), ("lte", "<="), ("lt", "<"))
_STATES = {
    ("Order", OrderState.DRAFT): "StatusCode = 'Draft'",
    ("Order", OrderState.CANCELED): "StatusCode IN ('Canceled','Expired')",
    ("Opportunity", OrderState.DRAFT): "IsClosed = FALSE",
    ("Opportunity", OrderState.CANCELED): "(IsClosed = TRUE AND IsWon = FALSE)",
}
Readable = Callable[[str], bool]
"""Whether a configured field can be read, and so be part of a condition."""


def customers(
    asked: CustomerFilter, settings: SalesforceSettings, readable: Readable
) -> list[str] | None:
    if () in (asked.emails, asked.names):
        return None
    where = []
    if asked.created_at is not None:
        where += soql.within("CreatedDate", asked.created_at, dates=False)
    email = settings.customer_map.get("email")
    if asked.emails is not None and email is not None and readable(email):
        where.append(soql.one_of(email, asked.emails))
    if asked.names is not None:
        where.append(soql.one_of("Name", asked.names))
    return where


def orders(
    asked: OrderFilter, settings: SalesforceSettings, readable: Readable, *, dates: bool
) -> list[str] | None:
    """`dates` says whether the field of `placed_at` is a date without a time."""
    if () in (asked.customer_ids, asked.numbers, asked.recorded_states):
        return None
    names = settings.order_map
    where: list[str] = []
    if asked.created_at is not None:
        where += soql.within("CreatedDate", asked.created_at, dates=False)
    if asked.placed_at is not None and readable(names["placed_at"]):
        where += soql.within(names["placed_at"], asked.placed_at, dates=dates)
    if asked.numbers is not None:
        where.append(soql.one_of(names["number"], asked.numbers))
    if asked.customer_ids is not None:
        ids = of_object(asked.customer_ids, settings.customer_object)
        if not ids:
            return None
        where.append(soql.one_of(settings.customer_field, ids))
    if asked.recorded_states is not None:
        where += _states(asked.recorded_states, settings, readable)
    if asked.total is not None and readable(names["total"]):
        amounts = _total(asked.total, settings)
        return None if amounts is None else where + amounts
    return where


def of_object(ids: Sequence[str], sobject: str) -> list[str]:
    """The ids that can be this object's, each once, in 18 characters."""
    full = dict.fromkeys(canonical(native_id) for native_id in ids)
    return [i for i in full if i is not None and i.startswith(PREFIXES[sobject])]


def _total(asked: MoneyRange, settings: SalesforceSettings) -> list[str] | None:
    """Amounts of one currency; with several in use the currency is part of the condition.

    A bare number is compared with the row's own amount, whatever its currency (SOQL and SOSL
    guide, "Querying Currency Fields in Multi-Currency Orgs").
    """
    code = asked.currency
    if code not in MINOR_UNIT_DIGITS or settings.currency not in (None, code):
        return None
    field = settings.order_map["total"]
    where = [f"{field} != null"]
    where += [] if settings.currency else [f"CurrencyIsoCode = {soql.quote(code)}"]
    for name, operator in _COMPARISONS:
        if (bound := getattr(asked, name)) is not None:
            where.append(f"{field} {operator} {Money(bound, code).amount:f}")
    return where


def _states(
    asked: Sequence[OrderState], settings: SalesforceSettings, readable: Readable
) -> list[str]:
    """One condition when each state can be said, else none: the caller checks every row."""
    base = [_STATES.get((settings.order_object, state)) for state in asked]
    if None in base:
        return []
    wanted = {state.value for state in asked}
    parts = [part for part in base if part]
    own = [word for word, state in settings.states.items() if state in wanted]
    parts += [soql.one_of(status_field(settings), own)] if own else []
    paying = [word for word, state in settings.payment_statuses.items() if state in wanted]
    field = settings.order_map.get("payment_status")
    if paying and field and readable(field):
        parts.append(soql.one_of(field, paying))
    return [soql.either(parts)]
