"""What the conformance suite asks with: faults, keys, filters and a walk over pages. No pytest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

import msgspec

from connectors.errors import Malformed, RateLimited, Retryable, SourceError, TimedOut
from connectors.filters import (
    CustomerFilter,
    MoneyRange,
    OrderFilter,
    PaymentFilter,
    RefundFilter,
    TimeRange,
)
from connectors.ledger import BadRow, Entry, Told
from connectors.paging import Page, PageQuery, Sort, SortField
from connectors.records import Kind, Record, Source
from connectors.secret import Secret
from connectors.tokens import TokenSource
from connectors.transport import HttpTransport, Judge, Limits, worst_skew
from connectors.vendor import SourceSettings, Vendor, Wiring


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the simulator does to data calls; without `times` until the faults are set anew.

    `odd_row` adds one row to each statement that has rows, which cannot be read and holds `MARK`;
    `gbk` answers in GBK, though UTF-8 was asked for. Both are signed as any other answer.

    `odd` puts the raw text `put` at the JSON pointer `pointer` of an answer (before the answer,
    without a pointer) and signs what comes of it; answers of another path than `path`, and those
    that have not the JSON `value` there, are left alone and do not count as `times`. A pointer
    leads on into JSON inside a text.
    """

    kind: Literal[
        "latency",
        "status",
        "rate_limit",
        "drop",
        "cut",
        "bad_json",
        "html",
        "duplicate",
        "odd",
        "odd_row",
        "gbk",
    ]
    status: int | None = None
    latency_ms: int | None = None
    times: int | None = None
    path: str | None = None
    value: str | None = None
    pointer: str | None = None
    put: str | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that a fault `odd` hit: `text` is what the vendor meant, `odd` whether it said
    something else. Of a vendor that does not speak JSON it is a JSON object of its fields.
    """

    method: str
    path: str
    text: str
    odd: bool


class Upstream(Protocol):
    """Control over the simulator that stands in for the vendor."""

    async def set_faults(self, faults: Sequence[Fault]) -> None:
        """Put these faults in force instead of the present ones; none clears them."""
        ...

    async def calls(self) -> int:
        """Calls that arrived since `clear`, whatever their answer."""
        ...

    async def clear(self) -> None:
        """Forget the calls so far."""
        ...

    async def answers(self) -> Sequence[Said]:
        """The answers that a fault `odd` hit since the faults were set, in their order."""
        ...


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of one batch method: ones that have an answer, and well-formed ones that have none.

    `source` is the first argument of `customers_by_external_id` and `orders_by_payment_id`.
    """

    known: tuple[str, ...]
    missing: Callable[[int], str]
    source: str | None = None

    def keys(self, count: int) -> list[str]:
        """`count` different keys, known ones first."""
        known = list(self.known[:count])
        return known + [self.missing(index) for index in range(count - len(known))]


class Paged(msgspec.Struct, frozen=True):
    kind: Kind
    method: str
    filter: Any
    one_of: tuple[str, ...]


PAGES = (
    Paged(Kind.CUSTOMER, "customer_page", CustomerFilter, ("emails", "names")),
    Paged(Kind.ORDER, "order_page", OrderFilter, ("customer_ids", "numbers", "recorded_states")),
    Paged(Kind.PAYMENT, "payment_page", PaymentFilter, ("customer_ids", "references", "statuses")),
    Paged(Kind.REFUND, "refund_page", RefundFilter, ("payment_ids", "statuses")),
)
ATTRIBUTES = {
    "emails": "email",
    "names": "name",
    "customer_ids": "customer_id",
    "numbers": "number",
    "recorded_states": "recorded_state",
    "references": "reference",
    "statuses": "status",
    "payment_ids": "payment_id",
}
TIMES = ("created_at", "placed_at")
AMOUNTS = ("total", "amount")
SORT_KEYS: dict[SortField, Callable[[Any], Any]] = {
    SortField.CREATED_AT: lambda record: record.created_at,
    SortField.PLACED_AT: lambda record: record.placed_at,
    SortField.NAME: lambda record: record.name and record.name.casefold(),
    SortField.TOTAL: lambda record: record.total and record.total.amount,
}
FAULTS: tuple[tuple[Fault, type[SourceError]], ...] = (
    (Fault(kind="status", status=500), Retryable),
    (Fault(kind="status", status=502), Retryable),
    (Fault(kind="status", status=503), Retryable),
    (Fault(kind="status", status=504), Retryable),
    (Fault(kind="rate_limit"), RateLimited),
    (Fault(kind="html"), Malformed),
    (Fault(kind="bad_json"), Malformed),
    (Fault(kind="cut"), Retryable),
    (Fault(kind="drop"), Retryable),
    (Fault(kind="latency", latency_ms=2000), TimedOut),
)
MARK = "ODDITY4711"
NO_TOKENS = ("", "no token", "'", "é", "%00", "a" * 5000)
TRICKY = "O'Neill \\ \"x\" \n % _ {} OR Name != ''"


