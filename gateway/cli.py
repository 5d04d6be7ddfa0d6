"""The command line. Exit codes: 0 done, 1 a source or a query failed, 2 wrong use or settings."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from auth.audit.slot import LogUnusable
from auth.audit.writer import AuditUnavailable
from auth.embedded.key_ring import AHEAD, KeyFileUnusable
from auth.faults import Unavailable
from connectors.errors import SourceError
from connectors.registry import Registry
from gateway import check as checking
from gateway import clients as clients_of
from gateway import encryption_cli, index_import, index_sync, link_import, subject_cli
from gateway import map as mapping
from gateway.access_log import configure_logging
from gateway.access_page import access_page
from gateway.audit_cli import add_audit, audited
from gateway.auth_compose import open_auth
from gateway.calls_page import calls_page
from gateway.compose import open_gateway
from gateway.data_check import data_check
from gateway.demo import (
    demo_settings,
    demonstrate,
    partners_customers,
    shown_orders,
    with_demo_clients,
)
from gateway.demo_clients import ROLES, demo_client
from gateway.documents_cli import add_documents
from gateway.server import Refusal, listen, server, settle_memory
from gateway.settings import Settings, load
from gateway.strict import SettingsError
from gateway.token import fetch_token
from gateway.trail import open_trail
from resolvers.index.sync import State
from resolvers.store import StoreUnusable
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from schema.build import build_schema

CLIENT_ACTIONS = {
    "add": "client_added",
    "rotate": "client_rotated",
    "revoke": "client_revoked",
    "rekey": "signing_key_added",
}
"""What the audit log calls those that change something."""

EXAMPLES = """\
examples:
  tillgate demo                         simulated vendors, the gateway, and a joined query
  tillgate demo --once --size 50        the same, small, and then exit
  tillgate demo --crm kingdee           with one CRM alone
  tillgate sandbox --sandbox-port 9900  the simulated vendors alone
  tillgate check --config tillgate.toml ask every configured source how it is
  tillgate check --data kingdee         every value of a source that does not fit
  tillgate map jiandaoyun               a proposed mapping from its live metadata
  tillgate map jiandaoyun --check       what of the mapping in use is gone
  tillgate run --config tillgate.toml   serve the graph
  tillgate clients add shop --scope orders:read   a client of the embedded issuer
  tillgate token --demo frontend        an access token for a running demo
  tillgate links --import links.csv     link orders to payments by hand
  tillgate index sync --since 2026-01-01 read the books of channels that cannot list
  tillgate index import old.csv         references that no channel tells any more
  tillgate subject export --customer ID what is kept about a person; erase takes it away
  tillgate encryption key               a key that seals what is kept
  tillgate audit verify                 whether the log of who saw what is as it was written
  tillgate documents check operations.json registered operations, before they are used
  tillgate schema > schema.graphql      the SDL that clients see
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is returned."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return audited(command, parsed)
    except (SettingsError, Refusal, SourceError) as error:
        print(f"tillgate: {error}", file=sys.stderr)
        return 2
    except (LogUnusable, AuditUnavailable) as error:
        print(f"tillgate: audit: {error}", file=sys.stderr)
        return 2
    except StoreUnusable as error:
        print(f"tillgate: store: cannot be opened: {error}", file=sys.stderr)
        return 2
    except Unavailable as error:
        print(f"tillgate: auth: {error.reason}", file=sys.stderr)
        return 2
    except KeyFileUnusable as error:
        print(f"tillgate: auth.embedded.keys: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def run(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    own = settings.server
    with contextlib.closing(listen(own.host, own.port, settings.auth)) as listener:
        # What cannot be opened is told in one line here, not from inside the server.
        uvloop.run(_opened(settings, registry))
        configure_logging()
        host, port = listener.getsockname()[:2]
        print(f"GraphQL at http://{host}:{port}/graphql", file=sys.stderr)
        serving = server(settings, registry)
        _stop_in_peace()
        settle_memory()
        uvloop.run(serving.serve(sockets=[listener]))
    return 0 if serving.started else 1


def _stop_in_peace() -> None:
    """uvicorn ends what runs and then raises the signal again, which would kill this process."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


async def _opened(settings: Settings, registry: Registry) -> None:
    with open_trail(settings.audit):
        pass
    async with open_gateway(settings, registry) as gateway:
        if settings.auth is not None:
            async with open_auth(settings.auth, gateway.engine, sealer=settings.sealer):
                pass


def check(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    if arguments.data is not None:
        return _check_data(settings, registry, arguments.data)
    found = uvloop.run(checking.findings(settings, registry))
    for finding in found:
        print("\n".join(finding.lines))
    return 0 if all(finding.ok for finding in found) else 1


def _check_data(settings: Settings, registry: Registry, name: str) -> int:
    done = uvloop.run(data_check(settings, registry, name, _tell))
    for one in done.found:
        print(one)
    for attribute, count in done.counts:
        print(f"{count} times: {attribute}")
    print(f"{done.records} records read, {len(done.found)} values do not fit")
    return 1 if done.found else 0


def _tell(line: str) -> None:
    """Progress, beside what is printed as the result."""
    print(line, file=sys.stderr, flush=True)


def map_(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    if not arguments.check:
        print("\n".join(uvloop.run(mapping.proposal(settings, registry, arguments.source))))
        return 0
    drifts = uvloop.run(mapping.drift(settings, registry, arguments.source))
    for drift in drifts:
        print(f"DRIFT {drift}")
    if not drifts:
        print(f"ok    {arguments.source}: every field of its mapping is there")
    return 1 if drifts else 0


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


def index(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    for line in uvloop.run(index_sync.counts(settings, registry)):
        print(line)
    return 0


def index_fill(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    tell = index_sync.Progress(_tell)
    outcomes = uvloop.run(
        index_sync.sync_index(settings, registry, arguments.since, arguments.source, tell)
    )
    failed = [outcome for outcome in outcomes if outcome.state is State.FAILED]
    written = [outcome for outcome in outcomes if outcome.state is State.WRITTEN]
    print(
        f"{sum(outcome.entries for outcome in written)} entries of {len(written)} periods;"
        f" {len(failed)} periods failed"
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
        _tell(f"{count} are of records that were erased, and were left out")


def index_forget(arguments: argparse.Namespace) -> int:
    registry = Registry()
    settings = load(arguments.config, registry)
    gone = uvloop.run(index_import.forget(settings, registry, arguments.ids))
    print(f"{gone} of {len(arguments.ids)} entries were there and are gone")
    return 0


def clients_list(arguments: argparse.Namespace) -> int:
    for line in uvloop.run(clients_of.listed(load(arguments.config, Registry()))):
        print(line)
    return 0


def clients_add(arguments: argparse.Namespace) -> int:
    new = clients_of.NewClient(
        client_id=arguments.client,
        scopes=_words(arguments.scope),
        default_scopes=_words(arguments.default),
        tenant=arguments.tenant,
        partner=arguments.partner,
        keys=arguments.keys,
    )
    _show(uvloop.run(clients_of.add(load(arguments.config, Registry()), new)), arguments.client)
    return 0


def clients_rotate(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, Registry())
    _show(
        uvloop.run(clients_of.rotate(settings, arguments.client, arguments.keys)), arguments.client
    )
    return 0


def clients_revoke(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, Registry())
    uvloop.run(clients_of.revoke(settings, arguments.client, arguments.issuer))
    print(f"{arguments.client} is revoked, and so is every token it has")
    return 0


def clients_restore(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config, Registry())
    uvloop.run(clients_of.restore(settings, arguments.client, arguments.issuer))
    print(f"{arguments.client} of {arguments.issuer} is let in again")
    return 0


def clients_rekey(arguments: argparse.Namespace) -> int:
    kid = clients_of.rekey(load(arguments.config, Registry()))
    print(f"{kid} is published, and signs in {AHEAD // 3600} hours")
    return 0


def clients_key(arguments: argparse.Namespace) -> int:
    secret, table = clients_of.api_key(arguments.name)
    _tell(f"The tool logs in as user {arguments.name}; its password is shown once, below the table")
    _tell("for tillgate.toml, which holds only a hash of it.")
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
        print(f"{client_id} logs in with its own keys", file=sys.stderr)
        return
    _tell(f"The secret of {client_id}, shown this once:")
    print(secret)


def _words(given: Sequence[str]) -> list[str]:
    """`--scope "a b" --scope c` are three."""
    return [word for text in given for word in text.split()]


def schema(arguments: argparse.Namespace) -> int:
    if arguments.calls:
        sys.stdout.write(calls_page(Registry()))
        return 0
    built = build_schema()
    if arguments.access:
        sys.stdout.write(access_page(built))
        return 0
    sys.stdout.write(built.federation_sdl if arguments.federation else built.sdl)
    return 0


def sandbox(arguments: argparse.Namespace) -> int:
    with _sandbox(arguments) as running:
        vendors = dict.fromkeys(f"/{account.vendor}" for account in running.world.accounts)
        print(f"Sandbox vendors at {running.origin} ({', '.join(vendors)})")
        print(
            f"Credentials at {running.origin}/_sandbox/credentials. Stop with Ctrl-C.", flush=True
        )
        stop = asyncio.Event()
        uvloop.run(_until_told(stop))
    return 0


def demo(arguments: argparse.Namespace) -> int:
    registry = Registry()
    with (
        contextlib.closing(listen("127.0.0.1", arguments.port)) as listener,
        TemporaryDirectory(prefix="tillgate-") as folder,
        _sandbox(arguments) as running,
    ):
        configure_logging(logging.WARNING)
        _stop_in_peace()
        port = listener.getsockname()[1]
        customers = partners_customers(running.world, shown_orders(running.world))
        own = demo_settings(running, registry, folder, port)
        settings = with_demo_clients(own, folder, customers)
        return uvloop.run(demonstrate(running, settings, registry, listener, arguments.once))


def _sandbox(arguments: argparse.Namespace) -> Sandbox:
    try:
        return Sandbox(
            vendors=discover(arguments.crm or ()),
            seed=arguments.seed,
            size=arguments.size,
            port=arguments.sandbox_port,
        )
    except LookupError as error:
        raise Refusal(f"--crm: {error.args[0]}") from None
    except OSError as error:
        raise Refusal(
            f"cannot listen on 127.0.0.1:{arguments.sandbox_port}: {error.strerror}"
        ) from None


async def _until_told(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_, stop.set)
    await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tillgate",
        description="One GraphQL graph over CRM and payment systems, joined live.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command, summary, options in (
        ("demo", demo, "simulated vendors, the gateway and a joined query", (_world, _demo)),
        ("sandbox", sandbox, "the simulated vendors alone", (_world, _alone)),
        ("run", run, "serve the graph of a configuration", (_config,)),
        ("check", check, "ask every configured source how it is", (_config, _check)),
        ("map", map_, "propose a mapping of a CRM, or check the one in use", (_map, _config)),
        ("links", links, "list or import links of orders and payments", (_config, _links)),
        ("index", index, "show, sync or import the index of references", (_index,)),
        ("schema", schema, "print the SDL", (_schema,)),
        ("clients", clients_list, "clients of the embedded issuer, and API keys", (_clients,)),
        ("token", token, "print an access token of the embedded issuer", (_token,)),
        subject_cli.COMMAND,
        encryption_cli.COMMAND,
    ):
        own = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        own.set_defaults(command=command)
        for option in options:
            option(own)
    add_audit(commands)
    add_documents(commands)
    return parser


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("tillgate.toml"), help="default: tillgate.toml"
    )


def _world(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1, help="of the simulated world (1)")
    parser.add_argument(
        "--size", type=_size, default=1000, help="customers; five orders each (1000)"
    )
    parser.add_argument(
        "--crm",
        action="append",
        metavar="NAME",
        help="only this CRM beside the payment systems, such as kingdee; may repeat (all)",
    )


def _alone(parser: argparse.ArgumentParser) -> None:
    _sandbox_port(parser, "--sandbox-port", "--port")


def _sandbox_port(parser: argparse.ArgumentParser, *names: str) -> None:
    parser.add_argument(*names, type=_port, default=9900, help="0 takes a free one (9900)")


def _demo(parser: argparse.ArgumentParser) -> None:
    _sandbox_port(parser, "--sandbox-port")
    parser.add_argument("--once", action="store_true", help="answer the joined query and exit")
    parser.add_argument("--port", type=_port, default=8000, help="0 takes a free one (8000)")


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help="instead, read every record of this source and list the values that do not fit",
    )


def _map(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="its name in the configuration")
    parser.add_argument(
        "--check",
        action="store_true",
        help="instead, tell what the mapping in use no longer fits: fields that are missing,"
        " renamed or of another type, and words that lead to no state",
    )


def _links(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--import",
        dest="file",
        type=Path,
        metavar="FILE",
        help="CSV with the columns order,payment: ids of the graph; all rows or none",
    )
    parser.add_argument("--dry-run", action="store_true", help="only check the file")
    parser.set_defaults(audited="links_imported")


def _index(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="how many entries it holds, by source and kind")
    _config(show)
    show.set_defaults(command=index)
    summary = "read bills, account logs and transaction searches; may be stopped and repeated"
    fill = actions.add_parser("sync", help=summary, description=summary.capitalize() + ".")
    _config(fill)
    fill.add_argument(
        "--since",
        type=_since,
        metavar="DATE",
        help=f"read what happened since, such as 2026-01-01 ({index_sync.DAYS} days ago)",
    )
    fill.add_argument(
        "--source", action="append", default=[], metavar="NAME", help="only this one; may repeat"
    )
    fill.set_defaults(command=index_fill)
    summary = "take entries away that should never have been there"
    gone = actions.add_parser("forget", help=summary, description=summary.capitalize() + ".")
    _config(gone)
    gone.add_argument(
        "ids", nargs="+", metavar="ID", help="as the graph gives it, such as paypal:payment:2GG2"
    )
    gone.set_defaults(command=index_forget, audited="index_forgotten")
    summary = "references from a CSV file, all rows or none"
    file = actions.add_parser("import", help=summary, description=summary.capitalize() + ".")
    _config(file)
    needed, optional = ",".join(index_import.NEEDED), ",".join(index_import.OPTIONAL)
    file.add_argument(
        "file", type=Path, metavar="FILE", help=f"CSV with {needed} and any of {optional}"
    )
    file.add_argument("--dry-run", action="store_true", help="only check the file")
    file.set_defaults(command=index_file, audited="index_imported")


def _clients(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, command, summary, options in (
        ("list", clients_list, "every client, without secrets", (_config,)),
        ("add", clients_add, "a new client; its secret is shown once", (_client, _grant, _keys)),
        ("rotate", clients_rotate, "a new secret, or new keys, at once", (_client, _keys)),
        ("revoke", clients_revoke, "no tokens any more, and none that it has", (_client, _issuer)),
        (
            "restore",
            clients_restore,
            "lets in a client of another issuer again",
            (_client, _issuer_needed),
        ),
        ("rekey", clients_rekey, "a new signing key, published now and used later", (_config,)),
        ("key", clients_key, "an API key for a tool that speaks HTTP Basic", (_key,)),
    ):
        own = actions.add_parser(name, help=summary, description=summary.capitalize() + ".")
        own.set_defaults(command=command, audited=CLIENT_ACTIONS.get(name))
        for option in options:
            option(own)


def _client(parser: argparse.ArgumentParser) -> None:
    _config(parser)
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


def _since(text: str) -> datetime:
    try:
        return index_sync.parse_since(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "expected a date such as 2026-01-01, not in the future"
        ) from None


def _schema(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--calls", action="store_true", help="instead, what every join costs upstream"
    )
    what.add_argument("--access", action="store_true", help="instead, who may see which field")
    what.add_argument(
        "--federation", action="store_true", help="as an Apollo Federation v2 subgraph"
    )


def _size(text: str) -> int:
    return _whole(text, 20, 200_000)


def _port(text: str) -> int:
    return _whole(text, 0, 65_535)


def _whole(text: str, least: int, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}")
    return number


if __name__ == "__main__":
    sys.exit(main())
