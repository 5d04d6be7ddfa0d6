"""The two calls that are made: pages of the sales order list, and the detail of one order.

The token stands in the address of each call, so nothing may tell an address. Both calls have one
allowance of 60 a minute: they share the pace `orders`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from connectors.errors import Malformed
from connectors.metadata import Rows
from connectors.secret import Secret
from connectors.tokens import Token
from connectors.transport import Request, Transport, absent
from connectors.yonbip.signing import signature

TOKEN = "/open-auth/selfAppAuth/base/v1/getAccessToken"  # noqa: S105 (an address)
LIST = "/yonbip/sd/voucherorder/list"
DETAIL = "/yonbip/sd/voucherorder/detail"
PAGE_SIZE = 500
MOST_PAGES = 1000
"""Of one list: none of ours is as long, so one that goes on is not what it should be."""
RATE = "orders"
Row = dict[str, Any]


class _Granted(msgspec.Struct):
    access_token: str
    expire: int

    def __repr__(self) -> str:
        return "Granted(***)"


class _Grant(msgspec.Struct):
    data: _Granted


class _Page(msgspec.Struct):
    """The count of all rows is a number, at times as text."""

    count: int | str = msgspec.field(name="recordCount")
    rows: list[Row] | None = msgspec.field(name="recordList", default=None)


class _List(msgspec.Struct):
    data: _Page


class _Detail(msgspec.Struct):
    data: Row | None = None


_GRANT = msgspec.json.Decoder(_Grant)
_LIST = msgspec.json.Decoder(_List, float_hook=Decimal)
_DETAIL = msgspec.json.Decoder(_Detail, float_hook=Decimal)


class Login:
    """Fetches a token; `transport` leads to the token service."""

    def __init__(
        self,
        source: str,
        transport: Transport,
        app: tuple[str, Secret],
        clock: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._transport = transport
        self._app = app
        self._clock = clock

    async def fetch(self) -> Token:
        key, secret = self._app
        signed = {"appKey": key, "timestamp": str(int(self._clock().timestamp() * 1000))}
        proof = (*signed.items(), ("signature", signature(signed, secret)))
        headers = {"content-type": "application/json"}
        asked_at = time.monotonic()
        answer = await self._transport.send(Request(path=TOKEN, query=proof, headers=headers))
        granted = answer.decode(_GRANT, self._source).data
        query = (("access_token", granted.access_token),)
        return Token({}, None, asked_at + granted.expire, query)


class Api:
    """Calls of one tenant's gateway. Rows are as YonBIP tells them, see `_flat`; `transport` puts
    the token into the address."""

    def __init__(self, source: str, transport: Transport) -> None:
        self._source = source
        self._transport = transport

    async def order(self, order_id: str) -> Row | None:
        """The whole order with its lines, or None where there is none of this id."""
        request = Request(path=DETAIL, query=(("id", order_id),), rate=RATE)
        answer = await absent(self._transport.send(request))
        row = answer.decode(_DETAIL, self._source).data if answer is not None else None
        if row is None:
            return None
        if str(row.get("id")) != order_id:
            raise Malformed(self._source, "the answer is about another order")
        return _flat(row)

    async def pages(self, asked: Mapping[str, Any]) -> AsyncIterator[Rows]:
        """Every page of the heads that fit `asked`, by id: what is added meanwhile comes last.

        A list ends with a page that is not full, once it has told as many rows as it counts; where
        it counts too many, with an empty one. How many pages it says it has is not believed.
        """
        read = 0
        before: Rows = []
        for index in range(1, MOST_PAGES + 1):
            rows, count = await self.page(asked, index, PAGE_SIZE)
            if rows and rows == before:
                if read < count:
                    raise Malformed(self._source, "the list gives the same page again and again")
                return
            yield rows
            read, before = read + len(rows), rows
            if not rows or (len(rows) < PAGE_SIZE and read >= count):
                return
        raise Malformed(self._source, f"the list has more than {MOST_PAGES} pages")

    async def page(self, asked: Mapping[str, Any], index: int, size: int) -> tuple[Rows, int]:
        """One page, and how many rows all pages have."""
        body = {
            "pageIndex": index,
            "pageSize": size,
            "isSum": True,  # heads alone: else an order comes once for each of its lines
            "queryOrders": [{"field": "id", "order": "asc"}],
            **asked,
        }
        request = Request(
            path=LIST,
            method="POST",
            headers={"content-type": "application/json"},
            body=msgspec.json.encode(body),
            rate=RATE,
            repeatable=True,  # a list changes nothing
        )
        page = (await self._transport.send(request)).decode(_LIST, self._source).data
        if not str(page.count).isdecimal():
            raise Malformed(self._source, "the list does not tell how many rows it has")
        if not all(row.get("id") for row in page.rows or ()):
            raise Malformed(self._source, "an order of the list has no id")
        return [_flat(row) for row in page.rows or ()], int(page.count)


def _flat(row: Row) -> Row:
    """With what stands in an inner object also under `outer!inner`, as YonBIP spells the same field
    elsewhere: `orderPrices!currency`."""
    inner = {
        f"{outer}!{name}": value
        for outer, held in row.items()
        if isinstance(held, dict)
        for name, value in held.items()
    }
    return inner | row
