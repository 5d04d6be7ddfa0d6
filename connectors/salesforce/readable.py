"""Which columns can be read, and what happens when some cannot.

Field-level security makes a query fail as a whole, with INVALID_FIELD, when it names one field
that the user may not read; descriptions list only those that may be. So columns that they do not
show are left out from then on, and stand in rows as `connectors.values.MISSING`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from typing import Any, TypeVar

from connectors.errors import Misconfigured, SourceError
from connectors.metadata import Rows
from connectors.salesforce.descriptions import Descriptions
from connectors.salesforce.errors import INVALID_FIELD, INVALID_TYPE

T = TypeVar("T")
Several = list[tuple[Sequence[str], Rows | SourceError]]
"""Each part of the keys with its rows or its failure."""
log = logging.getLogger(__name__)


class Readable:
    """The columns of all tables of one source. `conditional` is by table the fields that exist only
    with another: without it nothing is said of them."""

    def __init__(
        self,
        source: str,
        descriptions: Descriptions,
        conditional: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._source = source
        self._conditional = conditional
        self._descriptions = descriptions
        self._dropped: defaultdict[str, set[str]] = defaultdict(set)

    def of(self, table: str, columns: Iterable[str]) -> list[str]:
        """What to select: the record's id and the columns that can be read, each once."""
        return [c for c in dict.fromkeys(("Id", *columns)) if c not in self._dropped[table]]

    def has(self, table: str, field: str) -> bool:
        return field not in self._dropped[table]

    def need(self, table: str, field: str) -> None:
        """Raises Misconfigured where rows are to be found or sorted by an unreadable field."""
        if not self.has(table, field):
            raise Misconfigured(
                self._source,
                f"{table}.{field} does not exist or cannot be read",
                code=INVALID_FIELD,
            )

    async def read(self, table: str, columns: Sequence[str], ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` answers; asked once more when columns were found to be unreadable."""
        before = len(self._dropped[table])
        try:
            return await ask()
        except SourceError as error:
            if not _is_doubtful(error):
                raise
        await self._drop(table, columns, before)
        return await ask()

    async def read_parts(
        self, table: str, columns: Sequence[str], ask: Callable[[], Awaitable[Several]]
    ) -> Several:
        """As `read` where each query of several has its own outcome."""
        before = len(self._dropped[table])
        found = await ask()
        if not any(_is_doubtful(rows) for _, rows in found):
            return found
        await self._drop(table, columns, before)
        return await ask()

    async def check(self, table: str, columns: Sequence[str]) -> list[str]:
        """Sentences about a table and its columns that cannot be read."""
        if await self._descriptions.of(table) is None:
            return [f"{table} does not exist or may not be read"]
        self._leave_out(table, await self._descriptions.lacking(table, columns))
        lost = sorted(self._missed(table, self._dropped[table] & set(columns)))
        notes = [f"{table}.{column} cannot be read and is left out" for column in lost]
        if "CurrencyIsoCode" in lost:
            notes.append(f"{table} has no currencies of its rows: set `currency` for a single one")
        return notes

    async def _drop(self, table: str, columns: Sequence[str], before: int) -> None:
        """Leave out what cannot be read, unless another call has just done it."""
        if await self._descriptions.of(table, fresh=True) is None:
            raise Misconfigured(
                self._source, f"{table} does not exist or may not be read", code=INVALID_TYPE
            )
        lacking = await self._descriptions.lacking(table, columns, fresh=True)
        if self._leave_out(table, lacking) or len(self._dropped[table]) > before:
            return
        raise Misconfigured(
            self._source,
            f"a query of {table} was refused: one of its fields cannot be read, compared or sorted",
            code=INVALID_FIELD,
        )

    def _leave_out(self, table: str, lacking: Iterable[str]) -> bool:
        found = set(lacking) - self._dropped[table]
        self._dropped[table] |= found
        for column in sorted(self._missed(table, found)):
            log.warning("%s: %s.%s cannot be read, left out", self._source, table, column)
        return bool(found)

    def _missed(self, table: str, lacking: Set[str]) -> set[str]:
        """Without those that exist only with another that is lacking too."""
        needed = self._conditional.get(table, {})
        return {one for one in lacking if needed.get(one) not in self._dropped[table]}


def _is_doubtful(outcome: object) -> bool:
    """Whether the failure is about a field or object that is not there, or may not be read."""
    return isinstance(outcome, SourceError) and outcome.code in (INVALID_FIELD, INVALID_TYPE)


def lacks(row: Mapping[str, Any], path: str) -> bool:
    """Whether an answer says nothing of a path; a parent that is null says that it is empty."""
    head, dot, rest = path.partition(".")
    if head not in row:
        return True
    return bool(dot) and isinstance(row[head], Mapping) and lacks(row[head], rest)
