"""The federation SDL under two independent composers: Apollo's and The Guild's."""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType, build_schema

from schema.build import build_schema as tillgate
from tests.serving import GatewayServer
from tests.witnesses.federation import COMPOSERS, NOTES, composed
from tests.witnesses.node import Node

by_each = pytest.mark.parametrize("composer", COMPOSERS)
ENTITIES = ("Customer", "Order", "Payment", "Refund", "Dispute")


def strange(hints: list[str]) -> list[str]:
    """Not that an interface is given what all its types take, by a composer that does so."""
    return [hint for hint in hints if "@requiresScopes" not in hint or "_CONJUNCTION" not in hint]


@by_each
def test_composes_alone(node: Node, composer: str) -> None:
    answer = composed(node, composer, second=None)

    assert (answer["errors"], strange(answer["hints"])) == ([], [])
    for name in ENTITIES:
        assert f"type {name} " in answer["supergraph"]


@by_each
def test_a_second_subgraph_adds_a_field_by_the_key(node: Node, composer: str) -> None:
    answer = composed(node, composer)

    assert (answer["errors"], strange(answer["hints"])) == ([], [])
    customer = build_schema(answer["supergraph"]).type_map["Customer"]
    assert isinstance(customer, GraphQLObjectType)
    assert str(customer.fields["note"].type) == "String!"
    assert str(customer.fields["orders"].type) == "OrderConnection"


@by_each
def test_every_entity_can_be_extended(node: Node, composer: str) -> None:
    query, customer = NOTES.split("type Customer")
    extended = [f"type {name}{customer}" for name in ENTITIES]

    answer = composed(node, composer, query + "".join(extended))

    assert (answer["errors"], strange(answer["hints"])) == ([], [])


@by_each
@pytest.mark.parametrize(
    "second",
    [
        pytest.param(NOTES.replace("note: String!", "name: Int"), id="field of ours"),
        pytest.param(NOTES.replace("note: String!", "totals: Int"), id="type of ours"),
        pytest.param(NOTES.replace('"id"', '"note"'), id="key we lack"),
    ],
)
def test_a_composer_objects_to_a_conflict(node: Node, composer: str, second: str) -> None:
    answer = composed(node, composer, second)

    assert answer["errors"]
    assert answer["supergraph"] is None


def test_the_running_gateway_names_the_same_sdl(subgraph: GatewayServer) -> None:
    service = subgraph.data("{ _service { sdl } }")["_service"]

    assert service["sdl"].strip() == tillgate().federation_sdl.strip()
