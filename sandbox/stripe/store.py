"""One Stripe account: its tables, filled from the world and then living on their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.stripe import sessions
from sandbox.stripe.charges import (
    DISPUTE_FEES,
    balance_object,
    charge_object,
    world_dispute,
    world_refund,
)
from sandbox.stripe.objects import (
    billing_details,
    payment_error,
    payment_method_object,
    unix,
    world_customer,
    world_intent,
)
from sandbox.stripe.table import Table
from sandbox.world import Account, Dispute, Order, Payment, Refund, World

Object = dict[str, Any]
# Object type: address of its list, and the fields that lists are filtered by.
TABLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "customer": ("/v1/customers", ("email",)),
    "payment_intent": ("/v1/payment_intents", ("customer",)),
    "payment_method": ("/v1/payment_methods", ("customer",)),
    "charge": ("/v1/charges", ("customer", "payment_intent")),
    "refund": ("/v1/refunds", ("charge", "payment_intent")),
    "dispute": ("/v1/disputes", ("charge", "payment_intent")),
    "checkout.session": ("/v1/checkout/sessions", ("customer", "payment_intent", "status")),
    "invoice_payment": ("/v1/invoice_payments", ("invoice",)),
    "balance_transaction": ("/v1/balance_transactions", ("source",)),
}
CHARGE_AFTER = 3  # seconds from an intent to its charge
SECOND_TRY_AFTER = 45
# The status of a payment to the status of its charge; the others have none.
CHARGED = {
    "SUCCEEDED": "succeeded",
    "AUTHORIZED": "succeeded",
    "FAILED": "failed",
    "PENDING": "pending",
}
COUNTED_REFUNDS = ("succeeded", "pending")


class Store:
    """The live objects of one account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.tables = {noun: Table(noun, *shape) for noun, shape in TABLES.items()}
        self.line_items: dict[str, list[Object]] = {}

    def add(self, obj: Object, searchable_at: float = 0.0) -> Object:
        self.tables[obj["object"]].add(obj, searchable_at)
        return obj

    def get(self, noun: str, native_id: str | None) -> Object | None:
        return self.tables[noun].get(native_id) if native_id else None

    def find(self, nouns: Iterable[str], native_id: str) -> Object | None:
        """The object of this id among several types."""
        return next((found for noun in nouns if (found := self.get(noun, native_id))), None)

    def refunds_of(self, charge: str) -> list[Object]:
        """Newest first."""
        return list(self.tables["refund"].newest("charge", charge))

    def book(self, source: Object, kind: str, amount: int, fee: int = 0, **more: Any) -> str:
        """Write a movement of the balance and return its id."""
        native_id: str = self.add(balance_object(source, kind, amount, fee, **more))["id"]
        return native_id

    def recount(self, charge: Object) -> None:
        """What a charge says of its refunds follows from them."""
        counted = [r for r in self.refunds_of(charge["id"]) if r["status"] in COUNTED_REFUNDS]
        charge["amount_refunded"] = sum(refund["amount"] for refund in counted)
        charge["refunded"] = charge["paid"] and charge["amount_refunded"] >= charge["amount"]

    def release(self, charge: Object, refund: Object) -> None:
        """Let go what was not captured of a charge, which Stripe tells of as a refund."""
        self.add(refund)
        self.recount(charge)


def fill(account: Account, world: World) -> Store:
    """The account's part of the world."""
    store = Store(account)
    customers = {
        c.key: c.sources[account.name] for c in world.customers if account.name in c.sources
    }
    for customer in world.customers:
        if customer.key in customers:
            store.add(world_customer(customer, customers[customer.key]))
    for payment in sorted(world.payments_of(account.name), key=lambda p: p.created_at):
        add_payment(store, payment, customers.get(payment.customer or ""))
    by_order: dict[str, list[Payment]] = {}
    for payment in world.payments:
        by_order.setdefault(payment.order or "", []).append(payment)
    for order in world.orders:
        add_session(store, order, by_order.get(order.number, []), customers)
    for native_id in list(customers.values())[:: sessions.SETUP_EVERY]:
        store.add(sessions.setup_session(native_id, unix(world.orders[-1].placed_at)))
    return store


