"""Paths of a mapping: `lines[].sku` begins with the field `lines` and goes on with `sku`."""

from __future__ import annotations

from collections.abc import Iterable

LIST = "[]"


def by_name(paths: Iterable[str]) -> dict[str, list[str]]:
    """The fields that paths begin with, each with what follows: "" where nothing does."""
    found: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        found.setdefault(name.removesuffix(LIST), []).append(rest)
    return found
