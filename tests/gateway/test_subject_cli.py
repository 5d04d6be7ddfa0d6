"""`tillgate subject` as an operator uses it, over simulated vendors: what is kept, then erased."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from auth.audit.entry import Event, Origin, Seen
from auth.audit.writer import Writer
from auth.sealing import make_key
from connectors.registry import Registry
from gateway.cli import main
from gateway.demo import demo_toml
from gateway.holdings import HOLDINGS, Road
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from sandbox.world import Customer, Payment, World
from tests.audit.logs import KEYS, SECRET, actions, faults

VENDORS = ("salesforce", "stripe", "alipay")
KEY = make_key()
AUDIT = '\n[audit]\nkey = {{ env = "AUDIT_KEY" }}\nfolder = "{folder}/audit"\n'
ENCRYPTION = '\n[encryption]\nkeys = [{ id = "2026", key = { env = "ENCRYPTION_KEY" } }]\n'
INDEX, LINKS = "reference_entry", "order_payment_link"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    vendors = [vendor for vendor in discover(("salesforce",)) if vendor.name in VENDORS]
    with Sandbox(vendors=vendors, size=40, rate_limits=False) as running:
        yield running


class Said(msgspec.Struct, frozen=True):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def manifest(self) -> dict[str, Any]:
        *_, last = self.lines
        (manifest,) = last.values()
        return dict(manifest)

    def of(self, store: str) -> list[dict[str, Any]]:
        return [line["record"] for line in self.lines if line.get("store") == store]


class Operator:
    def __init__(
        self, sandbox: Sandbox, folder: Path, capsys: pytest.CaptureFixture[str], text: str
    ) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.config = folder / "tillgate.toml"
        self.linked = folder / "links.csv"
        self.config.write_text(text)
        self._capsys = capsys
        self.everything = ""
        """All that commands printed but exports, as a terminal's log would have it."""

    def __call__(self, *arguments: object) -> Said:
        code = main([*map(str, arguments), "--config", str(self.config)])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        self.everything += err
        return Said(code, out, err)

    def fill(self) -> None:
        """The books, and links of all that was paid over Stripe."""
        assert self("index", "sync", "--since", "2025-11-01").code == 0
        numbers = {order.number: order for order in self.sandbox.world.orders}
        rows = [
            f"salesforce:order:{numbers[p.order].native_id},{p.source}:payment:{p.native_id}"
            for p in self.sandbox.world.payments
            if p.order is not None and p.source.startswith("stripe")
        ]
        self.linked.write_text("\n".join(["order,payment", *rows]) + "\n")
        assert self("links", "--import", self.linked).code == 0


class Person:
    """Whoever has the most kinds of records, as the simulated world knows them."""

    def __init__(self, world: World) -> None:
        def worth(customer: Customer) -> int:
            own = payments(customer.key)
            refunded = any(p.refunds and p.source in ("alipay_cn", "ecny_cn") for p in own)
            return 100 * refunded + len({p.source for p in own})

        def payments(key: str) -> list[Payment]:
            numbers = {order.number for order in world.orders if order.customer == key}
            return [p for p in world.payments if p.order in numbers or p.customer == key]

        known = [c for c in world.customers if c.email and "salesforce" in c.sources]
        self.customer = max(known, key=worth)
        self.orders = [o for o in world.orders if o.customer == self.customer.key]
        self.payments = payments(self.customer.key)
        self.email = str(self.customer.email)

    @property
    def id(self) -> str:
        return f"salesforce:customer:{self.customer.sources['salesforce']}"

    @property
    def indexed(self) -> set[str]:
        """Native ids of what the index holds of them."""
        own = [p for p in self.payments if not p.source.startswith("stripe")]
        return {p.native_id for p in own}

    @property
    def canaries(self) -> set[str]:
        """What must be nowhere."""
        return {
            self.email,
            self.customer.name,
            *self.customer.sources.values(),
            *(order.native_id for order in self.orders),
            *(order.number for order in self.orders),
            *(payment.native_id for payment in self.payments),
            *(refund.native_id for payment in self.payments for refund in payment.refunds),
        }


@pytest.fixture(scope="module")
def person(sandbox: Sandbox) -> Person:
    return Person(sandbox.world)


