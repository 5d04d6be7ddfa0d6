"""Files from a vendor: however large, whole or not at all; and whose clock is right."""

from __future__ import annotations

import gzip
import io
import time
from email.utils import formatdate

import pytest

from connectors.errors import Malformed, Rejected, Retryable, TimedOut
from connectors.transport import Limits, Request
from tests.connectors.local_server import always, in_turn, reply, serving
from tests.connectors.test_transport import Gate, judge, running

pytestmark = pytest.mark.anyio
BILL = Request(path="/bill")


async def test_a_file_goes_into_the_sink_and_not_into_the_answer() -> None:
    content = bytes(range(256)) * 4096
    sink = io.BytesIO(b"")
    async with running(always(reply(body=content)), max_body=100) as (_, transport):
        answer = await transport.download(BILL, sink)
    assert (answer.status, answer.body) == (200, b"")
    assert sink.getvalue() == content


async def test_a_file_is_unpacked_on_the_way() -> None:
    packed = reply(body=gzip.compress(b"bill" * 1000), content_encoding="gzip")
    sink = io.BytesIO()
    async with running(always(packed)) as (_, transport):
        await transport.download(BILL, sink)
    assert sink.getvalue() == b"bill" * 1000


async def test_what_a_failed_attempt_wrote_is_cut_off() -> None:
    half = reply(body=b"a half bill", promised=100)
    sink = io.BytesIO(b"kept ")
    sink.seek(0, 2)
    async with running(in_turn(half, reply(body=b"whole"))) as (_, transport):
        await transport.download(BILL, sink)
    assert sink.getvalue() == b"kept whole"


async def test_a_file_that_stays_cut_short_is_an_error() -> None:
    async with running(always(reply(body=b"half", promised=100)), attempts=2) as (_, transport):
        with pytest.raises(Retryable):
            await transport.download(BILL, io.BytesIO())


@pytest.mark.parametrize("packed", [False, True])
async def test_a_file_larger_than_allowed_is_refused(packed: bool) -> None:
    """However small it was on the wire."""
    large = bytes(2_000_000)
    if packed:
        answer = reply(body=gzip.compress(large), content_encoding="gzip")
    else:
        answer = reply(body=large)
    async with running(always(answer)) as (_, transport):
        with pytest.raises(Malformed, match="too large"):
            await transport.download(BILL, io.BytesIO(), most=1_000_000)


async def test_an_error_goes_to_the_judge_and_not_into_the_file() -> None:
    sink = io.BytesIO()
    async with running(always(reply(404, b"no such bill"))) as (_, transport):
        with pytest.raises(Rejected):
            await transport.download(BILL, sink)
    assert sink.getvalue() == b""


async def test_a_call_may_have_a_deadline_of_its_own() -> None:
    gate = Gate()
    async with running(gate, deadline=60) as (_, transport):
        with pytest.raises(TimedOut):
            await transport.send(Request(path="/things", seconds=0.05))
        with pytest.raises(TimedOut):
            await transport.download(Request(path="/bill", seconds=0.05), io.BytesIO())
        gate.open.set()


@pytest.mark.parametrize("ahead", [-3600, 0, 3600])
async def test_a_vendors_clock_is_read_from_its_answers(ahead: int) -> None:
    answer = always(reply(date=formatdate(time.time() + ahead, usegmt=True)))
    async with running(answer) as (_, transport):
        before = transport.skew
        await transport.send(Request(path="/things"))
        after = transport.skew
    assert before is None
    assert after is not None
    assert round((after - ahead) / 60) == 0


@pytest.mark.parametrize("date", ["yesterday", "", "Thu, 99 Foo 2026 99:99:99 GMT"])
async def test_a_date_that_is_none_tells_nothing(date: str) -> None:
    async with serving(always(reply(date=date)), judge=judge, limits=Limits()) as (_, transport):
        await transport.send(Request(path="/things"))
        assert transport.skew is None
