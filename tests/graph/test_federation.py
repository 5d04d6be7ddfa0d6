"""The gateway as an Apollo Federation v2 subgraph."""

from __future__ import annotations

from tests.graph.conftest import Control, Truth
from tests.serving import GatewayServer

ENTITIES = """query E($r: [_Any!]!) { _entities(representations: $r) {
  __typename ... on Order { number customer { id } } ... on Customer { name }
  ... on Payment { status }
} }"""


def test_the_service_gives_its_sdl_with_keys(gateway: GatewayServer) -> None:
    sdl = gateway.data("{ _service { sdl } }")["_service"]["sdl"]
    assert "https://specs.apollo.dev/federation/v2.9" in sdl
    for type_ in ("Customer", "Order", "Payment", "Refund", "Dispute"):
        assert f'type {type_} implements Node & Entity @key(fields: "id")' in sdl


def test_entities_are_grouped_by_type_and_batched(
    gateway: GatewayServer, control: Control, truth: Truth
) -> None:
    orders = [f"salesforce:order:{o['nativeId']}" for o in truth["orders"][:40]]
    customers = [
        f"salesforce:customer:{c['sources']['salesforce']}"
        for c in truth["customers"]
        if "salesforce" in c["sources"]
    ][:40]
    mixed = [
        {"__typename": type_, "id": id_}
        for pair in zip(orders, customers, strict=True)
        for type_, id_ in zip(("Order", "Customer"), pair, strict=True)
    ]
    found = gateway.data(ENTITIES, r=mixed)["_entities"]
    assert [entity["__typename"] for entity in found] == ["Order", "Customer"] * 40
    # Orders, the customers asked for, and the orders' customers.
    assert len(control.paths()) <= 3


def test_one_error_per_failed_item_and_the_others_stand(
    gateway: GatewayServer, truth: Truth
) -> None:
    good = f"salesforce:order:{truth['orders'][0]['nativeId']}"
    representations = [
        {"__typename": "Order", "id": good},
        {"__typename": "Nothing", "id": good},
        {"__typename": "Order", "id": "nonsense"},
        {"__typename": "Order"},
        {"__typename": "Customer", "id": good},
        {"__typename": "Order", "id": "salesforce:order:801000000000001AAA"},
        "not an object",
        {"__typename": "Order", "id": good, "number": "ignored"},
    ]
    answer = gateway.ask(ENTITIES, r=representations)
    number = truth["orders"][0]["number"]
    assert [e and e["number"] for e in answer["data"]["_entities"]] == [
        number, None, None, None, None, None, None, number,
    ]  # fmt: skip
    assert [e["path"] for e in answer["errors"]] == [["_entities", i] for i in (1, 2, 3, 4, 6)]
    assert {e["extensions"]["code"] for e in answer["errors"]} == {"BAD_ID"}


def test_one_failing_source_fails_its_entities_alone(
    gateway: GatewayServer, control: Control, truth: Truth
) -> None:
    payment = next(p for o in truth["orders"] for p in o["payments"] if p["source"] == "stripe_eu")
    control.faults({"vendor": "salesforce", "kind": "status", "status": 503})
    representations = [
        {"__typename": "Order", "id": f"salesforce:order:{truth['orders'][0]['nativeId']}"},
        {"__typename": "Payment", "id": f"stripe_eu:payment:{payment['nativeId']}"},
    ]
    answer = gateway.ask(ENTITIES, r=representations)
    assert answer["data"]["_entities"] == [
        None,
        {"__typename": "Payment", "status": payment["status"]},
    ]
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (
        ["_entities", 0],
        "UPSTREAM_UNAVAILABLE",
    )
