"""The trial of odd values notices what it is there to notice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.conformance_kit import Fault
from connectors.conformance_odd import Case, judged
from connectors.conformance_oddities import (
    MARK,
    MISSING_KEY,
    ODDITIES,
    TWICE,
    UNKNOWN_KEYS,
    Injection,
    Oddity,
    injections,
)
from connectors.errors import Malformed, Misconfigured
from connectors.json_reading import read
from connectors.money import Money
from connectors.paging import Page, Row
from connectors.records import Refund, RefundStatus, Source, SourceKind
from sandbox.oddities import spliced

BY_NAME = {one.name: one for one in ODDITIES}
SOURCE = Source("conform", "acme", SourceKind.PAYMENTS)
BAD = Malformed("conform", "does not fit")
ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def refund(name: str, **changes: Any) -> Refund:
    made = Refund(
        source=SOURCE,
        native_id=name,
        status=RefundStatus.PENDING,
        amount=Money(100, "EUR"),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        payment_id=f"pi_{name}",
    )
    return msgspec.structs.replace(made, **changes)


CLEAN = {name: refund(name) for name in ("a", "b", "c")}
PAGE = Page(tuple(Row(record, name) for name, record in CLEAN.items()))


def faults(odd: Any, clean: Any = CLEAN, oddity: Oddity = BY_NAME["no number"]) -> list[str]:
    injection = Injection(oddity, "/data/1/amount", "1.00", "x")
    return list(judged(Case("refunds", Fault(kind="odd"), injection), clean, odd))


@pytest.mark.parametrize(
    "odd",
    [
        CLEAN,
        {**CLEAN, "b": BAD},
        {**CLEAN, "b": refund("b", reason="zzz", created_at=None, status=RefundStatus.UNKNOWN)},
    ],
)
def test_one_record_may_say_less_or_fail(odd: Any) -> None:
    assert faults(odd) == []


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({**CLEAN, "b": refund("b", amount=Money(1, "EUR"))}, "became EUR 0.01|amount"),
        ({**CLEAN, "b": refund("b", status=RefundStatus.SUCCEEDED)}, "status"),
        ({**CLEAN, "b": refund("b", created_at=datetime(1970, 1, 1, tzinfo=UTC))}, "created_at"),
        ({"a": CLEAN["a"], "c": CLEAN["c"]}, "lost without an error"),
        ({**CLEAN, "a": BAD, "b": BAD}, "2 were lost"),
        ({**CLEAN, "a": refund("a", reason="x"), "b": BAD}, "1 records changed, 1 were lost"),
        ({**CLEAN, "b": Misconfigured("conform", "x")}, "another failure"),
        ({**CLEAN, "d": refund("d")}, "came up"),
        (BAD, "3 were lost"),
        (TypeError("unhashable"), "another failure"),
    ],
)
def test_what_costs_more_or_says_something_else_is_a_fault(odd: Any, said: str) -> None:
    assert any(part in " ".join(faults(odd)) for part in said.split("|"))


def test_a_page_must_keep_its_other_rows() -> None:
    rows: tuple[Row[Refund], ...] = (PAGE.rows[0], Row(BAD, "b"), PAGE.rows[2])
    assert faults(Page(rows), PAGE) == []
    assert faults(Page(rows[:1]), PAGE)
    assert faults(BAD, PAGE)


@pytest.mark.parametrize("oddity", [TWICE, UNKNOWN_KEYS, MARK], ids=lambda one: one.name)
def test_what_says_the_same_changes_nothing(oddity: Oddity) -> None:
    assert faults(CLEAN, oddity=oddity) == []
    assert faults({**CLEAN, "b": refund("b", reason="x")}, oddity=oddity)


def test_each_injection_is_what_its_name_says() -> None:
    text = '{"data":[{"id":"a"},{"id":"b","amount":12.50,"at":"2026-01-02","of":[{"n":"7"}]}]}'
    found = injections(text)
    others = {TWICE.name, MARK.name, MISSING_KEY.name, UNKNOWN_KEYS.name}
    assert {one.oddity.name for one in found} >= BY_NAME.keys() | others
    for one in found:
        odd = one.put + text if one.pointer is None else spliced(text, one.pointer, one.put)
        assert odd is not None, one
        same = one.oddity.name in (MARK.name, "an exponent", "binary noise")
        assert read(ANY, odd) != ANY.decode(text) or same, one


@pytest.mark.parametrize(
    ("pointer", "put", "odd"),
    [
        ("/a/1", "null", '{"a":[1,null],"b":"{\\"c\\":\\"x\\"}"}'),
        ("/a", "[2", '{"a":[2,"b":"{\\"c\\":\\"x\\"}"}'),
        ("/b/c", '"\\ud83d\t"', '{"a":[1,2.50],"b":"{\\"c\\":\\"\\\\ud83d\\t\\"}"}'),
        ("", "7", "7"),
        ("/a/2", "1", None),
        ("/z/y", "1", None),
        ("/a/x", "1", None),
        ("/a/0/b", "1", None),
    ],
)
def test_raw_text_takes_the_place_of_a_value(pointer: str, put: str, odd: str | None) -> None:
    assert spliced('{"a":[1,2.50],"b":"{\\"c\\":\\"x\\"}"}', pointer, put) == odd


def test_what_is_no_json_is_left_alone() -> None:
    assert spliced("<html>", "/a", "1") is None
