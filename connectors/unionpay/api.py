"""UnionPay's two calls that read: one transaction, and the settlement file of a day.

https://open.unionpay.com/tjweb/acproduct/APIList?acpAPIId=901 (queryTrans.do) and
https://open.unionpay.com/tjweb/acproduct/APIList?acpAPIId=791 (file download).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import BinaryIO
from urllib.parse import urlencode

from connectors.beijing import BEIJING
from connectors.errors import Malformed, NotFound
from connectors.transport import Downloader, Request
from connectors.unionpay import ids
from connectors.unionpay.answers import Answers
from connectors.unionpay.identity import Identity
from connectors.unionpay.settings import UnionPaySettings
from connectors.unionpay.settlement import settle_date

QUERY = "/gateway/api/queryTrans.do"
FILES = "/"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
PROTOCOL = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "bizType": "000000"}
BY_ORDER, BY_QUERY_ID = "00", "02"
"""txnSubType of a query."""


class Api:
    """One merchant's calls. `gateway` judges its answers by `answers`; a file judges itself."""

    def __init__(
        self,
        source: str,
        gateway: Downloader,
        files: Downloader,
        answers: Answers,
        identity: Identity,
        settings: UnionPaySettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._gateway = gateway
        self._files = files
        self._answers = answers
        self._identity = identity
        self._merchant = {"merId": settings.merchant_id, "accessType": settings.access_type}
        self._clock = clock

    async def transaction(self, native_id: str) -> dict[str, str] | None:
        """The transaction's fields, None when UnionPay knows none of this id."""
        asked = ids.parts(native_id)
        way = BY_QUERY_ID if "queryId" in asked else BY_ORDER
        request = self._request(QUERY, {"txnType": "00", "txnSubType": way, **asked})
        response = await self._gateway.send(request)
        try:
            told = self._answers.fields(response.body, asked)
        except NotFound:
            return None
        if any(told.get(name) != value for name, value in asked.items()):
            raise Malformed(self._source, "an answer that does not name its transaction")
        return told

    async def settlement(self, day: date, sink: BinaryIO) -> None:
        """The answer that holds the file of a day, as it came; the day is asked without a year."""
        fields = {
            "txnType": "76",
            "txnSubType": "01",
            "fileType": "00",
            **settle_date(day),
            "txnTime": self.now(),
        }
        await self._files.download(self._request(FILES, fields), sink)

    def now(self) -> str:
        return f"{self._clock().astimezone(BEIJING):%Y%m%d%H%M%S}"

    def _request(self, path: str, fields: Mapping[str, str]) -> Request:
        """A signed form. Both calls only read, so they may be repeated."""
        signed = self._identity.signed({**PROTOCOL, **self._merchant, **fields})
        body = urlencode(signed).encode()
        return Request(path=path, method="POST", headers=FORM, body=body, repeatable=True)
