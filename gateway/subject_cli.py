"""The command line of `tillgate subject`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from connectors.registry import Registry
from gateway import subject
from gateway.commands import Command, asked, config, tell
from gateway.settings import load
from gateway.strict import SettingsError
from gateway.subject import Found, Manifest, Question, Refused


def export(arguments: argparse.Namespace) -> int:
    question = _question(arguments)
    if arguments.out is not None and arguments.out.exists():
        raise SettingsError(f"--out: {arguments.out}: it is there already")
    settings = load(arguments.config, Registry())
    lines, manifest = uvloop.run(subject.export(settings, Registry(), question))
    arguments.subjects = manifest.subjects
    text = _text([*lines, {"manifest": manifest}])
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        _write(arguments.out, text)
    return _told(manifest)


def erase(arguments: argparse.Namespace) -> int:
    question = _question(arguments)
    settings = load(arguments.config, Registry())

    def agreed(found: Found) -> bool:
        # For the audit log, whatever comes of it.
        arguments.subjects = found.ids
        for line in _summary(found):
            tell(line)
        return arguments.yes or asked("Erase it? It cannot be undone. [y/N] ")

    try:
        manifest = uvloop.run(
            subject.erase(settings, Registry(), question, agreed, arguments.partly)
        )
    except Refused as refusal:
        for line in refusal.args:
            tell(line)
        tell("Nothing was erased.")
        return 1
    print(_text([{"manifest": manifest}]), end="")
    if not manifest.scrubbed:
        tell("The rows are gone, but their bytes may still be in the database's files: somebody")
        tell("reads them without end. Do it again when the gateway is stopped.")
    return _told(manifest) or int(not manifest.scrubbed)


def _told(manifest: Manifest) -> int:
    """What the operator must not miss; the exit code."""
    for line in manifest.not_asked:
        tell(f"NOT COMPLETE {line}")
    if not manifest.records and manifest.complete:
        tell("No source knows anybody like that.")
    if manifest.vendors:
        tell(f"The records themselves are with {', '.join(manifest.vendors)}: ask there, too.")
    return 0 if manifest.complete else 1


def _summary(found: Found) -> Iterable[str]:
    theirs = [f"{kind} {count}" for kind, count in found.records.items()]
    yield f"Records of theirs: {', '.join(theirs) or 'none'}"
    for store, records in found.stored.items():
        if store in found.going:
            yield f"{store}: {len(records)} rows"


def _question(arguments: argparse.Namespace) -> Question:
    emails = [_email(given) for given in arguments.email]
    if not (arguments.customer or arguments.others or emails):
        raise SettingsError("--customer or --email: about whom?")
    return Question(
        customers=tuple(arguments.customer),
        records=tuple(arguments.others),
        emails=tuple(emails),
    )


def _email(given: str) -> str:
    """`-` reads it, because arguments are seen by everybody on the machine."""
    if given == "-":
        given = sys.stdin.readline()
    address = given.strip()
    if "@" not in address or not address.isprintable():
        raise SettingsError("--email: not an address")
    return address


def _text(values: Iterable[Any]) -> str:
    return "".join(msgspec.json.encode(value).decode() + "\n" for value in values)


def _write(path: Path, text: str) -> None:
    """For its owner alone, and never over another file."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"--out: {path}: {error.strerror}") from None


def _of_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FILE", help="a new file, for its owner alone")


def _of_erase(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="without asking")
    parser.add_argument(
        "--partly",
        action="store_true",
        help="also while a source cannot be asked; the exit code is 1 then, too",
    )


def _whom(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--customer",
        action="append",
        default=[],
        metavar="ID",
        help="as the graph gives it, such as salesforce:customer:0015g00000AbCdEAAV; may repeat",
    )
    parser.add_argument(
        "--record",
        dest="others",
        action="append",
        default=[],
        metavar="ID",
        help="an order, payment or refund of theirs, where no customer leads to it; may repeat",
    )
    parser.add_argument(
        "--email",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="whoever has it in any source; - reads it from standard input; may repeat",
    )


SUBJECT = Command(
    name="subject",
    summary="what is kept about a person: export it, erase it",
    actions=(
        Command(
            name="export",
            summary="all that the gateway itself keeps about somebody, a JSON value a line",
            run=export,
            options=(config, _whom, _of_export),
            audited="subject_exported",
        ),
        Command(
            name="erase",
            summary="take it away, for good",
            run=erase,
            options=(config, _whom, _of_erase),
            audited="subject_erased",
        ),
    ),
)
