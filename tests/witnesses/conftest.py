"""The witnesses, and the gateway that they judge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.server import Server
from sandbox.simulator import discover
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
    with GatewayServer(sandbox, profile="production", federation=True) as gateway:
        yield gateway
