"""One of the gateways as a process: `python -m benchmarks.serve tillgate UPSTREAM_ORIGIN`.

Prints its port, and ends when its standard input is closed. Each side imports only its own code,
so that its memory is its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from tempfile import TemporaryDirectory

import uvicorn
import uvloop

TOML = """\
[server]
port = 0
deadline = 120.0

[budget]
maximum = 1000000
capacity = 1000000

[store]
url = "sqlite+aiosqlite:///{folder}/tillgate.db"

[links]
pairs = [{{ orders = "crm", payments = ["pay"] }}]

[sources.crm]
vendor = "bench_crm"
base_url = "{origin}"
deadline = 60.0

[sources.pay]
vendor = "bench_payments"
base_url = "{origin}"
deadline = 60.0
"""

GUARDED = """
[auth]
resource = "http://127.0.0.1:8000"

[auth.embedded]
keys = "{folder}/keys.json"
demo_clients = true

[auth.rows.tenants.demo]
sources = ["crm", "pay"]
"""
"""Tokens, a rule for every field, and rows by tenant."""


def tillgate(origin: str, folder: str) -> uvicorn.Server:
    """As `tillgate run` starts it, access log included; only the deadlines are longer."""
    return _tillgate(TOML.format(origin=origin, folder=folder))


def guarded(origin: str, folder: str) -> uvicorn.Server:
    """The same where everybody is asked who he is, and what he may see decided."""
    return _tillgate((TOML + GUARDED).format(origin=origin, folder=folder))


def _tillgate(toml: str) -> uvicorn.Server:
    from benchmarks.vendor import ENTRY_POINTS
    from connectors.registry import Registry
    from gateway.access_log import configure_logging
    from gateway.server import server, settle_memory
    from gateway.settings import parse
    from gateway.strict import Reader

    registry = Registry(extra=ENTRY_POINTS)
    settings = parse(toml, registry, Reader({}))
    configure_logging()
    serving = server(settings, registry)
    settle_memory()
    return serving


def naive_server(origin: str, folder: str) -> uvicorn.Server:
    from benchmarks import naive

    config = uvicorn.Config(
        naive.create_app(origin), lifespan="on", log_config=None, access_log=False, ws="none"
    )
    return uvicorn.Server(config)


SIDES = {"tillgate": tillgate, "guarded": guarded, "naive": naive_server}


async def serve(serving: uvicorn.Server, listener: socket.socket) -> None:
    running = asyncio.create_task(serving.serve(sockets=[listener]))
    while not serving.started and not running.done():  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.01)
    if not running.done():
        print(listener.getsockname()[1], flush=True)
        threading.Thread(target=_until_closed, args=(serving,), daemon=True).start()
    await running


def _until_closed(serving: uvicorn.Server) -> None:
    while os.read(0, 64):
        pass
    serving.should_exit = True


def main() -> None:
    side, origin = sys.argv[1:]
    with (
        TemporaryDirectory(prefix="tillgate-bench-") as folder,
        socket.create_server(("127.0.0.1", 0), backlog=512) as listener,
    ):
        uvloop.run(serve(SIDES[side](origin, folder), listener))


if __name__ == "__main__":
    main()
