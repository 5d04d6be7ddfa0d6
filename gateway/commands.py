"""What a command of the command line is: declared, and made into a parser here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

Run = Callable[[argparse.Namespace], int]
"""Does it; the exit code is returned."""
Options = Callable[[argparse.ArgumentParser], object]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One that does something (`run`), or leads to `actions`. `audited` is what the audit log calls
    it, if it administers something."""

    name: str
    summary: str
    run: Run | None = None
    options: tuple[Options, ...] = ()
    actions: tuple[Command, ...] = ()
    audited: str | None = None


def add_commands(given: Iterable[Command], to: Any) -> None:
    """`to` is what argparse's `add_subparsers` gives."""
    for one in given:
        description = f"{one.summary[0].upper()}{one.summary[1:]}."
        parser = to.add_parser(one.name, help=one.summary, description=description)
        if one.run is not None:
            parser.set_defaults(command=one.run, audited=one.audited)
        for option in one.options:
            option(parser)
        if one.actions:
            actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
            add_commands(one.actions, actions)


def config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("tillgate.toml"), help="default: tillgate.toml"
    )


def tell(line: str) -> None:
    """Progress and advice, beside what is printed as the result."""
    print(line, file=sys.stderr, flush=True)


def asked(question: str) -> bool:
    """Whether standard input answers with yes."""
    try:
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except (EOFError, OSError):
        return False