@asynccontextmanager
async def connected(
    vendor: Vendor, settings: SourceSettings, limits: Limits | None = None, name: str = "conform"
) -> AsyncIterator[Any]:
    """A live connector, wired as the composition root does it; its connections are closed after."""
    transports: list[HttpTransport] = []

    def open_transport(base_url: str, judge: Judge, tokens: TokenSource | None) -> HttpTransport:
        transports.append(
            HttpTransport(
                name,
                base_url,
                hosts=vendor.hosts,
                limits=limits or vendor.limits,
                judge=judge,
                tokens=tokens,
            )
        )
        return transports[-1]

    wiring = Wiring(
        Source(name, vendor.name, vendor.kind),
        open_transport,
        lambda: datetime.now(UTC),
        lambda: worst_skew(transports),
    )
    try:
        yield vendor.connect(wiring, settings)
    finally:
        for transport in transports:
            await transport.aclose()


async def ask(connector: Any, method: str, batch: Batch, keys: Sequence[str]) -> Mapping[str, Any]:
    """One call of a batch method, whatever other arguments it takes."""
    call = getattr(connector, method)
    if batch.source is not None:
        answer = await call(batch.source, keys)
    elif method == "orders_by_customer":
        answer = await call(keys, PageQuery(first=5, filter=OrderFilter()))
    else:
        answer = await call(keys)
    assert isinstance(answer, Mapping)
    return answer


async def outcome(call: Awaitable[Any]) -> Any:
    """The answer, or the SourceError that was raised or stands for the only key."""
    try:
        answer = await call
    except SourceError as error:
        return error
    failed = [v for v in answer.values() if isinstance(v, SourceError)] if keyed(answer) else []
    return failed[0] if failed else answer


async def drained(
    rows: AsyncIterator[Sequence[Told]], bad: list[BadRow] | None = None
) -> dict[tuple[Kind, str], Entry]:
    """All that a period tells, by kind and native id; what one book adds to another is kept. Bad
    rows are added to `bad`, and fail the test where it is None.
    """
    told: dict[tuple[Kind, str], Entry] = {}
    async for batch in rows:
        for row in batch:
            if isinstance(row, Entry):
                told[row.kind, row.native_id] = row
            else:
                assert bad is not None, str(row)
                bad.append(row)
    return told


async def entries_of(
    connector: Any, books: tuple[datetime, datetime]
) -> dict[tuple[Kind, str], Entry]:
    """All that the ledger tells; nothing for a connector without one."""
    told: dict[tuple[Kind, str], Entry] = {}
    for period in connector.periods(*books) if hasattr(connector, "periods") else ():
        told |= await drained(connector.entries(period))
    return told


async def walk(
    connector: Any, page: Paged, first: int, *, sort: Sort, filter: Any, most: int = 10_000
) -> list[tuple[Record, str]]:
    """The records of all pages with their tokens, at most `most` of them."""
    rows: list[tuple[Record, str]] = []
    after: str | None = None
    while True:
        query = PageQuery(first=first, filter=filter, after=after, sort=sort)
        answer: Page[Any] = await getattr(connector, page.method)(query)
        assert len(answer.rows) <= first
        rows += [(r.record, r.after) for r in answer.rows if isinstance(r.record, Record)]
        if not answer.more or len(rows) >= most:
            return rows
        assert answer.rows, "a page that says `more` must name the row to resume after"
        assert answer.rows[-1].after != after
        after = answer.rows[-1].after


def ids(rows: Sequence[tuple[Record, str]]) -> list[str]:
    return [record.native_id for record, _ in rows]


def records_in(value: Any) -> Iterator[Record]:
    """The records of one key's answer: one, a tuple or a page of them."""
    if isinstance(value, Record):
        yield value
    for item in value.rows if isinstance(value, Page) else value if many(value) else ():
        yield from records_in(getattr(item, "record", item))


def inside(value: Any) -> Iterator[Any]:
    """Every value within a record, its nested structures included."""
    yield value
    nested: Sequence[Any] = value if many(value) else ()
    if isinstance(value, msgspec.Struct):
        nested = [getattr(value, name) for name in value.__struct_fields__]
    for item in nested:
        yield from inside(item)


def narrowings(page: Paged, records: Sequence[Record]) -> Iterator[Any]:
    """Filters made of the values of some records: each accepts some rows and refuses others."""
    for record in (records[len(records) // 3], records[2 * len(records) // 3]):
        for field in TIMES:
            if field in page.filter.__struct_fields__ and (at := getattr(record, field)):
                for bounds in ({"gte": at}, {"gt": at}, {"lte": at}, {"lt": at}):
                    yield page.filter(**{field: TimeRange(**bounds)})
                yield page.filter(**{field: TimeRange(gte=at, lt=at + timedelta(days=9))})
        for field in AMOUNTS:
            if field in page.filter.__struct_fields__ and (amount := getattr(record, field)):
                for bound in ("gte", "gt", "lte", "lt"):
                    limit = {bound: amount.minor_units}
                    yield page.filter(**{field: MoneyRange(amount.currency, **limit)})
    for field in page.one_of:
        values = {getattr(r, ATTRIBUTES[field]): None for r in records}
        found = [value for value in values if value is not None]
        yield page.filter(**{field: tuple(found[:1])})
        yield page.filter(**{field: tuple(found[1:4])})
        if found and isinstance(found[0], str):
            yield page.filter(**{field: (found[0].upper(), TRICKY)})


def secrets_of(settings: SourceSettings) -> list[str]:
    values = [getattr(settings, name) for name in settings.__struct_fields__]
    return [value.reveal() for value in values if isinstance(value, Secret)]


def many(value: Any) -> bool:
    return isinstance(value, tuple | list)


def keyed(value: Any) -> bool:
    return isinstance(value, Mapping)
