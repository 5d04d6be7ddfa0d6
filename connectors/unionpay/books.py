"""One settlement day, from the answer that holds its file to the entries of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from mmap import ACCESS_READ, mmap
from typing import BinaryIO

from connectors.errors import Malformed, NotFound, NotReady, Retryable
from connectors.ledger import Period, Told
from connectors.unionpay import archive, rows
from connectors.unionpay.answers import Answers
from connectors.unionpay.archive import Member
from connectors.unionpay.order_number import OrderNumber
from connectors.unionpay.settings import UnionPaySettings
from connectors.unionpay.settlement import day_of_period, settle_date
from connectors.vendor import Wiring


class Books:
    """Reads one merchant's settlement files."""

    def __init__(
        self, answers: Answers, wiring: Wiring, settings: UnionPaySettings, number: OrderNumber
    ) -> None:
        self._answers = answers
        self._source = wiring.source.name
        self._clock = wiring.clock
        self._merchant_id = settings.merchant_id
        self._patience = timedelta(days=settings.empty_after)
        self._number = number

    def batches(
        self, period: Period, answer: BinaryIO, packed: BinaryIO
    ) -> Iterator[Sequence[Told]]:
        """Blocking. `answer` is what UnionPay sent, `packed` takes the zip that is in it."""
        try:
            for index, member in enumerate(self._members(period, answer, packed), 1):
                part = f"file {index}"
                yield from rows.batches(member.lines(), period.end, self._number, part)
        except archive.Damaged as error:
            raise Malformed(self._source, f"settlement file: {error}") from None

    def _members(self, period: Period, answer: BinaryIO, packed: BinaryIO) -> Sequence[Member]:
        """All of a day, checked before one is read; none when it is late enough to say so."""
        day = day_of_period(period)
        try:
            self._unpack(answer, packed, day)
            members = archive.transactions(archive.opened(packed))
            self._check(members, day)
        except NotReady:
            if self._clock() < period.end + self._patience:
                raise
            return ()
        return members

    def _unpack(self, answer: BinaryIO, packed: BinaryIO, day: date) -> None:
        """The answer is read where it lies on disk: its file may be larger than our memory."""
        answer.flush()
        if not answer.seek(0, 2):
            raise Retryable(self._source, "an empty answer")
        with mmap(answer.fileno(), 0, access=ACCESS_READ) as raw:
            message = self._answers.opened(raw, settle_date(day))
            archive.unpack(message.pieces("fileContent"), packed)

    def _check(self, members: Sequence[Member], day: date) -> None:
        """A day is asked for without its year, so the names of its files say which one it is."""
        if any(member.merchant_id != self._merchant_id for member in members):
            raise archive.Damaged("it is another merchant's")
        first, *others = {member.day for member in members}
        if others:
            raise archive.Damaged("its members are of different days")
        if first < day:
            raise NotReady(self._source, "there is only last year's settlement file of this day")
        if first > day:
            raise NotFound(self._source, "UnionPay keeps the settlement file of this day no longer")
