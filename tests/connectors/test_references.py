"""Order numbers and ids without the blanks that people and machines leave around them."""

from __future__ import annotations

import pytest

from connectors.references import ReferencePattern, trimmed

BLANKS = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2003", "\u200b", "\ufeff"]


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks_on_either_side_are_not_part_of_a_number(blank: str) -> None:
    assert trimmed(f"{blank}SO-1009{blank}") == "SO-1009"
    assert ReferencePattern().of(f"SO-1009{blank}") == "SO-1009"
    assert ReferencePattern(r"(SO-\d+)(-\d+)?").of(f"{blank}SO-1009-2{blank}") == "SO-1009"
    assert ReferencePattern().of(blank) is None


def test_blanks_inside_a_number_stay() -> None:
    assert trimmed(" SO 10\u300009 ") == "SO 10\u300009"


def test_blanks_beside_the_part_that_a_pattern_takes_are_dropped() -> None:
    assert ReferencePattern(r"order(.*)").of("order SO-1") == "SO-1"
