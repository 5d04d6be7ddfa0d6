"""What is kept of documents is bounded in length and number, and what is used stays longest."""

from __future__ import annotations

from schema.kept import Kept


def test_what_is_kept_is_bounded_in_number() -> None:
    kept: Kept[int, str] = Kept(most=3)
    for number in range(10):
        kept.put(number, 1, f"made of {number}")
    assert [kept.get(number) for number in range(6, 10)] == [
        None, "made of 7", "made of 8", "made of 9",
    ]  # fmt: skip
    assert len(kept) == 3


def test_what_is_kept_is_bounded_in_length() -> None:
    kept: Kept[str, int] = Kept(most=100, room=10)
    kept.put("a", 4, 1)
    kept.put("b", 4, 2)
    assert kept.get("a") == 1
    kept.put("c", 4, 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_what_is_longer_than_the_room_is_not_kept() -> None:
    kept: Kept[str, int] = Kept(most=100, room=10)
    kept.put("long", 11, 1)
    assert (kept.get("long"), len(kept)) == (None, 0)
