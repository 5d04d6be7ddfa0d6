"""Relay pages over one or several sources: each row exactly once, in one order.

Every source is read in its own pages and merged by the sort value; a cursor holds how far each
source was read, so rows are neither skipped nor repeated however many sources there are. Rows that
a vendor could not filter out are filtered here. Upstream calls for a page: one per source, and one
more per source for every further vendor page that filtering here makes necessary (at most
`MOST_PAGES`; then a shorter page with `hasNextPage` is answered). A source whose pages are those of
the index of references is merged by its entries, and only the records that stand on the page are
read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from connectors.errors import (
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Superseded,
)
from connectors.filters import Filter
from connectors.ledger import Entry
from connectors.paging import BadCursor as ForeignToken
from connectors.paging import Page, PageQuery, Row, Sort, SortField
from connectors.records import Record
from resolvers.cursor import decode, encode, scope_of
from resolvers.errors import BadCursor
from resolvers.incomplete import Incomplete

MOST_PAGES = 10
FIRST_MOST = 100
Node = Record | SourceError


def unreadable(source: str) -> NotFound:
    """What stands for a record that the index lists and the source does not answer with."""
    return NotFound(source, "its books tell of it, but it cannot be read")


class Ask(msgspec.Struct, frozen=True):
    """What a client asks of a connection: `after` is its cursor, not a source's token.

    `of` names the connection, with the sources that were chosen: a cursor fits no other.
    """

    first: int
    after: str | None
    filter: Filter
    sort: Sort
    of: str = ""

    @property
    def scope(self) -> bytes:
        return scope_of(self.of, self.filter, self.sort)

    def positions(self, names: Collection[str]) -> dict[str, str]:
        """How far each of `names` was read. BadCursor if the cursor tells of anything else."""
        found = decode(self.after, self.scope) if self.after is not None else {}
        if not found.keys() <= set(names):
            raise BadCursor("the cursor belongs to another record or source")
        return found


class Place(msgspec.Struct, frozen=True):
    """How far each source was read. Its cursor is made when it is asked for, which is rare."""

    ask: Ask
    positions: dict[str, str]

    @property
    def cursor(self) -> str:
        return encode(self.ask.scope, self.positions)


class Edge(Place, frozen=True):
    """A failed source takes part as an edge whose node is its error: null, with a located error."""

    node: Node


class PageInfo(msgspec.Struct, frozen=True):
    has_next_page: bool
    has_previous_page: bool
    first: Place | None
    last: Place | None

    @property
    def start_cursor(self) -> str | None:
        return self.first.cursor if self.first is not None else None

    @property
    def end_cursor(self) -> str | None:
        return self.last.cursor if self.last is not None else None


class Connection(msgspec.Struct, frozen=True):
    edges: tuple[Edge, ...]
    page_info: PageInfo
    total_count: int | None = None
    incomplete: tuple[Incomplete, ...] = ()

    @property
    def nodes(self) -> list[Node]:
        return [edge.node for edge in self.edges]


Fetch = Callable[[PageQuery[Any]], Awaitable[Page[Any]]]
Load = Callable[[Sequence[str]], Awaitable[Mapping[str, Any]]]
"""Records (or failures) by native id, for pages whose rows are entries of the index."""
Keeps = Callable[[Node], bool]
"""Whether a row that was read may be shown at all, whatever is asked for."""


class Scan:
    """One source's rows, read page by page and filtered.

    `position` is what a cursor tells: it goes on over rows that may be shown, never over others,
    however far was read. Those behind it that may not be shown are read again for the next page.
    """

    def __init__(
        self,
        name: str,
        fetch: Fetch,
        ask: Ask,
        position: str | None,
        load: Load | None = None,
        keeps: Keeps | None = None,
    ) -> None:
        self.name = name
        self.keeps = keeps
        self._load = load
        self.position = position
        self.failure: SourceError | None = None
        self.rows: deque[Row[Any]] = deque()
        self.total: int | None = None
        self._fetch = fetch
        self._ask = ask
        self._begun = position
        self._scanned = position
        self._told = position
        self._more = True
        self._pages = 0

    @property
    def more(self) -> bool:
        return bool(self.rows) or self._more

    async def fill(self, wanted: int) -> None:
        """Reads until `wanted` rows wait, the source ends or fails, or the budget is spent."""
        while len(self.rows) < wanted and self._more and self._pages < MOST_PAGES:
            if self.failure is not None:
                return
            # What is filtered here would take many small pages.
            await self._read(wanted if not self._pages else FIRST_MOST)
        if not self.rows:
            self.position = self._told
            if self._more and self._scanned != self._told == self._begun:
                # The next page would begin where this one did, and so would all others.
                self._fail(Rejected(self.name, "too many rows of others stand before the next"))

    def take(self) -> Row[Any]:
        row = self.rows.popleft()
        self.position = row.after if self.rows else self._told
        return row

    async def load(self, taken: Sequence[Row[Any]], position: str | None) -> dict[str, Node]:
        """The records of rows that are entries, by their `after`. If all of them fail for now, the
        source failed, and stays where it was at `position`."""
        entries = {row.after: row.record for row in taken if isinstance(row.record, Entry)}
        if not entries or self._load is None:
            return {}
        found = await self._load([entry.native_id for entry in entries.values()])
        gone = unreadable(self.name)
        nodes = {after: found.get(entry.native_id, gone) for after, entry in entries.items()}
        if all(isinstance(node, Retryable | RateLimited) for node in nodes.values()):
            self._fail(next(iter(nodes.values())))
            self.position = self._scanned = self._told = position
            self.rows.clear()
        return nodes

    async def _read(self, wanted: int) -> None:
        query = PageQuery(wanted, self._ask.filter, self._scanned, self._ask.sort)
        self._pages += 1
        try:
            page = await self._fetch(query)
        except ForeignToken:
            raise BadCursor("the cursor is malformed") from None
        except SourceError as error:
            self._fail(error)
            return
        if self._pages == 1:
            self.total = page.total
        kept = [row for row in page.rows if self._is_kept(row)]
        self.rows.extend(row for row in map(self._judged, kept) if row is not None)
        if page.rows:
            self._scanned = page.rows[-1].after
        if kept:
            self._told = kept[-1].after
        self._more = page.more and bool(page.rows)

    def _fail(self, failure: SourceError) -> None:
        self.failure, self._more = failure, False

    def _is_kept(self, row: Row[Any]) -> bool:
        """An entry of the index is asked again as a record."""
        return self.keeps is None or isinstance(row.record, Entry) or self.keeps(row.record)

    def _judged(self, row: Row[Any]) -> Row[Any] | None:
        """A row that the filter accepts, or the failure that keeps from judging it."""
        if not isinstance(row.record, Record):
            return row
        if (failure := self._ask.filter.undecided(row.record)) is not None:
            return Row(failure, row.after)
        return row if self._ask.filter.accepts(row.record) else None


def scans_of(
    ask: Ask,
    fetches: Mapping[str, Fetch],
    loads: Mapping[str, Load] | None = None,
    keeps: Keeps | None = None,
) -> list[Scan]:
    """One scan per name, each from where the cursor left it."""
    positions = ask.positions(fetches)
    loads = loads or {}
    return [
        Scan(name, fetch, ask, positions.get(name), loads.get(name), keeps)
        for name, fetch in fetches.items()
    ]


async def merged(
    scans: Sequence[Scan],
    ask: Ask,
    failures: Sequence[SourceError] = (),
    incomplete: tuple[Incomplete, ...] = (),
) -> Connection:
    """The next `ask.first` rows of all scans; raises the first failure if every source failed.

    `failures` are of sources of which not even a scan could be made, `incomplete` those that take
    no part.
    """
    await asyncio.gather(*(scan.fill(ask.first) for scan in scans))
    _failed(scans, failures)
    positions = {scan.name: scan.position for scan in scans if scan.position is not None}
    edges: list[Edge] = []
    for _ in range(MOST_PAGES):
        taken = await _taken(scans, ask, ask.first - len(edges))
        loaded = await _loaded(scans, taken, positions)
        for scan, row in taken:
            node = loaded.get((scan.name, row.after), row.record)
            if scan.failure is not None and node is not row.record:
                continue
            positions = positions | {scan.name: row.after}
            if _stands(node, row.record, ask.filter):
                edges.append(Edge(ask, positions, node))
        # What was read and refused leaves room for more.
        if not taken or len(edges) == ask.first:
            break
    failed = _failed(scans, failures)
    more = await _more(scans)
    edges += [Edge(ask, positions, error) for error in failed]
    total = None if incomplete else _total(scans, ask)
    return Connection(tuple(edges), _info(scans, ask, edges, more), total, incomplete)


async def _more(scans: Sequence[Scan]) -> bool:
    """Where rows are kept back, whether more follows is told by rows that may be shown, not by what
    the source still has; one that fails now may have more."""
    ahead = [scan for scan in scans if scan.keeps is not None and scan.more]
    await asyncio.gather(*(scan.fill(1) for scan in ahead))
    return any(scan.more for scan in scans) or any(scan.failure for scan in ahead)


async def _taken(scans: Sequence[Scan], ask: Ask, most: int) -> list[tuple[Scan, Row[Any]]]:
    """The next rows of all scans, in order."""
    taken: list[tuple[Scan, Row[Any]]] = []
    while len(taken) < most and (scan := await _next(scans, ask.sort)) is not None:
        taken.append((scan, scan.take()))
    return taken


def _stands(node: Node, listed: Any, narrow: Filter) -> bool:
    """Whether a row is shown. An entry that turns out to be another record (an authorization that
    was captured) is shown at that record's own place; one that cannot be read is shown as an error
    where it is known to be asked for."""
    if isinstance(node, Record):
        return node.native_id == listed.native_id and narrow.accepts(node)
    if isinstance(node, NotFound) and isinstance(listed, Entry):
        everything = msgspec.structs.replace(narrow, sources=None) == type(narrow)()
        return everything and not isinstance(node, Superseded)
    return True


async def _loaded(
    scans: Sequence[Scan], taken: Sequence[tuple[Scan, Row[Any]]], positions: Mapping[str, str]
) -> dict[tuple[str, str], Node]:
    """Records by source and place, for rows that are entries: one batch per source."""
    answers = await asyncio.gather(
        *(
            scan.load([row for own, row in taken if own is scan], positions.get(scan.name))
            for scan in scans
        )
    )
    return {
        (scan.name, after): node
        for scan, nodes in zip(scans, answers, strict=True)
        for after, node in nodes.items()
    }


def _failed(scans: Sequence[Scan], failures: Sequence[SourceError]) -> list[SourceError]:
    """What failed so far; raises the first failure if that is everything."""
    failed = [*failures, *(scan.failure for scan in scans if scan.failure is not None)]
    if failed and len(failed) == len(scans) + len(failures):
        raise failed[0]
    return failed


async def _next(scans: Sequence[Scan], sort: Sort) -> Scan | None:
    """The scan whose head row comes first; on a tie the source configured first.

    None as well when a scan spent its budget before it had a row: what it has next is unknown, so
    nothing may be shown ahead of it.
    """
    await asyncio.gather(*(scan.fill(1) for scan in scans if not scan.rows))
    if any(scan.more and not scan.rows for scan in scans):
        return None
    best: Scan | None = None
    for scan in scans:
        if scan.rows and (best is None or _precedes(scan.rows[0], best.rows[0], sort)):
            best = scan
    return best


def _info(scans: Sequence[Scan], ask: Ask, edges: Sequence[Edge], more: bool) -> PageInfo:
    reached = {scan.name: scan.position for scan in scans if scan.position is not None}
    return PageInfo(
        has_next_page=more,
        has_previous_page=ask.after is not None,
        first=edges[0] if edges else None,
        # Beyond the last edge where rows behind it were read and did not match.
        last=Place(ask, reached) if reached else None,
    )


def _total(scans: Sequence[Scan], ask: Ask) -> int | None:
    """Known only where every source counts for free and nothing is filtered here."""
    totals = [scan.total for scan in scans]
    narrow = msgspec.structs.replace(ask.filter, sources=None)
    hidden = any(scan.keeps is not None for scan in scans)
    if hidden or narrow != type(ask.filter)() or not totals or None in totals:
        return None
    return sum(total for total in totals if total is not None)


def _precedes(row: Row[Any], other: Row[Any], sort: Sort) -> bool:
    """Strictly before, rows without a value last; a row that is an error comes at once."""
    if isinstance(row.record, SourceError) or isinstance(other.record, SourceError):
        return isinstance(row.record, SourceError)
    mine, its = sort_value(row.record, sort.field), sort_value(other.record, sort.field)
    if mine is None or its is None:
        return mine is not None
    return bool(mine > its if sort.descending else mine < its)


def sort_value(record: Record, field: SortField) -> Any:
    """The value rows are ordered by; totals are of one currency then."""
    value = getattr(record, field.value, None)
    return value.amount if field is SortField.TOTAL and value is not None else value


def paged(
    records: Sequence[Record], failures: Sequence[SourceError], ask: Ask, owner: str = ""
) -> Connection:
    """A page of records that are all at hand, newest first; on every page the failures follow,
    because what they keep back might belong there.

    `owner` is the record whose connection this is. Raises the first failure when nothing was found.
    """
    failures = _with_undecided(records, failures, ask.filter)
    if failures and not records:
        raise failures[0]
    ordered = sorted(filter(ask.filter.accepts, records), key=newest_first)
    reached = ask.positions([owner])
    start = _start(ordered, reached.get(owner))
    shown = ordered[start : start + ask.first]
    edges = [Edge(ask, {owner: _place(record)}, record) for record in shown]
    reached = edges[-1].positions if edges else reached
    edges += [Edge(ask, reached, error) for error in failures]
    info = PageInfo(
        has_next_page=start + ask.first < len(ordered),
        has_previous_page=start > 0,
        first=edges[0] if edges else None,
        last=edges[len(shown) - 1] if shown else None,
    )
    return Connection(tuple(edges), info, None if failures else len(ordered))


def _with_undecided(
    records: Sequence[Record], failures: Sequence[SourceError], narrow: Filter
) -> list[SourceError]:
    """The failures, and those that leave open whether the filter accepts a record: one a source."""
    found = [*failures]
    for record in records:
        failure = narrow.undecided(record)
        if failure is not None and failure.source not in {one.source for one in found}:
            found.append(failure)
    return found


def newest_first(record: Record) -> tuple[float, str]:
    made = record.created_at
    return (-made.timestamp() if made is not None else 0.0, record.id)


def _place(record: Record) -> str:
    when, id_ = newest_first(record)
    return f"{when!r}|{id_}"


def _start(ordered: Sequence[Record], reached: str | None) -> int:
    if reached is None:
        return 0
    try:
        when, _, id_ = reached.partition("|")
        place = (float(when), id_)
    except ValueError:
        raise BadCursor("the cursor is malformed") from None
    return sum(1 for record in ordered if newest_first(record) <= place)
