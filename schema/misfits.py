"""Values that did not fit their mapping, or whose call failed: an error at that field of that
record, and only there."""

from __future__ import annotations

from typing import Any

from connectors.records import OrderLine, Record


def field_of(source: Any, name: str) -> Any:
    """The attribute of a record; raises SourceError where its value is not known."""
    check(source, name)
    return getattr(source, name)


def check(source: Any, name: str) -> None:
    """Raises FieldMisfit if what the source holds for this attribute did not fit, or the failure of
    the call that would have given it."""
    if misfits_of(source) and (misfit := source.misfit(name)) is not None:
        raise misfit


def misfits_of(source: Any) -> Any:
    """The notes of a record or line by attribute; None where everything is known."""
    if isinstance(source, Record):
        return source.failed or source.misfits
    return source.misfits if isinstance(source, OrderLine) else None
