"""Lists: newest first, cut by `created`, by filters and by the id of a neighbour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.stripe import params as read
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.expand import expanded, page, plan
from sandbox.stripe.params import Params
from sandbox.stripe.store import Store
from sandbox.stripe.table import Row, Table, between

Object = dict[str, Any]
Keep = Callable[[Object], bool]
PAGING = ("limit", "starting_after", "ending_before", "expand")
# What each list may be filtered by, besides the paging parameters.
FILTERS: dict[str, tuple[str, ...]] = {
    "customer": ("email", "created", "test_clock"),
    "payment_intent": ("customer", "customer_account", "created"),
    "charge": ("customer", "payment_intent", "transfer_group", "created"),
    "refund": ("charge", "payment_intent", "created"),
    "dispute": ("charge", "payment_intent", "created"),
    "checkout.session": (
        "customer", "customer_account", "customer_details", "payment_intent", "payment_link",
        "subscription", "status", "created",
    ),
    "invoice_payment": ("invoice", "payment", "status", "created"),
    "balance_transaction": ("source", "payout", "type", "currency", "created"),
}  # fmt: skip
REFERENCES = ("customer", "payment_intent", "charge")  # filters that must name what exists
SESSION_STATUSES = ("complete", "expired", "open")


def listing(store: Store, noun: str, params: Params) -> Object:
    """`GET /v1/<noun>s`."""
    table = store.tables[noun]
    read.only(params, (*PAGING, *FILTERS[noun]))
    limit = read.limit(params)
    tree = plan(store, read.expansions(params), noun, in_list=True)
    wanted = filters(store, noun, params)
    rows, keeps = candidates(table, wanted)
    low, high = read.span(params)
    after, before = cursor(table, params, "starting_after"), cursor(table, params, "ending_before")
    if after and before:
        raise invalid("Received both starting_after and ending_before parameters. Pass only one.")
    first, last = between(rows, after_key(before, (low, -1)), before_key(after, (high, -1)))
    order = range(first, last) if before else range(last - 1, first - 1, -1)
    found = take((rows[index].object for index in order), keeps, limit + 1)
    shown = found[:limit][::-1] if before else found[:limit]
    return page([expanded(store, o, tree) for o in shown], table.url, len(found) > limit)


def cursor(table: Table, params: Params, name: str) -> Row | None:
    native_id = read.text(params, name)
    if native_id is None:
        return None
    row = table.by_id.get(native_id)
    if row is None:
        raise missing(table.noun, native_id, name, status=400)
    return row


def after_key(row: Row | None, low: tuple[int, int]) -> tuple[int, int]:
    """The lower bound: strictly newer than the cursor, and never below the range."""
    return low if row is None else max(low, (row.created, row.sequence + 1))


def before_key(row: Row | None, high: tuple[int, int]) -> tuple[int, int]:
    return high if row is None else min(high, row.key)


def filters(store: Store, noun: str, params: Params) -> dict[str, str]:
    """The plain equality filters; those that name another object must name one that exists."""
    wanted: dict[str, str] = {}
    for name in FILTERS[noun]:
        if name in ("created", "customer_details"):
            continue
        value = read.text(params, name)
        if value is None:
            continue
        if name in REFERENCES and store.get(name, value) is None:
            raise missing(name, value, name, status=400)
        wanted[name] = value
    if noun == "checkout.session":
        read.choice(params, "status", SESSION_STATUSES)
        wanted |= session_email(params)
    return wanted


def session_email(params: Params) -> dict[str, str]:
    details = params.get("customer_details")
    if details is None:
        return {}
    if not isinstance(details, dict):
        raise invalid("Invalid object", "customer_details")
    for name in details:
        if name != "email":
            raise invalid(f"Received unknown parameter: customer_details[{name}]")
    return {"customer_details.email": str(details.get("email", ""))}


def candidates(table: Table, wanted: dict[str, str]) -> tuple[list[Row], list[Keep]]:
    """The shortest list an index offers, and the filters still to be applied to it."""
    indexed = [name for name in wanted if name in table.indexes]
    best = min(indexed, key=lambda name: len(table.where(name, wanted[name])), default=None)
    rows = table.rows if best is None else table.where(best, wanted[best])
    return rows, [keep(name, value) for name, value in wanted.items() if name != best]


def keep(name: str, value: str) -> Keep:
    if name == "customer_details.email":
        return lambda obj: (obj["customer_details"] or {}).get("email") == value
    return lambda obj: obj.get(name) == value


def take(objects: Iterable[Object], keeps: list[Keep], count: int) -> list[Object]:
    def kept() -> Iterator[Object]:
        for obj in objects:
            if all(keep(obj) for keep in keeps):
                yield obj

    return [obj for obj, _ in zip(kept(), range(count), strict=False)]


def line_items(store: Store, session: str, params: Params) -> Object:
    """`GET /v1/checkout/sessions/{id}/line_items`, in the order they were put in."""
    read.only(params, PAGING)
    if store.get("checkout.session", session) is None:
        raise missing("checkout.session", session, "session")
    rows = store.line_items.get(session, [])
    limit = read.limit(params)
    after, before = read.text(params, "starting_after"), read.text(params, "ending_before")
    start, stop = position(rows, after, "starting_after"), position(rows, before, "ending_before")
    window = rows[0 if start is None else start + 1 : stop]
    shown = window[-limit:] if before else window[:limit]
    url = f"/v1/checkout/sessions/{session}/line_items"
    return page(shown, url, len(window) > limit)


def position(rows: list[Object], native_id: str | None, param: str) -> int | None:
    if native_id is None:
        return None
    for index, row in enumerate(rows):
        if row["id"] == native_id:
            return index
    raise missing("item", native_id, param, status=400)
