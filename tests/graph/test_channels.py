"""All payment channels in one graph: whatever each of them can and cannot do by itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sandbox.server import Server as Sandbox
from tests.graph.conftest import Control, Truth
from tests.graph.test_truth import every
from tests.serving import GatewayServer

INDEXED = ("paypal", "alipay_cn", "ecny_cn", "wechat_cn", "unionpay_cn")
VENDOR_OF = {
    "paypal": "paypal",
    "alipay_cn": "alipay",
    "ecny_cn": "alipay",
    "wechat_cn": "wechatpay",
    "unionpay_cn": "unionpay",
}
ALL_PAYMENTS = """query P($after: String, $filter: PaymentFilter) {
  payments(first: 100, after: $after, filter: $filter) {
    pageInfo { hasNextPage endCursor }
    nodes { id provider channel status source { name } amount { minorUnits currency }
            captured { minorUnits } refunded { minorUnits } fee { minorUnits }
            payer { account name }
            deductions { kind amount { minorUnits } fundedBy } instalments { count }
            refunds(first: 100) { nodes { nativeId status amount { minorUnits } } } }
  }
}"""
PAGE = """query P($f: PaymentFilter) {
  payments(first: 20, filter: $f) { nodes { id provider channel } } }"""


@pytest.fixture(scope="module")
def payments(gateway: GatewayServer) -> list[dict[str, Any]]:
    return list(every(gateway, ALL_PAYMENTS, "payments"))


@pytest.fixture(scope="module")
def told(truth: Truth) -> dict[str, dict[str, Any]]:
    """The true payments of orders, by id."""
    return {
        f"{p['source']}:payment:{p['nativeId']}": p for o in truth["orders"] for p in o["payments"]
    }


def accounts(control: Control) -> Counter[str]:
    return Counter(call["account"] or call["vendor"] for call in control.calls())


def test_every_channel_is_in_one_list_right_to_the_minor_unit(
    payments: list[dict[str, Any]], told: dict[str, dict[str, Any]]
) -> None:
    shown = {p["id"]: p for p in payments}
    assert set(told) <= set(shown)
    for id_, true in told.items():
        payment = shown[id_]
        assert int(payment["amount"]["minorUnits"]) == true["amount"]
        assert (payment["amount"]["currency"], payment["status"]) == (
            true["currency"],
            true["status"],
        )
        assert sorted(
            (r["nativeId"], int(r["amount"]["minorUnits"]), r["status"])
            for r in payment["refunds"]["nodes"]
        ) == sorted((r["nativeId"], r["amount"], r["status"]) for r in true["refunds"])


def test_every_provider_and_digital_rmb_are_there(payments: list[dict[str, Any]]) -> None:
    providers = Counter(p["provider"] for p in payments)
    assert set(providers) == {"STRIPE", "PAYPAL", "ALIPAY", "WECHAT_PAY", "UNIONPAY"}
    ecny = {p["source"]["name"] for p in payments if p["channel"] == "ECNY"}
    assert ecny == {"alipay_cn", "ecny_cn", "wechat_cn"}


def test_digital_rmb_is_what_was_paid_with_it(
    payments: list[dict[str, Any]], told: dict[str, dict[str, Any]]
) -> None:
    shown = {p["id"] for p in payments if p["channel"] == "ECNY" and p["id"] in told}
    assert shown == {id_ for id_, true in told.items() if true["method"] == "ecny"}
    plans = {p["id"]: p["instalments"] for p in payments if p["channel"] == "ECNY"}
    assert set(plans.values()) == {None}


def test_coupons_and_points_are_told_with_who_bears_them(
    payments: list[dict[str, Any]], told: dict[str, dict[str, Any]]
) -> None:
    shown = {p["id"]: p["deductions"] for p in payments if p["id"] in told}
    deducted = {id_: true["deductions"] for id_, true in told.items() if true["deductions"]}
    assert len({id_.split(":")[0] for id_ in deducted}) >= 2
    for id_, true in told.items():
        if id_.startswith(("alipay_cn", "wechat_cn")):
            assert sum(int(d["amount"]["minorUnits"]) for d in shown[id_]) == sum(
                d["amount"] for d in true["deductions"]
            )


def test_fees_come_from_the_books_where_the_channel_tells_them_there(
    payments: list[dict[str, Any]],
) -> None:
    with_fee = {p["source"]["name"] for p in payments if p["fee"] is not None}
    assert {"paypal", "alipay_cn", "wechat_cn", "unionpay_cn"} <= with_fee


def test_no_payer_is_named_in_clear(payments: list[dict[str, Any]], sandbox: Sandbox) -> None:
    told = [p["payer"] for p in payments if p["payer"]]
    assert told
    names = {customer.name for customer in sandbox.world.customers if len(customer.name) > 1}
    for payer in told:
        for value in filter(None, payer.values()):
            assert "*" in value
            assert value not in names


@pytest.mark.parametrize(
    ("narrow", "asked"),
    [
        ({"provider": ["WECHAT_PAY"]}, {"wechat_cn"}),
        ({"provider": ["ALIPAY"]}, {"alipay_cn", "ecny_cn"}),
        ({"provider": ["STRIPE", "PAYPAL"]}, {"stripe_eu", "stripe_us", "paypal"}),
        ({"provider": ["ALIPAY"], "source": ["ecny_cn"]}, {"ecny_cn"}),
        ({"provider": ["STRIPE"], "source": ["ecny_cn"]}, set()),
        ({"source": ["unionpay_cn"]}, {"unionpay_cn"}),
    ],
)
def test_a_filter_leaves_whole_sources_out(
    gateway: GatewayServer, control: Control, narrow: dict[str, Any], asked: set[str]
) -> None:
    found = gateway.data(PAGE, f=narrow)["payments"]["nodes"]
    assert {node["id"].split(":")[0] for node in found} <= asked
    assert set(accounts(control)) <= asked
    assert bool(found) is bool(asked)


@pytest.mark.parametrize("channel", ["ECNY", "CARD", "PAY_LATER", "WALLET"])
def test_a_channel_filter_finds_all_of_it_and_nothing_else(
    gateway: GatewayServer, payments: list[dict[str, Any]], channel: str
) -> None:
    found = list(every(gateway, ALL_PAYMENTS, "payments", filter={"channel": [channel]}))
    expected = [p["id"] for p in payments if p["channel"] == channel]
    assert [p["id"] for p in found] == expected
    assert expected


def test_a_page_reads_no_more_records_than_it_shows(
    gateway: GatewayServer, control: Control
) -> None:
    """Of channels that cannot list: one call for a record, one for each of its refunds and
    complaints, and what PayPal needs for an order."""
    query = """query P($f: PaymentFilter) { payments(first: 20, filter: $f) {
      nodes { id refunds { nodes { id } } disputes { id } } } }"""
    nodes = gateway.data(query, f={"source": list(INDEXED)})["payments"]["nodes"]
    assert len(nodes) == 20
    calls = accounts(control)
    for source in ("alipay_cn", "ecny_cn", "wechat_cn", "unionpay_cn"):
        own = [n for n in nodes if n["id"].startswith(f"{source}:")]
        parts = sum(len(n["refunds"]["nodes"]) + len(n["disputes"]) for n in own)
        assert calls[source] <= len(own) + parts
    assert calls["paypal"] <= 1 + 9 * sum(n["id"].startswith("paypal:") for n in nodes)


def test_refunds_lead_back_to_their_payments_and_orders(
    gateway: GatewayServer, truth: Truth
) -> None:
    query = """query R($after: String) { refunds(first: 100, after: $after,
        filter: {source: ["paypal", "alipay_cn", "ecny_cn", "wechat_cn", "unionpay_cn"]}) {
      pageInfo { hasNextPage endCursor }
      nodes { nativeId source { name } payment { nativeId } order { number } } } }"""
    shown = {
        (r["source"]["name"], r["nativeId"]): (r["payment"]["nativeId"], r["order"]["number"])
        for r in every(gateway, query, "refunds")
        if r["order"] is not None
    }
    expected = {
        (p["source"], r["nativeId"]): (p["nativeId"], o["number"])
        for o in truth["orders"]
        for p in o["payments"]
        for r in p["refunds"]
        if p["source"] in INDEXED
    }
    assert shown == expected


NESTED = """query N($after: String, $f: PaymentFilter) { orders(first: 100, after: $after) {
  pageInfo { hasNextPage endCursor }
  nodes { number payments(first: 100, filter: $f) { nodes { id provider } } } } }"""


def test_an_orders_payments_can_be_narrowed_to_a_provider(
    gateway: GatewayServer, control: Control, truth: Truth
) -> None:
    narrow = {"provider": ["WECHAT_PAY"]}
    shown = {
        o["number"]: [p["id"] for p in o["payments"]["nodes"]]
        for o in every(gateway, NESTED, "orders", f=narrow)
    }
    assert set(accounts(control)) == {"salesforce", "wechat_cn"}
    for order in truth["orders"]:
        own = {
            f"wechat_cn:payment:{p['nativeId']}"
            for p in order["payments"]
            if p["source"] == "wechat_cn"
        }
        assert set(shown[order["number"]]) == own


@pytest.mark.parametrize("vendor", sorted(set(VENDOR_OF.values())))
@pytest.mark.parametrize("kind", ["status", "html", "rate_limit"])
def test_a_channel_that_is_down_nulls_its_own_fields_only(
    gateway: GatewayServer, control: Control, payments: list[dict[str, Any]], vendor: str, kind: str
) -> None:
    control.faults({"vendor": vendor, "kind": kind, "status": 500})
    answer = gateway.ask(PAGE, f={"source": ["stripe_eu", *INDEXED]})
    mine = {source for source, own in VENDOR_OF.items() if own == vendor}
    nodes = [node["id"] for node in answer["data"]["payments"]["nodes"] if node]
    assert nodes
    assert not [id_ for id_ in nodes if id_.split(":")[0] in mine]
    blamed = {error["extensions"]["source"] for error in answer.get("errors", [])}
    assert blamed <= mine
    for error in answer.get("errors", []):
        assert error["path"][:2] == ["payments", "nodes"]
        assert error["message"].startswith("The source")


@pytest.mark.parametrize("source", INDEXED)
def test_what_an_order_was_paid_is_not_told_while_its_channel_is_down(
    gateway: GatewayServer, control: Control, truth: Truth, source: str
) -> None:
    """A sum without the channel would look like an unpaid order."""
    order = next(
        o
        for o in truth["orders"]
        if [p["source"] for p in o["payments"]] == [source] and o["paid"] and o["total"]
    )
    control.faults({"vendor": VENDOR_OF[source], "kind": "drop"})
    query = "query O($n: String) { order(number: $n) { number paid { amount } paymentState } }"
    answer = gateway.ask(query, n=order["number"])
    assert answer["data"]["order"]["number"] == order["number"]
    assert (answer["data"]["order"]["paid"], answer["data"]["order"]["paymentState"]) == (None,) * 2
    told = {error["path"][-1]: error["extensions"]["code"] for error in answer["errors"]}
    assert told == dict.fromkeys(("paid", "paymentState"), "UPSTREAM_UNAVAILABLE")


def test_before_any_book_was_read_what_is_found_is_shown_and_nothing_is_summed(
    sandbox: Sandbox, truth: Truth
) -> None:
    """Asked for by its number the payment is found; that it is all there is, nobody knows."""
    order = next(
        o
        for o in truth["orders"]
        if [p["source"] for p in o["payments"]] == ["alipay_cn"]
        and o["paid"] == o["total"]
        and o["paymentState"] == "PAID"
    )
    query = """query O($n: String) { order(number: $n) {
      paid { amount } paymentState payments { nodes { id status captured { minorUnits } } } } }"""
    with GatewayServer(sandbox, indexed=False) as unread:
        answer = unread.ask(query, n=order["number"])
    found = answer["data"]["order"]
    (payment,) = order["payments"]
    assert [node for node in found["payments"]["nodes"] if node] == [
        {
            "id": f"alipay_cn:payment:{payment['nativeId']}",
            "status": None,
            "captured": {"minorUnits": str(order["paid"])},
        }
    ]
    assert (found["paid"], found["paymentState"]) == (None, None)
    assert {e["extensions"]["code"] for e in answer["errors"]} == {"UPSTREAM_NOT_READY"}
    assert {e["extensions"]["source"] for e in answer["errors"]} == set(INDEXED)
