"""One odd value in a sound answer costs its field, an odd row itself; nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from traceback import extract_tb
from typing import Any, ClassVar

import msgspec
import pytest

from connectors.conformance_kit import Batch, Fault, Paged, Upstream, ask
from connectors.conformance_oddities import (
    ROW_ODDITIES,
    Injection,
    Oddity,
    injections,
    raw,
    scalars,
    shown,
    wrong,
)
from connectors.errors import Malformed, SourceError
from connectors.paging import PageQuery, Sort
from connectors.vendor import Vendor

KEYS = 4
ROWS = 12
NAMES = ("number", "customer_id", "payment_id", "reference")
Call = Callable[[], Awaitable[Any]]


class Case(msgspec.Struct, frozen=True):
    """One injection into the answer to one call."""

    method: str
    fault: Fault
    injection: Injection

    def __str__(self) -> str:
        return f"{self.method}: {self.injection} of {self.fault.path}"

    def identifies(self, names: set[str]) -> bool:
        """Whether the value tells which record it is: what was asked by it cannot be found."""
        told = [str(one) for one in scalars(self.injection.value)]
        return any(one == name or (len(one) > 6 and one in name) for one in told for name in names)


@pytest.mark.anyio
class OddValues:
    """Mixed into `Conformance`. `most_odd` bounds the cases of each method: beyond it they are
    thinned out evenly. `least_odd` is how many there must be in all. `odd_spared` are patterns of
    faults that this vendor cannot help; each needs its reason beside it.
    """

    vendor: ClassVar[Vendor]
    most_odd: ClassVar[int] = 100
    least_odd: ClassVar[int] = 200
    odd_spared: ClassVar[tuple[str, ...]] = ()

    def live(self, **limits: Any) -> AbstractAsyncContextManager[tuple[Any, Upstream]]:
        raise NotImplementedError

    def batches(self) -> Mapping[str, Batch]:
        raise NotImplementedError

    def pages(self, connector: Any) -> list[tuple[Paged, Sort]]:
        raise NotImplementedError

    async def test_an_odd_value_costs_its_field_and_an_odd_row_itself(self) -> None:
        tried = 0
        found: list[str] = []
        async with self.live(rates={}) as (connector, upstream):
            for method, call in self.asked(connector).items():
                clean = await answered(call)
                for case in await self.cases(method, call, upstream):
                    await upstream.set_faults([case.fault])
                    odd = await answered(call)
                    if odd == clean and not any(one.odd for one in await upstream.answers()):
                        continue
                    tried += 1
                    faults = [f"{case}: {fault}" for fault in judged(case, clean, odd)]
                    found += [fault for fault in faults if not self.spared(fault)]
                await upstream.set_faults([])
        assert found == [], f"{len(found)} of {tried} cases:\n" + "\n".join(found)
        assert tried >= self.least_odd

    def spared(self, fault: str) -> bool:
        return any(re.search(pattern, fault) for pattern in self.odd_spared)

    def asked(self, connector: Any) -> Mapping[str, Call]:
        """A small call of each method and page."""
        batches = self.batches()
        keyed = {m: partial(ask, connector, m, batches[m], batches[m].keys(KEYS)) for m in batches}
        pages = {
            page.method: partial(getattr(connector, page.method), PageQuery(ROWS, page.filter()))
            for page, _ in self.pages(connector)
        }
        return {**keyed, **pages}

    async def cases(self, method: str, call: Call, upstream: Upstream) -> list[Case]:
        """The oddities at each value of a row of each sort of answer that a call gets."""
        await upstream.set_faults([Fault(kind="odd")])
        await answered(call)
        said = await upstream.answers()
        made: dict[object, list[Case]] = {}
        for one in said:
            every = [Case(method, fault_of(one.path, odd), odd) for odd in injections(one.text)]
            made.setdefault(frozenset(str(case.injection) for case in every), every)
        cases = [case for group in made.values() for case in group]
        count = min(len(cases), self.most_odd)
        return [cases[i * len(cases) // count] for i in range(count)]


def fault_of(path: str, odd: Injection) -> Fault:
    at = None if odd.pointer is None else raw(odd.within if odd.key else odd.value)
    return Fault(kind="odd", path=path, pointer=odd.pointer, value=at, put=odd.put, times=1)


async def answered(call: Call) -> Any:
    """The answer or what was raised, which should be none but a SourceError."""
    try:
        return await call()
    except Exception as error:
        return error


def judged(case: Case, clean: Any, odd: Any) -> Iterator[str]:
    """What is wrong about an answer that holds an odd value."""
    injection = case.injection
    was, _ = shown(clean)
    now, failed = shown(odd) if not isinstance(odd, Exception) else ({}, {"": odd})
    for error in failed.values():
        if not isinstance(error, SourceError if injection.whole else Malformed):
            yield f"another failure: {error!r} {extract_tb(error.__traceback__)[-2:]}"
    changed = [key for key in was if key in now and now[key] != was[key]]
    lost = [key for key in was if key not in now]
    nameless = injection.oddity in ROW_ODDITIES.values() or case.identifies(set(named(was)))
    if lost and failed and not changed and (nameless or injection.whole):
        return  # Which record it is cannot be said, so none may be shown as if these were all.
    units = {key or name for key, name in (*changed, *lost)}
    if len(units) > (not injection.oddity.same):
        yield f"{len(changed)} records changed, {len(lost)} were lost: {failed!r}"
    if len(now) > len(was) and not nameless:
        yield f"{len(now) - len(was)} records came up"
    inner = all(isinstance(was[key], tuple) for key in lost)
    spared = nameless or _says_so(injection.oddity, inner) or _moved_on(was, now)
    if lost and not failed and not spared:
        yield "a record was lost without an error"
    for key in changed if not nameless else ():
        yield from wrong(was[key], now[key], injection.oddity)


def _says_so(oddity: Oddity, inner: bool) -> bool:
    """Whether a record is elsewhere, or the lines of an order are none, because the answer says
    so.
    """
    return oddity.moves or (oddity.empty and inner)


def _moved_on(was: Mapping[Any, Any], now: Mapping[Any, Any]) -> bool:
    """Whether a record whose time cannot be read came up on a full page, so that the last one moved
    on to the next."""
    came = [now[key] for key in now if key not in was]
    dateless = all(getattr(one, "created_at", was) is None for one in came)
    return bool(came) and len(now) == len(was) and dateless


def named(records: Mapping[tuple[str, str], Any]) -> Iterator[str]:
    """What the records of an answer are asked by, and what they lead to other records by."""
    for (key, native_id), record in records.items():
        texts = [getattr(record, name, None) for name in NAMES]
        yield from (key, native_id, *(text for text in texts if text))
