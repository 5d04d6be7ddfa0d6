"""The command line of `tillgate index` and `tillgate links`: what is kept of references."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path

import uvloop

from connectors.registry import Registry
from gateway import index_import, index_sync, link_import
from gateway.commands import Command, config, tell
from gateway.settings import load
from gateway.strict import SettingsError
from resolvers.index.sync import State


def links(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    if arguments.file is None and arguments.dry_run:
        raise SettingsError("--dry-run: which file? Give --import FILE")
    if arguments.file is None:
        for link in uvloop.run(link_import.list_links(settings, registry)):
            print(f"{link.order_id}\t{link.payment_id}\t{link.evidence}")
        return 0
    done = uvloop.run(
        link_import.import_links(settings, registry, arguments.file, arguments.dry_run)
    )
    for refusal in done.refused:
        print(refusal, file=sys.stderr)
    if done.refused:
        print(f"Nothing was written: {len(done.refused)} rows are refused.", file=sys.stderr)
        return 1
    if arguments.dry_run:
        print(f"{done.known} links are good; nothing was written")
    else:
        print(f"{done.added} links added, {done.known} were there already")
        _tell_left_out(done.left_out)
    return 0


def index_show(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    for line in uvloop.run(index_sync.counts(settings, registry)):
        print(line)
    return 0


def index_fill(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    progress = index_sync.Progress(tell)
    outcomes = uvloop.run(
        index_sync.sync_index(settings, registry, arguments.since, arguments.source, progress)
    )
    failed = [outcome for outcome in outcomes if outcome.state is State.FAILED]
    written = [outcome for outcome in outcomes if outcome.state is State.WRITTEN]
    print(
        f"{sum(outcome.entries for outcome in written)} entries of {len(written)} periods;"
        f" {len(failed)} periods failed"
    )
    if incomplete := [outcome for outcome in outcomes if outcome.bad]:
        print(
            f"{len(incomplete)} periods are incomplete, rows left out:"
            f" {sum(outcome.bad for outcome in incomplete)}"
        )
    return 1 if failed else 0


def index_file(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    done = uvloop.run(
        index_import.import_index(settings, registry, arguments.file, arguments.dry_run)
    )
    for refusal in done.refused:
        print(refusal, file=sys.stderr)
    if done.refused:
        print(f"Nothing was written: {len(done.refused)} rows are refused.", file=sys.stderr)
        return 1
    wrote = "are good; nothing was written" if arguments.dry_run else "written"
    print(f"{done.rows - done.left_out} rows {wrote}")
    _tell_left_out(done.left_out)
    return 0


def _tell_left_out(count: int) -> None:
    if count:
        tell(f"{count} are of records that were erased, and were left out")


def index_forget(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    gone = uvloop.run(index_import.forget(settings, registry, arguments.ids))
    print(f"{gone} of {len(arguments.ids)} entries were there and are gone")
    return 0


def _links(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--import",
        dest="file",
        type=Path,
        metavar="FILE",
        help="CSV with the columns order,payment: ids of the graph; all rows or none",
    )
    parser.add_argument("--dry-run", action="store_true", help="only check the file")


def _of_sync(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        type=_since,
        metavar="DATE",
        help=f"read what happened since, such as 2026-01-01 ({index_sync.DAYS} days ago)",
    )
    parser.add_argument(
        "--source", action="append", default=[], metavar="NAME", help="only this one; may repeat"
    )


def _of_forget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ids", nargs="+", metavar="ID", help="as the graph gives it, such as paypal:payment:2GG2"
    )


def _of_import(parser: argparse.ArgumentParser) -> None:
    needed, optional = ",".join(index_import.NEEDED), ",".join(index_import.OPTIONAL)
    parser.add_argument(
        "file", type=Path, metavar="FILE", help=f"CSV with {needed} and any of {optional}"
    )
    parser.add_argument("--dry-run", action="store_true", help="only check the file")


def _since(text: str) -> datetime:
    try:
        return index_sync.parse_since(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "expected a date such as 2026-01-01, not in the future"
        ) from None


LINKS = Command(
    name="links",
    summary="list or import links of orders and payments",
    run=links,
    options=(config, _links),
    audited="links_imported",
)
INDEX = Command(
    name="index",
    summary="show, sync or import the index of references",
    actions=(
        Command(
            name="show",
            summary="how many entries it holds, by source and kind, and what is incomplete",
            run=index_show,
            options=(config,),
        ),
        Command(
            name="sync",
            summary="read bills, account logs, transaction searches; may be stopped and repeated",
            run=index_fill,
            options=(config, _of_sync),
        ),
        Command(
            name="forget",
            summary="take entries away that should never have been there",
            run=index_forget,
            options=(config, _of_forget),
            audited="index_forgotten",
        ),
        Command(
            name="import",
            summary="references from a CSV file, all rows or none",
            run=index_file,
            options=(config, _of_import),
            audited="index_imported",
        ),
    ),
)
