"""A small world with Stripe and a CRM that only lends its name, and a clock moved by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import requests
import stripe
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp
from stripe import StripeClient

from sandbox.generate import generate
from sandbox.server import Server
from sandbox.simulator import Context, Credentials, Vendor
from sandbox.stripe import VENDOR as STRIPE
from sandbox.world import Account, Payment, World

SEED, SIZE = 7, 80
Connect = Callable[..., StripeClient]


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def paper_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    return f"{kind}-{index}-{rng.randrange(1000)}"


def paper_app(world: World, context: Context) -> ASGIApp:
    return PlainTextResponse("paper")


def paper_credentials(context: Context) -> Credentials:
    return {"paper": {"pencil": "HB"}}


PAPER = Vendor("paper", (Account("paper", "paper", "crm"),), paper_id, paper_app, paper_credentials)
VENDORS = (PAPER, STRIPE)


@pytest.fixture(scope="session")
def world() -> World:
    return generate(SEED, SIZE, vendors=VENDORS)


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="module")
def server(world: World, clock: HandClock) -> Iterator[Server]:
    """The sandbox without rate limits."""
    with Server(world, VENDORS, rate_limits=False, clock=clock) as running:
        yield running


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.origin) as client:
        yield client


@pytest.fixture(scope="module")
def keys(http: httpx.Client) -> dict[str, str]:
    """The secret key of each Stripe account."""
    credentials = http.get("/_sandbox/credentials").json()
    return {name: credentials[name]["key"] for name in ("stripe_eu", "stripe_us")}


@pytest.fixture(scope="module")
def connect(server: Server) -> Iterator[Connect]:
    """A client of the SDK for a key; its connections are closed at the end."""
    session = requests.Session()
    transport = stripe.RequestsClient(session=session)

    def client(key: str, origin: str = server.origin) -> StripeClient:
        return StripeClient(
            key,
            base_addresses={"api": f"{origin}/stripe"},
            http_client=transport,
            max_network_retries=0,
        )

    yield client
    session.close()


@pytest.fixture(scope="module")
def eu(connect: Connect, keys: dict[str, str]) -> StripeClient:
    return connect(keys["stripe_eu"])


@pytest.fixture(scope="module")
def us(connect: Connect, keys: dict[str, str]) -> StripeClient:
    return connect(keys["stripe_us"])


@pytest.fixture(scope="module")
def bearer(keys: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {keys['stripe_eu']}"}


@pytest.fixture(scope="module")
def paid(world: World) -> Iterator[Payment]:
    """Payments of stripe_eu that are whole: captured, not refunded, not disputed."""
    return (
        p
        for p in world.payments_of("stripe_eu")
        if p.captured and not p.refunds and not p.dispute and p.currency != "KWD"
    )


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    return error
