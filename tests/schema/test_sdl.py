"""The committed SDL is what is built; `make sdl` writes it anew."""

from __future__ import annotations

from pathlib import Path

import schema
from schema.build import build_schema

FOLDER = Path(schema.__file__).parent


def test_the_committed_sdl_is_the_built_one() -> None:
    built = build_schema()
    assert (FOLDER / "schema.graphql").read_text(encoding="utf-8") == built.sdl
    assert (FOLDER / "federation.graphql").read_text(encoding="utf-8") == built.federation_sdl


def test_building_twice_gives_the_same() -> None:
    assert build_schema().sdl == build_schema().sdl


def test_clients_see_no_machinery_of_federation() -> None:
    sdl = build_schema().sdl
    for word in ("_service", "_entities", "_Any", "@key", "@link", "@shareable", "_FieldSet"):
        assert word not in sdl
    assert "@key" in build_schema().federation_sdl
