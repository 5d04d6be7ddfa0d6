"""Cursors are opaque, bound to their question, and harmless when forged."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.filters import OrderFilter, PaymentFilter
from connectors.paging import NEWEST_FIRST, Sort
from resolvers.cursor import decode, encode, scope_of
from resolvers.errors import BadCursor

SCOPE = scope_of(OrderFilter(), NEWEST_FIRST)
POSITIONS = st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5)


@given(POSITIONS)
def test_positions_survive_the_round_trip(positions: dict[str, str]) -> None:
    cursor = encode(SCOPE, positions)
    assert decode(cursor, SCOPE) == decode(cursor) == positions
    assert cursor.isascii()
    assert set(cursor) & set("+/= ") == set()


def test_a_cursor_belongs_to_its_filter_and_order() -> None:
    questions: list[tuple[object, ...]] = [
        (OrderFilter(), NEWEST_FIRST),
        (PaymentFilter(), NEWEST_FIRST),
        (OrderFilter(numbers=("1",)), NEWEST_FIRST),
        (OrderFilter(numbers=("1", "2")), NEWEST_FIRST),
        (OrderFilter(numbers=()), NEWEST_FIRST),
        (OrderFilter(), Sort(descending=False)),
    ]
    scopes = [scope_of(*question) for question in questions]
    assert len(set(scopes)) == len(questions)
    for scope in scopes[1:]:
        with pytest.raises(BadCursor, match="another query"):
            decode(encode(SCOPE, {"crm": "1"}), scope)


def forged(content: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(content)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not a cursor",
        "ä",
        "\ud800",
        "====",
        "A" * 8193,
        forged([]),
        forged({}),
        forged([1, SCOPE]),
        forged([2, SCOPE, {}]),
        forged([True, SCOPE, {}]),
        forged([1, "text", {}]),
        forged([1, SCOPE, {"crm": 1}]),
        forged([1, SCOPE, {"crm": None}]),
        forged([1, SCOPE, []]),
        forged([1, b"", {}]),
        forged([1, SCOPE, {}, 4]),
        encode(SCOPE, {}) + "AAAA",
        encode(SCOPE, {"crm": "1"})[:-3],
    ],
)
def test_what_is_no_cursor_is_a_bad_cursor(cursor: str) -> None:
    with pytest.raises(BadCursor) as refusal:
        decode(cursor, SCOPE)
    assert refusal.value.code == "BAD_CURSOR"
    assert not cursor or cursor not in str(refusal.value)


@given(POSITIONS, st.data())
def test_a_mangled_cursor_is_refused_or_still_positions(
    positions: dict[str, str], data: st.DataObject
) -> None:
    cursor = encode(SCOPE, positions)
    at = data.draw(st.integers(0, len(cursor) - 1))
    mangled = cursor[:at] + data.draw(st.characters()) + cursor[at + 1 :]
    try:
        found = decode(mangled, SCOPE)
    except BadCursor:
        return
    assert all(isinstance(part, str) for pair in found.items() for part in pair)


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_or_a_bad_cursor(text: str) -> None:
    try:
        decode(text)
    except BadCursor:
        return
