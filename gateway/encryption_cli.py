"""The command line of `tillgate encryption`."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

import uvloop

from auth.sealing import make_key
from connectors.registry import Registry
from gateway.commands import Command, asked, config, tell
from gateway.encryption import rotate
from gateway.encryption_reset import reset
from gateway.settings import load


def key(arguments: argparse.Namespace) -> int:
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    tell("Keep it where your other secrets are; whoever loses it loses what it sealed.")
    tell(f'keys = [{{ id = "{today}", key = {{ env = "TILLGATE_ENCRYPTION_KEY" }} }}]')
    print(make_key())
    return 0


def seal_anew(arguments: argparse.Namespace) -> int:
    done = uvloop.run(rotate(load(arguments.config, Registry()), tell))
    print(f"{done.anew} of {done.of} sealed anew; all are sealed with {done.key} now")
    return 0


def give_up(arguments: argparse.Namespace) -> int:
    def agreed() -> bool:
        return arguments.yes or (sys.stdin.isatty() and asked("Do it? It cannot be undone. [y/N] "))

    if uvloop.run(reset(load(arguments.config, Registry()), tell, agreed, arguments.forget)):
        return 0
    tell("Nothing was changed: answer yes at a terminal, or give --yes.")
    return 1


def _of_reset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="without asking")
    parser.add_argument(
        "--forget",
        action="store_true",
        help="also delete the tombstones of a lost secret, which ends the warning about them",
    )


ENCRYPTION = Command(
    name="encryption",
    summary="keys that seal what is kept",
    actions=(
        Command(name="key", summary="a new key, on standard output", run=key),
        Command(
            name="rotate",
            summary="seal everything with the first key, so that the others can go",
            run=seal_anew,
            options=(config,),
            audited="encryption_rotated",
        ),
        Command(
            name="reset",
            summary="say what a lost key takes along, ask, and begin anew without it",
            run=give_up,
            options=(config, _of_reset),
            audited="encryption_reset",
        ),
    ),
)
