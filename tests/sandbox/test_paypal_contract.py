"""The simulated PayPal's answers and our own calls against PayPal's published OpenAPI.

Known differences, both of the real service: reports write a zone without its colon, and an unknown
status is one that the file cannot list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

from connectors.conformance import Conformance, connected
from connectors.conformance_kit import entries_of
from connectors.paypal import VENDOR
from sandbox.generate import generate
from sandbox.paypal import VENDOR as PAYPAL
from sandbox.paypal import objects
from sandbox.paypal.errors import PaypalError, answer, error_answer
from sandbox.paypal.queries import Query
from sandbox.paypal.store import Store
from sandbox.server import Server
from sandbox.stripe import VENDOR as STRIPE
from tests.connectors.paypal_sandbox import PaypalSandbox
from tests.sandbox.conftest import PAPER

CONTRACT = json.loads((Path(__file__).parents[1] / "contracts/paypal.json").read_text("utf-8"))
NO_COLON = re.compile(r"(T\d\d:\d\d:\d\d[+-]\d\d)(\d\d)\b")
CAPTURE = "GET /v2/payments/captures/{capture_id}"
AUTHORIZATION = "GET /v2/payments/authorizations/{authorization_id}"
REFUND = "GET /v2/payments/refunds/{refund_id}"
ORDER = "GET /v2/checkout/orders/{id}"
DISPUTE = "GET /v1/customer/disputes/{id}"
DISPUTES = "GET /v1/customer/disputes"
REPORT = "GET /v1/reporting/transactions"


def wrong(schema: dict[str, Any], value: Any) -> list[str]:
    """What of a value does not keep to a schema of the contract."""
    validator = Draft202012Validator({"schemas": CONTRACT["schemas"], **schema})
    return [f"{list(e.absolute_path)}: {e.message[:120]}" for e in validator.iter_errors(value)]


def answers(operation: str, body: Any, status: str = "200") -> list[str]:
    return wrong(CONTRACT["operations"][operation]["responses"][status], body)


@pytest.fixture(scope="module")
def store() -> Store:
    world = generate(3, 150, vendors=(PAPER, STRIPE, PAYPAL))
    return Store([p for p in world.payments_of("paypal") if p.status != "UNKNOWN"])


def test_the_contract_says_where_it_is_from() -> None:
    assert CONTRACT["source"].startswith("https://github.com/paypal/")
    assert (len(CONTRACT["commit"]), CONTRACT["licence"]) == (40, "Apache-2.0")


def test_every_object_keeps_to_the_contract(store: Store) -> None:
    for payment in store.payments.values():
        key = payment.native_id
        held = objects.is_authorization(payment)
        one = store.authorization(key) if held else store.capture(key)
        assert answers(AUTHORIZATION if held else CAPTURE, one) == []
        assert answers(ORDER, store.order(objects.order_id(payment))) == []
        for refund in payment.refunds:
            assert answers(REFUND, store.refund(refund.native_id)) == []


def test_disputes_keep_to_the_contract(store: Store) -> None:
    assert store.disputes
    assert answers(DISPUTES, store.dispute_list(Query({}))) == []
    for key in store.disputes:
        assert answers(DISPUTE, store.dispute(key)) == []


def test_reports_keep_to_the_contract(store: Store) -> None:
    window = "start_date=2026-01-01T00:00:00Z&end_date=2026-01-31T23:59:59Z"
    query = Query.of(window + "&fields=all&balance_affecting_records_only=N")
    report = store.history.search(query, datetime(2026, 11, 1, tzinfo=UTC))
    assert len(report["transaction_details"]) > 10
    assert answers(REPORT, json.loads(NO_COLON.sub(r"\1:\2", json.dumps(report)))) == []


@pytest.mark.parametrize(("status", "name"), [(403, "error_403"), (404, "error_404")])
def test_refusals_keep_to_the_contract(status: int, name: str) -> None:
    body = json.loads(error_answer(status).body)
    assert wrong({"$ref": f"#/schemas/payments/{name}"}, body) == []
    missing = PaypalError("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
    assert answers(CAPTURE, json.loads(answer(404, missing.content).body)["name"], "404") != []


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(size=40, vendors=(PAPER, STRIPE, PAYPAL)) as running:
        yield running


@pytest.mark.anyio
async def test_every_call_of_ours_keeps_to_the_contract(server: Server) -> None:
    sandbox = PaypalSandbox(server)
    some = [p.native_id for p in sandbox.payments()][:20]
    async with connected(VENDOR, sandbox.settings(read_orders=True)) as connector:
        await connector.probe()
        await connector.payments([*some, "0NONE000000000000"])
        await connector.disputes_by_payment(some)
        await connector.refunds_by_payment(some)
        told = await entries_of(connector, Conformance.books)
        await connector.refunds([key for kind, key in told if kind.value == "refund"])
    seen = {called(path, query) for path, query in sandbox.asked() if "oauth2" not in path}
    assert seen == {CAPTURE, AUTHORIZATION, REFUND, ORDER, DISPUTE, DISPUTES, REPORT}


def called(path: str, query: str) -> str:
    """The operation of a call, whose parameters are checked."""
    known: dict[str, Any] = CONTRACT["operations"]
    (name,) = [
        name
        for name in known
        if name.startswith("GET ") and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", name[4:]), path)
    ]
    given = dict(parse_qsl(query))
    for key, parameter in known[name]["query"].items():
        assert key in given or not parameter["required"], (name, key)
    for key, text in given.items():
        schema = known[name]["query"][key]["schema"]
        value = int(text) if schema.get("type") == "integer" else text
        assert wrong(schema, value) == [], (name, key, text)
    return name