@pytest.fixture
def operator(
    sandbox: Sandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Operator]:
    text, secrets = demo_toml(sandbox, Registry(), str(tmp_path), 0)
    for name, value in {**secrets, "ENCRYPTION_KEY": KEY, "AUDIT_KEY": SECRET}.items():
        monkeypatch.setenv(name, value)
    yield Operator(sandbox, tmp_path, capsys, text + AUDIT.format(folder=tmp_path) + ENCRYPTION)
    httpx.delete(f"{sandbox.origin}/_sandbox/faults").raise_for_status()


def kept(operator: Operator) -> str:
    """Everything that the gateway wrote, whatever it is called."""
    own = (operator.config, operator.linked)
    files = [path for path in operator.folder.rglob("*") if path.is_file() and path not in own]
    assert [path for path in files if path.name == "tillgate.db"]
    return "".join(path.read_bytes().decode("latin-1") for path in files) + operator.everything


def test_all_that_is_kept_about_somebody_is_told(operator: Operator, person: Person) -> None:
    operator.fill()
    by_id = operator("subject", "export", "--customer", person.id)
    assert by_id.code == 0
    rows = by_id.of(INDEX)
    assert {row["native_id"] for row in rows if row["kind"] == "payment"} == person.indexed
    assert [row for row in rows if row["kind"] == "refund"]
    linked = {row["payment_id"].split(":")[2] for row in by_id.of(LINKS)}
    assert linked
    assert linked <= {payment.native_id for payment in person.payments}
    manifest = by_id.manifest
    stored = {LINKS: len(by_id.of(LINKS)), INDEX: len(rows), "tombstone": 0, "audit": 1}
    assert manifest["stored"] == stored
    assert manifest["records"]["customer"] == len(person.customer.sources)
    assert manifest["records"]["order"] == len(person.orders)
    assert manifest["records"]["payment"] == len(person.payments)
    assert (manifest["ids"], manifest["complete"]) == ([person.id], True)
    assert "The records themselves are with" in by_id.err
    # The same by their address, which stands nowhere in it.
    by_mail = operator("subject", "export", "--email", person.email.upper())
    assert (by_mail.of(INDEX), by_mail.of(LINKS)) == (rows, by_id.of(LINKS))
    # That somebody asked is told, too.
    asked = [(entry["action"], entry.get("outcome")) for entry in by_mail.of("audit")]
    assert asked == [("subject_exported", "begun"), ("subject_exported", None)]
    assert (by_mail.manifest["emails"], by_mail.manifest["ids"]) == (1, [])
    assert person.email not in (by_mail.out + by_mail.err + kept(operator)).lower()


def test_an_export_is_for_its_owner_alone_and_over_no_other_file(
    operator: Operator, person: Person, tmp_path: Path
) -> None:
    operator.fill()
    out = tmp_path / "export.ndjson"
    done = operator("subject", "export", "--customer", person.id, "--out", out)
    assert (done.code, done.out) == (0, "")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    *_, last = out.read_text().splitlines()
    assert json.loads(last)["manifest"]["action"] == "export"
    again = operator("subject", "export", "--customer", person.id, "--out", out)
    assert again.code == 2
    assert "export.ndjson: it is there already" in again.err


