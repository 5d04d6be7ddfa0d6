"""Calls of DynamicFormService: bill queries and metadata.

With a session a body is positional, `{"parameters": ["{...}"]}` with JSON in a string; with signed
headers it is named, `{"data": {...}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from connectors.errors import Malformed, Misconfigured
from connectors.kingdee.errors import DETAILS, Forbidden, NoForm
from connectors.kingdee.login import JSON
from connectors.kingdee.settings import KingdeeSettings
from connectors.kingdee.signing import signature_headers
from connectors.transport import Request, Response, Transport

SERVICE = "/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.{}.common.kdsvc"
_ROWS = msgspec.json.Decoder(list[list[Any]], float_hook=Decimal)
_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
Cells = list[list[Any]]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One bill query: `where` and `order` are in Kingdee's filter language."""

    form: str
    fields: Sequence[str]
    where: str = ""
    order: str = ""
    start: int = 0
    limit: int


class Api:
    """Raises Misconfigured naming the form where it does not exist or may not be read."""

    def __init__(
        self,
        source: str,
        settings: KingdeeSettings,
        transport: Transport,
        clock: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._root = urlsplit(settings.base_url).path.rstrip("/")

    async def rows(self, query: Query) -> Cells:
        """A cell for each field in each row; NoField where the form lacks one."""
        data = {
            "FormId": query.form,
            "FieldKeys": ",".join(query.fields),
            "FilterString": query.where,
            "OrderString": query.order,
            "TopRowCount": 0,
            "StartRow": query.start,
            "Limit": query.limit,
            "SubSystemId": "",
        }
        answer = await self._call("ExecuteBillQuery", query.form, data)
        cells = answer.decode(_ROWS, self._source)
        if any(len(row) != len(query.fields) for row in cells):
            raise Malformed(self._source, f"form {query.form}: a row has not the fields asked for")
        return cells

    async def business_info(self, form: str) -> dict[str, Any]:
        """What the server says about a form."""
        answer = await self._call("QueryBusinessInfo", form, {"FormId": form})
        return answer.decode(_OBJECT, self._source)

    async def _call(self, method: str, form: str, data: dict[str, Any]) -> Response:
        path = SERVICE.format(method)
        headers: dict[str, str] = dict(JSON)
        body: dict[str, Any] = {"data": data}
        if self._settings.auth == "signature":
            now = int(self._clock().timestamp())
            headers |= signature_headers(self._settings, self._root + path, now)
        else:
            body = {"parameters": [msgspec.json.encode(data).decode()]}
        request = Request(
            path=path,
            method="POST",
            headers=headers,
            body=msgspec.json.encode(body),
            rate="calls",
            repeatable=True,
        )
        try:
            return await self._transport.send(request)
        except (NoForm, Forbidden) as error:
            raise Misconfigured(
                self._source, located(error, form), status=error.status, code=error.code
            ) from None


def located(error: NoForm | Forbidden, form: str) -> str:
    if isinstance(error, NoForm):
        return f"form {form} does not exist"
    return f"{DETAILS[Forbidden]}: {form}"
