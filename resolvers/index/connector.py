"""A connector that cannot list, made whole by the index of references.

The index says which records exist; each is read live by its id. Upstream calls: those of
`payments` for n payments, and those of `refunds` and `disputes` for the refunds and disputes that
are known of them. Reading the index itself costs no upstream call.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from connectors.capabilities import capabilities
from connectors.errors import (
    Malformed,
    NotFound,
    NotReady,
    Retryable,
    SourceError,
    Superseded,
)
from connectors.filters import Filter, PaymentFilter, RefundFilter
from connectors.ledger import Entry
from connectors.paging import BadCursor, Keyed, Page, PageQuery, Row
from connectors.records import Dispute, Kind, Payment, Refund, Source
from connectors.vendor import CallCost, Vendor
from resolvers.index.entries import stamp
from resolvers.index.learning import Learner
from resolvers.index.settling import settled, total_of
from resolvers.index.slice import Slice
from resolvers.index.store import Index
from resolvers.pages import newest_first, unreadable
from resolvers.store import StoreUnusable
from resolvers.tombstones import erased

STEP = 25
"""Records that are read at once for a filter that only the record itself can answer."""
OVERLAID = {
    "payments": "payments",
    "payment_entries": "payments",
    "find_payments": "find_payments",
    "refunds": "refunds",
    "refund_entries": "refunds",
}
ADDED = {
    "payment_page": "payments",
    "payments_by_reference": "payments",
    "refund_page": "refunds",
    "refunds_by_payment": "refunds",
    "disputes_by_payment": "disputes",
}
"""What it can do on top, by what the connector must be able to do for it."""


def calls_of(vendor: Vendor) -> dict[str, CallCost]:
    """The cost of each batch method, those that the index adds to such a vendor included."""
    own = dict(vendor.calls)
    lacking = {name: own[n] for name, n in ADDED.items() if n in own and name not in own}
    return own | {name: cost for name, cost in lacking.items() if not name.endswith("_page")}


class IndexedConnector:
    """Has every method of `connector`, and those of `ADDED` that it lacks."""

    def __init__(self, connector: Any, source: Source, index: Index, learner: Learner) -> None:
        own = set(capabilities(connector))
        face = _Face(connector, source, index, learner, own)
        names = [n for n, needed in OVERLAID.items() if needed in own]
        names += [n for n, needed in ADDED.items() if needed in own and n not in own]
        self._methods: dict[str, Callable[..., Any]] = {n: getattr(face, n) for n in names}
        self._connector = connector

    def __getattr__(self, name: str) -> Any:
        found = self._methods.get(name)
        return getattr(self._connector, name) if found is None else found


class _Face:
    """The methods themselves."""

    def __init__(
        self, connector: Any, source: Source, index: Index, learner: Learner, own: set[str]
    ) -> None:
        self._connector = connector
        self._name = source.name
        self._index = index
        self._learner = learner
        self._is_read = False
        self._told = {
            kind for kind, name in ((Kind.REFUND, "refunds"), (Kind.DISPUTE, "disputes"))
            if name in own
        }  # fmt: skip

    async def payments(self, ids: Sequence[str]) -> Keyed[Payment]:
        return await self._whole(await self._connector.payments(ids))

    async def find_payments(self, references: Sequence[str]) -> Keyed[tuple[Payment, ...]]:
        found: Keyed[tuple[Payment, ...]] = await self._connector.find_payments(references)
        every = [p for ps in found.values() if not isinstance(ps, SourceError) for p in ps]
        whole = await self._whole({payment.native_id: payment for payment in every})
        return {
            key: value
            if isinstance(value, SourceError)
            else _all_or_error([whole[payment.native_id] for payment in value])
            for key, value in found.items()
        }

    async def payments_by_reference(self, references: Sequence[str]) -> Keyed[tuple[Payment, ...]]:
        if references and (unread := await self._unread()) is not None:
            return dict.fromkeys(references, unread)
        async with self._reading():
            told = await self._index.referenced(self._name, Kind.PAYMENT, references)
        ids = [entry.native_id for entries in told.values() for entry in entries]
        found = await self.payments(ids) if ids else {}
        return {
            reference: _all_or_error(
                _standing(
                    self._claimed(reference, found.get(e.native_id, self._gone)) for e in entries
                )
            )
            for reference, entries in told.items()
        }

    def _claimed(self, reference: str, payment: Any) -> Any:
        """A payment of this number; what says itself that it is another's is corrected."""
        if not isinstance(payment, Payment) or payment.reference in (None, reference):
            return payment
        self._learner.correct(payment)
        return Malformed(self._name, "the order's number is not the one that its books tell")

    async def refunds(self, ids: Sequence[str]) -> Keyed[Refund]:
        """With the payment's native id, where the vendor gives another id of it or none."""
        live: Keyed[Refund] = await self._connector.refunds(ids)
        async with self._reading():
            told = await self._index.known(self._name, Kind.REFUND, list(live))
            named = {
                key: refund.payment_id or (told[key].payment if key in told else None)
                for key, refund in live.items()
                if isinstance(refund, Refund)
            }
            wanted = [payment for payment in named.values() if payment is not None]
            known = await self._index.known(self._name, Kind.PAYMENT, list(dict.fromkeys(wanted)))
        answer = dict(live)
        for key, payment in named.items():
            native = known[payment].native_id if payment in known else payment
            answer[key] = _completed(live[key], told.get(key), native)
            if wrong(told.get(key), answer[key]):
                answer[key] = Malformed(self._name, "the amount is not the one its books tell")
        self._learner.learn(v for v in answer.values() if isinstance(v, Refund))
        return answer

    async def refunds_by_payment(self, payment_ids: Sequence[str]) -> Keyed[tuple[Refund, ...]]:
        async with self._reading():
            told = await self._index.known(self._name, Kind.PAYMENT, payment_ids)
        found: Mapping[str, Any] = await self._of(Kind.REFUND, payment_ids, told)
        return {key: self._checked(value, told.get(key)) for key, value in found.items()}

    async def disputes_by_payment(self, payment_ids: Sequence[str]) -> Keyed[tuple[Dispute, ...]]:
        async with self._reading():
            told = await self._index.known(self._name, Kind.PAYMENT, payment_ids)
        found: Keyed[tuple[Dispute, ...]] = await self._of(Kind.DISPUTE, payment_ids, told)
        return found

    async def payment_page(self, query: PageQuery[PaymentFilter]) -> Page[Payment]:
        return await self._read_page(await self.payment_entries(_in_steps(query)), self.payments)

    async def refund_page(self, query: PageQuery[RefundFilter]) -> Page[Refund]:
        return await self._read_page(await self.refund_entries(_in_steps(query)), self.refunds)

    async def payment_entries(self, query: PageQuery[PaymentFilter]) -> Page[Any]:
        """A page whose rows are entries: which records there are, and none of them read."""
        narrow = query.filter
        if narrow.customer_ids is not None or _accepts_nothing(narrow):
            return Page(())
        wanted = Slice(
            first=query.first,
            after=_place(query.after),
            created_at=narrow.created_at,
            references=narrow.references,
            amount=narrow.amount,
        )
        return await self._page(Kind.PAYMENT, wanted)

    async def refund_entries(self, query: PageQuery[RefundFilter]) -> Page[Any]:
        """As `payment_entries`."""
        narrow = query.filter
        if _accepts_nothing(narrow):
            return Page(())
        payments = narrow.payment_ids
        if payments is not None:
            async with self._reading():
                told = await self._index.known(self._name, Kind.PAYMENT, payments)
            payments = tuple(name for key in payments for name in _names(key, told.get(key)))
        wanted = Slice(
            first=query.first,
            after=_place(query.after),
            created_at=narrow.created_at,
            payments=payments,
            amount=narrow.amount,
        )
        return await self._page(Kind.REFUND, wanted)

    async def _page(self, kind: Kind, wanted: Slice) -> Page[Any]:
        if (unread := await self._unread()) is not None:
            raise unread
        async with self._reading():
            more = msgspec.structs.replace(wanted, first=wanted.first + 1)
            entries = await self._index.slice(self._name, kind, more)
        rows: list[Any] = [
            Row(entry, f"{stamp(entry.created_at)}|{entry.native_id}") for entry in entries
        ]
        return Page(tuple(rows[: wanted.first]), more=len(rows) > wanted.first)

    async def _read_page(self, page: Page[Any], read: Any) -> Page[Any]:
        """A row that the index tells of and the vendor does not know is an error at its place."""
        entries: list[Any] = [row.record for row in page.rows]
        ids = [entry.native_id for entry in entries]
        found = await read(ids) if ids else {}
        records = [found.get(native_id, self._gone) for native_id in ids]
        if records and all(isinstance(record, Retryable) for record in records):
            raise records[0]
        rows = [
            Row(record, row.after)
            for row, record in zip(page.rows, records, strict=True)
            if not isinstance(record, Superseded)
        ]
        return Page(tuple(rows), more=page.more)

    async def _whole(self, live: Keyed[Payment]) -> dict[str, Payment | SourceError]:
        """Payments with all that the index leads to."""
        payments = {v.native_id: v for v in live.values() if isinstance(v, Payment)}
        async with self._reading():
            told = await self._index.known(self._name, Kind.PAYMENT, list(payments))
        taken = [p.native_id for p in payments.values() if p.captured is not None]
        refunds, disputes = await asyncio.gather(
            self._of(Kind.REFUND, [i for i in taken if payments[i].refunds is None], told),
            self._of(Kind.DISPUTE, [i for i in taken if payments[i].disputes is None], told),
        )

        def whole(payment: Payment) -> Payment | SourceError:
            own = payment.native_id
            return settled(payment, told.get(own), refunds.get(own, ()), disputes.get(own, ()))

        answer = {k: whole(v) if isinstance(v, Payment) else v for k, v in live.items()}
        self._learner.learn(v for v in answer.values() if isinstance(v, Payment))
        return answer

    async def _of(self, kind: Kind, ids: Sequence[str], told: Mapping[str, Entry]) -> Any:
        """Refunds or disputes by payment id, newest first; a failure of one is the payment's."""
        if kind not in self._told or not ids:
            return {}
        if (unread := await self._unread()) is not None:
            return dict.fromkeys(ids, unread)
        names = {name: key for key in ids for name in _names(key, told.get(key))}
        async with self._reading():
            belonging = await self._index.belonging(self._name, kind, names)
            gone = await self._index.erased(self._name, Kind.PAYMENT, ids)
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        for name, entries in belonging.items():
            wanted[names[name]] += [entry.native_id for entry in entries]
        every = [native_id for native_ids in wanted.values() for native_id in native_ids]
        found = await self._read(kind, list(dict.fromkeys(every)))
        return {
            key: _all_or_error(
                [self._owned(found.get(i, self._gone), key, names) for i in native_ids], key
            )
            for key, native_ids in wanted.items()
        } | dict.fromkeys(gone, erased(self._name))

    def _owned(self, record: Any, payment: str, names: Mapping[str, str]) -> Any:
        """A refund or dispute of this payment; one that names another is nobody's to count."""
        named = getattr(record, "payment_id", None)
        if named is None or names.get(named) == payment:
            return record
        return Malformed(self._name, "its books tell of another payment than the record itself")

    async def _read(self, kind: Kind, ids: list[str]) -> Mapping[str, Any]:
        """Refunds or disputes; a failure of all of them is not one of their payments."""
        read = self.refunds if kind is Kind.REFUND else self._connector.disputes
        try:
            found: Mapping[str, Any] = await read(ids) if ids else {}
        except SourceError as error:
            return dict.fromkeys(ids, error)
        return found

    async def _unread(self) -> NotReady | None:
        """Nothing can be said to be all there is while no book of the source was ever read."""
        if not self._is_read:
            async with self._reading():
                self._is_read = await self._index.synced_at(self._name) is not None
        return None if self._is_read else NotReady(self._name, "its books have not been read yet")

    @property
    def _gone(self) -> NotFound:
        return unreadable(self._name)

    def _checked(self, refunds: Any, entry: Entry | None) -> Any:
        """Refunds of more than the payment are no refunds to show."""
        if isinstance(refunds, SourceError) or entry is None or entry.amount is None:
            return refunds
        if total_of(refunds, entry.amount) is None:
            return Malformed(self._name, "the refunds are more than the payment")
        return refunds

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        """An index that cannot be read fails like a source: without it nothing can be summed."""
        try:
            yield
        except StoreUnusable:
            raise Retryable("index", "the index of references cannot be read") from None


