"""Jiandaoyun's calls: all are POST with JSON, and what we ask changes nothing, so may be repeated.

https://hc.jiandaoyun.com/open/14220 (many records), /open/14221 (one record).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from connectors.errors import Malformed, Misconfigured, NotFound
from connectors.jiandaoyun.errors import Coded, error_of
from connectors.metadata import Rows
from connectors.transport import Request, Transport

PAGE = 100
"""Rows and forms of one answer, at most."""
ROOT = "/api/v5/app"
C = TypeVar("C", bound=Coded)
Condition = Mapping[str, Any]
# Amounts that are asked for are numbers with all their digits, as those that are answered.
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Widget(msgspec.Struct, frozen=True):
    """A field: `name` is its alias, or its id where it has none; `widgetName` always the id."""

    name: str
    label: str = ""
    type: str = ""
    widgetName: str = ""
    items: list[Widget] | None = None


class FormName(msgspec.Struct, frozen=True):
    entry_id: str
    name: str = ""


class _Widgets(Coded, frozen=True):
    widgets: list[Widget] | None = None


class _Forms(Coded, frozen=True):
    forms: list[FormName] | None = None


class _Records(Coded, frozen=True):
    data: Rows | None = None


class _Record(Coded, frozen=True):
    data: dict[str, Any] | None = None


_WIDGETS = msgspec.json.Decoder(_Widgets)
_FORMS = msgspec.json.Decoder(_Forms)
_RECORDS = msgspec.json.Decoder(_Records, float_hook=Decimal)
_RECORD = msgspec.json.Decoder(_Record, float_hook=Decimal)


class Api:
    """One application. What is wrong with a form is told with its `entry_id`."""

    def __init__(self, source: str, app_id: str, transport: Transport) -> None:
        self.source = source
        self._app_id = app_id
        self._transport = transport

    async def forms(self, skip: int = 0, limit: int = PAGE) -> list[FormName]:
        """The application's forms after the first `skip`; a full page may have another behind."""
        body = {"limit": limit, "skip": skip}
        answer = await self._ask("/entry/list", "widgets", body, _FORMS)
        return self._there(answer.forms, "forms")

    async def widgets(self, entry_id: str) -> list[Widget]:
        answer = await self._of(entry_id, "/entry/widget/list", "widgets", {}, _WIDGETS)
        return self._there(answer.widgets, "widgets")

    async def records(
        self,
        entry_id: str,
        fields: Sequence[str] | None,
        condition: Condition,
        after: str = "",
        limit: int | None = None,
    ) -> Rows:
        """A page of what fits the condition, by `_id` ascending, behind the record `after`."""
        body: dict[str, Any] = {
            "limit": limit or PAGE,
            "data_id": after,
            "filter": {"rel": "and", "cond": [condition]},
        }
        if fields is not None:
            body["fields"] = fields
        answer = await self._of(entry_id, "/entry/data/list", "list", body, _RECORDS)
        return self._identified(self._there(answer.data, "data"))

    async def record(self, entry_id: str, data_id: str) -> Rows:
        """One record, or none."""
        body = {"data_id": data_id}
        try:
            answer = await self._of(entry_id, "/entry/data/get", "get", body, _RECORD)
        except NotFound:
            return []
        found = self._identified([answer.data] if answer.data else [])
        if any(row["_id"] != data_id for row in found):
            raise Malformed(self.source, "the answer is about another record")
        return found

    async def _of(
        self,
        entry_id: str,
        path: str,
        rate: str,
        body: Mapping[str, Any],
        decoder: msgspec.json.Decoder[C],
    ) -> C:
        try:
            return await self._ask(path, rate, {"entry_id": entry_id, **body}, decoder)
        except Misconfigured as error:
            detail = f"form {entry_id}: {error.detail}"
            raise type(error)(self.source, detail, status=error.status, code=error.code) from None

    async def _ask(
        self, path: str, rate: str, body: Mapping[str, Any], decoder: msgspec.json.Decoder[C]
    ) -> C:
        request = Request(
            path=ROOT + path,
            method="POST",
            headers={"content-type": "application/json"},
            body=_ENCODER.encode({"app_id": self._app_id, **body}),
            rate=rate,
            repeatable=True,
        )
        response = await self._transport.send(request)
        answer = response.decode(decoder, self.source)
        if answer.code:
            raise error_of(self.source, response.status, answer.code)
        return answer

    def _there(self, value: list[Any] | None, name: str) -> list[Any]:
        if value is None:
            raise Malformed(self.source, f"the answer does not fit at $.{name}")
        return value

    def _identified(self, rows: Rows) -> Rows:
        if not all(isinstance(row.get("_id"), str) and row["_id"] for row in rows):
            raise Malformed(self.source, "the answer does not fit at $.data[...]._id")
        return rows
