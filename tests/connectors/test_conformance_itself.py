"""The conformance suite notices what it is there to notice: broken connectors in memory fail it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.capabilities import Probe
from connectors.conformance import Batch, Conformance, Fault
from connectors.conformance_kit import Said
from connectors.filters import RefundFilter
from connectors.money import Money
from connectors.paging import BadCursor, Page, PageQuery, Row
from connectors.records import Kind, Refund, RefundStatus, SourceKind
from connectors.vendor import CallCost, SourceSettings, Vendor, Wiring

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 1, tzinfo=UTC)


class Memory:
    """An upstream that is a counter."""

    def __init__(self) -> None:
        self.count = 0

    async def set_faults(self, faults: Sequence[Fault]) -> None:
        pass

    async def calls(self) -> int:
        return self.count

    async def clear(self) -> None:
        self.count = 0

    async def answers(self) -> Sequence[Said]:
        return []


class Sound:
    """Twenty refunds, newest first."""

    def __init__(self, wiring: Wiring, upstream: Memory) -> None:
        self.upstream = upstream
        self.rows = [
            Refund(
                source=wiring.source,
                native_id=f"re_{i:02}",
                status=RefundStatus.SUCCEEDED if i % 3 else RefundStatus.FAILED,
                amount=Money(100 + i, "EUR"),
                created_at=START - timedelta(hours=i),
                payment_id=f"pi_{i % 4}",
            )
            for i in range(20)
        ]

    async def probe(self) -> Probe:
        return Probe()

    async def refunds(self, ids: Sequence[str]) -> Mapping[str, Refund]:
        self.upstream.count += 1 if ids else 0
        return {row.native_id: row for row in self.rows if row.native_id in ids}

    async def refund_page(self, query: PageQuery[RefundFilter]) -> Page[Refund]:
        names = [row.native_id for row in self.rows]
        if query.after is not None and query.after not in names:
            raise BadCursor("not one of ours")
        if () in (query.filter.payment_ids, query.filter.statuses):
            return Page(())
        self.upstream.count += 1
        start = 0 if query.after is None else names.index(query.after) + 1
        found = [row for row in self.rows[start:] if self.shown(query.filter, row)]
        rows = tuple(Row(row, row.native_id) for row in found[: query.first])
        return Page(rows, more=len(found) > query.first)

    def shown(self, asked: RefundFilter, row: Refund) -> bool:
        return asked.accepts(row)


class Costly(Sound):
    async def refunds(self, ids: Sequence[str]) -> Mapping[str, Refund]:
        self.upstream.count += len(ids)
        return await super().refunds(ids)


class Invents(Sound):
    async def refunds(self, ids: Sequence[str]) -> Mapping[str, Refund]:
        return dict.fromkeys(ids, self.rows[0])


class Overlaps(Sound):
    async def refund_page(self, query: PageQuery[RefundFilter]) -> Page[Refund]:
        page = await super().refund_page(query)
        tokens = [row.after for row in page.rows]
        late = tokens[-2] if page.more and len(tokens) > 1 else tokens[-1] if tokens else ""
        moved = (*page.rows[:-1], *(Row(row.record, late) for row in page.rows[-1:]))
        return msgspec.structs.replace(page, rows=moved)


class Inclusive(Sound):
    async def refund_page(self, query: PageQuery[RefundFilter]) -> Page[Refund]:
        names = [row.native_id for row in self.rows]
        if query.after in names[1:]:
            before = names[names.index(query.after) - 1]
            query = msgspec.structs.replace(query, after=before)
        return await super().refund_page(query)


class Unsorted(Sound):
    def __init__(self, wiring: Wiring, upstream: Memory) -> None:
        super().__init__(wiring, upstream)
        self.rows.reverse()


class Narrow(Sound):
    def shown(self, asked: RefundFilter, row: Refund) -> bool:
        ends = asked.created_at.lte if asked.created_at else None
        return asked.accepts(row) and (ends is None or row.created_at != ends)


class Trusting(Sound):
    async def refund_page(self, query: PageQuery[RefundFilter]) -> Page[Refund]:
        known = query.after in [row.native_id for row in self.rows]
        return await super().refund_page(
            query if known else msgspec.structs.replace(query, after=None)
        )


class Foreign(Sound):
    def __init__(self, wiring: Wiring, upstream: Memory) -> None:
        super().__init__(wiring, upstream)
        self.rows[0] = msgspec.structs.replace(self.rows[0], amount=Money(1, "XXX"))


def suite(build: Callable[[Wiring, Memory], Any], **changes: Any) -> Conformance:
    upstream = Memory()
    declared: dict[str, Any] = {
        "name": "memory",
        "label": "Memory",
        "kind": SourceKind.PAYMENTS,
        "hosts": (),
        "auth": (),
        "settings": SourceSettings,
        "connect": lambda wiring, settings: build(wiring, upstream),
        "calls": {"refunds": CallCost()},
    }

    class Suite(Conformance):
        vendor = Vendor(**{**declared, **changes})

        def settings(self) -> SourceSettings:
            return SourceSettings(vendor="memory")

        def upstream(self) -> Memory:
            return upstream

        def batches(self) -> Mapping[str, Batch]:
            known = tuple(f"re_{i:02}" for i in range(20))
            return {"refunds": Batch(known=known, missing="re_none{}".format)}

    return Suite()


CHECKS: dict[str, Callable[[Conformance], Any]] = {
    "cost": lambda s: s.test_a_batch_costs_no_more_than_declared(10),
    "keys": lambda s: s.test_known_keys_are_answered_and_missing_ones_are_absent(),
    "pages": lambda s: s.test_pages_show_every_row_once_in_every_declared_order(),
    "resume": lambda s: s.test_any_row_can_be_resumed_after(),
    "filter": lambda s: s.test_a_filter_never_leaves_out_a_row_it_accepts(),
    "token": lambda s: s.test_a_strange_token_is_refused_without_a_call("no token"),
    "records": lambda s: s.test_records_keep_the_promises_of_their_types(),
    "capability": lambda s: s.test_every_capability_is_callable_and_has_a_cost_and_keys(),
    "nothing": lambda s: s.test_a_filter_that_accepts_nothing_costs_no_call(),
}


@pytest.mark.parametrize("check", CHECKS)
async def test_a_sound_connector_passes(check: str) -> None:
    await CHECKS[check](suite(Sound))


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (Costly, "cost"),
        (Invents, "keys"),
        (Overlaps, "pages"),
        (Inclusive, "resume"),
        (Unsorted, "pages"),
        (Narrow, "filter"),
        (Foreign, "records"),
    ],
)
async def test_a_broken_connector_fails(broken: type[Sound], check: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        await CHECKS[check](suite(broken))


async def test_a_token_that_is_waved_through_fails() -> None:
    with pytest.raises(pytest.fail.Exception):
        await CHECKS["token"](suite(Trusting))


async def test_an_undeclared_cost_and_an_unnormalised_id_fail() -> None:
    with pytest.raises(AssertionError):
        await CHECKS["capability"](suite(Sound, calls={}))

    def upper(kind: Kind, native_id: str) -> str:
        return native_id.upper()

    with pytest.raises(AssertionError):
        await CHECKS["records"](suite(Sound, normalise=upper))
