"""One vendor's failure nulls its own fields, each with one located error; the rest stands."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.server import Server as Sandbox
from tests.graph.conftest import STRIPE_ONLY, Control, Truth
from tests.serving import GatewayServer

ORDERS = """{ orders(first: 3) { nodes { number total { amount } recordedState
  customer { name } paid { amount } paymentState inSync
  payments { nodes { id } } } } }"""

PAYMENTS = """{ payments(first: 3) { nodes { id amount { amount }
  refunds { nodes { id } } order { number } } } }"""


def down(vendor: str, **more: Any) -> dict[str, Any]:
    return {"vendor": vendor, "kind": "status", "status": 503, **more}


def located(answer: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """`path -> (code, source)` of each error; a path occurs once."""
    errors = {
        ".".join(map(str, e["path"])): (e["extensions"]["code"], e["extensions"]["source"])
        for e in answer.get("errors", [])
    }
    assert len(errors) == len(answer.get("errors", []))
    return errors


def nulls(value: Any, path: str = "") -> set[str]:
    """Paths of all nulls."""
    if value is None:
        return {path}
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return {p for key, inner in items for p in nulls(inner, f"{path}.{key}".lstrip("."))}


def test_with_stripe_down_the_orders_are_still_there(
    stripe_only: GatewayServer, control: Control
) -> None:
    before = stripe_only.data(ORDERS)["orders"]["nodes"]
    control.faults(down("stripe"))
    answer = stripe_only.ask(ORDERS)
    nodes = answer["data"]["orders"]["nodes"]
    for node, old in zip(nodes, before, strict=True):
        for field in ("number", "total", "recordedState", "customer"):
            assert node[field] == old[field]
    errors = located(answer)
    derived = ("paid", "paymentState", "inSync", "payments")
    expected = {f"orders.nodes.{i}.{field}" for i in range(3) for field in derived}
    assert set(errors) == expected
    assert {code for code, _ in errors.values()} == {"UPSTREAM_UNAVAILABLE"}
    assert {source for _, source in errors.values()} <= {"stripe_eu", "stripe_us"}
    silent = {p for p in nulls(answer["data"]) - expected if not p.endswith(".total")}
    assert {p for p in silent if not p.endswith("customer")} == set()


def test_with_salesforce_down_the_payments_are_still_there(
    stripe_only: GatewayServer, control: Control
) -> None:
    before = stripe_only.data(PAYMENTS)["payments"]["nodes"]
    control.faults(down("salesforce"))
    answer = stripe_only.ask(PAYMENTS)
    nodes = answer["data"]["payments"]["nodes"]
    assert [n | {"order": None} for n in before] == nodes
    errors = located(answer)
    assert set(errors) == {f"payments.nodes.{i}.order" for i in range(3)}
    assert set(errors.values()) == {("UPSTREAM_UNAVAILABLE", "salesforce")}


def test_a_root_of_a_source_that_is_down_is_null_with_its_error(
    stripe_only: GatewayServer, control: Control
) -> None:
    control.faults(down("salesforce"))
    answer = stripe_only.ask("{ orders { nodes { id } } payments(first: 1) { nodes { id } } }")
    assert answer["data"]["orders"] is None
    assert len(answer["data"]["payments"]["nodes"]) == 1
    assert located(answer) == {"orders": ("UPSTREAM_UNAVAILABLE", "salesforce")}


def test_one_of_two_accounts_down_takes_part_as_one_null_with_its_error(
    stripe_only: GatewayServer, control: Control
) -> None:
    control.faults(down("stripe", account="stripe_us"))
    answer = stripe_only.ask("{ payments(first: 5) { nodes { source { name } } } }")
    nodes = answer["data"]["payments"]["nodes"]
    assert nodes == [{"source": {"name": "stripe_eu"}}] * 5 + [None]
    assert located(answer) == {"payments.nodes.5": ("UPSTREAM_UNAVAILABLE", "stripe_us")}


def test_what_an_order_was_paid_is_not_told_while_one_account_is_down(
    stripe_only: GatewayServer, control: Control, truth: Truth
) -> None:
    """A sum that may lack something is not shown; what was found is."""
    order = next(
        o for o in truth["orders"] if o["payments"] and o["payments"][0]["source"] == "stripe_eu"
    )
    control.faults(down("stripe", account="stripe_us"))
    query = (
        "query O($n: String!) { order(number: $n) { paid { amount } payments { nodes { id } } } }"
    )
    answer = stripe_only.ask(query, n=order["number"])
    assert answer["data"]["order"]["paid"] is None
    nodes = answer["data"]["order"]["payments"]["nodes"]
    found = [node["id"] for node in nodes if node is not None]
    assert sorted(found) == sorted(
        f"{p['source']}:payment:{p['nativeId']}" for p in order["payments"]
    )
    assert nodes[-1] is None
    assert set(located(answer)) == {"order.paid", f"order.payments.nodes.{len(found)}"}


def test_what_follows_from_refunds_that_cannot_be_read_is_null_with_their_failure(
    gateway: GatewayServer, control: Control, truth: Truth
) -> None:
    order = next(
        o
        for o in truth["orders"]
        if any(p["source"] == "wechat_cn" and p["refunds"] for p in o["payments"])
    )
    query = """query O($n: String!) { order(number: $n) {
      paid { minorUnits } refunded { minorUnits } paymentState inSync
      payments(filter: {source: ["wechat_cn"]}) { nodes {
        reference captured { minorUnits } status refunded { minorUnits } refunds { nodes { id } }
      } } customer { totals { currency } } } }"""
    before = gateway.data(query, n=order["number"])["order"]
    control.faults(down("wechatpay", path="/v3/refund"))
    answer = gateway.ask(query, n=order["number"])
    shown = answer["data"]["order"]
    assert shown["paid"] == before["paid"]
    for payment, old in zip(shown["payments"]["nodes"], before["payments"]["nodes"], strict=True):
        assert (payment["reference"], payment["captured"]) == (old["reference"], old["captured"])
    errors = located(answer)
    below = ("status", "refunded", "refunds")
    expected = {f"order.{field}" for field in ("refunded", "paymentState", "inSync")}
    expected |= {f"order.payments.nodes.0.{field}" for field in below} | {"order.customer.totals"}
    assert set(errors) == expected <= nulls(answer["data"])
    assert set(errors.values()) == {("UPSTREAM_UNAVAILABLE", "wechat_cn")}


def test_a_list_by_state_says_whose_state_could_not_be_read(
    gateway: GatewayServer, control: Control
) -> None:
    """A refunded payment is not silently absent while its refunds cannot be read."""
    query = """{ payments(first: 50, filter: {status: [REFUNDED, PARTIALLY_REFUNDED],
      source: ["wechat_cn"]}) { nodes { id status } } }"""
    before = gateway.data(query)["payments"]["nodes"]
    assert before
    control.faults(down("wechatpay", path="/v3/refund"))
    answer = gateway.ask(query)
    assert all(node is None for node in answer["data"]["payments"]["nodes"])
    assert len(answer["data"]["payments"]["nodes"]) >= len(before)
    assert {source for _, source in located(answer).values()} == {"wechat_cn"}


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "latency": ({"kind": "latency", "latency_ms": 5000}, "UPSTREAM_TIMEOUT"),
    "rate limit": ({"kind": "rate_limit"}, "UPSTREAM_RATE_LIMITED"),
    "html": ({"kind": "html"}, "UPSTREAM_MALFORMED"),
    "broken json": ({"kind": "bad_json"}, "UPSTREAM_MALFORMED"),
    "a cut body": ({"kind": "cut"}, "UPSTREAM_UNAVAILABLE"),
    "a dropped connection": ({"kind": "drop"}, "UPSTREAM_UNAVAILABLE"),
    "a server error": ({"kind": "status", "status": 500}, "UPSTREAM_UNAVAILABLE"),
}


@pytest.fixture(scope="module")
def impatient(sandbox: Sandbox) -> Any:
    """A gateway whose sources have half the time that the slow sandbox takes."""
    with GatewayServer(sandbox, only=STRIPE_ONLY, source_changes={"deadline": 2.5}) as running:
        running.data("{ orders(first: 1) { nodes { id } } }")
        yield running


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("vendor", ["salesforce", "stripe"])
def test_every_kind_of_failure_has_its_code(
    impatient: GatewayServer, control: Control, vendor: str, name: str
) -> None:
    fault, code = FAULTS[name]
    control.faults({"vendor": vendor, **fault})
    root = "customers" if vendor == "salesforce" else "payments"
    answer = impatient.ask(f"{{ {root}(first: 1) {{ nodes {{ id }} }} __typename }}")
    assert answer["data"] == {root: None, "__typename": "Query"}
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == ([root], code)
    assert error["extensions"]["source"].startswith(vendor)


def test_nothing_hangs_past_the_deadline(impatient: GatewayServer, control: Control) -> None:
    """Each level of joins waits at most a source's deadline; the sandbox answers after five."""
    control.faults(
        *({"vendor": v, "kind": "latency", "latency_ms": 5000} for v in ("salesforce", "stripe"))
    )
    answer = impatient.ask(
        "{ orders(first: 2) { nodes { id } } payments(first: 2) { nodes { id } } }"
    )
    assert answer["data"] == {"orders": None, "payments": None}
    assert {e["extensions"]["code"] for e in answer["errors"]} == {"UPSTREAM_TIMEOUT"}


def test_a_session_that_expires_is_renewed_once(
    stripe_only: GatewayServer, control: Control
) -> None:
    control.faults({"vendor": "salesforce", "kind": "status", "status": 401, "times": 1})
    data = stripe_only.data("{ orders(first: 1) { nodes { id } } }")
    assert len(data["orders"]["nodes"]) == 1
    logins = [path for path in control.paths() if path.endswith("/services/oauth2/token")]
    assert len(logins) <= 1


def test_a_row_that_comes_twice_is_shown_once(stripe_only: GatewayServer, control: Control) -> None:
    control.faults({"vendor": "stripe", "kind": "duplicate"})
    nodes = stripe_only.data("{ payments(first: 20) { nodes { id } } }")["payments"]["nodes"]
    assert len({node["id"] for node in nodes}) == len(nodes) == 20


def test_a_failure_tells_clients_nothing_of_the_vendor(
    stripe_only: GatewayServer, control: Control
) -> None:
    control.faults(down("stripe"), down("salesforce"))
    text = stripe_only.post("{ orders { nodes { id } } payments { nodes { id } } }").text
    for word in ("SERVER_UNAVAILABLE", "Traceback", "api_error", "127.0.0.1", "Bearer", "sk_"):
        assert word not in text
