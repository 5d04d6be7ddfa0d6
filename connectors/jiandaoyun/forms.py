"""Forms as they are now: their fields by alias and by id, read once and again when needed.

A record calls a field by its alias, or by its id where it has none. Somebody may set or change an
alias while we run, so a record that holds a key unknown to us makes the form be read again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

import msgspec

from connectors.jiandaoyun.api import Api, Widget
from connectors.jiandaoyun.errors import NoForm
from connectors.jiandaoyun.paths import LIST, by_name
from connectors.metadata import Rows

SUBFORM = "subform"


class Field(msgspec.Struct, frozen=True):
    """`key` is the id, which never changes, `name` what records call it."""

    key: str
    name: str
    type: str
    label: str = ""
    items: tuple[Field, ...] = ()


SYSTEM = (
    Field("_id", "_id", "id", "数据ID"),
    Field("createTime", "createTime", "datetime", "提交时间"),
    Field("updateTime", "updateTime", "datetime", "更新时间"),
    Field("flowState", "flowState", "flowState", "流程状态"),
    Field("creator", "creator", "user", "提交人"),
    Field("updater", "updater", "user", "更新人"),
    Field("deleter", "deleter", "user"),
    Field("deleteTime", "deleteTime", "datetime"),
    Field("appId", "appId", ""),
    Field("entryId", "entryId", ""),
    Field("formName", "formName", ""),
    Field("ext", "ext", ""),
)
"""What every record has beside the form's own fields
(https://hc.jiandaoyun.com/open/10993)."""
_IN_SUBFORM = (Field("_id", "_id", "id"),)


class Fields:
    """The fields of a form, or of a subform in it, found by either spelling."""

    def __init__(self, every: Iterable[Field]) -> None:
        self._by_name: dict[str, Field] = {}
        for field in every:
            self._by_name |= {field.key: field, field.name: field}
        self._inner = {
            field.key: Fields((*_IN_SUBFORM, *field.items))
            for field in self._by_name.values()
            if field.type == SUBFORM
        }

    def find(self, name: str) -> Field | None:
        return self._by_name.get(name)

    def inside(self, field: Field) -> Fields | None:
        """The fields of a subform."""
        return self._inner.get(field.key)

    def of_lines(self, inner: Fields, rests: Iterable[str]) -> list[str]:
        """The paths that lines of a subform have themselves; what only the record around them has,
        such as their currency, is not missed in them."""
        return [
            rest for rest in rests if rest and (not inner.lacking([rest]) or self.lacking([rest]))
        ]

    def lacking(self, paths: Iterable[str]) -> list[str]:
        """What is not there: a field, or a field of a subform with the subform before it."""
        gone: list[str] = []
        for name, rests in by_name(paths).items():
            field = self.find(name)
            if field is None:
                gone.append(name)
            elif (inner := self.inside(field)) is not None:
                gone += [
                    f"{name}{LIST}.{path}" for path in inner.lacking(self.of_lines(inner, rests))
                ]
        return gone

    def strange(self, rows: Rows) -> set[str]:
        """Keys of records that are no field; of subforms with the subform before them."""
        keys = {key for row in rows for key in row}
        found = keys - self._by_name.keys()
        for key in keys - found:
            field = self._by_name[key]
            inner = self.inside(field)
            if inner is not None:
                lists = (row.get(key) for row in rows)
                items = [item for items in lists if isinstance(items, list) for item in items]
                held = [item for item in items if isinstance(item, dict)]
                found |= {f"{field.key}.{name}" for name in inner.strange(held)}
        return found


class Form(Fields):
    """`own` are its fields without the system's."""

    def __init__(self, entry_id: str, own: tuple[Field, ...], read_at: datetime) -> None:
        super().__init__((*SYSTEM, *own))
        self.entry_id = entry_id
        self.own = own
        self.read_at = read_at


class Forms:
    """The forms of one application. Two spellings that change places are noticed after `FRESH`."""

    FRESH = timedelta(minutes=5)
    PAUSE = timedelta(seconds=10)
    """After which a form is read again for a configured field that it does not have."""

    def __init__(self, api: Api, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock
        self._known: dict[str, Form] = {}
        self._strange: defaultdict[str, set[str]] = defaultdict(set)
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def form(self, entry_id: str, paths: Collection[str] = ()) -> Form:
        """The form, read again where it is old, or lacks one of these paths and was not read just
        now. NoForm where it was deleted."""
        known = self._known.get(entry_id)
        if known is not None:
            age = self._clock() - known.read_at
            if age < self.PAUSE or (age < self.FRESH and not known.lacking(paths)):
                return known
        return await self.after(entry_id, known)

    async def now(self, entry_id: str) -> Form:
        return await self.after(entry_id, self._known.get(entry_id))

    async def fitting(self, form: Form, rows: Rows) -> Form:
        """A form that knows all keys of these records; a key that is no field even now, such as a
        new one of the system's, is not asked about again."""
        entry_id = form.entry_id
        new = form.strange(rows) - self._strange[entry_id]
        if not new:
            return form
        form = await self.after(entry_id, form)
        self._strange[entry_id] |= form.strange(rows)
        return form

    async def after(self, entry_id: str, seen: Form | None) -> Form:
        """The form as it is now, which is later than `seen`."""
        async with self._reading[entry_id]:
            known = self._known.get(entry_id)
            if known is None or known is seen:
                known = await self._read(entry_id)
            return known

    async def _read(self, entry_id: str) -> Form:
        try:
            widgets = await self._api.widgets(entry_id)
        except NoForm:
            self._known.pop(entry_id, None)
            raise
        form = Form(entry_id, tuple(map(_field, widgets)), self._clock())
        self._known[entry_id] = form
        return form


def _field(widget: Widget) -> Field:
    return Field(
        key=widget.widgetName or widget.name,
        name=widget.name,
        type=widget.type,
        label=widget.label,
        items=tuple(map(_field, widget.items or ())),
    )
