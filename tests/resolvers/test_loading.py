"""Keys that are loaded at about the same time become one batch."""

from __future__ import annotations

import asyncio

import pytest

from resolvers.loading import Loader

pytestmark = pytest.mark.anyio


class Fetches:
    """Doubles numbers; an odd hundred fails."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failure: Exception | None = None

    async def __call__(self, keys: list[int]) -> list[int | Exception]:
        self.batches.append(keys)
        if self.failure is not None:
            raise self.failure
        return [LookupError(str(key)) if key % 200 == 100 else key * 2 for key in keys]


async def test_loads_of_one_tick_are_one_batch_of_different_keys() -> None:
    fetches = Fetches()
    loader = Loader(fetches)
    assert await asyncio.gather(*map(loader.load, [1, 2, 2, 1])) == [2, 4, 4, 2]
    assert fetches.batches == [[1, 2]]


async def test_loads_of_successive_ticks_are_one_batch() -> None:
    fetches = Fetches()
    loader = Loader(fetches)

    async def later(ticks: int) -> int:
        for _ in range(ticks):
            await asyncio.sleep(0)
        return await loader.load(ticks)

    assert await asyncio.gather(*map(later, range(8))) == [2 * n for n in range(8)]
    assert fetches.batches == [list(range(8))]


async def test_a_steady_stream_of_keys_does_not_keep_the_first_waiting() -> None:
    fetches = Fetches()
    loader = Loader(fetches)
    first = loader.load(0)
    futures = [first]
    while not first.done():
        futures.append(loader.load(len(futures)))
        assert len(futures) < 2 * Loader.PATIENCE
        await asyncio.sleep(0)
    assert await asyncio.gather(*futures) == [2 * n for n in range(len(futures))]
    assert Loader.PATIENCE <= len(fetches.batches[0]) <= Loader.PATIENCE + 1


async def test_a_key_that_was_loaded_is_not_fetched_again() -> None:
    fetches = Fetches()
    loader = Loader(fetches)
    assert [await loader.load(1), await loader.load(1)] == [2, 2]
    assert fetches.batches == [[1]]


async def test_keys_are_told_apart_by_their_own_key() -> None:
    batches: list[list[str]] = []

    async def fetch(keys: list[str]) -> list[str | Exception]:
        batches.append(keys)
        return list(keys)

    loader: Loader[str, str] = Loader(fetch, key=str.lower)
    assert list(await asyncio.gather(loader.load("A"), loader.load("a"))) == ["A", "A"]
    assert batches == [["A"]]


async def test_one_keys_failure_is_its_own() -> None:
    loader = Loader(Fetches())
    good, bad = await asyncio.gather(loader.load(1), loader.load(100), return_exceptions=True)
    assert good == 2
    assert isinstance(bad, LookupError)


async def test_a_failed_batch_fails_its_keys_and_may_be_tried_again() -> None:
    fetches = Fetches()
    fetches.failure = OSError("down")
    loader = Loader(fetches)
    outcomes = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OSError, OSError]
    fetches.failure = None
    assert await loader.load(1) == 2
    assert fetches.batches == [[1, 2], [1]]


async def test_a_cancelled_load_spoils_neither_its_batch_nor_its_key() -> None:
    fetches = Fetches()
    loader = Loader(fetches)
    given_up, patient = loader.load(1), loader.load(2)
    given_up.cancel()
    assert await patient == 4
    assert await loader.load(1) == 2
    assert fetches.batches == [[1, 2], [1]]


async def test_a_reader_that_is_cancelled_spoils_the_key_for_nobody_after_it() -> None:
    fetches = Fetches()
    loader = Loader(fetches)

    async def read() -> int:
        return await loader.load(1)

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await read() == 2
