"""Runs the application under uvicorn: on loopback only, unless who asks is known."""

from __future__ import annotations

import gc
import socket

import uvicorn

from connectors.registry import Registry
from gateway.app import create_app
from gateway.auth_settings import AuthSettings
from gateway.loopback import is_loopback
from gateway.settings import Settings


class Refusal(Exception):
    """The server does not start; the message says why, for the operator."""


def check_address(host: str, auth: AuthSettings | None = None) -> None:
    """Refusal for anything but loopback while nobody who asks is identified, or anybody can be."""
    if is_loopback(host):
        return
    if auth is None:
        raise Refusal(
            f"server.host: {host} is not a loopback address. Without [auth] whoever reaches the"
            " gateway may read everything, so it listens on 127.0.0.1 only."
        )
    if auth.embedded is not None and auth.embedded.demo_clients:
        raise Refusal(
            f"server.host: {host} is not a loopback address, and auth.embedded.demo_clients lets in"
            " whoever knows the demo's secrets, which is everybody."
        )


def listen(host: str, port: int, auth: AuthSettings | None = None) -> socket.socket:
    """A bound socket; port 0 takes a free one. Refusal if the port is taken."""
    check_address(host, auth)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because asyncio sends without delay only on sockets that say that they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Refusal(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def settle_memory() -> None:
    """What start-up made stays, so the collector need not look at it again; what a query makes is
    freed by counting, and looking for cycles after every 700 new objects, as by default, costs a
    third of a large answer's time (`benchmarks/`). For the whole process: the command's to call."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


def server(settings: Settings, registry: Registry) -> uvicorn.Server:
    """A server that finishes running requests for `server.drain` seconds when told to stop."""
    config = uvicorn.Config(
        create_app(settings, registry),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whose connection it is decides whose certificate header counts: no header replaces that.
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=settings.server.drain,
    )
    return uvicorn.Server(config)
