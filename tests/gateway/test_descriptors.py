"""Our own lack of file descriptors is told as ours, and warned of at the start."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.registry import Registry
from gateway.demo import demo_toml
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.gateway.test_cli import Running

QUERY = "{ customers(first: 3) { nodes { id } } }"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    vendors = [v for v in discover(("salesforce",)) if v.name in ("salesforce", "stripe")]
    with Sandbox(vendors=vendors, size=20, rate_limits=False) as running:
        yield running


@pytest.fixture
def gateway(sandbox: Sandbox, tmp_path: Path) -> Iterator[Running]:
    """With a limit of 256, soft and hard."""
    text, secrets = demo_toml(sandbox, Registry(), str(tmp_path), port=0)
    path = tmp_path / "tillgate.toml"
    path.write_text(text)
    running = Running(path, os.environ | secrets, limits={resource.RLIMIT_NOFILE: 256})
    yield running
    running.process.kill()
    running.process.wait()


def limit(running: Running, soft: int) -> None:
    resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (soft, 256))


def asked(running: Running) -> dict[str, Any]:
    body: dict[str, Any] = httpx.post(running.url, json={"query": QUERY}, timeout=30).json()
    return body


def test_a_lack_of_descriptors_is_ours_and_ends_with_the_lack(gateway: Running) -> None:
    numbers = {int(name) for name in os.listdir(f"/proc/{gateway.process.pid}/fd")}
    free = [number for number in range(256) if number not in numbers]
    # One is left for the client's connection, none for those to vendors.
    limit(gateway, free[1])
    lacking = asked(gateway)
    limit(gateway, 256)
    assert {e["extensions"]["code"] for e in lacking["errors"]} == {"GATEWAY_RESOURCES"}
    assert "errors" not in asked(gateway)
    _, log = gateway.stopped_by(signal.SIGTERM)
    lines = [json.loads(line) for line in [*gateway.begun, *log.splitlines()]]
    (warning,) = [line for line in lines if line["logger"] == "tillgate.process"]
    assert warning["message"] == "too few file descriptors: raise the limit (ulimit -n)"
    assert (warning["limit"], warning["needed"]) == (256, 20 + 32 + 32 + 256)
    assert "this process has no file descriptor left: raise its limit (ulimit -n)" in log
    assert "the connection failed" not in log
