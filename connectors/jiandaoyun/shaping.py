"""Records as rows: each configured path in its own spelling, MISSING where there is no field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.jiandaoyun.forms import Field, Fields, Form
from connectors.jiandaoyun.paths import LIST, by_name
from connectors.values import MISSING


def asked_for(form: Form, paths: Iterable[str]) -> list[str]:
    """The ids of the fields that paths need, as far as the form has them."""
    found = (form.find(name) for name in by_name(paths))
    return list(dict.fromkeys(field.key for field in found if field is not None))


class Shape:
    """What the rows of some paths look like, for a form or a subform of it as it is now."""

    def __init__(self, form: Fields, paths: Iterable[str]) -> None:
        self._gone: dict[str, Any] = {}
        self._values: list[tuple[str, Field]] = []
        self._lists: list[tuple[str, Field, Shape]] = []
        for name, rests in by_name(paths).items():
            field = form.find(name)
            if field is None:
                # Also under the whole path, which a reader looks for first.
                spelled = (
                    f"{head}.{rest}" for rest in rests if rest for head in (name, name + LIST)
                )
                self._gone |= dict.fromkeys((name, *spelled), MISSING)
            elif (inner := form.inside(field)) is not None:
                self._lists.append((name, field, Shape(inner, form.of_lines(inner, rests))))
            else:
                self._values.append((name, field))

    def row(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """With its `_id`, which tells records apart that are alike in everything asked for."""
        row = {"_id": record.get("_id"), **self._gone}
        for name, field in self._values:
            row[name] = _held(record, field)
        for name, field, shape in self._lists:
            lines = _held(record, field)
            if isinstance(lines, list):
                row[name] = [
                    {**line, **shape.row(line)} if isinstance(line, Mapping) else line
                    for line in lines
                ]
            else:
                row[name] = lines
        return row


def _held(record: Mapping[str, Any], field: Field) -> Any:
    return record.get(field.name, record.get(field.key))
