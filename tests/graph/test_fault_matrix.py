"""Every source broken in every way, alone and in pairs: no value is wrong, none is null without an
error, and no error names a healthy source.

A part of the matrix is run each time; `make faults` runs all of it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from gateway.compose import Gateway, open_gateway
from gateway.settings import Settings
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.graph.conftest import Control
from tests.graph.faults import KINDS, QUERIES, Broken, Matrix, differences
from tests.graph.test_join_calls import Unhurried
from tests.serving import fill_index, settings_for

SOURCES = [account.name for vendor in discover() for account in vendor.accounts]
PARTS = {
    "alipay_cn": ("/gateway.do",),
    "hubspot": ("/crm/v3/objects/deals", "/crm/v3/objects/contacts", "/crm/v4/associations"),
    "paypal": ("/v2/payments/refunds", "/v2/payments/captures", "/v2/checkout"),
    "stripe_eu": ("/v1/payment_intents/search", "/v1/customers", "/v1/disputes", "/v1/refunds"),
    "wechat_cn": ("/v3/refund", "/v3/pay"),
    "yonyou": ("/api/saleorder/get", "/api/customer", "/api/acceptlist"),
}
"""Interfaces of one vendor that can fail while the others answer."""
HASTY = 0.6
"""Seconds that a broken source is waited for in each read."""

HALVES = (("orders", "refunds", "by key"), ("payments", "customers", "by id"))
"""Of the queries, for the part of the matrix that is run each time."""

Case = tuple[Broken, ...]


def sampled() -> list[Case]:
    """Each source in one way, a part of each that is broken, and a few pairs."""
    kinds = list(KINDS)
    alone = [(Broken(name, kinds[at % len(kinds)]),) for at, name in enumerate(SOURCES)]
    parts = [(Broken(name, "503", paths[0]),) for name, paths in PARTS.items()]
    return [*alone, *parts, *pairs(4)]


def soaked() -> list[Case]:
    alone = [(Broken(name, kind),) for name in SOURCES for kind in KINDS]
    parts = [
        (Broken(name, kind, path),)
        for name, paths in PARTS.items()
        for path in paths
        for kind in ("503", "hanging", "bad JSON")
    ]
    return [*alone, *parts, *pairs(40)]


def pairs(count: int) -> list[Case]:
    """The same ones in every run."""
    dice = random.Random(count)
    every = list(itertools.combinations(SOURCES, 2))
    return [
        tuple(Broken(name, dice.choice(list(KINDS))) for name in pair)
        for pair in dice.sample(every, count)
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        whole = metafunc.config.getoption("--soak")
        cases = soaked() if whole else sampled()
        asked = [tuple(QUERIES) if whole else HALVES[at % 2] for at in range(len(cases))]
        ids = [" and ".join(map(str, case)) for case in cases]
        metafunc.parametrize(("case", "names"), [*zip(cases, asked, strict=True)], ids=ids)


async def opened(stack: AsyncExitStack, settings: Settings, deadline: float) -> Gateway:
    sources = {
        name: msgspec.structs.replace(own, deadline=deadline)
        for name, own in settings.sources.items()
    }
    settings = msgspec.structs.replace(settings, sources=sources)
    return await stack.enter_async_context(open_gateway(settings, Unhurried()))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def matrix(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    folder = str(tmp_path_factory.mktemp("matrix"))
    with Sandbox(seed=10, size=10, rate_limits=False) as sandbox:
        settings = settings_for(sandbox, folder)
        fill_index(sandbox, settings, folder)
        control, stack = Control(sandbox), AsyncExitStack()
        patient = runner.run(opened(stack, settings, 80.0))
        hasty = runner.run(opened(stack, settings, HASTY))
        made = Matrix(patient, hasty, control)
        runner.run(made.learn(sandbox.world))
        yield made
        control.clear()
        control.client.close()
        runner.run(stack.aclose())


def test_every_value_is_the_truth_or_null_with_an_error_of_a_broken_source(
    matrix: Matrix, runner: asyncio.Runner, case: Case, names: tuple[str, ...]
) -> None:
    report = runner.run(matrix.compare(case, names))
    assert report.wrong == [], str(report)
    assert report.leaves


def test_the_whole_matrix_is_of_every_source(matrix: Matrix) -> None:
    assert sorted(matrix.sources) == sorted(SOURCES)
    assert PARTS.keys() <= set(SOURCES)
    print(f"\n{matrix.total}")


TRUTH: dict[str, Any] = {
    "orders": {
        "totalCount": 2,
        "nodes": [{"id": "crm:1", "paid": {"minorUnits": "5"}}, {"id": "us:2", "paid": None}],
    }
}


def error(*path: str | int, source: str = "us") -> dict[str, Any]:
    return {"path": list(path), "extensions": {"code": "UPSTREAM_TIMEOUT", "source": source}}


def told(shown: Any, *errors: dict[str, Any]) -> list[str]:
    return list(differences({"data": TRUTH}, {"data": {"orders": shown}, "errors": errors}, {"us"}))


ONE, TWO = TRUTH["orders"]["nodes"]
SAME: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "the same": (TRUTH["orders"], []),
    "null with its error": (None, [error("orders")]),
    "a value that is null with an error above it": (
        {"totalCount": 2, "nodes": [ONE | {"paid": None}, TWO]},
        [error("orders", "nodes", 0)],
    ),
    "a row that is missing with an error in the list": (
        {"totalCount": None, "nodes": [ONE, None]},
        [error("orders", "nodes", 1)],
    ),
    "an error where nothing was known": (TRUTH["orders"], [error("orders", "nodes", 1, "paid")]),
}


@pytest.mark.parametrize("name", SAME)
def test_the_comparison_accepts(name: str) -> None:
    shown, errors = SAME[name]
    assert told(shown, *errors) == []


WRONG: dict[str, tuple[Any, list[dict[str, Any]], str]] = {
    "another value": (
        {"totalCount": 2, "nodes": [ONE | {"paid": {"minorUnits": "4"}}, TWO]},
        [error("orders", "nodes", 0, "paid")],
        "orders.nodes.0.paid.minorUnits is 4 and was 5",
    ),
    "null without an error": (
        {"totalCount": 2, "nodes": [ONE | {"paid": None}, TWO]},
        [error("orders", "nodes", 1, "paid")],
        "orders.nodes.0.paid is null without an error",
    ),
    "a row that is missing": (
        {"totalCount": 2, "nodes": [ONE]},
        [],
        "orders.nodes lacks ['us:2'] without an error",
    ),
    "a count of rows of which one is missing": (
        {"totalCount": 1, "nodes": [ONE, None]},
        [error("orders", "nodes", 1)],
        "orders.totalCount is 1 and was 2",
    ),
    "a row that was not there": (
        {"totalCount": 2, "nodes": [ONE, TWO, {"id": "us:3", "paid": None}]},
        [],
        "has a row that was not there",
    ),
    "rows in another order": (
        {"totalCount": 2, "nodes": [TWO, ONE]},
        [],
        "orders.nodes is in another order",
    ),
    "a healthy source that is blamed": (
        None,
        [error("orders", source="crm")],
        "names no broken source",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_comparison_refuses(name: str) -> None:
    shown, errors, expected = WRONG[name]
    (found,) = told(shown, *errors)
    assert expected in found
