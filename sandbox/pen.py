"""The pen that writes payments, refunds and disputes into a world, one native id after another."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sandbox import goods
from sandbox.world import Account, Customer, Dispute, Order, Payment, Refund

MintId = Callable[[str, Account, int, random.Random], str]
DUE_DAYS = 7
DECLINES = ("card_declined", "insufficient_funds", "expired_card", "processing_error")
GUESTS = 8  # one payment in so many is made without a customer at the provider
LATE_FEES = 100  # one captured payment in so many has no fee known yet


class Mint:
    """Native ids. Each kind and account draws from its own stream, so vendors never interact."""

    def __init__(self, seed: int, native_ids: Mapping[str, MintId]) -> None:
        self.seed = seed
        self.native_ids = native_ids
        self.streams: dict[tuple[str, str], random.Random] = {}
        self.counts: Counter[tuple[str, str]] = Counter()

    def new(self, kind: str, account: Account) -> str:
        key = (account.name, kind)
        if key not in self.streams:
            self.streams[key] = random.Random(f"{self.seed}:{account.name}:{kind}")
        index = self.counts[key]
        self.counts[key] += 1
        return self.native_ids[account.vendor](kind, account, index, self.streams[key])


class Pen:
    """Writes what happened to orders. `latest` bounds every time it writes."""

    def __init__(
        self, rng: random.Random, mint: Mint, providers: tuple[Account, ...], latest: datetime
    ) -> None:
        self.rng = rng
        self.mint = mint
        self.providers = providers
        self.latest = latest
        self.accounts = {account.name: account for account in providers}
        self.payments: list[Payment] = []
        self.buyer: Customer | None = None
        self.may_register = False
        self.due = 0

    def begin(self, buyer: Customer | None, may_register: bool, due: int) -> None:
        """Turn to the next order: who buys, whether a provider may know them, what is owed."""
        self.buyer, self.may_register, self.due = buyer, may_register, due

    def provider(self, currency: str) -> Account:
        """An account that takes this currency."""
        able = [account for account in self.providers if currency in account.currencies]
        return self.rng.choice(able)

    def foreign(self, currency: str) -> str:
        """Any other currency that can be paid."""
        every = dict.fromkeys(code for account in self.providers for code in account.currencies)
        return self.rng.choice([code for code in every if code != currency])

    def later(self, moment: datetime, low: int, high: int) -> datetime:
        """Between `low` and `high` seconds after a moment, but never after the world's end."""
        return min(moment + timedelta(seconds=self.rng.randint(low, high)), self.latest)

    def pay(
        self,
        order: Order,
        amount: int | None = None,
        status: str = "SUCCEEDED",
        *,
        currency: str | None = None,
        at: datetime | None = None,
        guest: bool = False,
        method: str = "card",
        instalments: int | None = None,
        failure: str | None = None,
        fee: bool = True,
    ) -> Payment:
        """One payment for an order, all that is due unless told otherwise."""
        currency = currency or order.currency
        payment = self.write(
            self.provider(currency),
            self.due if amount is None else amount,
            currency,
            status,
            at or self.later(order.placed_at, 30, 900),
        )
        payment.order = payment.reference = order.number
        payment.method, payment.instalments, payment.failure = method, instalments, failure
        payment.customer = None if guest else self.known_buyer(payment.source)
        if not fee:
            payment.fee = None
        return payment

    def write(
        self, account: Account, amount: int, currency: str, status: str, at: datetime
    ) -> Payment:
        """A payment that belongs to no order yet."""
        done = status == "SUCCEEDED"
        late = self.rng.randrange(LATE_FEES) == 0
        payment = Payment(
            native_id=self.mint.new("payment", account),
            source=account.name,
            amount=amount,
            currency=currency,
            status=status,
            created_at=at,
            captured=amount if done else 0,
            fee=goods.provider_fee(amount, currency) if done and not late else None,
        )
        self.payments.append(payment)
        return payment

    def known_buyer(self, source: str) -> str | None:
        """The buyer's key, once the provider knows them; some pay as guests."""
        if self.buyer is None or not self.may_register or self.rng.randrange(GUESTS) == 0:
            return None
        self.register(self.buyer, source)
        return self.buyer.key

    def register(self, customer: Customer, source: str) -> None:
        if source not in customer.sources:
            customer.sources[source] = self.mint.new("customer", self.accounts[source])

    def refund(self, payment: Payment, amount: int, status: str = "SUCCEEDED") -> Refund:
        since = payment.refunds[-1].created_at if payment.refunds else payment.created_at
        refund = Refund(
            native_id=self.mint.new("refund", self.accounts[payment.source]),
            amount=amount,
            status=status,
            created_at=self.later(since, 3_600, 5 * 86_400),
            reason=self.rng.choice(("requested_by_customer", "duplicate", None)),
        )
        payment.refunds.append(refund)
        return refund

    def dispute(self, payment: Payment, status: str, *, holds: bool) -> Dispute:
        at = self.later(payment.created_at, 86_400, 8 * 86_400)
        payment.dispute = Dispute(
            native_id=self.mint.new("dispute", self.accounts[payment.source]),
            amount=payment.amount,
            status=status,
            reason=self.rng.choice(("fraudulent", "product_not_received", "duplicate")),
            created_at=at,
            due_by=at + timedelta(days=DUE_DAYS) if status.endswith("needs_response") else None,
            holds=holds,
        )
        return payment.dispute

    def decline(self) -> str:
        return self.rng.choice(DECLINES)