def add_payment(store: Store, payment: Payment, customer: str | None) -> None:
    intent = store.add(world_intent(payment, customer))
    billing = billing_details(store.get("customer", customer))
    method = store.add(payment_method_object(intent, payment.method, billing))
    charge = None
    if payment.failure is not None and payment.status != "FAILED":
        add_charge(store, payment, intent, "failed", 1)
    if status := "succeeded" if released(payment) else CHARGED.get(payment.status):
        charge = add_charge(store, payment, intent, status, 2)
    if charge is None:
        return
    intent["latest_charge"] = charge["id"]
    if payment.status == "FAILED":
        code = payment.failure or "card_declined"
        intent["last_payment_error"] = payment_error(code, charge["id"], method)
    for refund in payment.refunds:
        add_refund(store, charge, refund)
    store.recount(charge)
    if payment.dispute is not None:
        add_dispute(store, charge, payment.dispute)


def released(payment: Payment) -> bool:
    return any(refund.release for refund in payment.refunds)


def add_charge(store: Store, payment: Payment, intent: Object, status: str, attempt: int) -> Object:
    retried = attempt == 2 and payment.failure is not None and status != "failed"
    charge = charge_object(
        intent,
        intent["created"] + CHARGE_AFTER + (SECOND_TRY_AFTER if retried else 0),
        status,
        billing_details(store.get("customer", intent["customer"])),
        method=payment.method,
        attempt=attempt,
        instalments=payment.instalments,
        failure=(payment.failure or "card_declined") if status == "failed" else None,
    )
    if released(payment):
        charge |= {"captured": payment.captured > 0, "amount_captured": payment.captured}
    if charge["paid"] and charge["captured"] and payment.fee is not None:
        kind = "charge" if payment.method == "card" else "payment"
        charge["balance_transaction"] = store.book(charge, kind, payment.captured, payment.fee)
    return store.add(charge)


def add_refund(store: Store, charge: Object, refund: Refund) -> None:
    made = store.add(world_refund(charge, refund))
    if made["status"] in ("succeeded", "failed") and not refund.release:
        made["balance_transaction"] = store.book(made, "refund", -refund.amount)
    if made["status"] == "failed":
        made["failure_balance_transaction"] = store.book(made, "refund_failure", refund.amount)


def add_dispute(store: Store, charge: Object, dispute: Dispute) -> None:
    """Real disputes take the money at once; a won one gives it back; inquiries move nothing."""
    charge["disputed"] = True
    made = store.add(world_dispute(charge, dispute))
    if dispute.status.startswith("warning_"):
        return
    fee = DISPUTE_FEES.get(made["currency"], 1500)
    movements = [(-dispute.amount, fee, "dispute")]
    if dispute.status == "won":
        movements.append((dispute.amount, -fee, "dispute_reversal"))
    for amount, charged, category in movements:
        native_id = store.book(made, "adjustment", amount, charged, category=category)
        made["balance_transactions"].append(store.get("balance_transaction", native_id))


def add_session(
    store: Store, order: Order, payments: list[Payment], customers: dict[str, str]
) -> None:
    """The session that made the order's only payment, or that nobody finished."""
    if not sessions.has_session(order) or order.currency not in store.account.currencies:
        return
    done = [p for p in payments if p.status in ("SUCCEEDED", "PENDING")]
    if len(done) > 1 or any(not by_session(store, order, p) for p in done):
        return
    payment = done[0] if done else None
    customer = customers.get((payment.customer if payment else None) or "")
    email = (store.get("customer", customer) or {}).get("email")
    made = sessions.session_object(order, payment, customer, email)
    if payment is not None and sessions.is_subscription(order):
        made |= sessions.subscribed(order)
        store.add(sessions.invoice_payment(made["invoice"], payment))
    session = store.add(made)
    store.line_items[session["id"]] = sessions.line_items(order, session["created"])


def by_session(store: Store, order: Order, payment: Payment) -> bool:
    return payment.source == store.account.name and payment.amount == order.total
