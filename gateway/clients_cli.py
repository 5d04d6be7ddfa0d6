"""The command line of `tillgate clients` and `tillgate token`."""

from __future__ import annotations

import argparse
import getpass
import os
from collections.abc import Sequence
from pathlib import Path

import uvloop

from auth.embedded.key_ring import AHEAD
from connectors.registry import Registry
from gateway import clients
from gateway.commands import Command, config, tell
from gateway.demo_clients import ROLES, demo_client
from gateway.settings import load
from gateway.token import fetch_token


def client_list(arguments: argparse.Namespace) -> int:
    for line in uvloop.run(clients.listed(load(arguments.config, Registry()))):
        print(line)
    return 0


def client_add(arguments: argparse.Namespace) -> int:
    new = clients.NewClient(
        client_id=arguments.client,
        scopes=_words(arguments.scope),
        default_scopes=_words(arguments.default),
        tenant=arguments.tenant,
        partner=arguments.partner,
        keys=arguments.keys,
    )
    _show(uvloop.run(clients.add(load(arguments.config, Registry()), new)), arguments.client)
    return 0


def client_rotate(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, Registry())
    _show(uvloop.run(clients.rotate(settings, arguments.client, arguments.keys)), arguments.client)
    return 0


def client_revoke(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, Registry())
    uvloop.run(clients.revoke(settings, arguments.client, arguments.issuer))
    print(f"{arguments.client} is revoked, and so is every token it has")
    return 0


def client_restore(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, Registry())
    uvloop.run(clients.restore(settings, arguments.client, arguments.issuer))
    print(f"{arguments.client} of {arguments.issuer} is let in again")
    return 0


def client_rekey(arguments: argparse.Namespace) -> int:
    kid = clients.rekey(load(arguments.config, Registry()))
    print(f"{kid} is published, and signs in {AHEAD // 3600} hours")
    return 0


def api_key(arguments: argparse.Namespace) -> int:
    secret, table = clients.api_key(arguments.name)
    tell(f"The tool logs in as user {arguments.name}; its password is shown once, below the table")
    tell("for tillgate.toml, which holds only a hash of it.")
    print(f"{table}\n\n{secret}")
    return 0


def token(arguments: argparse.Namespace) -> int:
    if arguments.demo is not None:
        client_id, secret = demo_client(arguments.demo)
    else:
        client_id = arguments.client
        # Never an argument: those are seen by everybody on the machine.
        secret = os.environ.get("TILLGATE_CLIENT_SECRET") or getpass.getpass("Secret: ")
    print(fetch_token(arguments.url, client_id, secret, arguments.scope))
    return 0


def _show(secret: str | None, client_id: str) -> None:
    if secret is None:
        tell(f"{client_id} logs in with its own keys")
        return
    tell(f"The secret of {client_id}, shown this once:")
    print(secret)


def _words(given: Sequence[str]) -> list[str]:
    """`--scope "a b" --scope c` are three."""
    return [word for text in given for word in text.split()]


def _client(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("client", metavar="CLIENT", help="its client_id")


def _grant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scope", action="append", required=True, help="what it may ask for; may repeat"
    )
    parser.add_argument(
        "--default", action="append", default=[], help="what it gets if it asks for nothing"
    )
    parser.add_argument("--tenant", help="whose rows it may see")
    parser.add_argument("--partner", help="whose rows it may see")


def _keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="FILE",
        help="its public keys (JWKS): it signs assertions (private_key_jwt) and has no secret",
    )


def _issuer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--issuer", metavar="NAME", help="of another issuer, by its name in the settings"
    )


def _issuer_needed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--issuer", metavar="NAME", required=True, help="whose it is, by its name in the settings"
    )


def _key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the tool logs in as")


def _token(parser: argparse.ArgumentParser) -> None:
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--demo", choices=sorted(ROLES), help="of a running demo")
    who.add_argument(
        "--client", help="its secret is asked for, or read from TILLGATE_CLIENT_SECRET"
    )
    parser.add_argument("--scope", help='such as "orders:read payments:read"')
    parser.add_argument(
        "--url",
        default="http://127.0.0.1:8000",
        help="of the running gateway (http://127.0.0.1:8000)",
    )


CLIENTS = Command(
    name="clients",
    summary="clients of the embedded issuer, and API keys",
    actions=(
        Command(
            name="list",
            summary="every client, without secrets",
            run=client_list,
            options=(config,),
        ),
        Command(
            name="add",
            summary="a new client; its secret is shown once",
            run=client_add,
            options=(config, _client, _grant, _keys),
            audited="client_added",
        ),
        Command(
            name="rotate",
            summary="a new secret, or new keys, at once",
            run=client_rotate,
            options=(config, _client, _keys),
            audited="client_rotated",
        ),
        Command(
            name="revoke",
            summary="no tokens any more, and none that it has",
            run=client_revoke,
            options=(config, _client, _issuer),
            audited="client_revoked",
        ),
        Command(
            name="restore",
            summary="lets in a client of another issuer again",
            run=client_restore,
            options=(config, _client, _issuer_needed),
            audited="client_restored",
        ),
        Command(
            name="rekey",
            summary="a new signing key, published now and used later",
            run=client_rekey,
            options=(config,),
            audited="signing_key_added",
        ),
        Command(
            name="key",
            summary="an API key for a tool that speaks HTTP Basic",
            run=api_key,
            options=(_key,),
        ),
    ),
)
TOKEN = Command(
    name="token",
    summary="print an access token of the embedded issuer",
    run=token,
    options=(_token,),
)
