"""Payments by either of a trade's two numbers: the same for every family of trades."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from connectors.paging import Keyed
from connectors.records import Payment
from connectors.transport import gather_keyed


class Trades(ABC):
    """There is no batch: a call each."""

    async def payments(self, ids: Sequence[str]) -> Keyed[Payment]:
        async def of(trade_no: str) -> Payment | None:
            return await self._trade("trade_no", trade_no)

        return await gather_keyed(ids, of)

    async def find_payments(self, references: Sequence[str]) -> Keyed[tuple[Payment, ...]]:
        """The trade whose `out_trade_no` is the reference itself; a number that the pattern takes
        for another order's is not this one's.
        """

        async def of(reference: str) -> tuple[Payment, ...] | None:
            payment = await self._trade("out_trade_no", reference)
            return None if payment is None or payment.reference != reference else (payment,)

        return await gather_keyed(references, of)

    @abstractmethod
    async def _trade(self, name: str, number: str) -> Payment | None:
        """The trade that has this number under this name, None when there is none."""
