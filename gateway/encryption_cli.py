"""The command line of `tillgate encryption`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import uvloop

from auth.sealing import make_key
from connectors.registry import Registry
from gateway.commands import Command, config, tell
from gateway.encryption import rotate
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
    ),
)
