"""A store that is full, read-only, locked, damaged or away: one sentence that names the fix."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connectors.ledger import Entry
from connectors.records import Kind
from gateway.cli import main
from resolvers.index.store import Index
from resolvers.link_store import LinkStore, StoredLink
from resolvers.store import StoreFailing, open_store
from tests.gateway.test_cli import ROOT, command

CONFIG = """
[store]
url = "{url}"
[auth]
resource = "http://127.0.0.1:8000"
[auth.embedded]
keys = "{folder}/keys.json"
[sources.crm]
vendor = "salesforce"
auth = "client_credentials"
client_id = "c"
client_secret = {{ file = "secret" }}
[sources.eu]
vendor = "stripe"
key = {{ file = "secret" }}
[sources.pal]
vendor = "paypal"
client_id = "c"
client_secret = {{ file = "secret" }}
"""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
READ_ONLY = "it is read-only: let this user write the file and its folder"


def configured(folder: Path, url: str) -> Path:
    (folder / "secret").write_text("s")
    links = [f"crm:order:801000000000001AAA,eu:payment:pi_{n}" for n in range(3000)]
    (folder / "links.csv").write_text("\n".join(["order,payment", *links]))
    old = [f"pal,payment,{n:017},2020-01-01T08:00:00+08:00" for n in range(3000)]
    (folder / "old.csv").write_text("\n".join(["source,kind,native_id,created_at", *old]))
    path = folder / "tillgate.toml"
    path.write_text(CONFIG.format(url=url, folder=folder))
    return path


def words(line: str, folder: Path, config: Path) -> list[str]:
    given = [str(folder / word) if word.endswith(".csv") else word for word in line.split()]
    return [*given, "--config", str(config)]


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("links --import links.csv", "store"),
        ("index import old.csv", "store"),
        ("index forget pal:payment:2GG279541U471931P", "store"),
        ("clients add cafe --scope orders:read", "auth: clients"),
        ("clients rotate shop", "auth: clients"),
        ("clients revoke shop", "auth: revocations"),
    ],
)
def test_a_command_that_cannot_write_ends_at_once_with_the_fix(
    line: str, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tables are there, so that it can be opened, and nothing can be written."""
    config = configured(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/tillgate.db")
    assert main(["clients", "add", "shop", "--scope", "orders:read", "--config", str(config)]) == 0
    capsys.readouterr()
    url = f"sqlite+aiosqlite:///file:{tmp_path}/tillgate.db?mode=ro&uri=true"
    config = configured(tmp_path, url)
    assert main(words(line, tmp_path, config)) == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"tillgate: {where}: {READ_ONLY}\n")


@pytest.mark.parametrize("line", ["links --import links.csv", "index import old.csv"])
def test_an_import_on_a_full_disk_writes_nothing_and_says_so(line: str, tmp_path: Path) -> None:
    """No file of the process may become longer than the tables are when they are empty."""
    config = configured(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/tillgate.db")
    assert main(["links", "--config", str(config)]) == 0
    full = subprocess.run(
        command(*words(line, tmp_path, config)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        preexec_fn=limited(400_000),
    )
    assert (full.returncode, full.stdout) == (1, "")
    said = "its disk cannot be read or written: is it full, or failing?"
    assert full.stderr == f"tillgate: store: {said}\n"
    with closing(sqlite3.connect(tmp_path / "tillgate.db")) as database:
        for table in ("order_payment_link", "reference_entry"):
            rows = database.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
            assert rows.fetchone() == (0,)


def test_a_full_folder_of_temporary_files_is_named(tmp_path: Path) -> None:
    config = configured(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/tillgate.db")
    assert main(["links", "--config", str(config)]) == 0
    full = subprocess.run(
        command(*words("index import old.csv", tmp_path, config)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=limited(150_000),
    )
    said = "the disk is full: make room, then try again"
    assert (full.returncode, full.stderr) == (1, f"tillgate: {tmp_path}: {said}\n")


def limited(most: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


@pytest.mark.anyio
async def test_a_database_that_is_full_is_told_so(tmp_path: Path) -> None:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/a.db") as engine:

        def bounded(connection: Any, _: Any) -> None:
            connection.execute("PRAGMA max_page_count=40")

        event.listen(engine.sync_engine, "connect", bounded)
        await engine.dispose()
        links = [StoredLink(f"a:order:{n}", "b:payment:1", "e" * 400, NOW) for n in range(1000)]
        with pytest.raises(StoreFailing, match="the disk is full: make room, then try again"):
            await LinkStore(engine).add(links)
        names = [f"{n:0200}" for n in range(1000)]
        entries = [Entry(kind=Kind.PAYMENT, native_id=name, created_at=NOW) for name in names]
        with pytest.raises(StoreFailing, match="the disk is full"):
            await Index(engine).put("pal", entries, "a bill")
        assert await LinkStore(engine).all() == []


@pytest.mark.anyio
async def test_a_writer_that_does_not_end_is_told_so(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    async with open_store(url, busy=0.0) as engine:
        with closing(sqlite3.connect(tmp_path / "a.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            link = StoredLink("a:order:1", "b:payment:1", "by hand", NOW)
            with pytest.raises(StoreFailing, match="another process is writing to it"):
                await LinkStore(engine).add([link])
        assert await LinkStore(engine).add([link]) == 1


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite+aiosqlite:///{folder}/notes.txt", "its file is no SQLite database"),
        ("sqlite+aiosqlite:///file:{folder}/new.db?mode=ro&uri=true", "its file cannot be opened"),
        ("postgresql+asyncpg://a@127.0.0.1:1/a", "the server does not answer: is it running"),
        ("postgresql+asyncpg://a@/a?host={folder}", "the server does not answer: is it running"),
    ],
)
def test_what_cannot_be_opened_is_told_with_the_fix(
    url: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("notes" * 1000)
    config = configured(tmp_path, url.format(folder=tmp_path))
    assert main(["links", "--config", str(config)]) == 1
    assert capsys.readouterr().err.startswith(f"tillgate: store: {told}")
