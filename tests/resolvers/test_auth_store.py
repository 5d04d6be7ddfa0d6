"""What tokens need of the store, on both kinds of databases, by several processes at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from auth.embedded.clients import Client, ClientExists, Clients
from auth.faults import InvalidToken, Unavailable
from auth.hashed import hash_secret
from auth.principal import Principal
from auth.revocations import FOREVER, FRESH, KEPT, POLL, Kind, Revocations, revocation
from auth.seen import TIDY, SeenStore
from resolvers.store import open_store
from tests.waiting import met

pytestmark = pytest.mark.anyio
NOW = 1_800_000_000
ISSUER = "https://as.example"


class Clock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


def principal(token_id: str | None, client_id: str = "shop", issuer: str = ISSUER) -> Principal:
    return Principal(issuer=issuer, client_id=client_id, subject="s", token_id=token_id)


def revoked(revocations: Revocations, principal: Principal) -> bool:
    try:
        revocations.check(principal, "Bearer")
    except InvalidToken:
        return True
    return False


async def test_of_many_who_use_it_at_once_one_is_the_first(url: str) -> None:
    async with open_store(url) as engine, open_store(url) as another:
        stores = [SeenStore(engine, Clock()), SeenStore(another, Clock())]
        asked = [stores[n % 2].first("dpop", "same", NOW + 60) for n in range(20)]
        assert sorted(await asyncio.gather(*asked)) == [False] * 19 + [True]
        assert await stores[0].first("dpop", "other", NOW + 60)
        assert await stores[1].first("assertion", "same", NOW + 60)


async def test_what_is_over_is_cleared_away(url: str) -> None:
    async with open_store(url) as engine:
        clock = Clock()
        store = SeenStore(engine, clock)
        assert await store.first("dpop", "old", NOW + 60)
        clock.now += 59
        assert not await store.first("dpop", "old", NOW + 60)
        clock.now += TIDY
        assert await store.first("dpop", "new", NOW + 600)
        assert await store.first("dpop", "old", NOW + 600)


async def test_what_is_revoked_is_known_to_all_and_to_nobody_else(url: str) -> None:
    async with open_store(url) as engine, open_store(url) as another:
        own, other = Revocations(engine), Revocations(another)
        await own.load()
        await other.load()
        assert not revoked(own, principal("t-1"))
        await own.add(ISSUER, Kind.TOKEN, "t-1", NOW + 600)
        await other.add(ISSUER, Kind.CLIENT, "gone")
        for revocations in (own, other):
            await revocations.load()
            assert revoked(revocations, principal("t-1"))
            assert revoked(revocations, principal("t-2", "gone"))
            assert revoked(revocations, principal(None, "gone"))
            assert not revoked(revocations, principal("t-2"))
            assert not revoked(revocations, principal(None))
            assert not revoked(revocations, principal("t-1", issuer="https://other.example"))
            # A token's id that is a client's name revokes nothing.
            assert not revoked(revocations, principal("gone"))


async def test_what_is_over_anyway_is_forgotten_and_a_client_never(url: str) -> None:
    async with open_store(url) as engine:
        clock = Clock()
        revocations = Revocations(engine, clock)
        await revocations.add(ISSUER, Kind.TOKEN, "t-1", NOW + 600)
        await revocations.add(ISSUER, Kind.CLIENT, "gone")
        clock.now = NOW + 600 + KEPT + 1
        await revocations.add(ISSUER, Kind.TOKEN, "t-2", NOW + 9000)
        again = Revocations(engine, clock)
        await again.load()
        assert not revoked(again, principal("t-1"))
        assert revoked(again, principal("t-2"))
        assert revoked(again, principal(None, "gone"))


async def test_a_poll_finds_what_another_process_revoked(url: str) -> None:
    assert POLL <= 0.5, "a revocation is to be known everywhere within a second"
    async with open_store(url) as engine, open_store(url) as another:
        watching = Revocations(engine)
        await watching.load()
        polling = asyncio.create_task(watching.poll())
        try:
            for number in range(3):
                one = principal(f"t-{number}")
                assert not revoked(watching, one)
                await Revocations(another).add(ISSUER, Kind.TOKEN, f"t-{number}", NOW * 2)
                await met(lambda one=one: revoked(watching, one))  # type: ignore[misc]
        finally:
            polling.cancel()


async def test_what_is_revoked_is_seen_though_what_was_revoked_last_is_over(url: str) -> None:
    """The newest row ends, and its place and id are taken by the next one (SQLite reuses ids)."""
    async with open_store(url) as engine, open_store(url) as another:
        clock = Clock()
        clock.now -= 86_400
        await Revocations(another, clock).add(ISSUER, Kind.TOKEN, "yesterday", int(clock.now) + 600)
        watching = Revocations(engine)
        await watching.load()
        clock.now += 86_400
        await Revocations(another, clock).add(ISSUER, Kind.CLIENT, "shop")
        await watching.load()
        assert revoked(watching, principal(None, "shop"))
        assert not revoked(watching, principal("yesterday", "another"))


async def test_changes_at_once_are_all_seen(url: str) -> None:
    async with open_store(url) as engine, open_store(url) as another:
        watching, clock = Revocations(engine), Clock()
        writers = [Revocations(one, clock) for one in (engine, another)]
        await writers[0].add(ISSUER, Kind.TOKEN, "over", NOW)
        await watching.load()
        clock.now += KEPT + 1

        async def look() -> None:
            for _ in range(40):
                await watching.load()
                await asyncio.sleep(0)

        adding = (writers[n % 2].add(ISSUER, Kind.TOKEN, f"t-{n}", NOW * 2) for n in range(20))
        await asyncio.gather(look(), *adding)
        await watching.load()
        assert all(revoked(watching, principal(f"t-{n}")) for n in range(20))
        assert not revoked(watching, principal("over"))


async def _waits_for_a_lock(engine: AsyncEngine) -> bool:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with engine.connect() as connection:
        return bool((await connection.execute(query)).scalar())


async def test_a_change_that_is_not_committed_yet_lets_no_other_one_pass(postgresql: str) -> None:
    """The writer whose row comes first commits last: nobody is looked past."""
    async with open_store(postgresql) as engine, engine.connect() as slow:
        await slow.execute(text("UPDATE revocation_changes SET number = number + 1"))
        await slow.execute(
            insert(revocation).values(issuer=ISSUER, kind="client", value="shop", ends=FOREVER)
        )
        watching = Revocations(engine)
        fast = asyncio.create_task(Revocations(engine).add(ISSUER, Kind.TOKEN, "t-2", NOW * 2))
        while not await _waits_for_a_lock(engine):
            assert not fast.done()
        await watching.load()
        assert not fast.done()
        await slow.commit()
        await fast
        await watching.load()
        assert revoked(watching, principal(None, "shop"))
        assert revoked(watching, principal("t-2"))
        await slow.execute(delete(revocation))
        await slow.commit()


async def test_what_is_revoked_twice_is_taken_back_at_once_and_everywhere(url: str) -> None:
    async with open_store(url) as engine, open_store(url) as another:
        own, other = Revocations(engine), Revocations(another)
        for _ in range(2):
            await own.add(ISSUER, Kind.CLIENT, "shop")
        await own.add(ISSUER, Kind.CLIENT, "gone")
        await other.load()
        await own.take_back(ISSUER, Kind.CLIENT, "shop")
        for revocations in (own, other):
            await revocations.load()
            assert not revoked(revocations, principal(None, "shop"))
            assert revoked(revocations, principal(None, "gone"))


async def test_without_the_count_of_changes_nobody_knows(url: str) -> None:
    async with open_store(url) as engine:
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM revocation_changes"))
        with pytest.raises(Unavailable):
            await Revocations(engine).load()
        with pytest.raises(Unavailable):
            await Revocations(engine).add(ISSUER, Kind.CLIENT, "shop")


async def test_without_the_store_nobody_is_let_in_after_a_while(tmp_path: Path) -> None:
    file = tmp_path / "tillgate.db"
    async with open_store(f"sqlite+aiosqlite:///{file}") as engine:
        clock = Clock()
        revocations = Revocations(engine, clock, clock)
        with pytest.raises(Unavailable):
            revocations.check(principal("t-1"), "Bearer")
        await revocations.load()
        clock.now += FRESH
        assert not revoked(revocations, principal("t-1"))
        await engine.dispose()
        file.write_bytes(b"not a database" * 100)
        (tmp_path / "tillgate.db-wal").unlink(missing_ok=True)
        with pytest.raises(Unavailable):
            await revocations.load()
        with pytest.raises(Unavailable):
            await SeenStore(engine, clock).first("dpop", "x", NOW)
        clock.now += 1
        with pytest.raises(Unavailable):
            revocations.check(principal("t-1"), "Bearer")


def client(client_id: str, demo: bool = False) -> Client:
    return Client(
        client_id=client_id,
        secret=hash_secret("secret"),
        scopes=frozenset({"b", "a"}),
        tenant="t",
        demo=demo,
        created_at=NOW,
    )


async def test_a_client_is_kept_and_its_id_never_given_again(url: str) -> None:
    async with open_store(url) as engine:
        clients = Clients(engine, Clock())
        await clients.add(client("shop"))
        found = await clients.get("shop")
        assert found is not None
        assert found.scopes == {"a", "b"}
        assert found.secret is not None
        assert found.secret.matches("secret")
        assert await clients.revoke("shop")
        assert await clients.get("shop") is None
        assert not await clients.revoke("shop")
        assert not await clients.rotate("shop", None, None)
        with pytest.raises(ClientExists):
            await clients.add(client("shop"))
        assert [one.revoked_at for one in await clients.all()] == [NOW]


async def test_a_hash_that_is_none_lets_nobody_in_until_there_is_a_new_secret(url: str) -> None:
    async with open_store(url) as engine:
        clients = Clients(engine, Clock())
        await clients.add(client("shop"))
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE oauth_client SET secret_hash = 'scrypt$14$8$1'"))
        found = await clients.get("shop")
        assert found is not None
        assert found.secret is None
        assert await clients.rotate("shop", hash_secret("new"), None)
        again = await clients.get("shop")
        assert again is not None
        assert again.secret is not None
        assert again.secret.matches("new")


async def test_a_demo_client_is_nobody_outside_the_demo(url: str) -> None:
    async with open_store(url) as engine:
        await Clients(engine, Clock()).add(client("demo-bi", demo=True))
        assert await Clients(engine, Clock()).get("demo-bi") is None
        assert await Clients(engine, Clock(), demo=True).get("demo-bi")
