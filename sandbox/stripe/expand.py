"""`expand[]`: ids replaced by the objects they name, up to four levels deep."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.errors import invalid
from sandbox.stripe.store import Store

Object = dict[str, Any]
Tree = dict[str, "Tree"]
DEPTH = 4
LIST = "list"
# Object type: the fields that can be expanded, and the types they lead to. A field that leads
# nowhere is known to Stripe but always null here.
CHARGE_LIKE = ("charge", "refund", "dispute")
EXPANDABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "customer": dict.fromkeys(
        ("cash_balance", "default_source", "sources", "subscriptions", "tax", "tax_ids",
         "test_clock", "invoice_credit_balance"), ()
    ),
    "payment_intent": {
        "customer": ("customer",),
        "latest_charge": ("charge",),
        "payment_method": ("payment_method",),
        **dict.fromkeys(("application", "on_behalf_of", "review", "source"), ()),
    },
    "charge": {
        "balance_transaction": ("balance_transaction",),
        "customer": ("customer",),
        "failure_balance_transaction": ("balance_transaction",),
        "payment_intent": ("payment_intent",),
        "refunds": ("refund",),
        **dict.fromkeys(
            ("application", "application_fee", "on_behalf_of", "review", "source_transfer",
             "transfer"), ()
        ),
    },
    "refund": {
        "balance_transaction": ("balance_transaction",),
        "charge": ("charge",),
        "customer": ("customer",),
        "failure_balance_transaction": ("balance_transaction",),
        "payment_intent": ("payment_intent",),
        **dict.fromkeys(("source_transfer_reversal", "transfer_reversal"), ()),
    },
    "dispute": {"charge": ("charge",), "payment_intent": ("payment_intent",)},
    "balance_transaction": {"source": CHARGE_LIKE},
    "checkout.session": {
        "customer": ("customer",),
        "line_items": ("item",),
        "payment_intent": ("payment_intent",),
        **dict.fromkeys(("invoice", "payment_link", "setup_intent", "subscription"), ()),
    },
    "payment_method": {"customer": ("customer",)},
    "item": {"price.product": (), "discounts": (), "taxes": ()},
}  # fmt: skip
EMPTY_LISTS = frozenset({"sources", "subscriptions", "tax_ids"})  # included only when asked for
LISTS = frozenset({"refunds", "line_items"})
EMBEDDED = 10  # a list inside an object shows its first page


def plan(store: Store, paths: list[str], noun: str, *, in_list: bool) -> Tree:
    """The tree of what to expand, every path checked against what the type has."""
    tree: Tree = {}
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEPTH:
            raise invalid(
                f"You cannot expand more than {DEPTH} levels of a property. Property: {path}",
                "expand",
            )
        if in_list:
            if parts[0] != "data":
                raise not_expandable(path, known=False, hint=f"data.{path}")
            parts = parts[1:]
        check(store, parts, (noun,), path)
        graft(tree, parts)
    return tree


def check(store: Store, parts: list[str], nouns: tuple[str, ...], path: str) -> None:
    """Follow a path through the types; `data` steps into a list."""
    inside_list = False
    for part in parts:
        if inside_list and part == "data":
            inside_list = False
            continue
        reach = [EXPANDABLE[noun][part] for noun in nouns if part in EXPANDABLE.get(noun, {})]
        if not reach:
            raise not_expandable(path, known=any(has_field(store, noun, part) for noun in nouns))
        nouns = tuple(noun for target in reach for noun in target)
        inside_list = part in LISTS


def has_field(store: Store, noun: str, field: str) -> bool:
    """Whether objects of this type show the field at all."""
    rows = store.tables[noun].rows if noun in store.tables else []
    return bool(rows) and field in rows[0].object


def not_expandable(path: str, *, known: bool, hint: str | None = None) -> Exception:
    advice = f" You may want to try expanding '{hint}' instead." if hint else ""
    if known:
        return invalid(f"This property cannot be expanded ({path}).{advice}", "expand")
    message = f"This property cannot be expanded because it doesn't exist: {path}.{advice}"
    return invalid(message, "expand")


def graft(tree: Tree, parts: list[str]) -> None:
    for part in parts:
        tree = tree.setdefault(part, {})


def expanded(store: Store, obj: Object, tree: Tree) -> Object:
    """The object with its planned fields replaced; the stored one is left alone."""
    if not tree:
        return obj
    return {**obj, **{field: replaced(store, obj, field, below) for field, below in tree.items()}}


def replaced(store: Store, obj: Object, field: str, below: Tree) -> Any:
    if field in LISTS:
        return embedded_list(store, obj, field, below.get("data", {}))
    if field in EMPTY_LISTS:
        return page([], f"/v1/customers/{obj['id']}/{field}")
    value = obj.get(field)
    targets = EXPANDABLE[obj["object"]].get(field, ())
    found = store.find(targets, value) if isinstance(value, str) else None
    return value if found is None else expanded(store, found, below)


def embedded_list(store: Store, obj: Object, field: str, tree: Tree) -> Object:
    native_id = obj["id"]
    if field == "refunds":
        rows, url = store.refunds_of(native_id), f"/v1/charges/{native_id}/refunds"
    else:
        rows = store.line_items.get(native_id, [])
        url = f"/v1/checkout/sessions/{native_id}/line_items"
    return page([expanded(store, row, tree) for row in rows[:EMBEDDED]], url, len(rows) > EMBEDDED)


def page(rows: list[Object], url: str, has_more: bool = False) -> Object:
    return {"object": LIST, "data": rows, "has_more": has_more, "url": url}