def wrong(entry: Entry | None, record: Any) -> bool:
    """Whether the books tell another amount than the record itself."""
    told = entry.amount if entry is not None else None
    return told is not None and told != record.amount


def _completed(refund: Any, entry: Entry | None, payment: str | None) -> Any:
    """With its payment's native id, and with the time that only the books tell."""
    made = refund.created_at or (entry.created_at if entry is not None else None)
    return msgspec.structs.replace(refund, payment_id=payment, created_at=made)


def _standing(values: Iterable[Any]) -> list[Any]:
    """Without what lives on as other records, which have entries of their own."""
    return [value for value in values if not isinstance(value, Superseded)]


def _names(native_id: str, entry: Entry | None) -> Iterable[str]:
    """The ids under which other records may name this one."""
    yield native_id
    if entry is not None:
        yield from {entry.native_id, entry.alias or native_id} - {native_id}


def _all_or_error(values: Sequence[Any], payment: str | None = None) -> Any:
    """Each record once, newest first, or the first failure; `payment` becomes the owner of each."""
    for value in values:
        if isinstance(value, SourceError):
            return value
    records = list({value.native_id: value for value in values}.values())
    if payment is not None:
        records = [msgspec.structs.replace(record, payment_id=payment) for record in records]
    return tuple(sorted(records, key=newest_first))


def _accepts_nothing(narrow: PaymentFilter | RefundFilter) -> bool:
    return any(getattr(narrow, name) == () for name in narrow.__struct_fields__)


def is_decided(narrow: Filter) -> bool:
    """Whether an entry of the index tells all that a filter asks for."""
    return all(getattr(narrow, name, None) is None for name in ("statuses", "channels"))


def _in_steps(query: PageQuery[Any]) -> PageQuery[Any]:
    """Fewer at once where many are read that the filter then refuses."""
    first = query.first if is_decided(query.filter) else min(STEP, query.first)
    return msgspec.structs.replace(query, first=first)


def _place(after: str | None) -> tuple[int, str] | None:
    if after is None:
        return None
    when, separator, native_id = after.partition("|")
    if not separator or not native_id or not when.removeprefix("-").isdecimal() or len(when) > 16:
        raise BadCursor("not a place in the index")
    return int(when), native_id
