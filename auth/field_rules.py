"""Who may see which field: the one table of all types, fields and arguments of the graph.

Deny by default: a field that does not stand here fails the build of the schema, and so does one of
money or personal data without scopes. `docs/access.md` is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from auth.requirement import AUTHENTICATED, PUBLIC, scopes
from auth.rules import Mask, Rule, TypeRule, masked, money, of_type, personal

RECORD = "id source nativeId createdAt updatedAt"
PAID = "Order.total Payment.amount Payment.captured"
STATE = f"{PAID} Payment.status Payment.refunded"
FEDERATION = "federation"
"""The scope of a federation router: entities by key and the whole SDL are for nobody else."""

CUSTOMERS, ORDERS, PAYMENTS = "customers:read", "orders:read", "payments:read"
OF_PAYMENTS = "payments:read orders:money payments:money"


def _connection(needs: str) -> TypeRule:
    return of_type(needs, business="pageInfo totalCount incomplete", relations="edges nodes")


def _edge(needs: str) -> TypeRule:
    return of_type(needs, business="cursor", relations="node")


FIELD_RULES: Mapping[str, TypeRule] = {
    "Customer": of_type(
        CUSTOMERS,
        business=f"{RECORD} kind tier industry status",
        relations="orders payments refunds sameAs",
        fields={
            "name": masked(Mask.NAME, CUSTOMERS, unless="customers:pii"),
            "email": masked(Mask.EMAIL, CUSTOMERS, unless="customers:pii"),
            "emails": masked(Mask.EMAIL, CUSTOMERS, unless="customers:pii"),
            "phones": masked(Mask.PHONE, CUSTOMERS, unless="customers:pii"),
            "customFields": personal("customers:pii"),
            "totals": money("orders:read orders:money payments:read payments:money", reads=STATE),
        },
    ),
    "CustomerTotal": of_type(
        "orders:money payments:money",
        business="currency",
        fields={
            name: money("orders:money payments:money")
            for name in ("ordered", "paid", "refunded", "outstanding")
        },
    ),
    "CustomerLink": of_type(
        "links:read customers:read", business="rule evidence", relations="customer"
    ),
    "Order": of_type(
        ORDERS,
        business=f"{RECORD} number placedAt recordedState recordedStatus recordedProviders",
        relations="lines customer payments refunds links",
        fields={
            "total": money("orders:money"),
            "customFields": personal("orders:money customers:pii"),
            "paid": money(OF_PAYMENTS, reads=PAID),
            "refunded": money(OF_PAYMENTS, reads=f"{PAID} Payment.refunded Payment.status"),
            "balanceDue": money(OF_PAYMENTS, reads=PAID),
            "paymentState": money(OF_PAYMENTS, reads=STATE),
            "inSync": money(OF_PAYMENTS, reads=f"{STATE} Order.recordedState"),
        },
    ),
    "OrderLine": of_type(
        ORDERS,
        business="sku name quantity",
        fields={name: money("orders:money") for name in ("price", "unitPrice", "total")},
    ),
    "PaymentLink": of_type(
        "links:read payments:read", business="rule evidence", relations="payment"
    ),
    "Payment": of_type(
        PAYMENTS,
        business=f"{RECORD} provider channel status providerStatus reference paidAt method"
        " payer instalments deductions failure",
        relations="order customer refunds disputes",
        fields={
            **{
                name: money("payments:money")
                for name in ("amount", "captured", "refunded", "fee", "net")
            },
            "customFields": personal("payments:money payments:pii"),
        },
    ),
    "PaymentMethod": of_type(
        PAYMENTS, business="brand wallet", fields={"last4": personal("payments:pii")}
    ),
    "Payer": of_type(
        PAYMENTS,
        fields={
            "account": masked(Mask.LAST4, PAYMENTS, unless="payments:pii"),
            "name": masked(Mask.NAME, PAYMENTS, unless="payments:pii"),
        },
    ),
    "InstalmentPlan": of_type(PAYMENTS, business="count interval"),
    "Deduction": of_type(
        PAYMENTS, business="kind fundedBy", fields={"amount": money("payments:money")}
    ),
    "Failure": of_type(PAYMENTS, business="code"),
    "Refund": of_type(
        "refunds:read",
        business=f"{RECORD} status providerStatus reason settledAt reference",
        relations="payment order",
        fields={
            "amount": money("refunds:money"),
            "customFields": personal("refunds:money payments:pii"),
        },
    ),
    "Dispute": of_type(
        "disputes:read",
        business=f"{RECORD} status reason dueBy",
        relations="payment",
        fields={
            "amount": money("payments:money"),
            "customFields": personal("payments:money payments:pii"),
        },
    ),
    "CustomerConnection": _connection(CUSTOMERS),
    "OrderConnection": _connection(ORDERS),
    "PaymentConnection": _connection(PAYMENTS),
    "RefundConnection": _connection("refunds:read"),
    "CustomerEdge": _edge(CUSTOMERS),
    "OrderEdge": _edge(ORDERS),
    "PaymentEdge": _edge(PAYMENTS),
    "RefundEdge": _edge("refunds:read"),
    "PageInfo": of_type(
        AUTHENTICATED, business="hasNextPage hasPreviousPage startCursor endCursor"
    ),
    "IncompleteSource": of_type(AUTHENTICATED, business="source reason"),
    "Source": of_type(AUTHENTICATED, business="name vendor kind"),
    "Money": of_type(AUTHENTICATED, business="amount currency minorUnits"),
    "Price": of_type(AUTHENTICATED, business="amount currency"),
    "SourceStatus": of_type(
        "sources:read",
        business="name vendor kind healthy problem latencyMs quotaLeft quotaTotal capabilities"
        " booksReadAt incompletePeriods",
    ),
    "Query": of_type(
        PUBLIC,
        relations="customer order payment refund node nodes customers orders payments refunds"
        " sources",
        fields={
            "_entities": Rule(needs=scopes(FEDERATION), relation=True),
            "_service": Rule(needs=scopes(FEDERATION), relation=True),
        },
    ),
    "_Service": of_type(FEDERATION, relations="sdl"),
}
"""`Money` itself only says how an amount is written: the field that holds it is the one judged."""

INPUT_READS: Mapping[str, tuple[str, ...]] = {
    "CustomerFilter.source": ("Customer.source",),
    "CustomerFilter.email": ("Customer.email",),
    "CustomerFilter.name": ("Customer.name",),
    "CustomerFilter.createdAt": ("Customer.createdAt",),
    "OrderFilter.source": ("Order.source",),
    "OrderFilter.customer": ("Order.customer",),
    "OrderFilter.number": ("Order.number",),
    "OrderFilter.recordedState": ("Order.recordedState",),
    "OrderFilter.placedAt": ("Order.placedAt",),
    "OrderFilter.createdAt": ("Order.createdAt",),
    "OrderFilter.total": ("Order.total",),
    "PaymentFilter.source": ("Payment.source",),
    "PaymentFilter.customer": ("Payment.customer",),
    "PaymentFilter.reference": ("Payment.reference",),
    "PaymentFilter.provider": ("Payment.provider",),
    "PaymentFilter.channel": ("Payment.channel",),
    "PaymentFilter.status": ("Payment.status",),
    "PaymentFilter.createdAt": ("Payment.createdAt",),
    "PaymentFilter.amount": ("Payment.amount",),
    "RefundFilter.source": ("Refund.source",),
    "RefundFilter.payment": ("Refund.payment",),
    "RefundFilter.provider": ("Payment.provider",),
    "RefundFilter.status": ("Refund.status",),
    "RefundFilter.createdAt": ("Refund.createdAt",),
    "RefundFilter.amount": ("Refund.amount",),
    "CustomerSort.CREATED_AT_DESC": ("Customer.createdAt",),
    "CustomerSort.CREATED_AT_ASC": ("Customer.createdAt",),
    "CustomerSort.NAME_ASC": ("Customer.name",),
    "CustomerSort.NAME_DESC": ("Customer.name",),
    "OrderSort.CREATED_AT_DESC": ("Order.createdAt",),
    "OrderSort.CREATED_AT_ASC": ("Order.createdAt",),
    "OrderSort.PLACED_AT_DESC": ("Order.placedAt",),
    "OrderSort.PLACED_AT_ASC": ("Order.placedAt",),
    "OrderSort.TOTAL_DESC": ("Order.total",),
    "OrderSort.TOTAL_ASC": ("Order.total",),
    "PaymentSort.CREATED_AT_DESC": ("Payment.createdAt",),
    "RefundSort.CREATED_AT_DESC": ("Refund.createdAt",),
    "Query.customer(id)": ("Customer.id",),
    "Query.customer(email)": ("Customer.email",),
    "Query.order(id)": ("Order.id",),
    "Query.order(number)": ("Order.number",),
    "Query.payment(id)": ("Payment.id",),
    "Query.payment(reference)": ("Payment.reference",),
    "Query.refund(id)": ("Refund.id",),
    "Query.node(id)": (),
    "Query.nodes(ids)": (),
    "Query._entities(representations)": (),
}
"""Which fields an argument, a filter's field or an order reads: to ask by a value is to learn it,
so it takes what seeing the field unmasked takes. `first` and `after` choose among rows that are
seen anyway: a cursor fits only the filter and order it was made for, judged each time."""

PAGING = frozenset({"first", "after"})
