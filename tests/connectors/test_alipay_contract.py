"""What is asked and answered, held against the vendor's own machine-readable description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from connectors.alipay import VENDOR, operations
from connectors.alipay.operations import Operation
from connectors.alipay.rest import Rest
from connectors.conformance import connected
from connectors.conformance_kit import drained
from sandbox.server import Server
from tests.connectors.alipay_sandbox import AlipaySandbox, serve

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contracts/alipay.json").read_text(encoding="utf-8")
)
BOOKS = (datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))
DECLARED = {o["method"]: o for o in CONTRACT["operations"]}
OURS = {o.method: o for o in vars(operations).values() if isinstance(o, Operation) and o.path}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@cache
def schema(name: str) -> Any:
    whole = {"$ref": f"#/$defs/{name}", "$defs": CONTRACT["$defs"]}
    return import_module("jsonschema").Draft202012Validator(whole)


def fits(name: str, value: object) -> None:
    assert [error.message for error in schema(name).iter_errors(value)] == []


def test_every_operation_has_the_address_of_the_contract() -> None:
    assert {m: (o.verb, o.path) for m, o in OURS.items()} == {
        m: (o["verb"], o["path"]) for m, o in DECLARED.items()
    }


@pytest.mark.anyio
async def test_questions_and_answers_fit_the_contract(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is taken where it leaves or enters, so that nothing is asked that is not declared."""
    seen: set[str] = set()
    request, content = Rest.request, Rest.content

    def asked(self: Rest, operation: Operation, given: Any) -> Any:
        made = request(self, operation, given)
        question = json.loads(made.body or b"{}") | dict(parse_qsl(made.path.partition("?")[2]))
        fits(DECLARED[operation.method]["question"], question)
        return made

    def answered(self: Rest, operation: Operation, response: Any) -> bytes:
        plain = content(self, operation, response)
        fits(DECLARED[operation.method]["answer"], json.loads(plain))
        seen.add(operation.method)
        return plain

    monkeypatch.setattr(Rest, "request", asked)
    monkeypatch.setattr(Rest, "content", answered)
    sandbox = AlipaySandbox(server)
    for books in ("account_log", "bill"):
        settings = sandbox.settings(protocol="v3", books=books)
        async with connected(VENDOR, settings) as connector:
            await connector.probe()
            await connector.payments([p.native_id for p in sandbox.payments])
            await connector.find_payments(["SO-0"])
            await connector.refunds([r.native_id for _, r in sandbox.refunds])
            await connector.disputes([p.dispute.native_id for p in sandbox.disputed if p.dispute])
            for period in connector.periods(*BOOKS):
                await drained(connector.entries(period))
    assert seen == set(DECLARED)
