"""The bytes of a line, the chain of a file, and pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.audit.canonical import canonical, plain
from auth.audit.chain import GENESIS, Broken, Chain
from auth.audit.entry import Calls, Entry, Event, Origin, Result, Seen, Who
from auth.audit.keys import AuditKeys

KEYS = AuditKeys(b"s" * 32)
NAME = "2026-11-23.node.0.jsonl"
EVENT = Event(
    action="query",
    origin=Origin.GRAPHQL,
    outcome=Result.FILTERED,
    principal=Who(iss="https://as", client_id="shop", sub="mei"),
    records={"Order": Seen(2, ("a", "b"))},
    denied_paths=("orders.@.total",),
    upstream={"stripe_eu": Calls(3, 41)},
    status=200,
    request_id="0123",
)
WHEN = "2026-11-23T00:00:00.123456789Z"


def chain() -> Chain:
    return Chain(KEYS.of_file(NAME))


def written(count: int) -> list[bytes]:
    one = chain()
    return [one.line(EVENT, WHEN, "node").rstrip(b"\n") for _ in range(count)]


texts = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcXYZ_019"), inner),
)


@given(values)
def test_equal_values_are_equal_bytes(value: Any) -> None:
    """The reference is the way of JSON.stringify (RFC 8785 section 3.2.2) in Python's own json."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert canonical(value) == text.encode()


def test_the_example_of_rfc_8785() -> None:
    """Section 3.2.2.2, its string and literals."""
    given = {"string": '€$\x0f\nA\'B"\\\\"/', "literals": [None, True, False]}
    told = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical(given) == told.encode()


@given(st.text())
def test_any_text_can_be_written(text: str) -> None:
    assert canonical(plain(text))
    assert len(plain(text)) <= 200


def test_a_hash_is_the_hmac_of_the_one_before_and_the_entry() -> None:
    first, second = written(2)
    for line, before in ((first, GENESIS), (second, json.loads(first)["hash"])):
        members = json.loads(line)
        told = members.pop("hash")
        text = json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        keyed = hmac.new(KEYS.of_file(NAME), before.encode() + text.encode(), hashlib.sha256)
        assert told == keyed.hexdigest()
        assert members["prev"] == before


def test_a_line_says_what_happened_and_nothing_that_did_not() -> None:
    members = json.loads(written(1)[0])
    assert members.pop("hash") != members.pop("prev")
    assert members == {
        "action": "query",
        "origin": "graphql",
        "outcome": "filtered",
        "principal": {"iss": "https://as", "client_id": "shop", "sub": "mei"},
        "records": {"Order": {"count": 2, "ids": ["a", "b"]}},
        "denied_paths": ["orders.@.total"],
        "upstream": {"stripe_eu": {"n": 3, "ms": 41}},
        "status": 200,
        "request_id": "0123",
        "seq": 1,
        "ts": WHEN,
        "node": "node",
    }


def test_a_chain_follows_what_it_wrote() -> None:
    follower = chain()
    members = [follower.follow(line) for line in written(5)]
    assert [entry["seq"] for entry in members] == [1, 2, 3, 4, 5]
    assert follower.hash == members[-1]["hash"]
    assert Entry.__struct_fields__[: len(Event.__struct_fields__)] == Event.__struct_fields__


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_of_a_line_can_be_changed(place: int, change: int) -> None:
    first, second = written(2)
    text = bytearray(second)
    text[place % len(text)] ^= change
    follower = chain()
    follower.follow(first)
    with pytest.raises(Broken):
        follower.follow(bytes(text))


@pytest.mark.parametrize("order", [(1,), (2,), (0, 2), (0, 0), (0, 1, 1), (0, 1, 0)])
def test_lines_stand_in_their_order_or_not_at_all(order: tuple[int, ...]) -> None:
    lines, follower = written(3), chain()
    *before, last = order
    for index in before:
        follower.follow(lines[index])
    with pytest.raises(Broken):
        follower.follow(lines[last])


def test_a_line_of_one_file_is_none_of_another() -> None:
    with pytest.raises(Broken, match="another key"):
        Chain(KEYS.of_file("2026-11-24.node.0.jsonl")).follow(written(1)[0])
    with pytest.raises(Broken, match="another key"):
        Chain(AuditKeys(b"t" * 32).of_file(NAME)).follow(written(1)[0])


def test_a_pseudonym_is_of_one_record_and_one_key() -> None:
    one = KEYS.pseudonym("stripe_eu:payment:pi_1")
    assert one == KEYS.pseudonym("stripe_eu:payment:pi_1")
    assert len(one) == 22
    assert one != KEYS.pseudonym("stripe_eu:payment:pi_2")
    assert one != AuditKeys(b"t" * 32).pseudonym("stripe_eu:payment:pi_1")
    assert "pi_1" not in one


def test_keys_are_not_printed() -> None:
    assert repr(KEYS) == "AuditKeys(***)"
