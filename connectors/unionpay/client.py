"""What UnionPay answers to each batch method of the contract, and its books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from tempfile import TemporaryFile
from typing import TypeVar

import msgspec

from connectors import records
from connectors.capabilities import Probe
from connectors.errors import Malformed
from connectors.hidden_file import hidden_file
from connectors.json_reading import misfit
from connectors.ledger import Period, Told
from connectors.paging import Keyed
from connectors.rsa import Certificate, expiry_notes
from connectors.transport import gather_keyed
from connectors.unionpay import mapping, settlement
from connectors.unionpay.answers import Answers
from connectors.unionpay.api import Api
from connectors.unionpay.books import Books
from connectors.unionpay.errors import http_error
from connectors.unionpay.identity import Identity
from connectors.unionpay.order_number import OrderNumber
from connectors.unionpay.payloads import Transaction
from connectors.unionpay.settings import UnionPaySettings
from connectors.unionpay.trust import Trust
from connectors.vendor import Wiring

HOSTS = {
    "production": ("https://gateway.95516.com", "https://filedownload.95516.com"),
    "test": ("https://gateway.test.95516.com", "https://filedownload.test.95516.com"),
}
"""The gateway's and the files' addresses by environment."""
NOBODY = "tillgateprobe-20200101000000"
"""A transaction that nobody made: that UnionPay says so takes a good signature."""

R = TypeVar("R")


def connect(wiring: Wiring, settings: UnionPaySettings) -> UnionPayConnector:
    """A connector of one merchant; the composition root closes its transports."""
    name = wiring.source.name
    test = settings.environment == "test"
    identity, roots = settings.identity(), settings.roots()
    trust = Trust(name, roots, wiring.clock, test=test)
    answers = Answers(name, settings.merchant_id, trust)
    gateway, files = HOSTS[settings.environment]
    api = Api(
        name,
        wiring.open(settings.base_url or gateway, answers.judge, None),
        wiring.open(settings.files_url or files, partial(http_error, name), None),
        answers,
        identity,
        settings,
        wiring.clock,
    )
    return UnionPayConnector(api, answers, wiring, settings, _expiries(identity, roots))


class UnionPayConnector:
    """One merchant of UnionPay. Every transaction is asked for on its own: there is no batch."""

    def __init__(
        self,
        api: Api,
        answers: Answers,
        wiring: Wiring,
        settings: UnionPaySettings,
        expiries: Sequence[tuple[str, datetime]],
    ) -> None:
        self._api = api
        self._source = wiring.source
        self._clock = wiring.clock
        self._number = OrderNumber(settings.reference, settings.pattern())
        self._books = Books(answers, wiring, settings, self._number)
        self._file_hour = settings.file_hour
        self._expiries = expiries

    async def probe(self) -> Probe:
        """Asks for a transaction that is not there."""
        await self._api.transaction(NOBODY)
        return Probe(notes=expiry_notes(self._expiries, self._clock()))

    async def payments(self, ids: Sequence[str]) -> Keyed[records.Payment]:
        return await self._each(ids, lambda row: mapping.payment(self._source, row, self._number))

    async def refunds(self, ids: Sequence[str]) -> Keyed[records.Refund]:
        """Refunds and reversals: to UnionPay they are transactions like any other."""
        return await self._each(ids, partial(mapping.refund, self._source))

    def periods(self, since: datetime, until: datetime) -> Sequence[Period]:
        return settlement.periods(since, until, self._file_hour)

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        """Files are unpacked and read beside the event loop: a day can have a million rows."""
        with TemporaryFile() as answer, hidden_file() as archive:
            # The answer is mapped into memory where it lies, to be verified; what it holds is not.
            await self._api.settlement(settlement.day_of_period(period), answer)
            batches: Iterator[Sequence[Told]] = self._books.batches(period, answer, archive)
            while batch := await asyncio.to_thread(next, batches, ()):
                yield batch

    async def _each(self, ids: Sequence[str], make: Callable[[Transaction], R | None]) -> Keyed[R]:
        async def one(native_id: str) -> R | None:
            fields = await self._api.transaction(native_id)
            return None if fields is None else self._mapped(fields, make)

        return await gather_keyed(ids, one)

    def _mapped(self, fields: dict[str, str], make: Callable[[Transaction], R | None]) -> R | None:
        try:
            told = {name: value for name, value in fields.items() if value}
            return make(msgspec.convert(told, Transaction))
        except msgspec.ValidationError as error:
            raise Malformed(self._source.name, misfit(error)) from None
        except (ValueError, OverflowError):
            raise Malformed(self._source.name, "the transaction does not fit") from None


def _expiries(identity: Identity, roots: Sequence[Certificate]) -> list[tuple[str, datetime]]:
    """What ends when, for the operator."""
    named = ((f"certificate {index} of root_certs", c.ends) for index, c in enumerate(roots, 1))
    return [("the merchant's certificate", identity.ends), *named]
