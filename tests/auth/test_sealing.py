"""What is sealed opens at its place with its key, and in no other way."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth.sealing import (
    MAGIC,
    CannotOpen,
    Sealer,
    SealingKey,
    is_sealed,
    key_id,
    make_key,
    open_sealed,
)

PLACE = "sealed_secret.content tombstones"
OLD, NEW = make_key(), make_key()


def sealer(*keys: tuple[str, str]) -> Sealer:
    return Sealer([SealingKey(id_, text) for id_, text in keys])


def test_the_first_key_seals_and_all_of_them_open() -> None:
    before = sealer(("2025", OLD)).seal(b"secret", PLACE)
    both = sealer(("2026", NEW), ("2025", OLD))
    assert both.open(before, PLACE) == b"secret"
    after = both.seal(b"secret", PLACE)
    assert (key_id(before), key_id(after), both.current) == ("2025", "2026", "2026")
    assert sealer(("2026", NEW)).open(after, PLACE) == b"secret"


def test_the_format_is_what_it_is_said_to_be() -> None:
    """Opened by hand, as somebody would who has only the key and the description."""
    sealed = sealer(("2026", b64encode(bytes(range(32))).decode())).seal(b"secret", PLACE)
    head = MAGIC + b"\x04" + b"2026"
    assert sealed.startswith(head)
    nonce, rest = sealed[len(head) : len(head) + 12], sealed[len(head) + 12 :]
    opened = AESGCM(bytes(range(32))).decrypt(nonce, rest, head + PLACE.encode())
    assert opened == b"secret"
    assert len(rest) == len(b"secret") + 16


def test_the_same_is_never_sealed_the_same() -> None:
    own = sealer(("a", NEW))
    assert len({own.seal(b"secret", PLACE) for _ in range(1000)}) == 1000
    assert all(b"secret" not in own.seal(b"secret", PLACE) for _ in range(10))


def test_it_opens_nowhere_else() -> None:
    own = sealer(("a", NEW))
    with pytest.raises(CannotOpen, match="'a' does not open: another key has this id, or it"):
        own.open(own.seal(b"secret", PLACE), "sealed_secret.content other")


def test_every_byte_is_proven() -> None:
    own = sealer(("a", NEW))
    sealed = own.seal(b"secret", PLACE)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CannotOpen):
            own.open(bytes(changed), PLACE)
    for end in range(len(sealed)):
        with pytest.raises(CannotOpen):
            own.open(sealed[:end], PLACE)


def test_a_key_that_is_not_there_is_named_and_no_value_is() -> None:
    sealed = sealer(("2025", OLD)).seal(b"secret", PLACE)
    with pytest.raises(CannotOpen, match=r"sealed with the key '2025', which encryption.keys has"):
        sealer(("2026", NEW)).open(sealed, PLACE)
    with pytest.raises(CannotOpen, match=r"'2025': \[encryption\] is missing"):
        open_sealed(sealed, PLACE, None)
    with pytest.raises(CannotOpen) as wrong:
        sealer(("2025", NEW)).open(sealed, PLACE)
    assert NEW not in str(wrong.value)
    with pytest.raises(CannotOpen, match="not sealed"):
        sealer(("2025", OLD)).open(b"{}", PLACE)
    assert is_sealed(sealed)
    assert not is_sealed(b"{}")


@pytest.mark.parametrize(
    ("id_", "text", "told"),
    [
        ("a b", OLD, "an id is letters"),
        ("", OLD, "an id is letters"),
        ("x" * 65, OLD, "an id is letters"),
        ("a", "no base64!", "the key 'a' is not base64"),
        ("a", "ключ", "the key 'a' is not base64"),
        ("a", b64encode(b"x" * 31).decode(), "the key 'a' has 31 bytes instead of 32"),
    ],
    ids=["space", "empty", "long", "no base64", "no ASCII", "short"],
)
def test_a_key_that_is_none_is_told_without_its_value(id_: str, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        SealingKey(id_, text)
    assert text not in str(error.value)


def test_two_keys_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two keys have the same id"):
        sealer(("a", OLD), ("a", NEW))
