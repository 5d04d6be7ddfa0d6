"""Every key once per request, every failure a value of its own key."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from connectors.errors import Malformed, NotFound, SourceError, TimedOut
from connectors.paging import BadCursor
from resolvers.deadline import Deadline
from resolvers.lookups import Lookups
from resolvers.sources import Sources
from tests.resolvers.fakes import CRM, EU, Fake, FakeCrm, FakePayments, configured, payment
from tests.resolvers.fakes import sources_of as sources

pytestmark = pytest.mark.anyio
PAYMENTS = [payment("p1"), payment("p2")]


def lookups(connector: Any, seconds: float = 60.0) -> Lookups:
    return Lookups(sources({EU: connector}), Deadline(seconds))


class Stuck(Fake):
    """Never answers."""

    async def payments(self, ids: Any) -> Any:
        self.note("payments", ids)
        await asyncio.Event().wait()


class Partly(Fake):
    async def payments(self, ids: Any) -> Any:
        self.note("payments", ids)
        return {"p1": PAYMENTS[0], "p2": NotFound("eu", "gone")}


async def test_each_key_is_asked_for_once_in_a_request() -> None:
    fake = FakePayments(PAYMENTS)
    reads = lookups(fake)
    one, other = await asyncio.gather(
        reads.many("eu", "payments", ["p1", "p1", "none"]),
        reads.many("eu", "payments", ["p2", "p1"]),
    )
    assert one == {"p1": PAYMENTS[0]}
    assert other == {"p2": PAYMENTS[1], "p1": PAYMENTS[0]}
    assert await reads.many("eu", "payments", ["none"]) == {}
    assert fake.asked == [("payments", ("p1", "none", "p2"))]


async def test_another_request_asks_again() -> None:
    fake = FakePayments(PAYMENTS)
    for _ in range(2):
        await lookups(fake).many("eu", "payments", ["p1"])
    assert len(fake.asked) == 2


async def test_no_keys_ask_nobody() -> None:
    fake = FakePayments(PAYMENTS)
    assert await lookups(fake).many("eu", "payments", []) == {}
    assert fake.asked == []


async def test_arguments_make_a_batch_of_their_own() -> None:
    fake = FakeCrm()
    reads = Lookups(sources({CRM: fake}), Deadline(60.0))
    await asyncio.gather(
        reads.many("crm", "orders_by_payment_id", ["p1"], "eu"),
        reads.many("crm", "orders_by_payment_id", ["p1"], "us"),
        reads.many("crm", "orders_by_payment_id", ["p2"], "eu"),
    )
    assert sorted(fake.asked) == [
        ("orders_by_payment_id", ("p1",)),
        ("orders_by_payment_id", ("p1", "p2")),
    ]


async def test_a_failed_source_is_the_value_of_each_key() -> None:
    error = NotFound("eu", "gone")
    fake = FakePayments(PAYMENTS, payments=error)
    reads = lookups(fake)
    assert await reads.many("eu", "payments", ["p1", "p2"]) == {"p1": error, "p2": error}
    assert await reads.many("eu", "payments", ["p1"]) == {"p1": error}
    assert len(fake.asked) == 1


async def test_one_keys_failure_is_the_value_of_that_key() -> None:
    found = await lookups(Partly()).many("eu", "payments", ["p1", "p2"])
    assert found["p1"] is PAYMENTS[0]
    assert isinstance(found["p2"], NotFound)


@pytest.mark.parametrize(("own", "request_"), [(0.05, 60.0), (60.0, 0.05), (60.0, 0.0)])
async def test_a_source_that_does_not_answer_times_out_alone(own: float, request_: float) -> None:
    fake, good = Stuck(), FakeCrm()
    both = Sources([configured(EU, fake, deadline=own), configured(CRM, good)])
    found, fine = await asyncio.gather(
        Lookups(both, Deadline(request_)).many("eu", "payments", ["p1"]),
        Lookups(both, Deadline(60.0)).many("crm", "orders", ["o1"]),
    )
    assert isinstance(found["p1"], TimedOut)
    assert fine == {}


@pytest.mark.parametrize(
    "defect",
    [
        AttributeError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        ZeroDivisionError,
        UnicodeError,
    ],
)
async def test_a_defect_in_a_mapping_is_a_malformed_answer_without_its_text(
    defect: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fake = FakePayments(PAYMENTS, payments=defect("ada@example.com"))
    found = await lookups(fake).many("eu", "payments", ["p1"])
    assert isinstance(found["p1"], Malformed)
    assert defect.__name__ in caplog.text
    assert "ada" not in caplog.text + repr(found["p1"]) + str(found["p1"])
    assert found["p1"].__cause__ is None
    assert found["p1"].__suppress_context__


async def test_a_token_that_the_connector_did_not_make_passes_through() -> None:
    fake = FakePayments(PAYMENTS, payments=BadCursor("not mine"))
    with pytest.raises(BadCursor):
        await lookups(fake).many("eu", "payments", ["p1", "p2"])


async def test_a_single_call_raises_what_the_source_raised() -> None:
    error = NotFound("eu", "gone")
    fake = FakePayments(probe=error)
    reads = lookups(fake)
    source = configured(EU, fake)
    with pytest.raises(SourceError) as failure:
        await reads.once(source, fake.probe)
    assert failure.value is error


async def test_a_caller_that_gives_up_takes_nothing_from_those_after_it() -> None:
    fake = FakePayments(PAYMENTS)
    reads = lookups(fake)
    leaving = asyncio.create_task(reads.many("eu", "payments", ["p1"]))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await reads.many("eu", "payments", ["p1"]) == {"p1": PAYMENTS[0]}