def test_who_is_erased_is_nowhere_and_comes_back_by_no_road(
    operator: Operator, person: Person, tmp_path: Path
) -> None:
    operator.fill()
    told = operator("subject", "export", "--customer", person.id)
    before = kept(operator)
    assert {canary for canary in person.canaries if canary in before} >= person.indexed
    asked = operator("subject", "erase", "--email", person.email, "--yes")
    assert asked.code == 0
    manifest = asked.manifest
    assert manifest["stored"][INDEX] == told.manifest["stored"][INDEX]
    assert manifest["stored"][LINKS] == told.manifest["stored"][LINKS]
    assert manifest["scrubbed"] is True
    assert "tombstone" in manifest["stays"]
    assert {canary for canary in person.canaries if canary in kept(operator)} == set()
    # A file that an operator kept, a bill that is read again, and a lookup of what vendors have.
    again = operator("links", "--import", operator.linked)
    assert again.code == 0
    assert f"{len(told.of(LINKS))} are of records that were erased, and were left out" in again.err
    old = tmp_path / "links.csv"
    rows = [f"{row['source']},{row['kind']},{row['native_id']}" for row in told.of(INDEX)]
    payments = [row for row in rows if ",payment," in row]
    head = "source,kind,native_id,created_at\n"
    old.write_text(head + "".join(f"{row},2026-01-01T00:00:00Z\n" for row in payments))
    imported = operator("index", "import", old)
    assert imported.out == "0 rows written\n"
    assert f"{len(payments)} are of records that were erased" in imported.err
    with sqlite3.connect(operator.folder / "tillgate.db") as store:
        store.execute("DELETE FROM ledger_period")
    store.close()
    assert operator("index", "sync", "--since", "2025-11-01").code == 0
    assert operator("subject", "export", "--customer", person.id).manifest["stored"][INDEX] == 0
    assert {canary for canary in person.canaries if canary in kept(operator)} == set()
    # What is anybody else's is as it was.
    rest = operator("index", "show").out
    assert sum(int(line.rsplit("\t")[-1]) for line in rest.splitlines()) > 20
    assert len(operator("links").out.splitlines()) > 20


def test_statements_read_since_a_date_only_are_no_complete_erasure(
    operator: Operator, person: Person
) -> None:
    never = operator("subject", "erase", "--customer", person.id, "--yes")
    assert never.code == 1
    assert "alipay_cn: its statements were never read" in never.err
    assert operator("index", "sync").code == 0
    partly = operator("subject", "erase", "--customer", person.id, "--yes", "--partly")
    assert (partly.code, partly.manifest["complete"]) == (1, False)
    told = r"NOT COMPLETE alipay_cn: its statements were read since \S+ only, and records of theirs"
    assert re.search(told, partly.err)
    operator.fill()
    assert {canary for canary in person.indexed if canary in kept(operator)} == set()
    done = operator("subject", "erase", "--customer", person.id, "--yes")
    assert (done.code, done.manifest["complete"], done.manifest["stored"][INDEX]) == (0, True, 0)
    export = operator("subject", "export", "--customer", person.id)
    assert (export.code, export.manifest["complete"]) == (1, False)
    assert "NOT COMPLETE references of theirs were erased on " in export.err


def test_the_audit_log_stays_tells_of_it_and_is_as_it_was_written(
    operator: Operator, person: Person
) -> None:
    folder = operator.folder / "audit"
    seen = Seen(2, (KEYS.pseudonym(person.id), KEYS.pseudonym("salesforce:customer:other")))
    others = Seen(1, (KEYS.pseudonym("salesforce:customer:other"),))
    writer = Writer(folder, KEYS, "node")
    writer.start()
    for records in ({"Customer": seen}, {"Customer": others}, {}):
        writer.put(Event(action="query", origin=Origin.GRAPHQL, records=records))
    writer.close()
    operator.fill()
    done = operator("subject", "erase", "--customer", person.id, "--yes")
    assert done.code == 0
    assert "audit" in done.manifest["stays"]
    told = operator("subject", "export", "--customer", person.id)
    found = told.of("audit")
    assert [(entry["action"], entry.get("outcome")) for entry in found] == [
        ("query", None),
        ("subject_erased", "begun"),
        ("subject_erased", None),
        ("subject_exported", "begun"),
    ]
    # Who else was seen at the same time is nobody's business.
    assert found[0]["records"]["Customer"] == {"count": 2, "ids": [KEYS.pseudonym(person.id)]}
    begun, erased = found[1:3]
    assert begun["records"] == {"Customer": {"count": 1, "ids": [KEYS.pseudonym(person.id)]}}
    assert erased["origin"] == "cli"
    assert KEYS.pseudonym(person.id) in erased["records"]["Customer"]["ids"]
    assert erased["records"]["Order"]["count"] == len(person.orders)
    assert operator("encryption", "rotate").code == 0
    assert actions(folder)[-2:] == ["encryption_rotated", "log_stopped"]
    assert faults(folder) == []
    text = "".join(path.read_text() for path in folder.rglob("*.jsonl"))
    assert [canary for canary in person.canaries if canary in text] == []


