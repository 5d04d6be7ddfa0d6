"""Blanks around an order number are no part of it, on either side of a join and in questions."""

from __future__ import annotations

import msgspec
import pytest

from tests.graph.conftest import Control, Truth
from tests.serving import GatewayServer

ASKED = """
query Asked($n: String!) {
  order(number: $n) { number paymentState payments(first: 5) { nodes { nativeId } } }
  payment(reference: $n) { reference }
  orders(filter: {number: {eq: $n}}) { nodes { number } }
  payments(filter: {source: ["stripe_eu", "stripe_us"], reference: {in: [$n]}}) {
    nodes { nativeId reference }
  }
}
"""


def numbered(truth: Truth) -> dict[str, object]:
    """An order of one payment, which is Stripe's and holds the order's number."""
    paid = [o for o in truth["orders"] if o["paymentState"] == "PAID" and o["total"]]
    stripe = [o for o in paid if [p["source"] for p in o["payments"]] == ["stripe_eu"]]
    found: dict[str, object] = stripe[0]
    return found


@pytest.mark.parametrize("blank", [" ", "\n", "\u3000", "\u00a0"])
def test_questions_may_have_blanks_around_a_number(
    stripe_only: GatewayServer, truth: Truth, blank: str
) -> None:
    number = str(numbered(truth)["number"])
    exact, asked = (stripe_only.data(ASKED, n=n) for n in (number, f"{blank}{number}{blank}"))
    assert exact["order"]["number"] == number
    assert exact["orders"]["nodes"]
    assert asked == exact


@pytest.mark.parametrize("blank", [" ", "\n", "\u3000", "\u00a0"])
def test_an_order_whose_number_has_blanks_is_paid(
    stripe_only: GatewayServer, control: Control, truth: Truth, blank: str
) -> None:
    order = numbered(truth)
    number = str(order["number"])
    put = msgspec.json.encode(f"{number}{blank}").decode()
    query = "query Q($id: ID!) { order(id: $id) { number paymentState } }"
    control.faults(
        {
            "vendor": "salesforce",
            "kind": "odd",
            "pointer": "/records/0/OrderNumber",
            "put": put,
            "value": msgspec.json.encode(number).decode(),
        }
    )
    shown = stripe_only.data(query, id=f"salesforce:order:{order['nativeId']}")["order"]
    assert shown == {"number": number, "paymentState": "PAID"}
    assert any(one["odd"] for one in control.client.get("/answers").json())
