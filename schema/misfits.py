"""Values that did not fit their mapping: an error at that field of that record, and only there."""

from __future__ import annotations

from typing import Any

from connectors.records import OrderLine, Record

_HOLDERS = (Record, OrderLine)


def field_of(source: Any, name: str) -> Any:
    """The attribute of a record; raises FieldMisfit where its value did not fit."""
    check(source, name)
    return getattr(source, name)


def check(source: Any, name: str) -> None:
    """Raises FieldMisfit if what the source holds for this attribute did not fit."""
    if misfits_of(source) and (misfit := source.misfit(name)) is not None:
        raise misfit


def misfits_of(source: Any) -> Any:
    """The notes of a record or line by attribute; None where everything fitted."""
    return source.misfits if isinstance(source, _HOLDERS) else None
