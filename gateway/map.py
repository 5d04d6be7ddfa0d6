"""`tillgate map SOURCE`: a proposed mapping from live metadata, or what a mapping in use lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.declared import declared
from connectors.drift import Drift, drifts
from connectors.errors import SourceError
from connectors.mapping import MappedSettings
from connectors.metadata import Rows, Table
from connectors.proposal import Suggestion, TableProposal, likeliest, propose, time_column
from connectors.registry import Registry
from connectors.vocabulary import ATTRIBUTES, NEEDED
from gateway.compose import open_gateway
from gateway.settings import Settings
from gateway.strict import SettingsError, unknown_name

SAMPLE = 50
"""Rows read of each table, for the form of their values and the words of their states."""


async def proposal(settings: Settings, registry: Registry, name: str) -> list[str]:
    """The lines of a proposed mapping, as TOML with the reasons in comments."""
    own = mapped(settings, name)
    async with open_gateway(settings, registry) as gateway:
        connector: Any = gateway.sources[name].connector
        tables = await connector.describe(())
        likely = [one for kind in ATTRIBUTES for _, one in likeliest(tables, kind, own.preset)]
        samples: dict[str, Rows] = {}
        notes: list[str] = []
        for table in likely:
            try:
                samples[table.name] = await _rows(connector, table, own)
            except SourceError as error:
                notes.append(f"# rows of {_quoted(table.name)} cannot be read: {error.detail}")
        return [*_written(name, propose(tables, own.preset, samples)), *notes]


async def drift(settings: Settings, registry: Registry, name: str) -> list[Drift]:
    """What the mapping in use no longer fits."""
    own = mapped(settings, name)
    names = list(dict.fromkeys(one.table for one in declared(own.mapping)))
    if not names:
        raise SettingsError(f"sources.{name}: it has no mapping to check; see tillgate map {name}")
    async with open_gateway(settings, registry) as gateway:
        connector: Any = gateway.sources[name].connector
        tables = await connector.describe(names)
        listed = {one.table for one in (*own.mapping.customers, *own.mapping.orders)}
        samples = {t.name: await _rows(connector, t, own) for t in tables if t.name in listed}
        return list(drifts(own, tables, samples))


def mapped(settings: Settings, name: str) -> MappedSettings:
    """The settings of a source with a mapping; SettingsError for any other."""
    if name not in settings.sources:
        raise SettingsError(unknown_name("SOURCE", name, settings.sources))
    own = settings.sources[name]
    if not isinstance(own, MappedSettings):
        raise SettingsError(f"sources.{name}: {own.vendor} has no mapping, its records are fixed")
    return own


async def _rows(connector: Any, table: Table, own: MappedSettings) -> Rows:
    """The newest rows; none of a table that does not say when they were made."""
    by = time_column(table, own.mapping)
    if by is None:
        return []
    columns = [column.path for column in table.columns]
    rows: Rows = await connector.sample(table.name, columns, by, SAMPLE)
    return rows


def _written(name: str, proposals: Iterator[TableProposal]) -> Iterator[str]:
    yield f"# A proposal for the source {name}. Read it before you use it: the number behind each"
    yield "# field is how sure it is, then what the field is called, its type, and what its values"
    yield "# look like (9 for a digit, a for a letter, 文 for another script)."
    found = set()
    for one in proposals:
        found.add(one.kind)
        yield ""
        yield from _table(name, one)
    for kind in ATTRIBUTES:
        if kind not in found:
            yield ""
            yield f"# {kind}: cannot be mapped, no table is named like one"


def _table(name: str, one: TableProposal) -> Iterator[str]:
    label = f" {_plain(one.table.label)}" if one.table.label else ""
    yield f"[[sources.{name}.{one.kind}]]"
    yield f"table = {_quoted(one.table.name)}  # {one.confidence:.2f}{label}"
    for field in one.fields:
        if field.preset:
            path = _plain(field.column.path)
            yield f"# {field.attribute}: {path}, by the preset  # {_why(field)}"
        elif field.attribute != "status":
            yield _field(field, one)
    for attribute in one.lacking:
        needed = " and is needed" if not one.complete and attribute in _needed(one) else ""
        yield f"# {attribute}: cannot be mapped{needed}, no field is named and typed like it"
    status = next((f for f in one.fields if f.attribute == "status" and not f.preset), None)
    if status is not None and one.kind == "orders":
        yield from _status(name, status, one)
    elif status is not None:
        yield _field(status, one)


def _field(field: Suggestion, one: TableProposal) -> str:
    value = _quoted(field.column.path)
    if field.attribute in ("total", "paid_amount", "refunded_amount"):
        grouped = f", thousands = {_quoted(field.thousands)}" if field.thousands else ""
        if not one.currency:
            return f'# {field.attribute} = {{ field = {value}{grouped}, currency = "which?" }}'
        currency = f"currency_field = {_quoted(one.currency)}"
        value = f"{{ field = {value}{grouped}, {currency} }}"
    joint = " " if "#" in value else "  # "
    return f"{field.attribute} = {value}{joint}{_why(field)}"


def _status(name: str, status: Suggestion, one: TableProposal) -> Iterator[str]:
    yield ""
    yield f"[[sources.{name}.orders.status]]"
    yield f"field = {_quoted(status.column.path)}  # {_why(status)}"
    words = ", ".join(f"{_quoted(word)} = {_quoted(state)}" for word, state in one.states.items())
    yield f"words = {{ {words} }}" if words else "words = {}"
    for word in one.strange_words:
        yield f"# {_quoted(word)} leads to no state yet: such orders are UNKNOWN"


def _why(field: Suggestion) -> str:
    label, kind = _plain(field.column.label), field.column.type.value
    facts = [f"{field.confidence:.2f}", label, kind, field.sample]
    return " ".join(fact for fact in facts if fact)


def _needed(one: TableProposal) -> Sequence[str]:
    return NEEDED[one.kind]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    """A vendor's label in a comment: nothing that could end the line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:80]
