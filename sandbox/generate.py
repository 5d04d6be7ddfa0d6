"""One world from one seed: the same numbers, names and native ids every time."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sandbox import goods, people
from sandbox.pen import Mint, Pen
from sandbox.scenarios import SCENARIOS, Scenario
from sandbox.simulator import Vendor
from sandbox.world import Account, Customer, Line, Order, Payment, World, payment_state

START = datetime(2025, 11, 1, tzinfo=UTC)
END = datetime(2026, 10, 31, tzinfo=UTC)
FIRST_ORDER = START + timedelta(days=1)
LAST_ORDER = END - timedelta(days=30)
FIRST_NUMBER = 1001
ORDERS_PER_CUSTOMER = 5
CHANNEL_EVERY = 2  # of one order in so many the CRM knows through which channels it was paid
RELEASE_EVERY = 12  # of payments alike, one in so many was captured in part
EXPIRED_EVERY = 2  # one canceled authorization in so many was not captured in time
TIE_EVERY = 40  # one order in so many is placed on the same second as the one before
LINKS = ("reference", "field", "both")
LINK_WEIGHTS = (88, 6, 6)
RECORDS = {
    "UNPAID": "PENDING_PAYMENT",
    "OVERPAID": "PAID",
    "DISPUTED": "PAID",
    "UNKNOWN": "PENDING_PAYMENT",
}


def generate(
    seed: int = 1,
    customers: int = 1000,
    orders: int | None = None,
    *,
    vendors: Sequence[Vendor],
) -> World:
    """A world of `customers` people and `orders` orders (five each unless told)."""
    count = customers * ORDERS_PER_CUSTOMER if orders is None else orders
    accounts = tuple(account for vendor in vendors for account in vendor.accounts)
    mint = Mint(seed, {v.name: v.native_id for v in vendors}, {v.name: v.full_id for v in vendors})
    return Generator(seed, accounts, mint).run(customers, count)


class Generator:
    """Draws people, then orders in the order they were placed, then payments nobody ordered."""

    def __init__(self, seed: int, accounts: tuple[Account, ...], mint: Mint) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.accounts = accounts
        self.mint = mint
        self.crms = tuple(a for a in accounts if a.role == "crm")
        providers = tuple(a for a in accounts if a.role == "payments")
        # A currency that more accounts take is used more often.
        self.currencies = tuple(c for a in providers for c in a.currencies)
        self.pen = Pen(self.rng, mint, providers, END)
        self.people: list[Customer] = []
        self.buyers: list[tuple[Customer, bool]] = []

    def run(self, customers: int, orders: int) -> World:
        self.people = people.people(self.rng, customers, START, 180)
        self.introduce()
        written = [self.order(index, at) for index, at in enumerate(self.moments(orders))]
        self.orphans(max(6, orders // 40))
        self.releases()
        self.backdate(written)
        return World(self.seed, self.accounts, self.people, written, self.pen.payments)

    def introduce(self) -> None:
        """Give the customers the CRM knows their native id there."""
        for index, customer in enumerate(self.people):
            if people.in_crm(index):
                crm = self.rng.choice(self.crms)
                customer.sources[crm.name] = self.mint.new("customer", crm)
                self.buyers.append((customer, people.in_provider(index)))

    def moments(self, count: int) -> list[datetime]:
        """When each order was placed, oldest first, with some ties."""
        span = int((LAST_ORDER - FIRST_ORDER).total_seconds())
        seconds = sorted(self.rng.randrange(span) for _ in range(count))
        for index in range(TIE_EVERY - 1, count, TIE_EVERY):
            seconds[index] = seconds[index - 1]
        return [FIRST_ORDER + timedelta(seconds=second) for second in seconds]

    def order(self, index: int, placed_at: datetime) -> Order:
        scenario = self.scenario(index)
        buyer, registers = self.rng.choice(self.buyers)
        crm = self.crm_of(buyer)
        currency = scenario.currency or self.rng.choice(self.currencies)
        lines = self.lines(crm, currency)
        for line in lines if scenario.free or scenario.discounted else ():
            line.unit_price, line.total = 0 if scenario.free else line.unit_price, 0
        due = sum(line.total for line in lines)
        order = Order(
            number=f"SO-{FIRST_NUMBER + index}",
            source=crm.name,
            native_id=self.mint.new("order", crm),
            customer=buyer.key if scenario.customer_known else None,
            currency=currency,
            total=due if scenario.total_known else None,
            placed_at=placed_at,
            recorded_state="",
            lines=lines if scenario.total_known else [],
        )
        self.pen.begin(buyer if scenario.customer_known else None, registers, due)
        first = len(self.pen.payments)
        scenario.story(self.pen, order)
        payments = self.pen.payments[first:]
        self.link(order, payments, scenario.link)
        order.refund_field = next(
            ((p.source, r.native_id) for p in payments for r in p.refunds[-1:]), None
        )
        if index % CHANNEL_EVERY == 0:
            order.channels = tuple(dict.fromkeys(self.vendor_of(p.source) for p in payments))
        record(order, payments, scenario)
        return order

    def scenario(self, index: int) -> Scenario:
        if index < len(SCENARIOS):
            return SCENARIOS[index]
        return self.rng.choices(SCENARIOS, [s.weight for s in SCENARIOS])[0]

    def crm_of(self, buyer: Customer) -> Account:
        return next(crm for crm in self.crms if crm.name in buyer.sources)

    def lines(self, crm: Account, currency: str) -> list[Line]:
        return [
            Line(self.mint.new("line", crm), *row) for row in goods.priced_lines(self.rng, currency)
        ]

    def vendor_of(self, account: str) -> str:
        return next(a.vendor for a in self.accounts if a.name == account)

    def link(self, order: Order, payments: list[Payment], fixed: str | None) -> None:
        """How the two sides find each other; the CRM's field has room for one payment only."""
        drawn = self.rng.choices(LINKS, LINK_WEIGHTS)[0]
        kind = fixed or drawn
        if kind == "reference" or not payments:
            return
        last = payments[-1]
        order.payment_field = (last.source, last.native_id)
        if kind == "field":
            last.reference = None

    def orphans(self, count: int) -> None:
        """Payments with no order: an unknown reference, or none at all; some were refunded."""
        strangers = [c for i, c in enumerate(self.people) if not people.in_crm(i)]
        for index in range(count):
            currency = self.rng.choice(self.currencies)
            account = self.pen.provider(currency)
            amount = sum(row[4] for row in goods.priced_lines(self.rng, currency))
            span = int((LAST_ORDER - FIRST_ORDER).total_seconds())
            at = FIRST_ORDER + timedelta(seconds=self.rng.randrange(span))
            payment = self.pen.write(account, amount, currency, "SUCCEEDED", at)
            payment.reference = f"WEB-{9001 + index}" if index % 2 == 0 else None
            if strangers and index % 3 < 2 and "customers" not in account.lacks:
                customer = strangers[index % len(strangers)]
                self.pen.register(customer, account.name)
                payment.customer = customer.key
            if index % 4 == 3:
                self.pen.refund(payment, goods.part(self.rng, amount, currency))

    def releases(self) -> None:
        """Some payments were captured in part, some authorizations never, where that can happen.

        Drawn last, so that nothing else of the world depends on it.
        """
        holding = [
            p for p in self.pen.payments if "release" not in self.pen.accounts[p.source].lacks
        ]
        plain = [p for p in holding if p.status == "SUCCEEDED" and p.order and not p.dispute]
        for refunded in (True, False):
            alike = [p for p in plain if bool(p.refunds) is refunded and p.instalments is None]
            for payment in alike[::RELEASE_EVERY]:
                more = goods.part(self.rng, payment.captured, payment.currency)
                self.pen.release(payment, payment.captured + more)
        for payment in [p for p in holding if p.status == "CANCELED"][::EXPIRED_EVERY]:
            self.pen.release(payment, payment.amount)

    def backdate(self, orders: Iterable[Order]) -> None:
        """Nobody buys or pays before they exist."""
        known = {customer.key: customer for customer in self.people}
        deeds = [(o.customer, o.placed_at) for o in orders]
        deeds += [(p.customer, p.created_at) for p in self.pen.payments]
        for key, at in deeds:
            if key is not None and known[key].created_at > at:
                known[key].created_at = max(START, at - timedelta(hours=1))


def record(order: Order, payments: list[Payment], scenario: Scenario) -> None:
    """What the CRM believes: what follows from the money unless the scenario says otherwise."""
    state = payment_state(order, payments)
    order.recorded_state = scenario.recorded or RECORDS.get(state, state)
    refunded = sum(p.refunded for p in payments if p.currency == order.currency)
    fixed = scenario.recorded_refunded
    order.recorded_refunded = refunded if fixed is None else fixed
