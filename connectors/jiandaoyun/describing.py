"""A form as metadata: what `tillgate map` reads.

The vendor tells neither the words of a choice nor where a relation leads to.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.jiandaoyun.asking import ID
from connectors.jiandaoyun.forms import SUBFORM, SYSTEM, Field, Form
from connectors.metadata import Column, ColumnType, Table

TEXT, OTHER = ColumnType.TEXT, ColumnType.OTHER
# By type (https://hc.jiandaoyun.com/open/10993): the part of the value that is shown, and its type.
SHOWN: dict[str, tuple[tuple[str, ColumnType], ...]] = {
    "id": (("", TEXT),),
    "text": (("", TEXT),),
    "textarea": (("", TEXT),),
    "sn": (("", TEXT),),
    "number": (("", ColumnType.NUMBER),),
    "flowState": (("", ColumnType.NUMBER),),
    "datetime": (("", ColumnType.TIME),),
    "radiogroup": (("", ColumnType.CHOICE),),
    "combo": (("", ColumnType.CHOICE),),
    "checkboxgroup": (("", ColumnType.LIST),),
    "combocheck": (("", ColumnType.LIST),),
    "phone": ((".phone", TEXT),),
    "address": ((".province", TEXT), (".city", TEXT), (".district", TEXT), (".detail", TEXT)),
    "location": ((".province", TEXT), (".city", TEXT), (".district", TEXT), (".detail", TEXT)),
    "user": ((".name", TEXT), (".username", TEXT)),
    "usergroup": (("[].name", TEXT), ("[].username", TEXT)),
    "dept": ((".name", TEXT),),
    "deptgroup": (("[].name", TEXT),),
    "lookup": ((".id", ColumnType.RELATION), (".key", TEXT)),
    "linkdata": ((".id", ColumnType.RELATION), (".key", TEXT)),
    SUBFORM: (("[]", ColumnType.LIST),),
}
UNIQUE = frozenset({"id", "sn"})
SHOWN_OF_SYSTEM = frozenset({"_id", "createTime", "updateTime", "flowState", "creator"})


def table_of(form: Form, label: str, singly: bool) -> Table:
    """`singly` says that records are asked for by one `_id` a call."""
    system = (field for field in SYSTEM if field.key in SHOWN_OF_SYSTEM)
    every = (*system, *form.own)
    return Table(
        name=form.entry_id,
        label=label,
        columns=tuple(column for field in every for column in _columns(field, singly=singly)),
    )


def _columns(
    field: Field, around: str = "", around_key: str = "", *, singly: bool = False
) -> Iterator[Column]:
    """Of a field and, for a subform, of those in it; keys are paths that never change."""
    for part, kind in SHOWN.get(field.type, (("", OTHER),)):
        yield Column(
            path=f"{around}{field.name}{part}",
            label=field.label,
            type=kind,
            key=f"{around_key}{field.key}{part}",
            unique=field.type in UNIQUE,
            singly=field.key == ID and singly,
        )
    for inner in field.items:
        yield from _columns(inner, f"{around}{field.name}[].", f"{around_key}{field.key}[].")
