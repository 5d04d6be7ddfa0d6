"""One settlement day, from the answer that holds its file to the entries of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from mmap import ACCESS_READ, mmap
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from connectors.errors import Malformed, NotFound, NotReady, Retryable
from connectors.ledger import Entry, Period
from connectors.unionpay import archive, rows
from connectors.unionpay.answers import Answers
from connectors.unionpay.archive import Member
from connectors.unionpay.order_number import OrderNumber
from connectors.unionpay.settings import UnionPaySettings
from connectors.unionpay.settlement import day_of_period
from connectors.vendor import Wiring

LONGEST_ROW = 4096


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
    ) -> Iterator[Sequence[Entry]]:
        """Blocking. `answer` is what UnionPay sent, `packed` takes the zip that is in it."""
        try:
            self._unpack(answer, packed)
            with archive.opened(packed) as found:
                for member in archive.transactions(found):
                    self._check(member, day_of_period(period))
                    yield from rows.batches(_lines(found, member), period.end, self._number)
        except NotReady:
            if self._clock() < period.end + self._patience:
                raise
        except (archive.Damaged, rows.BadRow) as error:
            raise Malformed(self._source, f"settlement file: {error}") from None
        except BadZipFile:
            raise Malformed(self._source, "settlement file: its checksum is wrong") from None

    def _unpack(self, answer: BinaryIO, packed: BinaryIO) -> None:
        """The answer is read where it lies on disk: its file may be larger than our memory."""
        answer.flush()
        if not answer.seek(0, 2):
            raise Retryable(self._source, "an empty answer")
        with mmap(answer.fileno(), 0, access=ACCESS_READ) as raw:
            archive.unpack(self._answers.opened(raw).pieces("fileContent"), packed)

    def _check(self, member: Member, day: date) -> None:
        """A day is asked for without its year, so the file's name says which one it is of."""
        if member.merchant_id != self._merchant_id:
            raise archive.Damaged("it is another merchant's")
        if member.day < day:
            raise NotReady(self._source, "there is only last year's settlement file of this day")
        if member.day > day:
            raise NotFound(self._source, "UnionPay keeps the settlement file of this day no longer")


def _lines(found: ZipFile, member: Member) -> Iterator[bytes]:
    with found.open(member.name) as lines:
        while line := lines.readline(LONGEST_ROW):
            yield line
