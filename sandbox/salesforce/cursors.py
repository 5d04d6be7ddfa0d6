"""Query cursors: answers too long for one page, read on by locator and position."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import BASE62, checksum
from sandbox.salesforce.query import Plan
from sandbox.salesforce.table import Row

MAX_OPEN = 10


@dataclass(frozen=True, slots=True)
class Cursor:
    plan: Plan
    rows: list[Row]
    batch: int


class Cursors:
    """The integration user's open cursors; one too many closes the oldest."""

    def __init__(self) -> None:
        self.open: OrderedDict[str, Cursor] = OrderedDict()
        self.made = 0

    def begin(self, plan: Plan, batch: int, base: str) -> dict[str, Any]:
        """The first page of a plan's answer."""
        rows = plan.rows()
        if plan.select.counts or len(rows) <= batch:
            return plan.whole(rows)
        locator = self.keep(Cursor(plan, rows, batch))
        return self.page(locator, 0, base)

    def keep(self, cursor: Cursor) -> str:
        self.made += 1
        locator = numbered(self.made)
        self.open[locator] = cursor
        while len(self.open) > MAX_OPEN:
            self.open.popitem(last=False)
        return locator

    def read(self, name: str, base: str) -> dict[str, Any]:
        """The page that a `nextRecordsUrl` ends in."""
        locator, _, position = name.partition("-")
        if locator not in self.open or not position.isdigit():
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self.page(locator, int(position), base)

    def page(self, locator: str, start: int, base: str) -> dict[str, Any]:
        cursor = self.open[locator]
        end = start + cursor.batch
        body: dict[str, Any] = {"totalSize": len(cursor.rows), "done": end >= len(cursor.rows)}
        if not body["done"]:
            body["nextRecordsUrl"] = f"{base}/query/{locator}-{end}"
        body["records"] = cursor.plan.rendered(cursor.rows[start:end])
        return body


def numbered(number: int) -> str:
    """A locator that looks like the id it is."""
    digits = ""
    while number:
        number, digit = divmod(number, len(BASE62))
        digits = BASE62[digit] + digits
    id15 = "01gRO" + digits.rjust(10, "0")
    return id15 + checksum(id15)
