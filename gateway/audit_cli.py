"""`tillgate audit`, and the note in the audit log of every command that administers something."""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path

import msgspec

from auth.audit.canonical import plain
from auth.audit.checkpoint import NAME, shipped
from auth.audit.entry import MOST_IDS, Entry, Event, Origin, Result, Seen, Who
from auth.audit.reading import day_of, entries, files
from auth.audit.verify import CLEARED, verify
from connectors.records import Kind
from connectors.registry import Registry
from gateway.audit_settings import AuditSettings
from gateway.commands import Command, Run, config, tell
from gateway.settings import load
from gateway.strict import SettingsError

TOLD = ("client", "issuer", "dry_run", "since", "action")
"""Arguments that say what a command was done to; of a file its name alone is told."""
NAMED = ("customer", "others", "subjects")
"""Arguments that hold ids of records; what is no id is left out."""
KINDS = frozenset(kind.value for kind in Kind)


def audited(command: Run, arguments: argparse.Namespace) -> int:
    """Runs a command; if it administers something (`audited` is set), that is noted before it
    begins, and how it ended when it is over: one that was killed is told as well. Where the log
    cannot be written nothing is done. Raises LogUnusable, AuditUnavailable."""
    action: str | None = getattr(arguments, "audited", None)
    settings = None if action is None else load(arguments.config, Registry()).audit
    if action is None or settings is None:
        return command(arguments)
    writer = settings.writer()
    writer.start()

    def note(outcome: Result) -> None:
        told = _administered(action, outcome, _about(arguments, settings))
        writer.note(msgspec.structs.replace(told, records=_subjects(arguments, settings)))

    outcome = Result.ERROR
    try:
        note(Result.BEGUN)
        try:
            code = command(arguments)
            outcome = Result.ALLOWED if code == 0 else Result.ERROR
        finally:
            note(outcome)
    finally:
        writer.close()
    return code


def _administered(action: str, outcome: Result, about: dict[str, str | int]) -> Event:
    who = Who(sub=getpass.getuser())
    return Event(action=action, origin=Origin.CLI, outcome=outcome, principal=who, about=about)


def _about(arguments: argparse.Namespace, settings: AuditSettings) -> dict[str, str | int]:
    given = {name: getattr(arguments, name, None) for name in TOLD}
    told: dict[str, str | int] = {
        name: int(value) if isinstance(value, int) else plain(str(value))
        for name, value in given.items()
        if value not in (None, False)
    }
    if record := getattr(arguments, "record", None):
        told["record"] = settings.keys.pseudonym(record)
    file, ids = getattr(arguments, "file", None), getattr(arguments, "ids", None)
    if isinstance(file, Path):
        told["file"] = plain(file.name)
    if ids:
        told["ids"] = len(ids)
    return told


def _subjects(arguments: argparse.Namespace, settings: AuditSettings) -> dict[str, Seen]:
    """Which records a command is about: those that it was given, and the ids that it found and
    left in `subjects`."""
    by_type: defaultdict[str, list[str]] = defaultdict(list)
    named = chain.from_iterable(getattr(arguments, name, ()) for name in NAMED)
    for id_ in dict.fromkeys(named):
        kind = id_.split(":")[1] if id_.count(":") >= 2 else ""
        if kind in KINDS:
            by_type[kind.capitalize()].append(settings.keys.pseudonym(id_))
    return {type_: Seen(len(ids), tuple(ids[:MOST_IDS])) for type_, ids in by_type.items()}


def _verify(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    folder: Path = arguments.folder or settings.path
    try:
        elsewhere = [one for path in arguments.checkpoint for one in shipped(path)]
        found = verify(folder, settings.keys, elsewhere, tell)
    except OSError as error:
        raise SettingsError(f"{error.filename or folder}: {error.strerror}") from None
    for fault in found.faults:
        print(f"BAD   {fault}")
    print(
        f"{found.entries} entries in {found.files} files since {found.begins or 'never'},"
        f" {found.checkpoints} checkpoints compared, {len(found.faults)} files are bad"
    )
    return 1 if found.faults else 0


def _of_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, help="the one of the configuration")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="JSON lines with checkpoints that were kept elsewhere; may repeat",
    )


def _show(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    wanted = [settings.keys.pseudonym(arguments.record)] if arguments.record else []
    faults: list[str] = []
    try:
        for entry in _since(settings.path, arguments.since, faults.append):
            if _is_asked(entry, arguments.client, arguments.action, wanted):
                sys.stdout.write(msgspec.json.encode(entry).decode() + "\n")
    except OSError as error:
        raise SettingsError(f"{settings.path}: {error.strerror}") from None
    for fault in faults:
        tell(f"BAD   {fault}")
    return 1 if faults else 0


def _since(folder: Path, since: str | None, tell_fault: Callable[[str], object]) -> Iterator[Entry]:
    since = since or ""
    for path in files(folder):
        if day_of(path.name) >= since[:10]:
            yield from (entry for entry in entries(path, tell_fault) if entry.ts >= since)


def _is_asked(entry: Entry, client: str | None, action: str | None, wanted: list[str]) -> bool:
    whose = entry.principal.client_id if entry.principal is not None else None
    if (client is not None and whose != client) or (action is not None and entry.action != action):
        return False
    return not wanted or any(id_ in seen.ids for seen in entry.records.values() for id_ in wanted)


def _of_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=_moment, help="such as 2026-01-31, in UTC")
    parser.add_argument("--client", help="whose, by its client_id")
    parser.add_argument("--action", help="such as query, authenticate, alert")
    parser.add_argument("--record", metavar="ID", help="who saw it, such as crm:customer:001")


def _clear(arguments: argparse.Namespace) -> int:
    """First what is cleared is written down, then it is."""
    settings = _settings(arguments)
    before = (datetime.now(UTC).date() - timedelta(days=settings.keep)).isoformat()
    try:
        old = [path for path in files(settings.path) if day_of(path.name) < before]
    except OSError as error:
        raise SettingsError(f"{settings.path}: {error.strerror}") from None
    if not old or arguments.dry_run:
        print(f"{len(old)} files are of before {before}; nothing was deleted")
        return 0
    writer = settings.writer()
    writer.start()
    try:
        about: dict[str, str | int] = {"before": before, "files": len(old)}
        writer.note(_administered(CLEARED, Result.ALLOWED, about))
    finally:
        writer.close()
    for path in old:
        path.unlink()
        (path.parent / NAME.format(day=day_of(path.name))).unlink(missing_ok=True)
    print(f"{len(old)} files of before {before} were deleted")
    return 0


def _of_clear(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")


def _settings(arguments: argparse.Namespace) -> AuditSettings:
    settings = load(arguments.config, Registry()).audit
    if settings is None:
        raise SettingsError("audit: it is not configured")
    return settings


def _moment(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(T[\d:.]*Z?)?", text):
        raise argparse.ArgumentTypeError("expected a date such as 2026-01-31")
    date.fromisoformat(text[:10])
    return text


AUDIT = Command(
    name="audit",
    summary="verify, show or clear the log of who saw what",
    actions=(
        Command(
            name="verify",
            summary="whether it is as it was written",
            run=_verify,
            options=(config, _of_verify),
            audited="audit_verified",
        ),
        Command(
            name="show",
            summary="entries, as JSON lines",
            run=_show,
            options=(config, _of_show),
            audited="audit_shown",
        ),
        Command(
            name="clear",
            summary="delete files of days that need not be kept",
            run=_clear,
            options=(config, _of_clear),
        ),
    ),
)
