"""The command line as an operator uses it: a process, its exit code and what it prints."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from connectors.registry import Registry
from gateway.demo import demo_toml
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.waiting import until

ROOT = Path(__file__).parents[2]
SOURCES = ("salesforce", "stripe_eu", "stripe_us")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    vendors = [v for v in discover(("salesforce",)) if v.name in ("salesforce", "stripe")]
    with Sandbox(vendors=vendors, size=30, rate_limits=False) as running:
        yield running


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A file that fits the sandbox; the port is a free one."""
    text, _ = demo_toml(sandbox, Registry(), str(tmp_path), port=0)
    path = tmp_path / "tillgate.toml"
    path.write_text(text)
    return path


@pytest.fixture
def environ(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    _, secrets = demo_toml(sandbox, Registry(), str(tmp_path), port=0)
    return os.environ | secrets


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "gateway.cli", *map(str, arguments)]


def tillgate(
    *arguments: object, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, cwd=ROOT, env=environ
    )


def changed(config: Path, old: str, new: str) -> Path:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    return config


def test_help_lists_every_command_with_examples() -> None:
    done = tillgate("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("demo", "sandbox", "run", "check", "schema", "links"):
        assert f"\n    {name} " in done.stdout
    assert "tillgate run --config tillgate.toml" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("serve",), "invalid choice: 'serve'"),
        (("demo", "--size", "19"), "--size: expected a whole number from 20 to 200000"),
        (("demo", "--size", "many"), "--size: expected a whole number"),
        (("demo", "--port", "-1"), "--port: expected"),
        (("demo", "--port", "65536"), "--port: expected a whole number from 0 to 65535"),
        (("sandbox", "--sandbox-port", "1e3"), "expected a whole number from 0 to 65535"),
        (("run", "--config", "none.toml"), "none.toml: there is no such file"),
    ],
)
def test_wrong_use_is_exit_code_2_with_the_reason(arguments: tuple[str, ...], told: str) -> None:
    done = tillgate(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("port = 0", 'host = "0.0.0.0"', "server.host: 0.0.0.0 is not a loopback address"),
        ("port = 0", 'host = "192.168.1.10"', "server.host: 192.168.1.10 is not a loopback"),
        ("port = 0", "prot = 0", "server.prot: unknown key, did you mean 'port'?"),
        ('"STRIPE_EU_KEY"', '"NOWHERE"', "sources.stripe_eu.key: the environment variable NOWHERE"),
        ('vendor = "stripe"', 'vendor = "strip"', "did you mean 'stripe'?"),
    ],
)
def test_wrong_settings_are_exit_code_2_before_anything_is_called(
    config: Path, environ: dict[str, str], sandbox: Sandbox, old: str, new: str, told: str
) -> None:
    httpx.delete(f"{sandbox.origin}/_sandbox/calls")
    done = tillgate("run", "--config", changed(config, old, new), environ=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tillgate: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert httpx.get(f"{sandbox.origin}/_sandbox/calls").json()["calls"] == []


def test_a_port_that_is_taken_is_exit_code_2(config: Path, environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        own = changed(config, "port = 0", f"port = {port}")
        done = tillgate("run", "--config", own, environ=environ)
        assert done.returncode == 2
        assert (
            done.stderr == f"tillgate: cannot listen on 127.0.0.1:{port}: Address already in use\n"
        )
        for option in ("--port", "--sandbox-port"):
            other = "--sandbox-port" if option == "--port" else "--port"
            demo = tillgate("demo", "--once", "--size", 20, option, port, other, 0)
            assert demo.returncode == 2
            assert f"cannot listen on 127.0.0.1:{port}" in demo.stderr


@pytest.mark.parametrize(
    ("options", "name"), [((), "schema.graphql"), (("--federation",), "federation.graphql")]
)
def test_the_printed_sdl_is_the_committed_one(options: tuple[str, ...], name: str) -> None:
    done = tillgate("schema", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (ROOT / "schema" / name).read_text()


def test_the_demo_answers_and_ends() -> None:
    done = tillgate("demo", "--once", "--size", 30, "--port", 0, "--sandbox-port", 0)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"paymentState"' in done.stdout
    assert '"errors"' not in done.stdout


def test_the_demo_runs_with_one_crm_alone() -> None:
    ports = ("--port", 0, "--sandbox-port", 0)
    done = tillgate("demo", "--once", "--size", 20, "--crm", "kingdee", *ports)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"name": "kingdee"' in done.stdout
    assert "salesforce" not in done.stdout
    assert '"errors"' not in done.stdout


def test_a_crm_that_is_not_simulated_is_told() -> None:
    done = tillgate("demo", "--once", "--crm", "kingdom")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "tillgate: --crm: no simulated CRM is named 'kingdom'; known: hubspot, jiandaoyun, kingdee"
    )


def test_map_proposes_toml(config: Path, environ: dict[str, str]) -> None:
    done = tillgate("map", "salesforce", "--config", config, environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    proposed = tomllib.loads(done.stdout)["sources"]["salesforce"]
    assert proposed["customers"][0]["email"] == "Email__c"
    assert proposed["orders"][0]["channel"] == "Payment_Channel__c"


def test_map_check_ends_with_one_if_anything_drifted(config: Path, environ: dict[str, str]) -> None:
    done = tillgate("map", "salesforce", "--check", "--config", config, environ=environ)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "DRIFT orders[0].status: 'Payment_Status__c' can be 'awaiting_oracle', which leads to no"
    )
    own = changed(config, 'paid = "PAID"', 'paid = "PAID", awaiting_oracle = "UNKNOWN"')
    done = tillgate("map", "salesforce", "--check", "--config", own, environ=environ)
    assert (done.returncode, done.stdout) == (
        0,
        "ok    salesforce: every field of its mapping is there\n",
    )


@pytest.mark.parametrize("command", [("map",), ("check", "--data")])
@pytest.mark.parametrize(
    ("source", "told"),
    [("salesforc", "no source is named 'salesforc', did you mean 'salesforce'?"), ("x", "known:")],
)
def test_a_source_that_is_not_configured_is_wrong_use(
    config: Path, environ: dict[str, str], command: tuple[str, ...], source: str, told: str
) -> None:
    done = tillgate(*command, source, "--config", config, environ=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_source_with_fixed_records_has_no_mapping(config: Path, environ: dict[str, str]) -> None:
    done = tillgate("map", "stripe_eu", "--config", config, environ=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert "sources.stripe_eu: stripe has no mapping" in done.stderr


def test_check_data_reads_everything_and_tells_how_far_it_is(
    config: Path, environ: dict[str, str]
) -> None:
    done = tillgate("check", "--data", "salesforce", "--config", config, environ=environ)
    assert done.returncode == 0
    assert done.stdout.endswith(" records read, 0 values do not fit\n")
    assert "records read, 0 values do not fit" in done.stderr


def test_check_tells_how_every_source_is(config: Path, environ: dict[str, str]) -> None:
    done = tillgate("check", "--config", config, environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    heads = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split()[:2] for line in heads] == [["ok", name] for name in SOURCES]
    assert all(" ms, " in line for line in heads)
    assert "of 15000 calls left" in heads[0]
    assert heads[1].endswith("quota not told by the vendor")
    assert done.stdout.count("      can: ") == 3
    assert "payments_by_reference" in done.stdout


def test_check_with_a_wrong_key_names_the_source_and_not_the_key(
    config: Path, environ: dict[str, str]
) -> None:
    environ["STRIPE_EU_KEY"] = "sk_test_never_shown"
    done = tillgate("check", "--config", config, environ=environ)
    assert done.returncode == 1
    heads = [line.split()[:2] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert heads == [["ok", "salesforce"], ["FAIL", "stripe_eu"], ["ok", "stripe_us"]]
    assert "Unauthorized" in done.stdout
    assert "never_shown" not in done.stdout + done.stderr


@pytest.mark.parametrize("key", ["another", "never_shown"])
def test_check_with_a_wrong_private_key_names_the_source_and_not_the_key(
    config: Path, environ: dict[str, str], key: str
) -> None:
    if key == "another":
        key = RSAKey.generate_key(2048).as_pem(private=True).decode()
    environ["SALESFORCE_PRIVATE_KEY"] = key
    done = tillgate("check", "--config", config, environ=environ)
    assert done.returncode == 1
    heads = [line.split()[:2] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert heads == [["FAIL", "salesforce"], ["ok", "stripe_eu"], ["ok", "stripe_us"]]
    shown = done.stdout + done.stderr
    assert [line for line in key.splitlines() if line in shown] == []
    assert "Traceback" not in shown


class Running:
    """`tillgate run` as a process of its own; it is ready when it is made. `limits` are the
    process's own, by their numbers in `resource`; `begun` is its log from before it was ready."""

    def __init__(
        self, config: Path, environ: dict[str, str], limits: Mapping[int, int] | None = None
    ) -> None:
        def limit() -> None:
            for number, most in (limits or {}).items():
                resource.setrlimit(number, (most, most))

        self.process = subprocess.Popen(
            command("run", "--config", config),
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environ,
            preexec_fn=limit,
        )
        self.begun: list[str] = []
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        assert first.startswith("GraphQL at http://127.0.0.1:")
        self.url = first.split()[-1]
        while "Application startup complete" not in (line := self.process.stderr.readline()):
            self.begun.append(line)
            assert self.process.poll() is None
        self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        until(self._listens)

    def _listens(self) -> bool:
        try:
            httpx.get(self.url.replace("/graphql", "/readyz")).raise_for_status()
        except httpx.TransportError:
            return False
        return True

    def stopped_by(self, number: int) -> tuple[int, str]:
        """The exit code, and what is left of its log."""
        self.process.send_signal(number)
        _, log = self.process.communicate()
        return self.process.returncode, log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_peace(config: Path, environ: dict[str, str], number: int) -> None:
    code, log = Running(config, environ).stopped_by(number)
    assert code == 0
    assert "Traceback" not in log
    assert '"level": "error"' not in log


def test_a_request_that_runs_is_finished_before_it_ends(
    config: Path, environ: dict[str, str], sandbox: Sandbox
) -> None:
    control = f"{sandbox.origin}/_sandbox"
    running = Running(config, environ)
    slow = {"vendor": "stripe", "kind": "latency", "latency_ms": 1500}
    httpx.put(f"{control}/faults", json={"faults": [slow]}).raise_for_status()
    httpx.delete(f"{control}/calls").raise_for_status()
    answers: list[httpx.Response] = []
    query = "{ orders(first: 3) { nodes { payments { nodes { id } } } } }"

    def ask() -> None:
        answers.append(httpx.post(running.url, json={"query": query}, timeout=120))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        until(lambda: any("/query" in call["path"] for call in _calls(control)))
        assert answers == []
        code, log = running.stopped_by(signal.SIGTERM)
        asking.join()
    finally:
        httpx.delete(f"{control}/faults").raise_for_status()
    assert [answer.status_code for answer in answers] == [200]
    assert "errors" not in answers[0].json()
    assert len(answers[0].json()["data"]["orders"]["nodes"]) == 3
    assert code == 0
    assert "Traceback" not in log


def _calls(control: str) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = httpx.get(f"{control}/calls").json()["calls"]
    return calls