def test_nothing_is_erased_unless_somebody_agrees(
    operator: Operator, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.fill()
    for answer in ("", "n\n", "yes please\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        done = operator("subject", "erase", "--customer", person.id)
        assert (done.code, done.out) == (1, "")
        assert f"{INDEX}: " in done.err
        assert done.err.endswith("nobody agreed\nNothing was erased.\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert operator("subject", "erase", "--customer", person.id).manifest["stored"][INDEX] > 0


def test_a_vendor_that_cannot_be_asked_is_named_and_nothing_is_pretended(
    operator: Operator, person: Person, sandbox: Sandbox
) -> None:
    operator.fill()
    body = {"faults": [{"vendor": "stripe", "kind": "html"}]}
    httpx.put(f"{sandbox.origin}/_sandbox/faults", json=body).raise_for_status()
    told = operator("subject", "export", "--customer", person.id)
    assert told.code == 1
    assert told.manifest["complete"] is False
    assert {line.partition(":")[0] for line in told.manifest["not_asked"]} >= {"stripe_eu"}
    assert "NOT COMPLETE stripe_eu: " in told.err
    assert told.of(INDEX)
    refused = operator("subject", "erase", "--customer", person.id, "--yes")
    assert (refused.code, refused.out) == (1, "")
    assert "stripe_eu: " in refused.err
    assert refused.err.endswith("Nothing was erased.\n")
    assert operator("subject", "export", "--customer", person.id).of(INDEX) == told.of(INDEX)
    partly = operator("subject", "erase", "--customer", person.id, "--yes", "--partly")
    assert partly.code == 1
    assert partly.manifest["complete"] is False
    assert partly.manifest["stored"][INDEX] == len(told.of(INDEX))


def test_who_is_gone_at_the_vendor_is_found_by_their_records(
    operator: Operator, person: Person
) -> None:
    operator.fill()
    unknown = "salesforce:customer:001000000000001AAA"
    gone = operator("subject", "erase", "--customer", unknown, "--yes")
    assert gone.code == 1
    assert f"{unknown}: its source does not know it, so name what is theirs" in gone.err
    order = f"salesforce:order:{person.orders[0].native_id}"
    theirs = [p for p in person.payments if p.order == person.orders[0].number]
    done = operator("subject", "erase", "--record", order, "--yes")
    assert done.code == 0
    assert done.manifest["records"]["payment"] == len(theirs)
    lost = operator("subject", "export", "--email", "nobody@nowhere.example")
    assert (lost.code, lost.manifest["records"]) == (0, {})
    assert "No source knows anybody like that." in lost.err


def test_a_number_that_another_crm_gives_too_is_asked_about(
    operator: Operator, sandbox: Sandbox
) -> None:
    """A second CRM has the same numbers, and nobody says that its customers are the same."""
    world = sandbox.world
    paid = {p.order: p for p in world.payments if p.source == "alipay_cn" and not p.customer}
    customer, theirs = next(
        (customer, paid[order.number])
        for customer in world.customers
        for order in world.orders
        if order.customer == customer.key
        and order.number in paid
        and customer.sources.keys() == {"salesforce"}
        and order.payment_field is None
        and [p.order for p in world.payments].count(order.number) == 1
    )
    id_ = f"salesforce:customer:{customer.sources['salesforce']}"
    payment = f"alipay_cn:payment:{theirs.native_id}"
    text = operator.config.read_text()
    tables = re.findall(
        r"^\[sources\.salesforce.*?(?=^\[(?!sources\.salesforce)|\Z)", text, re.M | re.S
    )
    operator.config.write_text(
        text + "\n".join(tables).replace("sources.salesforce", "sources.twin")
    )
    assert operator("index", "sync", "--since", "2025-11-01").code == 0
    told = operator("subject", "export", "--customer", id_)
    assert (told.code, told.manifest["complete"]) == (1, False)
    assert f"NOT COMPLETE alipay_cn:reference:{theirs.order}: another CRM's order" in told.err
    assert payment in told.err
    assert theirs.native_id not in {row["native_id"] for row in told.of(INDEX)}
    refused = operator("subject", "erase", "--customer", id_, "--yes")
    assert (refused.code, refused.out) == (1, "")
    assert operator("subject", "erase", "--customer", id_, "--yes", "--partly").code == 1
    orders = {order.number for order in world.orders if order.customer == customer.key}
    own = [f"{p.source}:payment:{p.native_id}" for p in world.payments if p.order in orders]
    known = (id_, *(word for one in own for word in ("--record", one)))
    standing = operator("subject", "export", "--customer", *known)
    assert theirs.native_id in {row["native_id"] for row in standing.of(INDEX)}
    assert f"alipay_cn:reference:{theirs.order}" not in standing.out + standing.err
    done = operator("subject", "erase", "--customer", *known, "--yes")
    # Part of it was erased before, so the export cannot be complete.
    assert (done.code, standing.code) == (0, 1)
    assert operator("subject", "export", "--customer", *known).of(INDEX) == []


def test_an_address_can_be_read_instead_of_being_an_argument(
    operator: Operator, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(person.email + "\n"))
    done = operator("subject", "export", "--email", "-")
    assert done.manifest["records"]["customer"] == len(person.customer.sources)


def test_a_crm_that_has_no_addresses_is_not_taken_to_know_nobody(
    operator: Operator, person: Person
) -> None:
    text = operator.config.read_text()
    assert 'email = "Email__c"\n' in text
    operator.config.write_text(text.replace('email = "Email__c"\n', ""))
    done = operator("subject", "export", "--email", person.email)
    assert done.code == 1
    told = "salesforce: cannot be asked by e-mail: name its customers with --customer"
    assert told in done.manifest["not_asked"]
    operator.fill()
    both = operator("subject", "export", "--email", person.email, "--customer", person.id)
    assert both.code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("export",), "--customer or --email: about whom?"),
        (("export", "--email", "mei"), "--email: not an address"),
        (("export", "--customer", "mei"), "--customer: an id has the form source:kind:native"),
        (("export", "--customer", "stripe_eu:payment:pi_1"), "id of kind payment, not customer"),
        (("erase", "--record", "nobody:payment:1"), "--record: no source of payments has"),
    ],
)
def test_wrong_use_is_exit_code_2(
    operator: Operator, arguments: tuple[str, ...], told: str
) -> None:
    done = operator("subject", *arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_without_a_key_nothing_is_erased(operator: Operator, person: Person) -> None:
    operator.config.write_text(operator.config.read_text().replace(ENCRYPTION, ""))
    done = operator("subject", "erase", "--customer", person.id, "--yes")
    assert done.code == 2
    assert "encryption: without it nobody could tell later what was erased" in done.err


def test_every_store_that_is_about_somebody_is_in_an_export(
    operator: Operator, person: Person
) -> None:
    manifest = operator("subject", "export", "--customer", person.id).manifest
    assert set(manifest["stored"]) == {h.name for h in HOLDINGS if h.road is not Road.NOBODY}
    assert set(manifest["stays"]) == {h.name for h in HOLDINGS if h.road is Road.STAYS}


def test_after_a_lost_key_nothing_is_complete_until_the_tombstones_are_forgotten(
    operator: Operator, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.fill()
    theirs = ("--customer", person.id)
    assert operator("subject", "erase", *theirs, "--yes").code == 0
    monkeypatch.setenv("ENCRYPTION_KEY", make_key())
    assert operator("index", "sync").code == 2
    assert operator("encryption", "reset", "--yes").code == 0
    assert actions(operator.folder / "audit").count("encryption_reset") == 2
    exported = operator("subject", "export", *theirs)
    assert (exported.code, exported.manifest["complete"]) == (1, False)
    assert "tombstones are of a lost secret since" in exported.err
    again = operator("subject", "erase", *theirs, "--yes")
    assert (again.code, again.manifest["complete"]) == (1, False)
    assert again.manifest["stored"]["tombstone"] > 0
    assert "tombstones are of a lost secret since" in again.err
    assert operator("encryption", "reset", "--forget", "--yes").code == 0
    done = operator("subject", "erase", *theirs, "--yes")
    assert (done.code, done.manifest["complete"]) == (0, True)
    assert "lost secret" not in done.err
