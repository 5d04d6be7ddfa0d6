"""The pen that writes payments, refunds and disputes into a world, one native id after another."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from sandbox import goods
from sandbox.world import Account, Customer, Deduction, Dispute, Order, Payment, Refund

MintId = Callable[[str, Account, int, random.Random], str]
FullId = Callable[[str, str, datetime, str | None], str]
FUNDERS = ("provider", "merchant")
DUE_DAYS = 7
DECLINES = ("card_declined", "insufficient_funds", "expired_card", "processing_error")
GUESTS = 8  # one payment in so many is made without a customer at the provider
DEDUCTIONS = 4  # one payment in so many is paid in part by a coupon or points
LATE_FEES = 100  # one captured payment in so many has no fee known yet


class Mint:
    """Native ids. Each kind and account draws from its own stream, so vendors never interact."""

    def __init__(
        self, seed: int, native_ids: Mapping[str, MintId], full_ids: Mapping[str, FullId]
    ) -> None:
        self.seed = seed
        self.native_ids = native_ids
        self.full_ids = full_ids
        self.streams: dict[tuple[str, str], random.Random] = {}
        self.counts: Counter[tuple[str, str]] = Counter()

    def new(self, kind: str, account: Account) -> str:
        key = (account.name, kind)
        if key not in self.streams:
            self.streams[key] = random.Random(f"{self.seed}:{account.name}:{kind}")
        index = self.counts[key]
        self.counts[key] += 1
        return self.native_ids[account.vendor](kind, account, index, self.streams[key])

    def of(self, kind: str, account: Account, at: datetime, payment: str | None = None) -> str:
        """The whole id of a payment, or of something that belongs to `payment`."""
        return self.full_ids[account.vendor](kind, self.new(kind, account), at, payment)


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

    def provider(self, currency: str, needs: frozenset[str] = frozenset()) -> Account:
        """An account that takes this currency and in which all of `needs` can happen."""
        able = [a for a in self.providers if currency in a.currencies and not needs & a.lacks]
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
        needs: Iterable[str] = (),
    ) -> Payment:
        """One payment for an order, all that is due unless told otherwise.

        `needs` is what will happen to it later, in the words of `Account.lacks`.
        """
        currency = currency or order.currency
        needed = {status, *needs} | ({"instalments"} if instalments else set())
        account = self.provider(currency, frozenset(needed))
        payment = self.write(
            account,
            self.due if amount is None else amount,
            currency,
            status,
            at or self.later(order.placed_at, 30, 900),
        )
        payment.order = payment.reference = order.number
        payment.method = self.method(account, instalments, needed) or method
        payment.instalments, payment.failure = instalments, failure
        payment.customer = None if guest else self.known_buyer(payment.source)
        if not fee:
            payment.fee = None
        return payment

    def method(self, account: Account, instalments: int | None, needs: set[str]) -> str | None:
        """One of the account's own ways to pay; digital cash has no instalments, no disputes."""
        methods = list(account.methods)
        if instalments or any(need.startswith("dispute") for need in needs):
            methods = [m for m in methods if m == "pay_later"] or [
                m for m in methods if m != "ecny"
            ]
        return self.rng.choice(methods) if methods else None

    def write(
        self, account: Account, amount: int, currency: str, status: str, at: datetime
    ) -> Payment:
        """A payment that belongs to no order yet."""
        done = status == "SUCCEEDED"
        late = self.rng.randrange(LATE_FEES) == 0
        payment = Payment(
            native_id=self.mint.of("payment", account, at),
            source=account.name,
            amount=amount,
            currency=currency,
            status=status,
            created_at=at,
            captured=amount if done else 0,
            fee=goods.provider_fee(amount, currency) if done and not late else None,
        )
        if account.methods:
            payment.method = account.methods[0]
        if done and account.deducts and self.rng.randrange(DEDUCTIONS) == 0:
            self.deduct(payment, account)
        self.payments.append(payment)
        return payment

    def deduct(self, payment: Payment, account: Account) -> None:
        """A tenth of the amount, in one or two parts, is paid by somebody else."""
        kinds = self.rng.sample(account.deducts, self.rng.randint(1, min(2, len(account.deducts))))
        for kind in kinds:
            amount = payment.amount // 10 // len(kinds)
            if amount:
                payer = "provider" if kind == "points" else self.rng.choice(FUNDERS)
                payment.deductions.append(Deduction(kind, amount, payer))

    def known_buyer(self, source: str) -> str | None:
        """The buyer's key, once the provider knows them; some pay as guests."""
        if self.buyer is None or not self.may_register or self.rng.randrange(GUESTS) == 0:
            return None
        if "customers" in self.accounts[source].lacks:
            return None
        self.register(self.buyer, source)
        return self.buyer.key

    def register(self, customer: Customer, source: str) -> None:
        if source not in customer.sources:
            customer.sources[source] = self.mint.new("customer", self.accounts[source])

    def refund(self, payment: Payment, amount: int, status: str = "SUCCEEDED") -> Refund:
        since = payment.refunds[-1].created_at if payment.refunds else payment.created_at
        at = self.later(since, 3_600, 5 * 86_400)
        account = self.accounts[payment.source]
        refund = Refund(
            native_id=self.mint.of("refund", account, at, payment.native_id),
            amount=amount,
            status=status,
            created_at=at,
            reason=self.rng.choice(("requested_by_customer", "duplicate", None)),
        )
        payment.refunds.append(refund)
        return refund

    def release(self, payment: Payment, authorized: int) -> None:
        """Tell of `authorized` of which only a part was captured, or nothing in time: the provider
        lets the rest go.
        """
        at = self.later(payment.created_at, 60, 3_600)
        account = self.accounts[payment.source]
        let_go = Refund(
            native_id=self.mint.of("refund", account, at, payment.native_id),
            amount=authorized - payment.captured,
            status="CANCELED",
            created_at=at,
            reason=None if payment.captured else "expired_uncaptured_charge",
            release=True,
        )
        payment.amount = authorized
        payment.refunds.insert(0, let_go)

    def dispute(self, payment: Payment, status: str, *, holds: bool) -> Dispute:
        at = self.later(payment.created_at, 86_400, 8 * 86_400)
        payment.dispute = Dispute(
            native_id=self.mint.of("dispute", self.accounts[payment.source], at, payment.native_id),
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
