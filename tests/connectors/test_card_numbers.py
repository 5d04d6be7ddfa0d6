"""Card numbers are found in texts, and what only looks like one is left alone."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import card_numbers
from connectors.card_numbers import scheme_of, without_cards

CARDS = {
    "Visa": ["4111111111111111", "4242424242424242", "4222222222222", "4000056655665556"],
    "Mastercard": ["5555555555554444", "5105105105105100", "2223003122003222"],
    "American Express": ["378282246310005", "371449635398431"],
    "UnionPay": ["6200000000000005", "6216261000000000018", "8171999927660000"],
    "Discover": ["6011111111111117", "6445644564456445"],
    "JCB": ["3566002020360505", "3530111333300000"],
    "Diners Club": ["30569309025904", "36227206271667", "38520000023237"],
    "Maestro": ["6759649826438453", "5018000000000009"],
    "Mir": ["2200000000000004"],
}
EVERY = [(scheme, number) for scheme, numbers in CARDS.items() for number in numbers]


@pytest.mark.parametrize(("scheme", "number"), EVERY)
def test_every_scheme_is_known(scheme: str, number: str) -> None:
    assert scheme_of(number) == scheme
    assert without_cards(number) == f"[PAN:{number[-4:]}]"


@pytest.mark.parametrize(("scheme", "number"), EVERY)
def test_one_wrong_digit_is_no_card(scheme: str, number: str) -> None:
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert scheme_of(wrong) is None
    assert without_cards(wrong) == wrong


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("paid with 4111 1111 1111 1111, thanks", "paid with [PAN:1111], thanks"),
        ("4111-1111-1111-1111", "[PAN:1111]"),
        ("3782 822463 10005", "[PAN:0005]"),
        ("卡号4111111111111111。", "卡号[PAN:1111]。"),
        ("card:4111111111111111/12-27", "card:[PAN:1111]/12-27"),
        ("2 4111 1111 1111 1111 12 27", "2 [PAN:1111] 12 27"),
        ("5555555555554444,378282246310005", "[PAN:4444],[PAN:0005]"),
        ("4111111111111111 5555555555554444", "[PAN:1111] [PAN:4444]"),
        ("4111\u00a01111\u00a01111\u00a01111", "[PAN:1111]"),
        ("４１１１１１１１１１１１１１１１", "[PAN:1111]"),
        ("_4111111111111111_", "_[PAN:1111]_"),
    ],
)
def test_whatever_stands_around_a_number(text: str, shown: str) -> None:
    assert without_cards(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SO-2026-0001",
        "4200002345202601019876543210",  # 28 digits: a transaction of WeChat Pay
        "2026010122001411111111111111",  # 28 digits: a trade of Alipay
        "202601011234567890123",  # 21 digits: a queryId of UnionPay
        "2026-01-01 12:34:56.789012",
        "20260101123456789",
        "1767225600000",
        "13800138000 13900139000",
        "+86 138 0013 8000",
        "DE89 3704 0044 0532 0130 00",
        "pi4111111111111111",
        "ch_3a4111111111111111",
        "4111111111111111ab",
        "f4111111111111111e",
        "411111111111111141111111111111114111111111111111",
        "0015g00000AbCdEAAV",
        "4111.1111.1111.1111",
    ],
)
def test_what_is_no_card_stays_as_it_is(text: str) -> None:
    assert without_cards(text) is text


@given(st.text())
def test_a_text_without_digits_is_the_same_text(text: str) -> None:
    plain = "".join("x" if character.isdecimal() else character for character in text)
    assert without_cards(plain) is plain


@given(st.text(), st.sampled_from([number for _, number in EVERY]), st.text())
def test_a_number_between_other_words_is_never_left(before: str, number: str, after: str) -> None:
    assert number not in without_cards(f"{before}, {number}; {after}")


def test_how_many_random_numbers_look_like_cards() -> None:
    """What ADR 12 says of ids: per length, of random digits without a leading zero."""
    chance = random.Random(1)
    found = {
        length: sum(
            scheme_of(str(chance.randrange(10 ** (length - 1), 10**length))) is not None
            for _ in range(20_000)
        )
        / 200
        for length in (13, 16, 18, 19)
    }
    assert found[13] < 1.5
    assert found[16] < 3.5
    assert found[18] < 1
    assert found[19] < 2.5


def _one_by_one(text: str) -> str:
    """Every row of whole groups, written out: slow, and plainly what is meant."""

    def shown(found: re.Match[str]) -> str:
        groups = list(re.finditer(r"\d+", found[0]))
        told, at, first = "", 0, 0
        while first < len(groups):
            for last in range(first, min(first + 19, len(groups))):
                digits = "".join(str(int(d)) for g in groups[first : last + 1] for d in g[0])
                if len(digits) <= 19 and scheme_of(digits) is not None:
                    told += f"{found[0][at : groups[first].start()]}[PAN:{digits[-4:]}]"
                    at, first = groups[last].end(), last
                    break
            first += 1
        return told + found[0][at:]

    run = r"(?<![0-9A-Za-z])\d(?:[ \u00a0-]?\d){12,}(?![0-9A-Za-z])"
    return re.sub(run, shown, text)


def test_it_finds_what_trying_every_row_finds() -> None:
    chance = random.Random(2)
    numbers = [number for _, number in EVERY]
    changed = 0
    for _ in range(3_000):
        text = ""
        for _ in range(chance.randrange(1, 9)):
            if chance.random() < 0.4:
                breaks = ["", "", "", "", " ", "-", "\u00a0"]
                text += "".join(d + chance.choice(breaks) for d in chance.choice(numbers))
            else:
                length = chance.randrange(1, 20)
                text += "".join(chance.choices("01234456789٤４ -", k=length))
            text += chance.choice(["", " ", "-", ", ", "x", "卡"])
        assert without_cards(text) == _one_by_one(text)
        changed += without_cards(text) != text
    assert changed > 1_000


def test_each_row_of_single_digits_costs_the_same_few_checks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked = 0
    are_right = card_numbers._Sums.are_right

    def counted(*arguments: Any) -> bool:
        nonlocal checked
        checked += 1
        return are_right(*arguments)

    monkeypatch.setattr(card_numbers._Sums, "are_right", counted)
    # Whatever begins with 4 may be a Visa, of three lengths; with 9 nothing begins.
    without_cards("4 " * 2_000)
    assert checked <= 3 * 2_000
    checked = 0
    without_cards("9 " * 2_000)
    assert checked == 0
