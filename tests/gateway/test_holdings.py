"""What is declared to be kept is what is kept, and what the documentation shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import inspect

import gateway
from gateway.holdings import HOLDINGS, Place, Road, holdings_table
from resolvers.erasure import Erasure
from resolvers.index.store import Index
from resolvers.link_store import LinkStore
from resolvers.store import open_store
from resolvers.tombstones import Tombstones

PAGE = Path(gateway.__file__).parents[1] / "docs" / "data.md"


@pytest.mark.anyio
async def test_every_table_of_a_store_is_declared_and_no_other(tmp_path: Path) -> None:
    async with (
        open_store(f"sqlite+aiosqlite:///{tmp_path}/tillgate.db") as engine,
        engine.connect() as connection,
    ):
        tables = await connection.run_sync(lambda own: inspect(own).get_table_names())
        declared = [one.name for one in HOLDINGS if one.place is Place.STORE]
        assert sorted(tables) == sorted(declared)
        erasure = Erasure(engine, Tombstones(engine), (LinkStore(engine), Index(engine)))
        personal = [one.name for one in HOLDINGS if one.road is Road.ERASED]
        assert sorted(erasure.tables) == sorted(personal)


def test_what_stays_has_a_reason_and_nothing_else_has() -> None:
    assert len({one.name for one in HOLDINGS}) == len(HOLDINGS)
    assert [one.name for one in HOLDINGS if bool(one.why) is not (one.road is Road.STAYS)] == []


def test_the_page_shows_it_as_it_is() -> None:
    assert holdings_table() in PAGE.read_text(encoding="utf-8")
