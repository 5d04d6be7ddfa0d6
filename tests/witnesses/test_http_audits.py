"""The audits of `graphql-http` for GraphQL over HTTP, in two editions.

1.22 has 60 audits; the newer one has 61 and is stricter in some.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving import GatewayServer
from tests.witnesses.node import Node

HEADER = {"apollo-require-preflight": "true"}
SIMPLE_GETS = {"5A70", "D6D5", "6A70"}
editions = pytest.mark.parametrize(
    ("edition", "count"), [("graphql-http", 61), ("graphql-http-1.22", 60)]
)


def audits(
    node: Node, edition: str, gateway: GatewayServer, headers: dict[str, str]
) -> list[dict[str, Any]]:
    url = f"{gateway.origin}/graphql"
    results: list[dict[str, Any]] = node.run("audit", edition=edition, url=url, getHeaders=headers)
    return results


def not_ok(results: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {r["id"]: (r["name"], r["reason"]) for r in results if r["status"] != "ok"}


def failed_musts(results: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {id_: found for id_, found in not_ok(results).items() if found[0].startswith("MUST")}


@editions
def test_development_passes_every_audit(
    node: Node, development: GatewayServer, edition: str, count: int
) -> None:
    results = audits(node, edition, development, {})

    assert not_ok(results) == {}
    assert len(results) == count


@editions
def test_production_passes_every_audit_with_the_header(
    node: Node, production: GatewayServer, edition: str, count: int
) -> None:
    results = audits(node, edition, production, HEADER)

    assert not_ok(results) == {}
    assert len(results) == count


@editions
def test_without_the_header_only_simple_gets_differ_and_every_must_passes(
    node: Node, production: GatewayServer, edition: str, count: int
) -> None:
    results = audits(node, edition, production, {})

    assert not_ok(results).keys() == SIMPLE_GETS
    assert failed_musts(results) == {}
    assert len(results) == count
