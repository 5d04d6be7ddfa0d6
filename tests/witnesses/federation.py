"""What the gateway and a second subgraph give a composer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphql import (
    REMOVE,
    DirectiveDefinitionNode,
    DirectiveNode,
    ScalarTypeDefinitionNode,
    StringValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from schema.build import build_schema
from tests.witnesses.node import Node

COMPOSERS = ("apollo", "guild")
NOTES = (Path(__file__).parent / "notes.graphql").read_text(encoding="utf-8")


def composed(
    node: Node, composer: str, second: str | None = NOTES, origin: str = "http://tillgate.test"
) -> dict[str, Any]:
    """`errors`, `hints` and `supergraph` of the gateway's SDL, alone if `second` is None."""
    sdl = build_schema().federation_sdl
    subgraphs = [{"name": "tillgate", "url": f"{origin}/graphql", "sdl": sdl}]
    if second is not None:
        subgraphs.append({"name": "notes", "url": "http://notes.test", "sdl": second})
    answer: dict[str, Any] = node.run("compose", composer=composer, subgraphs=subgraphs)
    return answer


SECURITY = frozenset({"authenticated", "requiresScopes", "policy"})


class _Unguarding(Visitor):
    """Takes the features of Apollo's security specifications out, and all that is of them."""

    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        told = [a.value.value for a in node.arguments or () if isinstance(a.value, StringValueNode)]
        linked = node.name.value == "link" and any(f"/{n}/" in t for n in SECURITY for t in told)
        return REMOVE if linked or node.name.value in SECURITY else None

    def enter_directive_definition(self, node: DirectiveDefinitionNode, *_: Any) -> Any:
        return REMOVE if node.name.value in SECURITY else None

    def enter_scalar_type_definition(self, node: ScalarTypeDefinitionNode, *_: Any) -> Any:
        return REMOVE if node.name.value.partition("__")[0] in SECURITY else None


def unguarded(supergraph: str) -> str:
    """For the router in JavaScript: it enforces no scopes, and so refuses a supergraph with any."""
    return print_ast(visit(parse(supergraph), _Unguarding()))
