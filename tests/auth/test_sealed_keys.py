"""The file with the issuer's private keys: sealed, taken over, sealed anew."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from auth.embedded.key_ring import KeyFileUnusable, KeyRing
from auth.sealing import Sealer, SealingKey, is_sealed, key_id, make_key

OLD, NEW = SealingKey("2025", make_key()), SealingKey("2026", make_key())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def ring(path: Path, *keys: SealingKey) -> KeyRing:
    sealer = Sealer(keys) if keys else None
    return KeyRing(path, lifetime=600, rotate=86_400, wall=lambda: 1_800_000_000.0, sealer=sealer)


def test_a_new_file_is_sealed_from_the_start(path: Path) -> None:
    own = ring(path, NEW)
    own.tend()
    content = path.read_bytes()
    assert key_id(content) == "2026"
    assert b'"d"' not in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ring(path, NEW).signing().kid == own.signing().kid


def test_an_open_file_is_taken_over_and_its_keys_sign_on(path: Path) -> None:
    ring(path).tend()
    secret = json.loads(path.read_bytes())["keys"][0]["jwk"]["d"]
    before = ring(path).signing().kid
    own = ring(path, NEW)
    own.tend()
    assert own.signing().kid == before
    assert is_sealed(path.read_bytes())
    left = [file.read_bytes() for file in path.parent.iterdir()]
    assert all(secret.encode() not in content for content in left)


def test_two_processes_share_a_sealed_file(path: Path) -> None:
    own, other = ring(path, NEW, OLD), ring(path, OLD, NEW)
    own.tend()
    other.tend()
    made = other.rotate()
    own.tend()
    assert {key["kid"] for key in own.published()["keys"]} == {own.signing().kid, made}


def test_without_its_key_it_is_unusable_and_the_key_is_named(path: Path) -> None:
    ring(path, OLD).tend()
    with pytest.raises(KeyFileUnusable, match=r"the key '2025', which encryption.keys has not"):
        ring(path, NEW).tend()
    with pytest.raises(KeyFileUnusable, match=r"'2025': \[encryption\] is missing"):
        ring(path).tend()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(KeyFileUnusable, match="'2025' does not open"):
        ring(path, OLD).tend()


def test_it_is_sealed_anew_once(path: Path) -> None:
    ring(path, OLD).tend()
    kid = ring(path, OLD).signing().kid
    both = ring(path, NEW, OLD)
    assert both.reseal() is True
    assert key_id(path.read_bytes()) == "2026"
    assert both.reseal() is False
    assert ring(path, NEW).signing().kid == kid


def test_what_is_not_there_is_not_sealed(path: Path) -> None:
    assert ring(path, NEW).reseal() is None
    ring(path).tend()
    assert ring(path).reseal() is None


def test_an_open_file_in_place_of_a_sealed_one_is_refused(path: Path) -> None:
    own = ring(path, NEW)
    own.tend()
    foreign = path.with_name("foreign.json")
    ring(foreign).tend()
    planted = foreign.read_bytes()
    foreign.replace(path)
    for use in (own.signing, own.published, own.tend, own.reseal, own.rotate):
        with pytest.raises(KeyFileUnusable, match="it was sealed and is not any more"):
            use()
    assert path.read_bytes() == planted
    path.unlink()
    own.tend()
    assert key_id(path.read_bytes()) == "2026"
