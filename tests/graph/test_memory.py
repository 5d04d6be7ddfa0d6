"""What a request read is freed by counting when it was answered, not by the collector later."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from gateway.compose import Gateway, open_gateway
from gateway.operations import Operations
from sandbox.server import Server as Sandbox
from schema.execution import Operation
from tests.graph.conftest import WIDE, Control
from tests.graph.test_join_calls import Unhurried
from tests.serving import fill_index, settings_for

pytestmark = pytest.mark.anyio
OURS = ("connectors.", "resolvers.", "schema.", "gateway.")
QUERIES = (
    """{ orders(first: 20) { nodes { number total { amount } customer { id name } paid { amount }
      paymentState payments { nodes { id status refunds { nodes { id } } } } } } }""",
    "{ payments(first: 20) { nodes { id order { id } customer { id } disputes { id } } } }",
    "{ customers(first: 3) { nodes { id orders(first: 3) { nodes { id } }"
    " totals { currency paid { amount } } } } }",
    "{ refunds(first: 10) { nodes { id payment { id order { number } } } } }",
    "{ order(id: 7) { id } }",
)


@pytest.fixture
async def alive(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Gateway]:
    settings = settings_for(sandbox, str(tmp_path), deadline=600.0)
    settings = msgspec.structs.replace(settings, budget=WIDE)
    await asyncio.to_thread(fill_index, sandbox, settings, str(tmp_path))
    async with open_gateway(settings, Unhurried()) as gateway:
        yield gateway


@contextmanager
def cycles(found: Counter[str]) -> Iterator[None]:
    """Counts objects of ours by type that only the collector can free."""
    gc.collect()
    gc.disable()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        types = (f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
        found.update(name for name in types if name.startswith(OURS))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def ask(gateway: Gateway, query: str) -> None:
    outcome = await Operations(gateway).answer(Operation(query), gateway.context("r"))
    assert outcome.body
    del outcome
    # Tasks that are done are forgotten by the loop at its next turn.
    await asyncio.sleep(0)


@pytest.mark.parametrize("fault", [None, "status", "bad_json"])
@pytest.mark.parametrize("query", QUERIES)
async def test_an_answered_request_leaves_nothing_to_the_collector(
    alive: Gateway, control: Control, query: str, fault: str | None
) -> None:
    control.faults(*([] if fault is None else [{"vendor": "stripe", "kind": fault}]))
    await ask(alive, query)
    found: Counter[str] = Counter()
    with cycles(found):
        await ask(alive, query)
    assert found == Counter()
