"""The witnesses, and the gateway that they judge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auth.rows import PartnerRows, RowRules, TenantRows
from gateway.auth_settings import AuthSettings, EmbeddedSettings
from gateway.demo import partners_customers, shown_orders
from gateway.demo_clients import PARTNER, TENANT, demo_client
from gateway.token import fetch_token
from sandbox.server import Server
from sandbox.simulator import discover
from tests.graph.conftest import WIDE
from tests.serving import GatewayServer
from tests.witnesses.node import Node


@pytest.fixture(scope="session")
def node() -> Node:
    return Node()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Server]:
    with Server(vendors=discover(("salesforce",)), size=60, rate_limits=False) as server:
        yield server


@pytest.fixture(scope="session")
def development(sandbox: Server) -> Iterator[GatewayServer]:
    with GatewayServer(sandbox) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def production(sandbox: Server) -> Iterator[GatewayServer]:
    with GatewayServer(sandbox, profile="production") as gateway:
        yield gateway


@pytest.fixture(scope="session")
def subgraph(sandbox: Server) -> Iterator[GatewayServer]:
    """The production profile behind a federation router."""
    wide = {"budget": WIDE}
    with GatewayServer(sandbox, profile="production", changes=wide, federation=True) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def guarded(sandbox: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    """The production profile with the demo's readers; nothing about it is eased, but that they may
    ask as much as they like."""
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    customers = partners_customers(sandbox.world, shown_orders(sandbox.world))
    rows = RowRules(
        tenants={TENANT: TenantRows(sources=tuple(a.name for a in sandbox.world.accounts))},
        partners={PARTNER: PartnerRows(customers=tuple(customers))},
        without_partner="all",
    )
    auth = AuthSettings(
        resource="http://127.0.0.1:8000",
        embedded=EmbeddedSettings(keys=str(keys), demo_clients=True),
        rows=rows,
    )
    wide = {"budget": WIDE}
    with GatewayServer(sandbox, profile="production", auth=auth, changes=wide) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def partner(guarded: GatewayServer) -> str:
    """A token of the partner, good for ten minutes."""
    return fetch_token(guarded.origin, *demo_client("partner"))
