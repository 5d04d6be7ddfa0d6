"""Promises about what vendors seldom do: odd rows in statements."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, ClassVar

import pytest

from connectors.conformance_kit import MARK, Fault, Upstream, drained
from connectors.ledger import BadRow, Period


@pytest.mark.anyio
class StatementConformance:
    books: ClassVar[tuple[datetime, datetime]]

    def live(self, **limits: Any) -> AbstractAsyncContextManager[tuple[Any, Upstream]]:
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
