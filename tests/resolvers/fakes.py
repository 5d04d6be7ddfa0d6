"""Sources that answer from memory and keep a list of what they were asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.capabilities import Probe
from connectors.money import Money
from connectors.paging import BadCursor, Page, PageQuery, Row
from connectors.records import (
    Customer,
    ExternalId,
    Kind,
    Order,
    Payment,
    PaymentStatus,
    Provider,
    Source,
    SourceKind,
)
from connectors.vendor import SourceSettings, Vendor, plain_id
from resolvers.sources import ConfiguredSource, Sources

CRM = Source("crm", "fake", SourceKind.CRM)
EU = Source("eu", "fake", SourceKind.PAYMENTS)
US = Source("us", "fake", SourceKind.PAYMENTS)
TEN = Money(1000, "EUR")
START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def order(number: str, source: Source = CRM, **more: Any) -> Order:
    values = {"native_id": f"o{number}", "number": number, "created_at": day(1), **more}
    return Order(source=source, **values)


def payment(native_id: str, source: Source = EU, **more: Any) -> Payment:
    values: dict[str, Any] = {
        "provider": Provider.OTHER,
        "status": PaymentStatus.SUCCEEDED,
        "amount": TEN,
        "captured": TEN,
        "created_at": day(1),
    }
    return Payment(source=source, native_id=native_id, **{**values, **more})


def held(source: Source, native_id: str, field: str = "Payment__c") -> ExternalId:
    return ExternalId(source.name, native_id, field)


class Fake:
    """Counts calls as `(method, keys)`. `failing` are exceptions by method."""

    def __init__(self, **failing: Exception) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.failing = failing

    def note(self, method: str, keys: Sequence[str]) -> None:
        self.asked.append((method, tuple(keys)))
        if method in self.failing:
            raise self.failing[method]

    async def probe(self) -> Probe:
        self.note("probe", ())
        return Probe()


class FakeCrm(Fake):
    """Orders and customers, found by id, number, payment id and external id."""

    def __init__(
        self,
        orders_: Sequence[Order] = (),
        customers_: Sequence[Customer] = (),
        /,
        **failing: Exception,
    ) -> None:
        super().__init__(**failing)
        self._orders = orders_
        self._customers = customers_

    async def orders(self, ids: Sequence[str]) -> Any:
        self.note("orders", ids)
        return {o.native_id: o for o in self._orders if o.native_id in ids}

    async def order_page(self, query: PageQuery[Any]) -> Any:
        raise NotImplementedError

    async def orders_by_number(self, numbers: Sequence[str]) -> Any:
        self.note("orders_by_number", numbers)
        return _grouped(self._orders, numbers, lambda o: [o.number])

    async def orders_by_payment_id(self, source: str, ids: Sequence[str]) -> Any:
        self.note("orders_by_payment_id", ids)
        return _grouped(
            self._orders,
            ids,
            lambda o: [e.native_id for e in o.payment_ids if e.source == source],
        )

    async def customers(self, ids: Sequence[str]) -> Any:
        self.note("customers", ids)
        return {c.native_id: c for c in self._customers if c.native_id in ids}

    async def customer_page(self, query: PageQuery[Any]) -> Any:
        raise NotImplementedError

    async def customers_by_external_id(self, source: str, ids: Sequence[str]) -> Any:
        self.note("customers_by_external_id", ids)
        return _grouped(
            self._customers,
            ids,
            lambda c: [e.native_id for e in c.external_ids if e.source == source],
        )


class FakePayments(Fake):
    """Payments, found by id and by reference."""

    def __init__(self, payments_: Sequence[Payment] = (), /, **failing: Exception) -> None:
        super().__init__(**failing)
        self._payments = payments_

    async def payments(self, ids: Sequence[str]) -> Any:
        self.note("payments", ids)
        return {p.native_id: p for p in self._payments if p.native_id in ids}

    async def payment_page(self, query: PageQuery[Any]) -> Any:
        raise NotImplementedError

    async def payments_by_reference(self, references: Sequence[str]) -> Any:
        self.note("payments_by_reference", references)
        return _grouped(self._payments, references, lambda p: [p.reference])


class FakeRows(Fake):
    """Rows in the asked order, `page` at most at once; a token is the number of rows read."""

    def __init__(self, rows: Sequence[Any], page: int, fail_at: int | None = None) -> None:
        super().__init__()
        self._rows = rows
        self._page = page
        self._fail_at = fail_at
        self.error: Exception | None = None

    async def read(self, query: PageQuery[Any]) -> Page[Any]:
        try:
            start = int(query.after or "0")
        except ValueError:
            raise BadCursor from None
        if self.error is not None and start >= (self._fail_at or 0):
            raise self.error
        self.asked.append(("page", (str(start),)))
        end = start + min(query.first, self._page)
        rows = self._rows[start:end]
        return Page(
            tuple(Row(row, str(start + at + 1)) for at, row in enumerate(rows)),
            more=end < len(self._rows),
            total=len(self._rows),
        )


def _grouped(
    records: Sequence[Any], keys: Sequence[str], keys_of: Callable[[Any], list[str | None]]
) -> dict[str, tuple[Any, ...]]:
    found = {key: tuple(r for r in records if key in keys_of(r)) for key in keys}
    return {key: rows for key, rows in found.items() if rows}


def _connect(wiring: Any, own: Any) -> Any:
    raise NotImplementedError


def fake_vendor(
    kind: SourceKind, normalise: Callable[[Kind, str], str | None] = plain_id
) -> Vendor:
    return Vendor(
        name="fake",
        label="Fake",
        kind=kind,
        hosts=(),
        auth=(),
        settings=SourceSettings,
        connect=_connect,
        calls={},
        normalise=normalise,
    )


def configured(
    source: Source,
    connector: Any,
    deadline: float = 5.0,
    normalise: Callable[[Kind, str], str | None] = plain_id,
) -> ConfiguredSource:
    vendor = fake_vendor(source.kind, normalise)
    return ConfiguredSource(source=source, vendor=vendor, connector=connector, deadline=deadline)


def sources_of(connectors: dict[Source, Any]) -> Sources:
    return Sources(configured(source, connector) for source, connector in connectors.items())
