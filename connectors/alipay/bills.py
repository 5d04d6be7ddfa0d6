"""Trade bills: a zip of CSV files for a day from the next morning on, for a month from its third.

https://opendocs.alipay.com/open/02e7gt. The address is good for 30 seconds and needs no
signature. A bill that Alipay does not have is not ready while it is young, and is empty later:
for days without trades some accounts have an empty bill and some have none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO

import msgspec

from connectors.alipay.amounts import Misfit
from connectors.alipay.api import Api
from connectors.alipay.archive import details
from connectors.alipay.errors import refusal
from connectors.alipay.operations import BILL
from connectors.alipay.payloads import BillAddress
from connectors.alipay.periods import Rhythm, label_of
from connectors.alipay.table import Table
from connectors.errors import Malformed, NotReady, Retryable, SourceError
from connectors.hidden_file import hidden_file
from connectors.ledger import Period, Told
from connectors.references import ReferencePattern
from connectors.transport import Downloader, Judge, Request, Response

NINE = timedelta(hours=9)
RHYTHM = Rhythm("trade bill", NINE, timedelta(days=2) + NINE, live=False)
YOUNG = timedelta(days=5)
EMPTY = "EMPTY_DATA_WITH_BILL_FILE"
BATCH = 1000
PACKED = 512 * 1024**2
_ADDRESS = msgspec.json.Decoder(BillAddress)


class Expired(Retryable):
    """An address that holds no longer: the same one is not fetched again."""

    again = False


class Bills:
    """The trade bills of one account; `files` are the connections that they are fetched over."""

    rhythm = RHYTHM

    def __init__(
        self,
        api: Api,
        files: Downloader,
        pattern: ReferencePattern,
        clock: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._files = files
        self._pattern = pattern
        self._clock = clock

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        with hidden_file() as file:
            if not await self._fetched(period, file):
                return
            rows = self._rows(file, label_of(period))
            while batch := self._next(rows):
                yield batch
                # A million rows must not hold up everything else.
                await asyncio.sleep(0)

    async def _fetched(self, period: Period, file: BinaryIO) -> bool:
        """Whether there is a file. An address that had expired, as it may while calls wait for
        their turn, is asked for once more.
        """
        for last in (False, True):
            address = await self._address(period)
            if address is None:
                break
            try:
                await self._files.download(Request(path=secured(address)), file, PACKED)
            except Expired:
                if last:
                    raise
            else:
                return True
        return False

    async def _address(self, period: Period) -> str | None:
        """None for an empty bill."""
        content = {"bill_type": "trade", "bill_date": label_of(period)}
        try:
            answer = await self._api.ask(BILL, content, _ADDRESS)
        except NotReady:
            if self._clock() < period.end + YOUNG:
                raise
            return None
        if answer.bill_file_code == EMPTY:
            return None
        if not answer.bill_download_url:
            raise Malformed(self._api.source, "bill_download_url: missing")
        return answer.bill_download_url

    def _rows(self, file: BinaryIO, label: str) -> Iterator[Told]:
        for number, lines in enumerate(details(file), 1):
            yield from Table(self._pattern, label, f"file {number}").entries(lines)

    def _next(self, rows: Iterator[Told]) -> list[Told]:
        try:
            return list(islice(rows, BATCH))
        except Misfit as error:
            raise Malformed(self._api.source, f"the bill: {error}") from None


def file_judge(source: str) -> Judge:
    """For the server of files, which signs nothing: what it does not have has expired."""

    def judge(response: Response) -> SourceError | None:
        if response.status < 400:
            return None
        if response.status < 500:
            return Expired(source, "the bill's address has expired", status=response.status)
        return refusal(source, None, status=response.status)

    return judge


def secured(address: str) -> str:
    """Alipay writes `http:` before an address that it also serves over https."""
    plain = "http://dwbillcenter.alipay.com/"
    return address.replace("http:", "https:", 1) if address.startswith(plain) else address
