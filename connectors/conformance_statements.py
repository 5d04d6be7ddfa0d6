"""Promises about what vendors seldom do: odd rows in statements, answers in another encoding."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, ClassVar

import pytest

from connectors.conformance_kit import MARK, Batch, Fault, Upstream, ask, drained
from connectors.errors import SourceError
from connectors.ledger import BadRow, Period


@pytest.mark.anyio
class StatementConformance:
    """`answers_in_gbk` is True for a vendor that may answer in GBK, which its simulator does."""

    answers_in_gbk: ClassVar[bool] = False
    books: ClassVar[tuple[datetime, datetime]]

    def live(self, **limits: Any) -> AbstractAsyncContextManager[tuple[Any, Upstream]]:
        raise NotImplementedError

    def batches(self) -> Any:
        raise NotImplementedError

    async def test_an_odd_row_of_a_statement_is_reported_and_the_others_stand(self) -> None:
        """In each of the vendor's statements: with its place, and without a value of the row."""
        async with self.live() as (connector, upstream):
            for period in await self._each_statement(connector):
                await upstream.set_faults([])
                told = await drained(connector.entries(period))
                await upstream.set_faults([Fault(kind="odd_row")])
                bad: list[BadRow] = []
                assert await drained(connector.entries(period), bad) == told, period.name
                assert len(bad) == 1, period.name
                assert bad[0].line >= 1
                assert bad[0].reason
                assert MARK not in str(bad[0])
                values = {name for e in told.values() for name in (e.native_id, e.reference)}
                assert not [value for value in values if value and value in str(bad[0])]

    async def _each_statement(self, connector: Any) -> list[Period]:
        """One period with entries of each kind of statement, none for a vendor without any."""
        found: dict[str, Period] = {}
        for period in connector.periods(*self.books) if hasattr(connector, "periods") else ():
            kind = period.name.partition(" 2")[0]
            if kind not in found and await drained(connector.entries(period)):
                found[kind] = period
        assert found or not hasattr(connector, "periods")
        return list(found.values())

    async def test_an_answer_in_gbk_is_read_as_one_in_utf8(self) -> None:
        async with self.live() as (connector, upstream):
            batches: dict[str, Batch] = self.batches() if self.answers_in_gbk else {}
            for method, batch in batches.items():
                keys = [*batch.known[:3], batch.missing(0)]
                await upstream.set_faults([])
                once = await ask(connector, method, batch, keys)
                await upstream.set_faults([Fault(kind="gbk")])
                found = await ask(connector, method, batch, keys)
                assert found == once, method
                assert not [v for v in found.values() if isinstance(v, SourceError)], method
