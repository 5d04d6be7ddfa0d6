"""Bill queries: a table of the head joined with the lines that are asked for.

Selecting a field of lines multiplies the bills, once per line; a bill without lines stays as one
row. Limits are as strict as the real ones; what OrderString leaves open comes in any order.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.kingdee.errors import Refusal, no_field
from sandbox.kingdee.filters import Get, parsed
from sandbox.kingdee.forms import Bill, Entity, Field, Form
from sandbox.oddities import shuffle

MOST_ROWS = 2000
TIMES = ("DateField", "DateTimeField")
NUMBERS = ("AmountField", "QtyField", "PriceField", "IntegerField")
KNOWN = {
    "FormId",
    "FieldKeys",
    "FilterString",
    "OrderString",
    "TopRowCount",
    "StartRow",
    "Limit",
    "SubSystemId",
}


@dataclass(slots=True)
class Shelf:
    """All forms, and what the integration user cannot see of them: forms it has no right to, forms
    that were deleted, fields that are gone, fields that show as blank. `rng` decides on what the
    database is free to: the order of rows."""

    forms: dict[str, Form]
    denied: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    dropped: set[tuple[str, str]] = field(default_factory=set)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    rng: random.Random = field(default_factory=lambda: random.Random(1))

    def form(self, form_id: Any) -> Form:
        if not isinstance(form_id, str) or not form_id:
            raise Refusal(5, "FormId 不能为空")
        found = self.forms.get(form_id.casefold())
        if found is None or found.id in self.deleted:
            raise Refusal(10, f"业务对象不存在：{form_id}")
        if found.id in self.denied:
            raise Refusal(2, f"您没有“{found.label}”的“查看”权限")
        return found

    def referred(self, form_id: str, key: Any) -> Bill | None:
        """The base data with this internal id."""
        form = self.forms[form_id.casefold()]
        return next((bill for bill in form.bills if bill[form.key] == key), None)


Row = dict[str, Any]


class Columns:
    """The fields of one query, and which lines they need."""

    def __init__(self, shelf: Shelf, form: Form) -> None:
        self.shelf = shelf
        self.form = form
        self.joined: dict[str, Entity] = {}
        self._referred: dict[str, dict[Any, Bill]] = {}

    def get(self, name: str) -> Get:
        """How to read a column of a joined row; MsgCode 9 for one that is not there."""
        key, _, inner = name.partition(".")
        found = self.find(key)
        if found is None or (self.form.id, key) in self.shelf.dropped:
            raise no_field(name)
        if (self.form.id, key) in self.shelf.hidden:
            return lambda row: None
        if not inner:
            return lambda row: row.get(key)
        return self.through(name, found, inner)

    def find(self, key: str) -> Field | None:
        form = self.form
        if key == form.key:
            return Field(key, element="IntegerField")
        if key in form.head:
            return form.head[key]
        for entity in form.lines:
            own = {one.key: one for one in entity.fields}
            if key == entity.pk or key in own:
                self.joined[entity.key] = entity
                return own.get(key, Field(key, element="IntegerField"))
        return None

    def through(self, name: str, found: Field, inner: str) -> Get:
        """A property of the base data that a field refers to."""
        target = self.shelf.forms.get(found.refers.casefold()) if found.refers else None
        if target is None or (inner not in target.head and inner != target.key):
            raise no_field(name)
        if found.refers not in self._referred:
            self._referred[found.refers] = {bill[target.key]: bill for bill in target.bills}
        known, key = self._referred[found.refers], found.key
        return lambda row: known.get(row.get(key), {}).get(inner)

    def shown(self, name: str) -> Get:
        """As `get`, written as an answer has it: no text is a space, no base data is 0."""
        get = self.get(name)
        key, _, inner = name.partition(".")
        found = self.find(key)
        assert found is not None
        element = found.element
        if inner:
            element = self.shelf.forms[found.refers.casefold()].head[inner].element
        if element == "BaseDataField":
            return lambda row: get(row) or 0
        if element in TIMES:
            return lambda row: written(get(row))
        if element in NUMBERS:
            return get
        return lambda row: get(row) or (" " if not inner else None)

    def rows(self) -> Iterator[Row]:
        for bill in self.form.bills:
            several = [bill.get(key) or [{}] for key in self.joined]
            for lines in itertools.product(*several):
                row = dict(bill)
                for line in lines:
                    row.update(line)
                yield row


def written(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


@dataclass(frozen=True, slots=True)
class Found:
    names: list[str]
    rows: list[list[Any]]


def query(shelf: Shelf, data: Any) -> Found:
    """The answer to ExecuteBillQuery."""
    if not isinstance(data, dict) or set(data) - KNOWN:
        raise Refusal(8, "参数错误")
    form = shelf.form(data.get("FormId"))
    names = [name.strip() for name in str(data.get("FieldKeys") or "").split(",") if name.strip()]
    if not names:
        raise Refusal(8, "FieldKeys 不能为空")
    columns = Columns(shelf, form)
    shown = [columns.shown(name) for name in names]
    test = parsed(str(data.get("FilterString") or ""), columns.get)
    orders = list(ordering(columns, str(data.get("OrderString") or "")))
    rows = [row for row in columns.rows() if test(row)]
    shuffle(rows, shelf.rng)
    for get, descending in reversed(orders):
        rows.sort(key=lambda row: rank(get(row)), reverse=descending)
    start, end = window(data, len(rows))
    return Found(names, [[get(row) for get in shown] for row in rows[start:end]])


def ordering(columns: Columns, text: str) -> Iterable[tuple[Get, bool]]:
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, direction = part.partition(" ")
        if direction.strip().upper() not in ("", "ASC", "DESC"):
            raise Refusal(4, "排序条件语法错误")
        yield columns.get(name), direction.strip().upper() == "DESC"


def rank(value: Any) -> tuple[int, Any]:
    """Nothing sorts before everything."""
    if value is None:
        return 0, 0
    return 1, value if isinstance(value, int | Decimal | datetime) else str(value).casefold()


def window(data: dict[str, Any], count: int) -> tuple[int, int]:
    """`TopRowCount` is the last row of all, not a number of rows; 0 is no bound."""
    start, limit, top = (data.get(name) or 0 for name in ("StartRow", "Limit", "TopRowCount"))
    if not all(type(one) is int and one >= 0 for one in (start, limit, top)):
        raise Refusal(8, "StartRow、Limit、TopRowCount 必须为非负整数")
    if limit > MOST_ROWS:
        raise Refusal(8, f"Limit 不能超过 {MOST_ROWS}")
    end = start + (limit or MOST_ROWS)
    return start, min(end, top) if top else min(end, count)
