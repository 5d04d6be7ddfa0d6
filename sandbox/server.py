"""The sandbox over real HTTP: in a thread for tests, or blocking for the command line."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.answers import CLOSE
from sandbox.app import create_app
from sandbox.generate import generate
from sandbox.simulator import Clock, Credentials, Vendor, discover, wall_clock
from sandbox.world import World

HOST = "127.0.0.1"
START_SECONDS = 30


class ClosableProtocol(HttpToolsProtocol):
    """HTTP/1.1 that lets the application close the connection, for faults."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CLOSE] = self.transport.close  # type: ignore[literal-required]


class Server:
    """The sandbox under uvicorn in a thread of its own, on loopback.

    Port 0 takes a free one. Without `vendors` all that are found take part; without `world` one
    is generated from `seed` and `size`. `clock` is the vendors' time, in their data and in `Date`.
    """

    def __init__(
        self,
        world: World | None = None,
        vendors: Sequence[Vendor] | None = None,
        *,
        seed: int = 1,
        size: int = 100,
        port: int = 0,
        rate_limits: bool = True,
        search_lag: float = 5.0,
        clock: Clock = wall_clock,
    ) -> None:
        found = discover() if vendors is None else tuple(vendors)
        self.world = world or generate(seed, size, vendors=found)
        self.socket = listen(port)
        self.port: int = self.socket.getsockname()[1]
        self.origin = f"http://{HOST}:{self.port}"
        self.app = create_app(
            self.world,
            found,
            origin=self.origin,
            rate_limits=rate_limits,
            search_lag=search_lag,
            clock=clock,
        )
        self.uvicorn = uvicorn.Server(configuration(self.app))
        self.thread = threading.Thread(target=self.run, name="sandbox", daemon=True)

    @property
    def credentials(self) -> Credentials:
        """What a gateway needs to log in, by account."""
        made: Credentials = self.app.state.credentials
        return made

    @property
    def settings(self) -> dict[str, str]:
        """What a gateway's configuration says of each account beside its credentials, in TOML."""
        made: dict[str, str] = self.app.state.settings
        return made

    def run(self) -> None:
        """Serve until told to stop."""
        self.uvicorn.run(sockets=[self.socket])

    def start(self) -> Self:
        self.thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self.uvicorn.started:
            if not self.thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        if self.thread.is_alive():
            self.thread.join()
        self.socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def listen(port: int) -> socket.socket:
    """A bound socket, so that the origin is known before the application is made."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


def configuration(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=ClosableProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        # Vendors have clocks of their own.
        date_header=False,
        # As nginx, which stands before most of them; uvicorn's five seconds would close connections
        # under a client whose loop is busy.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


def serve(
    seed: int = 1,
    size: int = 1000,
    port: int = 9999,
    *,
    rate_limits: bool = True,
    search_lag: float = 5.0,
) -> None:
    """Serve until interrupted."""
    server = Server(seed=seed, size=size, port=port, rate_limits=rate_limits, search_lag=search_lag)
    print(
        f"sandbox on {server.origin} (seed {seed}, {len(server.world.orders)} orders)", flush=True
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
