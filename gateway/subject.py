"""`tillgate subject`: what the gateway itself keeps about somebody, told or taken away.

Records are the vendors' and are read live: here are references to them, what was logged, and marks
of what was erased. Whose they are is asked of the vendors, so that nobody's address is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from auth.audit.entry import Entry, Seen
from auth.audit.reading import entries, files
from connectors.mapping import MappedSettings, fields_of
from connectors.records import Kind, Payment
from connectors.registry import Registry
from gateway.audit_settings import AuditSettings
from gateway.compose import Gateway, lost_tombstones, open_gateway
from gateway.covered import uncovered
from gateway.holdings import what_stays
from gateway.settings import Settings
from gateway.strict import SettingsError
from resolvers.context import Context
from resolvers.errors import BadId
from resolvers.index.store import Index
from resolvers.sources import Address
from resolvers.store import StoreUnusable
from resolvers.subject import Subject, subject_of, unlisted
from resolvers.tombstones import REFERENCE

SECONDS = 600.0
OBJECTS = 10_000_000
TOMBSTONE, AUDIT = "tombstone", "audit"
VENDORS = "the records themselves are kept by these vendors and must be asked for, or erased, there"
Line = Mapping[str, Any]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Who is meant: ids of customers, ids of other records that are theirs, addresses of e-mail."""

    customers: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The last line. `stored` counts by store what was told or taken away; `not_asked` says where
    more may be, `stays` what is never erased, and why. Addresses are not in it, only how many were
    given; `subjects` are the ids of customers that were found, for whoever asks their vendors."""

    action: str
    at: datetime
    ids: tuple[str, ...]
    emails: int
    subjects: tuple[str, ...]
    records: Mapping[str, int]
    stored: Mapping[str, int]
    complete: bool
    not_asked: tuple[str, ...]
    vendors: tuple[str, ...]
    vendors_note: str = VENDORS
    stays: Mapping[str, str]
    scrubbed: bool | None = None


class Refused(Exception):
    """Nothing was erased; the lines say why."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Whose records, what is stored about them, by store, and what could not be asked."""

    question: Question
    subject: Subject
    stored: Mapping[str, Sequence[Line]]
    not_asked: tuple[str, ...]

    def also(self, not_asked: Sequence[str]) -> Found:
        """With more places where something may be."""
        every = tuple(dict.fromkeys([*self.not_asked, *not_asked]))
        return msgspec.structs.replace(self, not_asked=every)

    @property
    def going(self) -> set[str]:
        """The stores that are erased from; in the others it stays."""
        return self.stored.keys() - what_stays().keys()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all records that it is about."""
        return tuple(record.id for record in self.subject.records)

    @property
    def records(self) -> dict[str, int]:
        """How many of each kind; kinds of which there are none are left out."""
        kinds = {kind.value: self.subject.count(kind) for kind in Kind}
        return {kind: count for kind, count in kinds.items() if count}

    def manifest(self, action: str, **more: Any) -> Manifest:
        return Manifest(
            action=action,
            ids=(*self.question.customers, *self.question.records),
            emails=len(self.question.emails),
            subjects=tuple(r.id for r in self.subject.records if r.KIND is Kind.CUSTOMER),
            records=self.records,
            complete=not self.not_asked,
            not_asked=self.not_asked,
            stays=what_stays(),
            vendors=tuple(sorted({record.source.name for record in self.subject.records})),
            **more,
        )


async def export(
    settings: Settings, registry: Registry, question: Question
) -> tuple[list[Line], Manifest]:
    """Every line, and the manifest that follows them."""
    async with _opened(settings, registry, question) as (gateway, found):
        lines: list[Line] = [
            {"store": store, "record": record}
            for store, records in found.stored.items()
            for record in records
        ]
        stored = Counter(line["store"] for line in lines)
        counts = {store: stored[store] for store in found.stored}
        found = found.also([*_unreachable(found.stored[TOMBSTONE]), *await _lost(gateway)])
        return lines, found.manifest("export", at=datetime.now(UTC), stored=counts)


async def erase(
    settings: Settings,
    registry: Registry,
    question: Question,
    agreed: Callable[[Found], bool],
    partly: bool = False,
) -> Manifest:
    """Takes everything away for which `agreed` is told True. Raises Refused; and so when a source
    could not be asked, unless `partly`: what is erased first may be what leads to the rest."""
    if settings.encryption is None:
        raise SettingsError("encryption: without it nobody could tell later what was erased")
    async with _opened(settings, registry, question) as (gateway, found):
        if found.not_asked and not partly:
            raise Refused(*found.not_asked)
        if not agreed(found):
            raise Refused("nobody agreed")
        now = datetime.now(UTC)
        gone, names = await gateway.erasure.erase(found.subject.names, now)
        # A sync may have begun since the sources were asked.
        found = found.also([*await uncovered(gateway, found.subject), *await _lost(gateway)])
        left = await gateway.erasure.about(names)
        if any(left.values()):
            raise StoreUnusable("something came back while it was erased: do it again")
        try:
            await gateway.erasure.scrub()
            scrubbed = True
        except StoreUnusable:
            scrubbed = False
        return found.manifest("erase", at=now, stored=gone, scrubbed=scrubbed)


@asynccontextmanager
async def _opened(
    settings: Settings, registry: Registry, question: Question
) -> AsyncIterator[tuple[Gateway, Found]]:
    async with open_gateway(settings, registry) as gateway:
        context = Context(
            gateway.sources, gateway.rules, request_id="subject", seconds=SECONDS, objects=OBJECTS
        )
        customers = _addresses(gateway, "--customer", question.customers, Kind.CUSTOMER)
        others = _addresses(gateway, "--record", question.records, None)
        subject = await subject_of(context, [*customers, *others], question.emails)
        # What was learned by asking is kept, too.
        await gateway.learner.aclose()
        stored: dict[str, Sequence[Line]] = dict(await gateway.erasure.about(subject.names))
        standing = await gateway.tombstones.standing(subject.names)
        stored[TOMBSTONE] = [{"name": name, "erased_at": at} for name, at in standing]
        stored[AUDIT] = [] if settings.audit is None else _audited(settings.audit, subject)
        told = _not_asked(settings, context, question, subject, customers)
        told += await uncovered(gateway, subject)
        told += await _doubtful(gateway, subject, set(map(str, others)))
        found = Found(question=question, subject=subject, stored=stored, not_asked=tuple(told))
        yield gateway, found


def _unreachable(tombstones: Sequence[Line]) -> list[str]:
    """What an erasure before took away was all that led to some of their ids."""
    days = sorted({f"{line['erased_at']:%Y-%m-%d}" for line in tombstones})
    return [
        f"references of theirs were erased on {day}: marks and audit entries of ids that only those"
        " references led to are kept and cannot be found any more"
        for day in days
    ]


async def _lost(gateway: Gateway) -> list[str]:
    """Of any person: no tombstone of a lost secret can be asked whose it is."""
    lost = await lost_tombstones(gateway.engine)
    return [] if lost is None else [lost]


def _audited(settings: AuditSettings, subject: Subject) -> list[Line]:
    """Entries of the audit log that tell of these records, by their pseudonyms; those of others
    are left out. Raises SettingsError."""
    theirs = {settings.keys.pseudonym(record.id) for record in subject.records}
    try:
        return [
            msgspec.to_builtins(_only(entry, theirs))
            for path in files(settings.path)
            for entry in entries(path)
            if any(not theirs.isdisjoint(seen.ids) for seen in entry.records.values())
        ]
    except OSError as error:
        raise SettingsError(f"audit.folder: {settings.path}: {error.strerror}") from None


def _only(entry: Entry, theirs: set[str]) -> Entry:
    records = {
        type_: Seen(seen.count, tuple(id_ for id_ in seen.ids if id_ in theirs))
        for type_, seen in entry.records.items()
    }
    return msgspec.structs.replace(entry, records=records)


def _not_asked(
    settings: Settings,
    context: Context,
    question: Question,
    subject: Subject,
    customers: Sequence[Address],
) -> list[str]:
    """Where more may be, in our words."""
    told = [f"{error.source}: {error.detail}" for error in subject.failures]
    told += [
        f"{id_}: its source does not know it, so name what is theirs with --record"
        for id_ in subject.gone
        if id_ in set(map(str, customers))
    ]
    if question.emails:
        given = {address.source for address in customers}
        told += [
            f"{name}: cannot be asked by e-mail: name its customers with --customer"
            for name in (*unlisted(context), *_without_email(settings))
            if name not in given
        ]
    return told


async def _doubtful(gateway: Gateway, subject: Subject, named: set[str]) -> list[str]:
    """Numbers under which something stands that may be somebody else's, until the operator has
    `named` one of those payments."""
    under = {name: set(ids) for name, ids in subject.doubtful.items()}
    for row in (await gateway.erasure.about(under.keys())).get(Index.TABLE, ()):
        name = f"{row['source']}:{REFERENCE}:{row['reference']}"
        if row["kind"] == Kind.PAYMENT.value and name in under:
            ids = [row["native_id"], *filter(None, [row["alias"]])]
            known = {f"{row['source']}:{row['kind']}:{id_}" for id_ in ids}
            # By either id it is one payment.
            under[name] |= known if known.isdisjoint(subject.names) else known & named
    return [
        f"{name}: another CRM's order has this number, too, or may have: which of"
        f" {', '.join(sorted(ids))} are theirs? Name those with --record"
        for name, ids in sorted(under.items())
        if ids - subject.names and named.isdisjoint(_of_number(subject, name) | ids)
    ]


def _of_number(subject: Subject, name: str) -> set[str]:
    """Ids of payments that are theirs and carry the number."""
    return {
        record.id
        for record in subject.records
        if isinstance(record, Payment)
        and f"{record.source.name}:{REFERENCE}:{record.reference}" == name
    }


def _without_email(settings: Settings) -> list[str]:
    """CRMs whose mapping does not say where every customer's address stands."""
    mapped = [(n, own) for n, own in settings.sources.items() if isinstance(own, MappedSettings)]
    return [
        name
        for name, own in mapped
        if any(
            all(field.only_with is not None for field in fields_of(table.email))
            for table in own.mapping.customers
        )
    ]


def _addresses(
    gateway: Gateway, option: str, ids: Sequence[str], kind: Kind | None
) -> list[Address]:
    try:
        return [gateway.sources.address(id_, kind) for id_ in ids]
    except BadId as error:
        raise SettingsError(f"{option}: {error}") from None
