"""Vendors whose clocks are not ours: their own `Date` decides what is new in their data."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from sandbox.server import Server
from sandbox.simulator import discover
from tests.connectors.stripe_sandbox import StripeSandbox
from tests.serving import GatewayServer

PAYMENTS = "query($n: String!) { order(number: $n) { payments { nodes { id } } } }"
LIST, SEARCH = "/v1/payment_intents", "/v1/payment_intents/search"


@pytest.fixture(params=[-90, -900, 90])
def ahead(request: pytest.FixtureRequest) -> int:
    """Seconds that the vendors' clocks are ahead of ours."""
    return int(request.param)


@pytest.fixture
def sandbox(ahead: int) -> Iterator[Server]:
    """Its search knows a payment a minute after it was made."""

    def clock() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead)

    vendors = [v for v in discover(("salesforce",)) if v.name in ("salesforce", "stripe")]
    with Server(vendors=vendors, size=20, rate_limits=False, search_lag=60, clock=clock) as running:
        yield running


def test_a_payment_of_this_moment_is_there_whatever_our_clock_says(
    sandbox: Server, ahead: int
) -> None:
    stripe = StripeSandbox(sandbox)
    number = stripe.numbers()[0]
    with GatewayServer(sandbox, indexed=False) as gateway:
        for calls in (2 if ahead < 0 else 1, 1):
            made = f"stripe_eu:payment:{stripe.pay(number)}"
            before = len(stripe.asked())
            nodes = gateway.data(PAYMENTS, n=number)["order"]["payments"]["nodes"]
            assert made in {node["id"] for node in nodes}
            asked = [path for path, _ in stripe.asked()[before:]]
            # Two accounts; the first answer of each tells its time.
            assert (asked.count(LIST), asked.count(SEARCH)) == (2 * calls, 2)


def test_every_answer_tells_the_vendors_time(sandbox: Server, ahead: int) -> None:
    answer = httpx.get(f"{sandbox.origin}/stripe/v1/balance")
    told = parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert abs(told - time.time() - ahead) < 30
