"""An issuer's keys: fetched ahead, kept through outages, and never at an attacker's command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import KeySet as JoseKeySet

from auth.key_cache import BURST, INTERVAL, KEEP, KeyCache, NoKeys, Sleep
from auth.key_set import BadKeySet, read_key_set
from auth.outbound import Answer, Unreachable
from tests.auth.authority import made

pytestmark = pytest.mark.anyio


class Published:
    """A key set under a clock of the test's own."""

    def __init__(self, *kids: str) -> None:
        self.kids = list(kids)
        self.keys = {kid: made("ES256", kid) for kid in kids}
        self.now = 0.0
        self.fetches = 0
        self.down = False
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.release = asyncio.Event()
        self.release.set()

    def clock(self) -> float:
        return self.now

    def publish(self, kid: str) -> None:
        self.keys[kid] = made("ES256", kid)

    async def fetch(self) -> Answer:
        self.fetches += 1
        await self.release.wait()
        if self.down:
            raise Unreachable("down")
        held = json.dumps(JoseKeySet(list(self.keys.values())).as_dict(private=False)).encode()
        return Answer(200, self.headers, self.body or held)

    def cache(self, wait: float = 0.0, sleep: Sleep = asyncio.sleep) -> KeyCache:
        return KeyCache("acme", self.fetch, self.clock, wait, sleep)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def found(cache: KeyCache, kid: str) -> bool:
    return bool(await cache.find(kid, "ES256"))


async def test_many_who_come_first_cause_one_fetch() -> None:
    published = Published("a")
    cache = published.cache()
    assert await asyncio.gather(*(found(cache, "a") for _ in range(100))) == [True] * 100
    assert published.fetches == 1


async def test_an_unknown_key_is_refused_at_once_and_fetched_behind_it() -> None:
    published = Published("a")
    cache = published.cache()
    assert await found(cache, "a")
    published.publish("b")
    published.release.clear()
    assert not await asyncio.wait_for(found(cache, "b"), 0.1)
    published.release.set()
    await settle()
    assert await found(cache, "b")
    assert published.fetches == 2


async def test_an_issuer_that_announces_nothing_is_waited_for_once() -> None:
    published = Published("a")
    cache = published.cache(wait=1.0)
    assert await found(cache, "a")
    published.publish("b")
    assert await asyncio.gather(*(found(cache, "b") for _ in range(50))) == [True] * 50
    assert published.fetches == 2


async def test_an_hour_without_the_issuer_and_ten_thousand_random_keys() -> None:
    """6.3 no. 11: valid tokens are accepted throughout, fetches are one in 30 seconds at most."""
    published = Published("a")
    cache = published.cache()
    assert await found(cache, "a")
    published.down, published.fetches = True, 0
    for number in range(10_000):
        published.now += 0.36
        assert not await found(cache, f"random-{number}")
        if number % 10 == 0:
            await settle()
            assert await found(cache, "a")
    assert published.fetches <= published.now / INTERVAL + BURST
    assert published.fetches > 100


async def test_the_same_unknown_key_is_not_asked_for_again_for_a_minute() -> None:
    published = Published("a")
    cache = published.cache()
    assert await found(cache, "a")
    published.down = True
    for _ in range(100):
        assert not await found(cache, "b")
        await settle()
        published.now += 0.59
    assert published.fetches == 2
    published.now += 2
    assert not await found(cache, "b")
    await settle()
    assert published.fetches == 3


async def test_a_key_that_was_not_looked_for_is_not_said_to_be_missing() -> None:
    """Random ids took the fetches that were allowed; the next allowed one is for whoever comes."""
    published = Published("a")
    cache = published.cache(wait=1.0)
    assert await found(cache, "a")
    assert not await found(cache, "random")
    assert published.fetches == BURST
    published.publish("b")
    for _ in range(3):
        assert not await found(cache, "b")
    published.now += INTERVAL
    assert await found(cache, "b")


