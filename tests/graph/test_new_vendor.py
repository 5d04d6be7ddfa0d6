"""A new vendor is one folder and nothing else: it appears in the settings, the graph, `check` and
`map`; and what of its records does not fit is an error at that field of that record only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import connectors
from connectors.registry import Registry
from gateway import check, data_check
from gateway import map as mapping
from gateway.compose import open_gateway
from gateway.settings import Settings, parse
from gateway.strict import Reader, SettingsError
from schema.execution import Operation
from tests.connectors.local_server import Call, LocalServer, Reply, reply

pytestmark = pytest.mark.anyio
FOLDER = Path(__file__).parents[1] / "fixtures"
TOML = """
[store]
url = "sqlite+aiosqlite:///{folder}/links.db"

[sources.acme_eu]
vendor = "acme"
base_url = "{origin}"
key = {{ env = "ACME_KEY" }}
{more}
"""
TABLES = {
    "people": {"id": "text", "name": "text", "made": "time", "boss": "relation"},
    "deals": {
        "id": "text",
        "no": "text",
        "sum": "number",
        "currency": "text",
        "person": "relation",
        "stage": "choice",
        "made": "time",
    },
}


def deal(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"d{number}",
        "no": f"SO-{number}",
        "sum": 10.5,
        "currency": "EUR",
        "person": "p1",
        "stage": "won",
        "made": f"2026-01-{number:02}T00:00:00Z",
        **changes,
    }


ROWS: dict[str, list[dict[str, Any]]] = {
    "people": [{"id": "p1", "name": "王伟", "made": "2026-01-01T00:00:00Z", "boss": "p1"}],
    "deals": [
        deal(1),
        deal(2, sum="dozen"),
        deal(3, currency="GOLD", stage="haggling"),
        deal(4, no=""),
        deal(5, no="SO-1"),
    ],
}


async def answer(call: Call) -> Reply:
    """The vendor's API."""
    if call.headers.get("authorization") != "Bearer acme-secret":
        return reply(401)
    url = urlsplit(call.target)
    if url.path == "/v1/tables":
        return reply(body=json.dumps(TABLES).encode())
    table = url.path.rpartition("/")[2]
    if table not in ROWS:
        return reply(404)
    query = parse_qs(url.query)
    rows = ROWS[table]
    if "value" in query:
        rows = [row for row in rows if str(row[query["field"][0]]) in query["value"]]
    else:
        rows = sorted(rows, key=lambda row: row["made"], reverse=True)
        until = query.get("until", ["9999"])[0][:10]
        rows = [row for row in rows if row["made"][:10] <= until][: int(query["most"][0])]
    return reply(body=json.dumps(rows).encode())


@pytest.fixture(autouse=True)
def one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the folder lay beside the other vendors'."""
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(FOLDER)])


@asynccontextmanager
async def configured(
    folder: Path, more: str = "", key: str = "acme-secret"
) -> AsyncIterator[Settings]:
    async with LocalServer(answer) as server:
        text = TOML.format(folder=folder, origin=server.origin, more=more)
        yield parse(text, Registry(()), Reader({"ACME_KEY": key}))


async def asked(settings: Settings, query: str) -> dict[str, Any]:
    async with open_gateway(settings, Registry(())) as gateway:
        done = await gateway.executor.run(Operation(query), gateway.context())
        return done.body


def told(body: dict[str, Any]) -> dict[str, str]:
    """Error codes by path."""
    return {
        ".".join(map(str, error["path"])): error["extensions"]["code"] for error in body["errors"]
    }


async def test_the_vendor_is_there_by_its_folder_alone(tmp_path: Path) -> None:
    assert "acme" in Registry(()).names
    async with configured(tmp_path) as settings:
        body = await asked(
            settings,
            '{ customer(id: "acme_eu:customer:p1") { name orders(first: 1) { nodes { number } } }'
            ' order(id: "acme_eu:order:d1") { total { amount currency } recordedState'
            " customer { name } } }",
        )
        sources = await asked(settings, "{ sources { name vendor healthy } }")
    assert body == {
        "data": {
            "customer": {"name": "王伟", "orders": {"nodes": [{"number": "SO-1"}]}},
            "order": {
                "total": {"amount": "10.50", "currency": "EUR"},
                "recordedState": "PAID",
                "customer": {"name": "王伟"},
            },
        }
    }
    assert sources["data"]["sources"] == [{"name": "acme_eu", "vendor": "acme", "healthy": True}]


async def test_what_does_not_fit_is_an_error_at_its_field_only(tmp_path: Path) -> None:
    query = "{ orders(first: 9) { nodes { number total { amount } recordedState paymentState } } }"
    async with configured(tmp_path) as settings:
        body = await asked(settings, query)
    assert told(body) == {
        "orders.nodes.1": "UPSTREAM_MALFORMED",
        "orders.nodes.2.total": "FIELD_MISFIT",
        "orders.nodes.3.total": "FIELD_MISFIT",
    }
    nodes = body["data"]["orders"]["nodes"]
    assert [node and node["number"] for node in nodes] == ["SO-1", None, "SO-3", "SO-2", "SO-1"]
    assert nodes[2] == {
        "number": "SO-3",
        "total": None,
        "recordedState": "UNKNOWN",
        "paymentState": "UNKNOWN",
    }
    assert "dozen" not in json.dumps(body["errors"])
    assert "GOLD" not in json.dumps(body["errors"])


