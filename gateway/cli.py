"""The command line. Exit codes: 0 done, 1 a source, a query or the store failed, 2 wrong use or
settings."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from tempfile import TemporaryDirectory

import uvicorn
import uvloop

from auth.audit.slot import LogUnusable
from auth.audit.writer import AuditUnavailable
from auth.database import own_reason
from auth.embedded.key_ring import KeyFileUnusable
from auth.faults import Unavailable
from connectors.errors import SourceError
from connectors.registry import Registry
from gateway import audit_cli, clients_cli, documents_cli, encryption_cli, index_cli, subject_cli
from gateway import check as checking
from gateway import map as mapping
from gateway.access_log import configure_logging
from gateway.access_page import access_page
from gateway.app import Process
from gateway.audit_cli import audited
from gateway.auth_compose import open_auth
from gateway.calls_page import calls_page
from gateway.commands import Command, add_commands, config, tell
from gateway.compose import open_gateway
from gateway.data_check import data_check
from gateway.demo import (
    demo_settings,
    demonstrate,
    partners_customers,
    shown_orders,
    with_demo_clients,
)
from gateway.descriptors import needed, provide
from gateway.server import Refusal, listen, server, settle_memory
from gateway.settings import Settings, load
from gateway.strict import SettingsError
from gateway.trail import open_trail
from resolvers.store import StoreFailing, StoreUnusable
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from schema.build import build_schema

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
  tillgate encryption reset             what a lost key takes along, and the way out
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
        print(f"tillgate: store: {error}", file=sys.stderr)
        return 1 if isinstance(error, StoreFailing) else 2
    except Unavailable as error:
        print(f"tillgate: auth: {error.reason}", file=sys.stderr)
        return 1
    except KeyFileUnusable as error:
        print(f"tillgate: auth.embedded.keys: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        # A temporary file, for instance, on a disk that is full.
        place = f"{error.filename}: " if error.filename else ""
        print(f"tillgate: {place}{own_reason(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def run(arguments: argparse.Namespace) -> int:
    # Read again when the server runs; before that it must not end the process either.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    registry = Registry()
    settings = load(arguments.config, registry)
    own = settings.server
    with contextlib.closing(listen(own.host, own.port, settings.auth)) as listener:
        # What cannot be opened is told in one line here, not from inside the server.
        uvloop.run(_opened(settings, registry))
        configure_logging()
        host, port = listener.getsockname()[:2]
        print(f"GraphQL at http://{host}:{port}/graphql", file=sys.stderr)
        provide(needed(settings, registry))
        serving = server(settings, registry)
        _stop_in_peace()
        settle_memory()
        uvloop.run(_served(serving, listener, partial(load, arguments.config, registry)))
    return 0 if serving.started else 1


async def _served(
    serving: uvicorn.Server, listener: socket.socket, again: Callable[[], Settings]
) -> None:
    """SIGHUP reads the settings and their files again."""
    process: Process = serving.config.app.state.process  # type: ignore[union-attr]
    tasks: set[asyncio.Task[None]] = set()

    def reread() -> None:
        task = asyncio.create_task(process.reread(again))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread)
    await serving.serve(sockets=[listener])


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
    done = uvloop.run(data_check(settings, registry, name, tell))
    for one in done.found:
        print(one)
    for attribute, count in done.counts:
        print(f"{count} times: {attribute}")
    print(f"{done.records} records read, {len(done.found)} values do not fit")
    return 1 if done.found else 0


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
    add_commands(COMMANDS, commands)
    return parser


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


COMMANDS = (
    Command(
        name="demo",
        summary="simulated vendors, the gateway and a joined query",
        run=demo,
        options=(_world, _demo),
    ),
    Command(
        name="sandbox",
        summary="the simulated vendors alone",
        run=sandbox,
        options=(_world, _alone),
    ),
    Command(name="run", summary="serve the graph of a configuration", run=run, options=(config,)),
    Command(
        name="check",
        summary="ask every configured source how it is",
        run=check,
        options=(config, _check),
    ),
    Command(
        name="map",
        summary="propose a mapping of a CRM, or check the one in use",
        run=map_,
        options=(_map, config),
    ),
    index_cli.LINKS,
    index_cli.INDEX,
    Command(name="schema", summary="print the SDL", run=schema, options=(_schema,)),
    clients_cli.CLIENTS,
    clients_cli.TOKEN,
    documents_cli.DOCUMENTS,
    subject_cli.SUBJECT,
    encryption_cli.ENCRYPTION,
    audit_cli.AUDIT,
)


if __name__ == "__main__":
    sys.exit(main())
