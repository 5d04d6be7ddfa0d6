"""What QueryBusinessInfo says of a form: `NeedReturnData` with its entries and their fields.

A head's entry holds the fields of the form itself; every other one is a table of lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from connectors.kingdee.forms import Form
from connectors.kingdee.names import is_name
from connectors.metadata import Column, ColumnType, Table

TYPES: Mapping[str, ColumnType] = {
    "BaseDataField": ColumnType.RELATION,
    "CheckBoxField": ColumnType.BOOLEAN,
    "ComboField": ColumnType.CHOICE,
    "BillStatusField": ColumnType.CHOICE,
    "DateField": ColumnType.TIME,
    "DateTimeField": ColumnType.TIME,
    "CreateDateField": ColumnType.TIME,
    "ModifyDateField": ColumnType.TIME,
    "DecimalField": ColumnType.NUMBER,
    "IntegerField": ColumnType.NUMBER,
    "QtyField": ColumnType.NUMBER,
    "PriceField": ColumnType.NUMBER,
    "AmountField": ColumnType.NUMBER,
    "TextField": ColumnType.TEXT,
    "BillNoField": ColumnType.TEXT,
    "MulLangTextField": ColumnType.TEXT,
}
NUMBER = "FNumber"
"""What base data is known by, beside its internal id."""


def tables_of_form(form: Form, told: Mapping[str, Any], lcid: int) -> Iterator[Table]:
    """The table of bills first, then those of its lines."""
    info = _inside(_inside(told, "Result"), "NeedReturnData")
    head: list[Column] = [Column(path=form.key, type=ColumnType.NUMBER, key=form.key, unique=True)]
    lines: list[Table] = []
    for entry in _each(info, "Entrys"):
        fields = [one for one in _each(entry, "Fields") if is_name(str(one.get("Key", "")))]
        columns = [one for field in fields for one in _columns(field, lcid)]
        if _is_head(entry):
            head += columns
            continue
        if not is_name(key := str(entry.get("Key", ""))):
            continue
        own = Column(path=f"{key}_FEntryID", type=ColumnType.NUMBER, unique=True)
        parent = Column(path=form.key, type=ColumnType.RELATION, refers=form.id)
        name = f"{form.id}.{key}"
        lines.append(Table(name=name, label=_label(entry, lcid), columns=(own, parent, *columns)))
    yield Table(name=form.id, label=_label(info, lcid), columns=tuple(_once(head)))
    for table in lines:
        # A row of lines may be asked for any field of its bill.
        columns = [*table.columns, *head[1:]]
        yield msgspec.structs.replace(table, columns=tuple(_once(columns)))


def _columns(field: Mapping[str, Any], lcid: int) -> Iterator[Column]:
    """A field; for base data also the number behind it."""
    path, label = str(field.get("Key", "")), _label(field, lcid)
    refers = str(field.get("LookUpObjectFormId") or "")
    words = tuple(
        str(item.get("Value", "")) for item in _each(_inside(field, "Extends"), "EnumItems")
    )
    kind = TYPES.get(str(field.get("ElementType", "")), ColumnType.OTHER)
    if refers:
        kind = ColumnType.RELATION
    elif words:
        kind = ColumnType.CHOICE
    yield Column(path=path, label=label, type=kind, key=path, words=words, refers=refers)
    if refers:
        yield Column(path=f"{path}.{NUMBER}", label=label, key=f"{path}.{NUMBER}")


def _is_head(entry: Mapping[str, Any]) -> bool:
    """A head, and what belongs to it one to one, such as the finance of an order."""
    return str(entry.get("EntityType", "")) in ("HeadEntity", "SubHeadEntity")


def _label(told: Mapping[str, Any], lcid: int) -> str:
    """Of the names in several languages the one in ours, else the first."""
    names = {name.get("Key"): str(name.get("Value", "")) for name in _each(told, "Name")}
    return names.get(lcid) or next(iter(names.values()), "")


def _inside(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = told.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _each(told: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    several = told.get(name)
    found = several if isinstance(several, list) else []
    return [one for one in found if isinstance(one, Mapping)]


def _once(columns: list[Column]) -> list[Column]:
    return list({one.path: one for one in reversed(columns)}.values())[::-1]
