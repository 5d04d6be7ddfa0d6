"""The promises of a connector as tests: inherit `Conformance`, supply five things, run pytest.

    class TestAcme(Conformance):
        vendor = VENDOR                                   # connectors.acme.VENDOR

        @pytest.fixture(autouse=True)
        def live(self, simulator): self.simulator = simulator      # started once per module

        def settings(self): return AcmeSettings(base_url=self.simulator.url, ...)
        def upstream(self): return ...                    # an `Upstream`: faults and call count
        def batches(self): return {"payments": Batch(known=("p1", ...), missing="p-{:04}".format)}

`batches` has one entry for each name in `Vendor.calls`. The simulator must hold still while a
test runs and hold at least eight rows of each kind. Every test opens its own connector, the way
the composition root does, and warms it up before it counts calls or sets a fault.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec
import pytest

from connectors.capabilities import UNPRICED, Probe, capabilities, methods
from connectors.conformance_kit import (
    FAULTS,
    NO_TOKENS,
    PAGES,
    SORT_KEYS,
    Batch,
    Fault,
    Paged,
    Upstream,
    ask,
    connected,
    drained,
    entries_of,
    ids,
    inside,
    keyed,
    narrowings,
    outcome,
    records_in,
    secrets_of,
    walk,
)
from connectors.conformance_odd import OddValues
from connectors.conformance_statements import StatementConformance
from connectors.currency import minor_unit_digits
from connectors.errors import Malformed, SourceError, Unauthorized
from connectors.filters import MoneyRange
from connectors.money import Money
from connectors.paging import BadCursor, PageQuery, Sort, SortField
from connectors.records import Kind, Record
from connectors.vendor import SourceSettings, Vendor

__all__ = ["Batch", "Conformance", "Fault", "Upstream", "connected"]


@pytest.mark.anyio
class Conformance(OddValues, StatementConformance):
    """See the top of the file. `refreshes` is False when a refused credential cannot be renewed;
    `signed` is True when the vendor signs its answers, so that a changed one is Malformed.
    `books` is the stretch of time that the simulator's ledger is read over. What vendors seldom do
    is promised in `connectors.conformance_statements`.
    """

    vendor: ClassVar[Vendor]
    refreshes: ClassVar[bool] = True
    signed: ClassVar[bool] = False
    books: ClassVar[tuple[datetime, datetime]] = (
        datetime(2025, 11, 1, tzinfo=UTC),
        datetime(2026, 11, 10, tzinfo=UTC),
    )

    def settings(self) -> SourceSettings:
        raise NotImplementedError

    def upstream(self) -> Upstream:
        raise NotImplementedError

    def batches(self) -> Mapping[str, Batch]:
        raise NotImplementedError

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @asynccontextmanager
    async def live(self, **limits: Any) -> AsyncIterator[tuple[Any, Upstream]]:
        """A connector that has already made a call, and its upstream without faults and calls."""
        upstream = self.upstream()
        await upstream.set_faults([])
        changed = msgspec.structs.replace(self.vendor.limits, **{"deadline": 20.0, **limits})
        async with connected(self.vendor, self.settings(), changed) as connector:
            await connector.probe()
            await upstream.clear()
            try:
                yield connector, upstream
            finally:
                await upstream.set_faults([])

    def pages(self, connector: Any) -> list[tuple[Paged, Sort]]:
        """Every kind that can be paged, in every declared sort."""
        own = [page for page in PAGES if callable(getattr(connector, page.method, None))]
        return [(p, s) for p in own for s in self.vendor.sorts.get(p.kind, (Sort(),))]

    def everything(self, connector: Any) -> list[Awaitable[Any]]:
        """One small call of each method, each not yet awaited."""
        batches = self.batches()
        calls: list[Awaitable[Any]] = [
            ask(connector, method, batches[method], batches[method].keys(1))
            for method in self.vendor.calls
        ]
        kinds = {page.method: page.filter for page, _ in self.pages(connector)}
        return calls + [
            getattr(connector, m)(PageQuery(first=3, filter=f())) for m, f in kinds.items()
        ]

    async def test_every_capability_is_callable_and_has_a_cost_and_keys(self) -> None:
        async with self.live() as (connector, _):
            able = capabilities(connector)
            assert able
            priced = set(able) - UNPRICED
            assert priced == set(self.vendor.calls) == set(self.batches())
            for name in priced:
                for method in methods(name):
                    assert inspect.iscoroutinefunction(getattr(connector, method))
            assert isinstance(await connector.probe(), Probe)

    async def test_no_keys_cost_no_call(self) -> None:
        async with self.live() as (connector, upstream):
            for method, batch in self.batches().items():
                assert await ask(connector, method, batch, []) == {}
            assert await upstream.calls() == 0

    async def test_known_keys_are_answered_and_missing_ones_are_absent(self) -> None:
        async with self.live() as (connector, _):
            for method, batch in self.batches().items():
                known, missing = list(batch.known[:3]), [batch.missing(0), batch.missing(1)]
                answer = await ask(connector, method, batch, [*missing, *known])
                assert set(answer) == set(known), method
                assert not [v for v in answer.values() if isinstance(v, SourceError)], method

    async def test_a_key_that_is_asked_twice_is_answered_the_same(self) -> None:
        async with self.live() as (connector, _):
            for method, batch in self.batches().items():
                key = batch.known[0]
                once = await ask(connector, method, batch, [key])
                assert await ask(connector, method, batch, [key, key]) == once, method

    @pytest.mark.parametrize("count", [1, 10, 100, 1000])
    async def test_a_batch_costs_no_more_than_declared(self, count: int) -> None:
        async with self.live(rates={}) as (connector, upstream):
            for method, batch in self.batches().items():
                await ask(connector, method, batch, batch.keys(1))
                await upstream.clear()
                await ask(connector, method, batch, batch.keys(count))
                cost = self.vendor.calls[method]
                assert await upstream.calls() <= cost.calls(count) + cost.absent, method

    async def test_pages_show_every_row_once_in_every_declared_order(self) -> None:
        async with self.live() as (connector, _):
            for page, sort in self.pages(connector):
                narrow = await self.comparable(connector, page, sort)
                whole = await walk(connector, page, 100, sort=sort, filter=narrow)
                assert len(whole) >= 8, "the simulator holds too little"
                assert len(set(ids(whole))) == len(whole), (page.method, sort)
                sevens = await walk(connector, page, 7, sort=sort, filter=narrow)
                assert ids(sevens) == ids(whole), (page.method, sort)
                ones = await walk(connector, page, 1, sort=sort, filter=narrow, most=8)
                assert ids(ones) == ids(whole)[:8], (page.method, sort)
                self.check_order(sort, [record for record, _ in whole])

    async def comparable(self, connector: Any, page: Paged, sort: Sort) -> Any:
        """No filter, but one currency where rows are sorted by amount: others have no order."""
        if sort.field is not SortField.TOTAL:
            return page.filter()
        rows = await walk(connector, page, 100, sort=Sort(), filter=page.filter())
        totals = [getattr(record, "total", None) for record, _ in rows]
        found = [total.currency for total in totals if total is not None]
        return page.filter(total=MoneyRange(max(found, key=found.count)))

    def check_order(self, sort: Sort, records: list[Record]) -> None:
        values = [SORT_KEYS[sort.field](record) for record in records]
        present = [value for value in values if value is not None]
        assert values[: len(present)] == present, "rows without the value come last"
        assert present == sorted(present, reverse=sort.descending), sort

    async def test_any_row_can_be_resumed_after(self) -> None:
        async with self.live() as (connector, _):
            for page, sort in self.pages(connector):
                narrow = await self.comparable(connector, page, sort)
                whole = await walk(connector, page, 100, sort=sort, filter=narrow)
                for index in (0, len(whole) // 2, len(whole) - 1):
                    query = PageQuery(3, narrow, whole[index][1], sort)
                    answer = await getattr(connector, page.method)(query)
                    found = [row.record.native_id for row in answer.rows]
                    assert found == ids(whole)[index + 1 : index + 4], (page.method, sort)

    @pytest.mark.parametrize("after", NO_TOKENS, ids=lambda after: repr(after[:9]))
    async def test_a_strange_token_is_refused_without_a_call(self, after: str) -> None:
        async with self.live() as (connector, upstream):
            for page, sort in self.pages(connector):
                total = sort.field is SortField.TOTAL
                narrow = page.filter(total=MoneyRange("EUR")) if total else page.filter()
                query = PageQuery(5, narrow, after, sort)
                with pytest.raises(BadCursor):
                    await getattr(connector, page.method)(query)
            assert await upstream.calls() == 0

    async def test_a_filter_never_leaves_out_a_row_it_accepts(self) -> None:
        async with self.live() as (connector, _):
            for page in dict(self.pages(connector)):
                rows = await walk(connector, page, 100, sort=Sort(), filter=page.filter())
                records = [record for record, _ in rows]
                for narrow in narrowings(page, records):
                    found = await walk(connector, page, 100, sort=Sort(), filter=narrow)
                    accepted = [r.native_id for r in records if narrow.accepts(r)]
                    assert [i for i in ids(found) if i in set(accepted)] == accepted, narrow

    async def test_a_filter_that_accepts_nothing_costs_no_call(self) -> None:
        async with self.live() as (connector, upstream):
            for page in dict(self.pages(connector)):
                for field in page.one_of:
                    query = PageQuery(5, page.filter(**{field: ()}))
                    answer = await getattr(connector, page.method)(query)
                    assert (answer.rows, answer.more) == ((), False), field
            assert await upstream.calls() == 0

    @pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=lambda v: getattr(v, "kind", None))
    async def test_a_fault_becomes_its_kind_of_error_and_tells_no_secret(
        self, fault: Fault, kind: type[SourceError], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        async with self.live(deadline=1.0, attempts=1) as (connector, upstream):
            await upstream.set_faults([fault])
            found = await asyncio.gather(*map(outcome, self.everything(connector)))
            # What was given up is still under way there, and would be counted by the next test.
            await asyncio.sleep((fault.latency_ms or 0) / 1000)
        assert [type(error) for error in found if not isinstance(error, kind)] == []
        told = f"{caplog.text} {connector!r} {found!r} {[str(error) for error in found]}"
        assert not [secret for secret in secrets_of(self.settings()) if secret in told]

    async def test_a_fault_that_passes_is_ridden_out(self) -> None:
        """With successes in between: a connector with many methods would spend its retries."""
        async with self.live() as (connector, upstream):
            for call in self.everything(connector):
                for _ in range(5):
                    await connector.probe()
                await upstream.set_faults([Fault(kind="status", status=503, times=1)])
                assert not isinstance(await outcome(call), SourceError)

    async def test_a_refused_credential_is_renewed_once(self) -> None:
        async with self.live() as (connector, upstream):
            method, batch = next(iter(self.batches().items()))
            await upstream.set_faults([Fault(kind="status", status=401, times=1)])
            answer = await outcome(ask(connector, method, batch, batch.keys(1)))
            assert isinstance(answer, Unauthorized) is not self.refreshes

    async def test_rows_that_come_twice_are_shown_once(self) -> None:
        async with self.live() as (connector, upstream):
            await upstream.set_faults([Fault(kind="duplicate")])
            answers = await asyncio.gather(*map(outcome, self.everything(connector)))
            if self.signed:
                assert [a for a in answers if not isinstance(a, Malformed)] == []
                return
            for answer in answers:
                assert not isinstance(answer, SourceError)
                for value in answer.values() if keyed(answer) else [answer]:
                    shown = [record.id for record in records_in(value)]
                    assert len(set(shown)) == len(shown)

    async def test_records_keep_the_promises_of_their_types(self) -> None:
        async with self.live() as (connector, _):
            for page in dict(self.pages(connector)):
                for record, _ in await walk(
                    connector, page, 100, sort=Sort(), filter=page.filter()
                ):
                    assert self.vendor.normalise(record.KIND, record.native_id) == record.native_id
                    assert record.source.name == "conform"
                    self.check_values(record)

    async def test_the_ledger_names_its_periods_once_and_in_order(self) -> None:
        async with self.live() as (connector, upstream):
            if not hasattr(connector, "periods"):
                return
            periods = connector.periods(*self.books)
            assert periods, "the books are empty"
            assert len({period.name for period in periods}) == len(periods)
            assert periods == sorted(periods, key=lambda period: period.start)
            assert all(period.start < period.end for period in periods)
            assert list(connector.periods(*self.books)) == list(periods)
            assert await upstream.calls() == 0

    async def test_what_the_ledger_tells_can_be_read_and_agrees(self) -> None:
        """By kind and id; the amount is the record's own, and a refund leads to its payment."""
        async with self.live() as (connector, _):
            told = await entries_of(connector, self.books)
            known = {name for e in told.values() for name in (e.native_id, e.alias)}
            for (kind, native_id), entry in told.items():
                assert self.vendor.normalise(kind, native_id) == native_id
                assert kind is Kind.PAYMENT or entry.payment in known
                self.check_values_of(entry)
            for kind in {kind for kind, _ in told}:
                some = [entry for (k, _), entry in told.items() if k is kind][:40]
                method = getattr(connector, f"{kind.value}s")
                found = await method([entry.native_id for entry in some])
                for entry in some:
                    record = found[entry.native_id]
                    assert record.native_id == entry.native_id
                    self.check_values(record)
                    assert entry.amount in (None, record.amount)
                    assert entry.reference in (None, getattr(record, "reference", None))

    async def test_a_fault_of_the_ledger_is_an_error_and_never_a_short_answer(self) -> None:
        async with self.live(deadline=1.0, attempts=1) as (connector, upstream):
            if not hasattr(connector, "periods"):
                return
            period = connector.periods(*self.books)[0]
            for fault, kind in FAULTS:
                if fault.kind != "latency":
                    await upstream.set_faults([fault])
                    found = await outcome(drained(connector.entries(period)))
                    assert isinstance(found, kind), fault

    def check_values(self, record: Record) -> None:
        self.check_values_of(record)

    def check_values_of(self, record: Any) -> None:
        for value in inside(record):
            if isinstance(value, datetime):
                assert value.utcoffset() == timedelta(0)
            if isinstance(value, Money):
                assert type(value.minor_units) is int
                assert minor_unit_digits(value.currency) >= 0
            assert not isinstance(value, float)
