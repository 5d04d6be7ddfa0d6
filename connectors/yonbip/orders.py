"""Sales orders as a table: the list tells heads, the detail of one order tells its lines too.

The list has no "one of": each value is a call of its own. It cannot be asked for the newest either,
so it is read by stretches of time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.asking import Asking
from connectors.capabilities import Probe
from connectors.each import each
from connectors.errors import Misconfigured, Rejected
from connectors.metadata import Column, ColumnType, Rows, Table
from connectors.tables import Found, Newest
from connectors.values import Misfit, moment
from connectors.windows import Windows
from connectors.yonbip.api import Api
from connectors.yonbip.settings import TABLE

LINES = "orderDetails"
FOREVER = datetime(2999, 1, 1, tzinfo=UTC)
SAMPLE = 20
DAY = timedelta(days=1)
Asked = dict[str, Any]


class OrderTables:
    """`zone` is the one that YonBIP writes and reads times in."""

    folds = False

    def __init__(self, source: str, api: Api, zone: str, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._api = api
        self._zone = zone
        self._clock = clock
        self._asking = Asking(source)
        self._windows: defaultdict[str, Windows] = defaultdict(Windows)

    async def probe(self) -> Probe:
        await self._api.page({}, 1, 1)
        return Probe()

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        self._check_table(table)
        if field == "id":
            return await each(values, self._by_id)
        self._check_listed((*columns, field))

        async def of(value: str) -> Rows:
            return _once(await self._asking.holding(TABLE, field, value, pages))

        def pages(value: str) -> AsyncIterator[Rows]:
            return self._told_by(field, value)

        return await self._asking.each(TABLE, field, values, of)

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        self._check_table(table)
        self._check_listed((*columns, by))
        now = self._clock()
        told: set[str] = set()

        async def fetch(start: datetime, end: datetime) -> Rows:
            # Users date orders ahead: the first stretch has no end. Whether an end is itself
            # within the stretch is not documented, so what comes twice is dropped.
            last = FOREVER if until is None and end > now else end
            rows = [row async for page in self._during(by, start, last) for row in page]
            fresh = [row for row in _once(rows) if str(row["id"]) not in told]
            told.update(str(row["id"]) for row in fresh)
            return sorted(fresh, key=lambda row: str(row.get(by, "")), reverse=True)

        return await self._windows[by].newest(fetch, until or now, count)

    async def changed(
        self, table: str, columns: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[Rows]:
        self._check_table(table)
        self._check_listed((*columns, by))
        async for rows in self._during(by, since, FOREVER):
            yield rows

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        """What the fields are is seen from some orders: YonBIP describes them nowhere."""
        if tables and TABLE not in tables:
            return ()
        rows, _ = await self._api.page({}, 1, SAMPLE)
        whole = [await self._api.order(str(row["id"])) for row in rows[:1]]
        heads = [*rows, *(row for row in whole if row is not None)]
        lines = [
            {f"{LINES}[].{name}": value for name, value in line.items()}
            for row in heads
            for line in row.get(LINES) or ()
        ]
        columns = (*_columns(heads, self._zone), *_columns(lines, self._zone))
        return (Table(name=TABLE, label="销售订单", columns=columns, complete=False),)

    async def _by_id(self, order_id: str) -> Rows:
        row = await self._api.order(order_id)
        return [] if row is None else [row]

    async def _told_by(self, field: str, value: str) -> AsyncIterator[Rows]:
        """The list's own parameter `code` is a search within codes, so that it is not used."""
        try:
            asked = {"simpleVOs": [{"field": field, "op": "eq", "value1": value}]}
            async for rows in self._api.pages(asked):
                yield rows
        except Rejected as error:
            detail = f"{TABLE} was not told by {field}: it may not exist, or not be one to ask by"
            raise Rejected(self._source, detail, status=error.status, code=error.code) from None

    async def _during(self, by: str, start: datetime, end: datetime) -> AsyncIterator[Rows]:
        first, last = self._written(start), self._written(end)
        asked: Asked = {
            "simpleVOs": [{"field": by, "op": "between", "value1": first, "value2": last}]
        }
        if by == "vouchdate":
            asked = {"open_vouchdate_begin": first, "open_vouchdate_end": last}
        async for rows in self._api.pages(asked):
            self._check_times(rows, by, start - DAY, end + DAY)
            yield rows

    def _check_times(self, rows: Rows, by: str, start: datetime, end: datetime) -> None:
        """A list that does not regard times is not read as often as there are stretches of them.
        One that compares days tells a day more; a time that cannot be read says nothing, nor does
        a single one among others."""
        outside = [row for row in rows if self._is_outside(row.get(by), start, end)]
        if len(outside) > 1 or (outside and len(rows) == 1):
            raise Misconfigured(
                self._source, f"{TABLE} cannot be asked by times of {by}: others come as well"
            )

    def _is_outside(self, value: Any, start: datetime, end: datetime) -> bool:
        try:
            return not start <= moment(value, self._zone) <= end
        except Misfit:
            return False

    def _written(self, moment: datetime) -> str:
        return moment.astimezone(ZoneInfo(self._zone)).strftime("%Y-%m-%d %H:%M:%S")

    def _check_table(self, table: str) -> None:
        if table != TABLE:
            raise Misconfigured(self._source, f"there is no table {table}: only {TABLE} is read")

    def _check_listed(self, columns: Iterable[str]) -> None:
        for column in columns:
            if column.startswith(LINES):
                raise Misconfigured(
                    self._source, f"{TABLE}.{column}: what stands in lines is not listed"
                )


def _once(rows: Rows) -> Rows:
    """One that moved on to the next page while pages were read is there once."""
    return list({str(row["id"]): row for row in rows}.values())


def _columns(rows: Rows, zone: str) -> tuple[Column, ...]:
    """A column for each field that some row has, with the type of the first value it holds."""
    held: dict[str, Any] = {}
    for row in rows:
        for name, value in row.items():
            if not isinstance(value, dict | list) and held.get(name) is None:
                held[name] = value
    return tuple(
        Column(path=name, key=name, type=_type(value, zone), unique=name == "id")
        for name, value in held.items()
    )


def _type(value: Any, zone: str) -> ColumnType:
    if isinstance(value, bool):
        return ColumnType.BOOLEAN
    if isinstance(value, int | Decimal):
        return ColumnType.NUMBER
    try:
        moment(value, zone)
    except Misfit:
        return ColumnType.TEXT
    return ColumnType.TIME
