"""What the gateway and a second subgraph give a composer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
