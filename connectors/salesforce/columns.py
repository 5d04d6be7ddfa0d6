"""Which fields of an object are selected, and what happens when some cannot be read.

Field-level security makes a query fail as a whole, with INVALID_FIELD, when it names one field
that the user may not read; `describe` lists only those that may be (REST API guide, "sObject
Describe"). So the configured fields that it does not show are left out from then on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import monotonic
from typing import TypeVar

from connectors.errors import Misconfigured, NotFound, SourceError
from connectors.salesforce.errors import INVALID_FIELD
from connectors.salesforce.reading import Reader, Rows
from connectors.salesforce.settings import SalesforceSettings

T = TypeVar("T")
log = logging.getLogger(__name__)
SYSTEM = ("Id", "CreatedDate", "LastModifiedDate")
LINES = {"Order": ("OrderItem", "OrderId"), "Opportunity": ("OpportunityLineItem", "OpportunityId")}
STATUS = {"Order": ("Status", "StatusCode"), "Opportunity": ("StageName", "IsClosed", "IsWon")}
# Types of the fields that an organisation cannot redefine; others are asked for.
_DATES = frozenset({"EffectiveDate", "CloseDate"})
_MOMENTS = frozenset({"CreatedDate", "LastModifiedDate", "ActivatedDate"})


class Columns:
    """The fields selected from one object; `required` ones are never left out."""

    FRESH = 60.0

    def __init__(
        self,
        source: str,
        reader: Reader,
        sobject: str,
        required: Iterable[str],
        optional: Iterable[str] = (),
    ) -> None:
        self.sobject = sobject
        self.dropped: list[str] = []
        self._source = source
        self._reader = reader
        self._required = tuple(dict.fromkeys(required))
        self._optional = tuple(f for f in dict.fromkeys(optional) if f not in self._required)
        self._types: dict[str, str] | None = None
        self._described_at = 0.0
        self._describing = asyncio.Lock()

    @property
    def fields(self) -> list[str]:
        return [*self._required, *(f for f in self._optional if f not in self.dropped)]

    def readable(self, field: str) -> bool:
        return field not in self.dropped

    async def is_date(self, field: str) -> bool:
        """Whether a field holds dates without a time."""
        if field in _DATES or field in _MOMENTS:
            return field in _DATES
        return (await self._described()).get(field) == "date"

    async def read(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` answers; asked once more when fields were found to be unreadable."""
        before = len(self.dropped)
        try:
            return await ask()
        except SourceError as error:
            if error.code != INVALID_FIELD:
                raise
        await self._drop(before)
        return await ask()

    async def read_all(
        self, ask: Callable[[], Awaitable[list[Rows | SourceError]]]
    ) -> list[Rows | SourceError]:
        """As `read` where each query of several has its own outcome."""
        before = len(self.dropped)
        found = await ask()
        if not any(isinstance(f, SourceError) and f.code == INVALID_FIELD for f in found):
            return found
        await self._drop(before)
        return await ask()

    async def check(self) -> list[str]:
        """Sentences about configured fields that cannot be read; they are left out from now on."""
        try:
            self._leave_out(await self._described())
        except (NotFound, Misconfigured):
            return [f"{self.sobject} does not exist or may not be read"]
        notes = [f"{self.sobject}.{field} cannot be read and is left out" for field in self.dropped]
        return notes + [f"{self.sobject}.{field} cannot be read" for field in await self._lacking()]

    async def _drop(self, before: int) -> None:
        """Leave out what cannot be read, unless another call has just done it."""
        shown = await self._described(fresh=True)
        if self._leave_out(shown) or len(self.dropped) > before:
            return
        lacking = ", ".join(await self._lacking()) or "one of the query"
        hint = "; set `currency` for a single one" if "CurrencyIsoCode" in lacking else ""
        raise Misconfigured(
            self._source,
            f"a field of {self.sobject} cannot be read: {lacking}{hint}",
            code=INVALID_FIELD,
        )

    def _leave_out(self, shown: dict[str, str]) -> bool:
        found = [f for f in self._optional if f not in self.dropped and _base(f) not in shown]
        for field in found:
            log.warning("%s: %s.%s cannot be read, left out", self._source, self.sobject, field)
        self.dropped += found
        return bool(found)

    async def _lacking(self) -> list[str]:
        shown = await self._described()
        return [field for field in self._required if _base(field) not in shown]

    async def _described(self, *, fresh: bool = False) -> dict[str, str]:
        """The readable fields; `fresh` asks again, at most once a minute, as rights may change."""
        async with self._describing:
            old = fresh and monotonic() > self._described_at + self.FRESH
            if self._types is None or old:
                self._types = await self._reader.describe(self.sobject)
                self._described_at = monotonic()
            return self._types


def _base(field: str) -> str:
    """The own field that a path begins with: `Product2.Name` goes through Product2Id."""
    relation, dot, _ = field.partition(".")
    return f"{relation}Id" if dot else field


def _currency(settings: SalesforceSettings) -> Sequence[str]:
    return () if settings.currency else ("CurrencyIsoCode",)


def customer_columns(source: str, reader: Reader, settings: SalesforceSettings) -> Columns:
    phones = ("Phone",) if settings.customer_object == "Account" else ("Phone", "MobilePhone")
    kind = ("Type",) if settings.customer_object == "Account" and settings.person_types else ()
    optional = (
        *phones,
        *kind,
        *settings.customer_map.values(),
        *settings.customer_id_fields,
        *settings.custom_fields.get("customer", ()),
    )
    return Columns(source, reader, settings.customer_object, (*SYSTEM, "Name"), optional)


def order_columns(source: str, reader: Reader, settings: SalesforceSettings) -> Columns:
    names = settings.order_map
    required = (
        *SYSTEM,
        names["number"],
        *STATUS[settings.order_object],
        settings.customer_field,
        *_currency(settings),
    )
    optional = (
        *names.values(),
        *settings.order_payment_fields,
        *settings.custom_fields.get("order", ()),
    )
    return Columns(source, reader, settings.order_object, required, optional)


def line_columns(source: str, reader: Reader, settings: SalesforceSettings) -> Columns:
    sobject, parent = LINES[settings.order_object]
    required = ("Id", parent, "Quantity", "UnitPrice", "TotalPrice", *_currency(settings))
    return Columns(source, reader, sobject, required, ("Product2.ProductCode", "Product2.Name"))
