"""The command line of `tillgate encryption`."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from auth.sealing import make_key
from connectors.registry import Registry
from gateway.encryption import rotate
from gateway.settings import load


def key(arguments: argparse.Namespace) -> int:
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    _tell("Keep it where your other secrets are; whoever loses it loses what it sealed.")
    _tell(f'keys = [{{ id = "{today}", key = {{ env = "TILLGATE_ENCRYPTION_KEY" }} }}]')
    print(make_key())
    return 0


def seal_anew(arguments: argparse.Namespace) -> int:
    done = uvloop.run(rotate(load(arguments.config, Registry()), _tell))
    print(f"{done.anew} of {done.of} sealed anew; all are sealed with {done.key} now")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    summary = "a new key, on standard output"
    made = actions.add_parser("key", help=summary, description=summary.capitalize() + ".")
    made.set_defaults(command=key)
    summary = "seal everything with the first key, so that the others can go"
    anew = actions.add_parser("rotate", help=summary, description=summary.capitalize() + ".")
    anew.add_argument(
        "--config", type=Path, default=Path("tillgate.toml"), help="default: tillgate.toml"
    )
    anew.set_defaults(command=seal_anew, audited="encryption_rotated")


COMMAND = ("encryption", key, "keys that seal what is kept", (_options,))