async def test_a_sum_over_what_does_not_fit_is_not_shown(tmp_path: Path) -> None:
    query = '{ customer(id: "acme_eu:customer:p1") { name totals { currency } } }'
    async with configured(tmp_path, 'orders = [{ number = "id" }]') as settings:
        body = await asked(settings, query)
    assert body["data"] == {"customer": {"name": "王伟", "totals": None}}
    assert told(body) == {"customer.totals": "FIELD_MISFIT"}


async def test_a_failing_source_and_a_revoked_key_are_told_apart(tmp_path: Path) -> None:
    async with configured(tmp_path, key="revoked") as settings:
        body = await asked(settings, '{ order(id: "acme_eu:order:d1") { id } }')
        (finding,) = await check.findings(settings, Registry(()))
    assert told(body) == {"order": "UPSTREAM_UNAUTHORIZED"}
    assert not finding.ok
    assert "the key is refused" in finding.lines[0]


async def test_check_data_lists_every_value_that_does_not_fit(tmp_path: Path) -> None:
    progress: list[str] = []
    async with configured(tmp_path) as settings:
        done = await data_check.data_check(settings, Registry(()), "acme_eu", progress.append)
    assert done.records == 6
    assert [(one.id, one.attribute) for one in done.found] == [
        ("acme_eu:d4", ""),
        ("acme_eu:order:d3", "total"),
        ("acme_eu:order:d2", "total"),
        ("acme_eu:order:d5", "number"),
        ("acme_eu:order:d1", "number"),
    ]
    reasons = [one.reason for one in done.found]
    assert reasons[0] == "a row does not fit at no: there is no number"
    assert reasons[2].endswith("(it looks like aaaaa)")
    assert reasons[3] == "2 orders have this number"
    assert done.counts == [("total", 2), ("number", 2), ("the record", 1)]
    assert progress[-1] == "6 records read, 3 values do not fit"


async def test_map_proposes_what_can_be_read_as_it_is(tmp_path: Path) -> None:
    async with configured(tmp_path) as settings:
        lines = await mapping.proposal(settings, Registry(()), "acme_eu")
        text = "\n".join(lines)
        assert 'table = "deals"  # 0.98' in text
        assert "# total: sum, by the preset  # 0.98 number 99.9" in text
        assert "王伟" not in text
        again = await mapping.drift(with_mapping(settings, text, tmp_path), Registry(()), "acme_eu")
    assert {one.place for one in again} == {"orders[0].status", "orders[0].total"}


def with_mapping(settings: Settings, text: str, folder: Path) -> Settings:
    """The settings as they are once the proposal stands in the file."""
    own: Any = settings.sources["acme_eu"]
    head = TOML.format(folder=folder, origin=own.base_url, more="")
    return parse(head + text, Registry(()), Reader({"ACME_KEY": "acme-secret"}))


async def test_map_check_tells_what_is_gone(tmp_path: Path) -> None:
    more = 'orders = [{ total = { field = "summ", currency = "EUR" }, closed = { field = "zz" } }]'
    async with configured(tmp_path, more) as settings:
        lines = [str(one) for one in await mapping.drift(settings, Registry(()), "acme_eu")]
    assert lines[0].startswith(
        "orders[0].total: deals has no field 'summ'; was it renamed to 'sum'?\n      then Order"
    )
    assert lines[1].startswith("orders[0].closed: deals has no field 'zz'")
    assert "'haggling', which leads to no state" in lines[2]


@pytest.mark.parametrize(
    ("name", "why"),
    [("acme", "no source is named 'acme', did you mean 'acme_eu'?"), ("zz", "known: acme_eu")],
)
async def test_a_source_that_is_not_configured_is_told(tmp_path: Path, name: str, why: str) -> None:
    async with configured(tmp_path) as settings:
        with pytest.raises(SettingsError, match=why.replace("?", r"\?")):
            await mapping.proposal(settings, Registry(()), name)
        with pytest.raises(SettingsError, match=why.replace("?", r"\?")):
            await data_check.data_check(settings, Registry(()), name, lambda line: None)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            'orders = [{ payment_ids = { strip_eu = "x" } }]',
            "sources.acme_eu: its mapping holds ids of 'strip_eu': no source is named",
        ),
        ('orders = [{ nmber = "x" }]', r"sources.acme_eu.orders\[0\].nmber: unknown key, did you"),
        ('orders = [{ table = "t" }]', r"sources.acme_eu.*orders\[0\].id: missing"),
        ('[sources.acme_eu.orders]\nnumber = "x"', "expected `array`"),
    ],
)
async def test_a_mapping_that_cannot_be_is_refused_at_start(
    tmp_path: Path, more: str, why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        async with configured(tmp_path, more):
            pass
