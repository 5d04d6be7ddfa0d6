"""clairvoyance, asked by a partner who knows every name that there is, recovers its own schema."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from graphql import GraphQLNamedType, GraphQLObjectType, GraphQLSchema

from gateway.access_settings import PolicySettings
from gateway.demo_clients import ROLES, demo_client
from gateway.token import fetch_token
from sandbox.server import Server as Sandbox
from schema.build import build_schema
from tests.serving import GatewayServer
from tests.witnesses.clairvoyance import Clairvoyance, Schema

BUILT = build_schema()
PARTNER = frozenset({"authenticated", *(f"scope:{scope}" for scope in ROLES["partner"])})
NOISE = 60


@pytest.fixture(scope="session")
def clairvoyance() -> Clairvoyance:
    return Clairvoyance()


def names(schema: GraphQLSchema) -> Iterator[str]:
    """Of every type, field and argument, and of the members of inputs."""
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        yield name
        members: Any = getattr(type_, "fields", {})
        for member, whole in members.items():
            yield member
            yield from getattr(whole, "args", ())


def words() -> list[str]:
    dice = random.Random(1)
    noise = {"".join(dice.choices(string.ascii_lowercase, k=8)) for _ in range(NOISE)}
    return sorted({*names(BUILT.executable), *noise, "user", "password", "mutation"})


def known(schema: GraphQLSchema) -> Schema:
    return {
        name: {field: frozenset(whole.args) for field, whole in type_.fields.items()}
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
    }


def beyond(found: Schema, shape: GraphQLSchema) -> list[str]:
    """What was recovered of the graph that is not in a shape of it."""
    own = known(shape)
    strange = [
        f"{type_}.{field}"
        for type_, fields in found.items()
        for field in fields
        if type_ in known(BUILT.executable) and field not in own.get(type_, {})
    ]
    arguments = [
        f"{type_}.{field}({argument})"
        for type_, fields in found.items()
        for field, given in fields.items()
        for argument in given - own.get(type_, {}).get(field, frozenset())
    ]
    types = [name for name in found if _is_hidden(name, shape)]
    return strange + arguments + types


def _is_hidden(name: str, shape: GraphQLSchema) -> bool:
    whole: GraphQLNamedType | None = BUILT.executable.type_map.get(name)
    return whole is not None and name not in shape.type_map


def test_it_finds_what_the_partner_may_see_and_nothing_else(
    clairvoyance: Clairvoyance, guarded: GatewayServer, partner: str
) -> None:
    found = clairvoyance.recovered(f"{guarded.origin}/graphql", partner, words())
    shape = BUILT.shapes.of(PARTNER)
    assert beyond(found, shape) == []
    # It does work: all that the partner may ask for is found.
    assert set(found["Query"]) == set(known(shape)["Query"])
    for name in ("Order", "Payment", "Refund", "PaymentLink"):
        assert set(found[name]) == set(known(shape)[name]), name


SMALL = "orders:read"


def test_it_would_find_the_names_of_others_where_they_are_only_denied(
    clairvoyance: Clairvoyance, sandbox: Sandbox, guarded: GatewayServer
) -> None:
    """That the other test can fail: the same, told what it lacks. Only the names of one type are
    guessed by, which is enough and soon done."""
    auth = guarded.settings.auth
    assert auth is not None
    told = msgspec.structs.replace(auth, policy=PolicySettings(partner_mode="filter"))
    few = ["order", "number", "total", "id", "zzzzzzzz", "yyyyyyyy", "wwwwwwww"]
    with GatewayServer(sandbox, profile="production", indexed=False, auth=told) as gateway:
        token = fetch_token(gateway.origin, *demo_client("partner"), scope=SMALL)
        found = clairvoyance.recovered(f"{gateway.origin}/graphql", token, few)
    token = fetch_token(guarded.origin, *demo_client("partner"), scope=SMALL)
    hidden = clairvoyance.recovered(f"{guarded.origin}/graphql", token, few)
    assert set(found["Order"]) == {"number", "total", "id"}
    assert set(hidden["Order"]) == {"number", "id"}
