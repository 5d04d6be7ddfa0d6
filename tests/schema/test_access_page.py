"""The committed page of who may see what is the one that is made; `make sdl` writes it anew."""

from __future__ import annotations

from pathlib import Path

import schema
from auth.field_rules import FIELD_RULES, INPUT_READS
from gateway.access_page import access_page
from schema.build import build_schema

PAGE = Path(schema.__file__).parents[1] / "docs" / "access.md"


def test_the_committed_page_is_the_made_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == access_page(build_schema())


def test_every_field_and_argument_is_on_it() -> None:
    page = access_page(build_schema())
    for name, rule in FIELD_RULES.items():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert {field for field in rule.fields if f"| `{field}` |" not in section} == set()
    assert [place for place in INPUT_READS if f"| `{place}` |" not in page] == []
