"""SIGHUP: a running process takes over new keys and documents, and never dies of it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from auth.sealing import make_key
from connectors.registry import Registry
from gateway.demo import demo_toml
from gateway.demo_clients import demo_client
from gateway.token import fetch_token
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.gateway.test_cli import Running

PAYMENTS = "{ payments(first: 1) { nodes { id } } }"
TABLES = """
[documents]
files = ["operations.json"]
[encryption]
keys = [{{ id = "{key}", key = {{ file = "sealing" }} }}]
[auth]
resource = "{resource}"
[auth.embedded]
keys = "{folder}/keys.json"
demo_clients = true
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    vendors = [v for v in discover(("salesforce",)) if v.name in ("salesforce", "stripe")]
    with Sandbox(vendors=vendors, size=20, rate_limits=False) as running:
        yield running


class Served:
    """A running process whose keys and documents are files."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.folder = folder
        text, secrets = demo_toml(sandbox, Registry(), str(folder), port=0)
        self.right = secrets["STRIPE_EU_KEY"]
        text = text.replace('{ env = "STRIPE_EU_KEY" }', '{ file = "stripe" }')
        tables = TABLES.format(key="first", resource="http://127.0.0.1", folder=folder)
        self.config = text + tables
        self.put("tillgate.toml", self.config)
        self.put("stripe", self.right)
        self.put("sealing", make_key())
        self.put("operations.json", json.dumps({"one": "{ __typename }"}))
        self.running = Running(folder / "tillgate.toml", os.environ | secrets)
        self.origin = self.running.url.removesuffix("/graphql")
        self.token = fetch_token(self.origin, *demo_client("frontend"))

    def put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def told(self) -> list[dict[str, Any]]:
        """Reads again; what the process logs of it, the summary last."""
        self.running.process.send_signal(signal.SIGHUP)
        stream = self.running.process.stderr
        assert stream is not None
        lines: list[dict[str, Any]] = []
        while not lines or lines[-1]["message"] != "settings were read again":
            line = json.loads(stream.readline())
            lines += [line] if line["logger"] == "tillgate.process" else []
        return lines

    def ask(self, **body: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.token}"}
        answer = httpx.post(self.running.url, json=body, headers=headers, timeout=30)
        found: dict[str, Any] = answer.json()
        return found

    def knows(self, document: str) -> bool:
        return self.ask(documentId=document) == {"data": {"__typename": "Query"}}


@pytest.fixture
def served(sandbox: Sandbox, tmp_path: Path) -> Iterator[Served]:
    one = Served(sandbox, tmp_path)
    yield one
    one.running.process.kill()
    one.running.process.communicate()


def test_documents_are_read_again_and_what_needs_a_restart_is_named(served: Served) -> None:
    assert (served.knows("one"), served.knows("two")) == (True, False)
    served.put("operations.json", json.dumps({"two": "{ __typename }"}))
    served.put(
        "tillgate.toml", served.config.replace("[documents]", "[limits]\ndepth = 9\n[documents]")
    )
    (line,) = served.told()
    assert (line["taken"], line["needs_restart"]) == (["documents"], ["limits"])
    assert (served.knows("one"), served.knows("two")) == (False, True)


def test_what_is_broken_stays_as_it_was(served: Served) -> None:
    served.put("operations.json", "{")
    problem, line = served.told()
    assert problem["why"].endswith("operations.json: not JSON")
    assert line["taken"] == []
    served.put("stripe", "")
    problem, line = served.told()
    assert problem["why"] == "sources.stripe_eu.key: the file stripe is empty"
    served.put("stripe", "sk_test_refused")
    problems = served.told()[:-1]
    assert problems[0]["why"].startswith("sources.stripe_eu: ")
    served.put("tillgate.toml", "[")
    problem, line = served.told()
    assert problem["why"].startswith("not TOML")
    assert served.knows("one")
    assert "errors" not in served.ask(query=PAYMENTS)
    served.running.process.send_signal(signal.SIGTERM)
    _, log = served.running.process.communicate(timeout=30)
    assert (served.running.process.returncode, "Traceback" in log) == (0, False)
    assert "sk_test_refused" not in log


def test_a_source_gets_its_new_key_if_its_vendor_takes_it(served: Served) -> None:
    served.put("stripe", "sk_test_refused")
    assert served.told()[-1]["taken"] == []
    served.put("stripe", served.right)
    assert served.told()[-1]["taken"] == []
    text = served.config.replace('{ file = "stripe" }', '{ file = "stripe" }\nsearch_lag = 90')
    served.put("tillgate.toml", text)
    assert served.told()[-1]["taken"] == ["sources.stripe_eu"]
    assert "errors" not in served.ask(query=PAYMENTS)


def test_a_key_that_seals_is_taken_over_if_it_opens_what_is_sealed(served: Served) -> None:
    old = (served.folder / "sealing").read_text()
    served.put("sealing", make_key())
    problem, line = served.told()
    assert problem["why"].startswith("encryption: ")
    assert line["taken"] == []
    served.put("second", make_key())
    served.put("sealing", old)
    both = 'keys = [{ id = "second", key = { file = "second" } }, { id = "first"'
    served.put("tillgate.toml", served.config.replace('keys = [{ id = "first"', both))
    (line,) = served.told()
    assert line["taken"] == ["encryption"]
    assert fetch_token(served.origin, *demo_client("bi"))
