"""Values that did not fit their mapping: an error at that field of that record, and only there."""

from __future__ import annotations

from typing import Any

from connectors.errors import FieldMisfit
from connectors.records import OrderLine, Record


def field_of(source: Any, name: str) -> Any:
    """The attribute of a record; raises FieldMisfit where its value did not fit."""
    check(source, name)
    return getattr(source, name)


def check(source: Any, name: str) -> None:
    """Raises FieldMisfit if what the source holds for this attribute did not fit."""
    misfits = misfits_of(source)
    if misfits is not None and name in misfits:
        own = source.source if isinstance(source, OrderLine) else source.source.name
        raise FieldMisfit(own, misfits[name])


def misfits_of(source: Any) -> Any:
    """The notes of a record or line by attribute; None where everything fitted."""
    return source.misfits if isinstance(source, Record | OrderLine) else None
