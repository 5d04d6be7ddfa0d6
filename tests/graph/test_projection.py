"""The executor that projects and fetches ahead answers exactly as graphql-core's own does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLObjectType,
    execute,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    parse,
)
from graphql.execution import Executor as CoreExecutor

from connectors.registry import Registry
from gateway.compose import Gateway, open_gateway
from sandbox.server import Server as Sandbox
from schema.projection import ProjectingExecutor
from tests.graph.conftest import Control
from tests.serving import fill_index, settings_for

pytestmark = pytest.mark.anyio
ROOTS = ("customers(first: 4)", "orders(first: 4)", "payments(first: 4)", "refunds(first: 3)")


@pytest.fixture
async def alive(sandbox: Sandbox, tmp_path: Path) -> Any:
    settings = settings_for(sandbox, str(tmp_path))
    await asyncio.to_thread(fill_index, sandbox, settings, str(tmp_path))
    async with open_gateway(settings, Registry()) as gateway:
        yield gateway


async def executed(gateway: Gateway, query: str, executor: Any) -> ExecutionResult:
    schema = gateway.executor.schema
    result = execute(
        schema, parse(query), context_value=gateway.context("same"), executor_class=executor
    )
    return result if isinstance(result, ExecutionResult) else await result


def shown(result: ExecutionResult) -> tuple[Any, list[Any]]:
    """Data, and errors in an order that does not depend on who came first."""
    errors = sorted((e.path or [], str(e.original_error)) for e in result.errors or ())
    return result.data, [(list(map(str, path)), text) for path, text in errors]


def selections(type_: GraphQLObjectType, depth: int, dice: random.Random) -> Iterator[str]:
    """A random selection of a type: plain fields, aliases, relations down to a depth."""
    fields = list(type_.fields.items())
    yield "__typename"
    for name, field in dice.sample(fields, min(len(fields), dice.randint(3, 7))):
        inner = get_named_type(field.type)
        alias = f"a{dice.randint(0, 9)}{name}: " if dice.random() < 0.2 else ""
        if is_leaf_type(inner):
            yield alias + name
        elif depth and isinstance(inner, GraphQLObjectType) and not is_abstract_type(inner):
            arguments = "(first: 2)" if "first" in field.args else ""
            yield f"{alias}{name}{arguments} {{ {' '.join(selections(inner, depth - 1, dice))} }}"


def random_query(gateway: Gateway, seed: int) -> str:
    dice = random.Random(seed)
    root = ROOTS[seed % len(ROOTS)]
    type_ = gateway.executor.schema.type_map[root.partition("(")[0].capitalize()[:-1]]
    assert isinstance(type_, GraphQLObjectType)
    way = "edges { cursor node { %s } }" if dice.random() < 0.3 else "nodes { %s }"
    body = way % " ".join(selections(type_, 4, dice))
    return f"{{ {root} {{ {body} pageInfo {{ hasNextPage endCursor }} }} }}"


@pytest.mark.parametrize("seed", range(40))
async def test_random_queries_are_answered_alike(alive: Gateway, seed: int) -> None:
    query = random_query(alive, seed)
    expected = await executed(alive, query, CoreExecutor)
    assert shown(await executed(alive, query, ProjectingExecutor)) == shown(expected)
    assert expected.errors is None


@pytest.mark.parametrize("vendor", ["salesforce", "stripe"])
@pytest.mark.parametrize("seed", range(4))
async def test_failures_are_located_alike(
    alive: Gateway, control: Control, vendor: str, seed: int
) -> None:
    query = random_query(alive, seed)
    control.faults({"vendor": vendor, "kind": "status", "status": 503})
    expected = await executed(alive, query, CoreExecutor)
    assert shown(await executed(alive, query, ProjectingExecutor)) == shown(expected)


async def test_it_asks_the_sources_no_more_often(alive: Gateway, control: Control) -> None:
    query = """{ orders(first: 20) { nodes { customer { name } paid { amount } paymentState
      payments(first: 5) { nodes { order { number } customer { email } } } } } }"""
    counts = []
    for executor in (CoreExecutor, ProjectingExecutor, ProjectingExecutor):
        control.clear()
        await executed(alive, query, executor)
        counts.append(len(control.paths()))
    assert counts[1] == counts[2] <= counts[0]