async def test_keys_are_kept_for_a_day_without_the_issuer_and_then_nobody_is_let_in() -> None:
    published = Published("a")
    cache = published.cache()
    assert await found(cache, "a")
    published.down = True
    published.now = KEEP
    assert await found(cache, "a")
    published.now = KEEP + 1
    with pytest.raises(NoKeys):
        await found(cache, "a")


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"keys": []}', b'{"keys": 7}'])
async def test_a_bad_answer_replaces_nothing(body: bytes) -> None:
    published = Published("a")
    cache = published.cache()
    assert await found(cache, "a")
    published.body = body
    published.now += 100
    assert not await found(cache, "b")
    await settle()
    assert published.fetches == 2
    assert await found(cache, "a")


async def test_without_any_keys_it_cannot_be_told() -> None:
    published = Published("a")
    published.down = True
    with pytest.raises(NoKeys):
        await found(published.cache(), "a")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("", 60), ("max-age=5", 60), ("public, max-age=600", 600), ("max-age=999999", 3600)],
)
async def test_they_are_fetched_again_before_they_are_old(told: str, seconds: float) -> None:
    published = Published("a")
    published.headers = {"cache-control": told}
    slept: list[float] = []

    async def sleep(duration: float) -> None:
        slept.append(duration)
        published.now += duration
        if len(slept) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await published.cache(sleep=sleep).poll()
    assert slept == [seconds] * 3
    assert published.fetches == 3


def published_set(change: Callable[[dict[str, Any]], object]) -> bytes:
    good = made("ES256", "good").as_dict(private=False)
    other = made("RS256", "other").as_dict(private=False)
    change(other)
    return json.dumps({"keys": [good, other]}).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.update(use="enc"),
        lambda key: key.update(kty="oct", k="c2VjcmV0"),
        lambda key: key.update(kty="XYZ"),
        lambda key: key.update(key_ops=["encrypt"]),
        lambda key: key.update(alg="RSA-OAEP"),
        lambda key: key.update(n=key["n"][:170]),
        lambda key: key.update(n="A" * 6000),
        lambda key: key.update(e="B" * 100),
        lambda key: key.pop("n"),
        lambda key: key.update(n=7),
    ],
)
def test_a_key_that_cannot_verify_is_left_out(change: Callable[[dict[str, Any]], object]) -> None:
    found = read_key_set(published_set(change))
    assert len(found) == 1
    assert found.find("good", "ES256")
    assert not found.find("other", "RS256")


def test_a_key_is_only_for_its_own_algorithm_and_kind() -> None:
    found = read_key_set(published_set(lambda key: key.update(alg="PS256")))
    assert found.find("other", "PS256")
    for kid, alg in (("other", "RS256"), ("good", "PS256"), ("good", "ES384"), ("other", "HS256")):
        assert found.find(kid, alg) == []


def test_keys_that_share_an_id_are_told_apart_by_their_kind() -> None:
    keys = [made("ES256", "same"), made("RS256", "same"), made("Ed25519", "same")]
    found = read_key_set(json.dumps(dict(JoseKeySet(keys).as_dict(private=False))).encode())
    for alg in ("ES256", "RS256", "EdDSA", "Ed25519"):
        assert len(found.find("same", alg)) == 1


def test_a_set_that_is_too_large_is_refused() -> None:
    key = made("ES256", "a").as_dict(private=False)
    with pytest.raises(BadKeySet):
        read_key_set(json.dumps({"keys": [key] * 51}).encode())
    assert len(read_key_set(json.dumps({"keys": [key] * 50}).encode())) == 50
    with pytest.raises(BadKeySet):
        read_key_set(json.dumps({"keys": [key], "x": "y" * 256 * 1024}).encode())


async def test_keys_are_fetched_again_on_demand_and_kept_where_that_fails() -> None:
    published = Published("old")
    cache = published.cache()
    assert await found(cache, "old")
    published.publish("new")
    cache.fetch_again()
    await settle()
    assert (published.fetches, await found(cache, "new")) == (2, True)
    published.down = True
    published.now += INTERVAL
    cache.fetch_again()
    await settle()
    assert (published.fetches, await found(cache, "new")) == (3, True)
