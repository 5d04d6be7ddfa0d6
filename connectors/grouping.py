"""Rows of tables by the keys they hold, and the records made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from connectors.errors import Malformed, SourceError
from connectors.mapping import TableMap
from connectors.records import Record
from connectors.tables import Found, Tables
from connectors.values import words_at

D = TypeVar("D", bound=TableMap)
R = TypeVar("R", bound=Record)
T = TypeVar("T")
Raw = dict[str, Any]


class Given(msgspec.Struct, Generic[D], frozen=True):
    """A row and the declaration of the table that it came from."""

    row: Raw
    declared: D


Records = Callable[[Sequence[Given[D]]], Awaitable[Sequence[R | SourceError]]]
"""The records of rows, in their order."""
Groups = tuple[dict[str, list[Given[D]]], dict[str, SourceError]]
"""Rows by key, and the failures of the keys some of whose rows could not be read."""


def held(row: Raw, field: str) -> set[str]:
    """What a field holds, as text; a list holds each of its items."""
    return set(words_at(row, field))


def first(row: Raw, field: str) -> str | None:
    return next(iter(sorted(held(row, field))), None) if field else None


async def grouped(
    tables: Tables, wanted: Iterable[tuple[D, str, Sequence[str]]], keys: Sequence[str]
) -> Groups[D]:
    """Rows by the key that a field of theirs holds, exactly, each row once per key.

    `wanted` are a table, its field and the columns to read. Raises when every part failed.
    """
    once = [key for key in dict.fromkeys(keys) if key]
    wanted = list(wanted)
    if not once or not wanted:
        return {}, {}
    answers = await asyncio.gather(
        *(asked(tables, one.table, columns, field, once) for one, field, columns in wanted)
    )
    raise_if_all_failed(answers)
    groups: dict[str, dict[str, Given[D]]] = {}
    failed: dict[str, SourceError] = {}
    for (declared, field, _), found in zip(wanted, answers, strict=True):
        for part, rows in found:
            if isinstance(rows, SourceError):
                failed.update(dict.fromkeys(part, rows))
                continue
            known = set(part)
            for row in rows:
                for key in _answers_for(row, declared, field) & known:
                    groups.setdefault(key, {}).setdefault(mark(row, declared), Given(row, declared))
    given = {key: list(rows.values()) for key, rows in groups.items()}
    return given, failed


def _answers_for(row: Raw, declared: TableMap, field: str) -> set[str]:
    """The keys that lead to a row by a field; by its id also those of the records that were merged
    into it."""
    keys = held(row, field)
    if field == declared.id and declared.former_ids:
        keys |= held(row, declared.former_ids)
    return keys


async def asked(
    tables: Tables, table: str, columns: Sequence[str], field: str, keys: Sequence[str]
) -> Found:
    """As `Tables.matching`; a table that cannot be asked at all is one part that failed."""
    try:
        return await tables.matching(table, columns, field, keys)
    except SourceError as error:
        return [(keys, error)]


def mark(row: Raw, declared: TableMap) -> str:
    """Tells whether two rows are one: two fields of a table may lead to the same row. Rows that
    share an id and differ are two."""
    return f"{declared.table} {sorted(row.items())!r}"


def singles(
    source: str,
    given: Mapping[str, list[Given[D]]],
    record: Callable[[Given[D]], R | SourceError],
) -> dict[str, R | SourceError]:
    """One record per id; two rows with one id are a failure of that id alone."""
    answer: dict[str, R | SourceError] = {}
    for key, rows in given.items():
        if len(rows) > 1:
            table = rows[0].declared.table
            answer[key] = Malformed(source, f"{table}: several rows have the same id")
        else:
            answer[key] = record(rows[0])
    return answer


def together(records: Sequence[R | SourceError]) -> tuple[R, ...] | SourceError:
    """The records of one key, newest first, or the failure of one of them; two that share an id
    cannot be told apart."""
    good: dict[str, R] = {}
    for record in records:
        if isinstance(record, SourceError):
            return record
        if record.native_id in good:
            return Malformed(record.source.name, "several rows have the same id")
        good[record.native_id] = record
    return tuple(sorted(good.values(), key=_age, reverse=True))


def united(
    one: Mapping[str, tuple[R, ...] | SourceError], other: Mapping[str, tuple[R, ...] | SourceError]
) -> dict[str, tuple[R, ...] | SourceError]:
    """Both answers by key, each record once; a failure of either is that of the key."""
    answer = dict(one)
    for key, value in other.items():
        known = answer.get(key, ())
        if isinstance(known, SourceError) or isinstance(value, SourceError):
            answer[key] = known if isinstance(known, SourceError) else value
        else:
            answer[key] = tuple({record.id: record for record in (*known, *value)}.values())
    return answer


def raise_if_all_failed(answers: Sequence[Found]) -> None:
    parts = [rows for found in answers for _, rows in found]
    failed = [rows for rows in parts if isinstance(rows, SourceError)]
    if failed and len(failed) == len(parts):
        raise failed[0]


def _age(record: Record) -> tuple[float, str]:
    created = record.created_at
    return (created.timestamp() if created is not None else 0.0, record.native_id)
