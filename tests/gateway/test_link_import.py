"""Files of links: all rows or none, and every refused row is named."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from connectors.registry import Registry
from gateway.link_import import import_links, list_links
from gateway.settings import Settings, parse
from gateway.strict import Reader, SettingsError

ORDER = "crm:order:801000000000001AAA"
PAYMENT = "eu:payment:pi_1"
TOML = """
[store]
url = "sqlite+aiosqlite:///{folder}/links.db"
[sources.crm]
vendor = "salesforce"
auth = "client_credentials"
client_id = "c"
client_secret = {{ env = "S" }}
[sources.eu]
vendor = "stripe"
key = {{ env = "S" }}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return parse(TOML.format(folder=tmp_path), Registry(), Reader({"S": "secret"}))


def imported(settings: Settings, path: Path, dry_run: bool = False) -> tuple[int, int, list[str]]:
    done = anyio.run(import_links, settings, Registry(), path, dry_run)
    return done.added, done.known, list(done.refused)


def stored(settings: Settings) -> list[tuple[str, str, str]]:
    links = anyio.run(list_links, settings, Registry())
    return [(link.order_id, link.payment_id, link.evidence) for link in links]


def test_a_file_of_a_spreadsheet_is_read(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    text = f"order,payment\r\n{ORDER},{PAYMENT}\r\n\r\n{ORDER[:-3]},{PAYMENT}\r\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert imported(settings, path, dry_run=True) == (0, 1, [])
    assert stored(settings) == []
    assert imported(settings, path) == (1, 0, [])
    assert imported(settings, path) == (0, 1, [])
    assert stored(settings) == [(ORDER, PAYMENT, "links.csv:2")]


def test_one_bad_row_keeps_all_rows_out(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    rows = [f"{ORDER},{PAYMENT}", "nonsense,x", f"{PAYMENT},{ORDER}", f"{ORDER},{PAYMENT},extra"]
    path.write_text("\n".join(["order,payment", *rows]), encoding="utf-8")
    assert imported(settings, path) == (
        0,
        1,
        [
            "links.csv:3: an id has the form source:kind:native",
            "links.csv:4: this is an id of kind payment, not order",
            "links.csv:5: 3 columns instead of 2",
        ],
    )
    assert stored(settings) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"payment,order\n", b'order,payment\n"open,x\n', b"order,payment\n\xff\n", b"PK\x03\x04"],
)
def test_what_is_no_such_file_is_told_in_one_line(
    settings: Settings, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "links.csv"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"links\.csv"):
        imported(settings, path)
    assert stored(settings) == []


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("search_lag = nan", "sources.eu"),
        ("search_lag = 1e300", "sources.eu.search_lag"),
        ("search_lag = -1", "sources.eu.search_lag"),
        ('account = "a b"', "sources.eu"),
        ('api_version = "x\\r\\ny"', "sources.eu"),
        ("deadline = 0", "sources.eu.deadline"),
        ("concurrency = 0", "sources.eu.concurrency"),
    ],
)
def test_values_that_could_never_work_are_refused_at_start(
    tmp_path: Path, line: str, place: str
) -> None:
    with pytest.raises(SettingsError, match=place):
        parse(TOML.format(folder=tmp_path) + line, Registry(), Reader({"S": "secret"}))


@pytest.mark.parametrize("key", ["sk test", "sk\ntest", "ключ"])
def test_a_key_that_is_no_header_is_refused_without_being_told(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError) as told:
        parse(TOML.format(folder=tmp_path), Registry(), Reader({"S": key}))
    assert "key" in str(told.value)
    assert key not in str(told.value)
