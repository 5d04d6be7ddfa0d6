"""`tillgate audit`, and what the log says of commands that administer something."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from auth.audit.entry import Entry, Event, Origin, Result, Seen, Who
from auth.audit.writer import Writer
from connectors.registry import Registry
from gateway.audit_cli import audited
from gateway.settings import parse
from gateway.strict import Reader, SettingsError
from tests.audit.logs import DAY, KEYS, SECRET, Clock, event, faults, only_file, told, write
from tests.auth.gate import STRIPE
from tests.auth.test_command_line import Done, tillgate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = f"""[store]
url = "sqlite+aiosqlite:///{tmp_path}/tillgate.db"
[auth]
resource = "https://graph.example"
[auth.embedded]
keys = "{tmp_path}/keys.json"
[audit]
key = {{ env = "AUDIT_KEY" }}
folder = "{tmp_path}/audit"
node = "node"
{STRIPE}"""
    (tmp_path / "tillgate.toml").write_text(text)
    return tmp_path


def run(folder: Path, *arguments: str) -> Done:
    config = ("--config", str(folder / "tillgate.toml"))
    return tillgate(*arguments, *config, AUDIT_KEY=SECRET)


def commands(folder: Path) -> list[Entry]:
    entries = told(folder / "audit")
    assert faults(folder / "audit") == []
    return [entry for entry in entries if entry.origin is Origin.CLI]


def administered(folder: Path) -> list[Entry]:
    """How each command ended."""
    return [entry for entry in commands(folder) if entry.outcome is not Result.BEGUN]


def config(folder: Path) -> argparse.Namespace:
    return argparse.Namespace(config=folder / "tillgate.toml", audited="subject_erased")


def test_what_is_done_to_clients_is_told(folder: Path) -> None:
    assert run(folder, "clients", "add", "shop", "--scope", "orders:read").returncode == 0
    assert run(folder, "clients", "add", "shop", "--scope", "orders:read").returncode == 2
    assert run(folder, "clients", "rotate", "shop").returncode == 0
    assert run(folder, "clients", "revoke", "shop").returncode == 0
    assert run(folder, "clients", "list").returncode == 0
    entries = administered(folder)
    assert [(entry.action, entry.outcome) for entry in entries] == [
        ("client_added", Result.ALLOWED),
        ("client_added", Result.ERROR),
        ("client_rotated", Result.ALLOWED),
        ("client_revoked", Result.ALLOWED),
    ]
    assert all(entry.about == {"client": "shop"} for entry in entries)
    assert all(entry.principal and entry.principal.sub for entry in entries)


def test_a_command_is_told_before_it_does_anything(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it is killed then: what is on the disk by now stays."""
    monkeypatch.setenv("AUDIT_KEY", SECRET)
    monkeypatch.setenv("KEY", "k")
    found: list[list[Entry]] = []

    def command(arguments: argparse.Namespace) -> int:
        found.append(commands(folder))
        arguments.subjects = ("crm:customer:1", "crm:order:2")
        raise KeyboardInterrupt

    arguments = config(folder)
    arguments.customer = ["mei@example.com", "crm:mei@example.com:1", "crm:customer:1"]
    arguments.others = ["crm:payment:3:4"]
    with pytest.raises(KeyboardInterrupt):
        audited(command, arguments)
    ((before,),) = found
    assert (before.action, before.outcome) == ("subject_erased", Result.BEGUN)
    assert before.records == seen("crm:customer:1", "crm:payment:3:4")
    begun, ended = commands(folder)
    assert (begun.seq, ended.outcome) == (before.seq, Result.ERROR)
    assert ended.records == seen("crm:customer:1", "crm:payment:3:4", "crm:order:2")


def seen(*ids: str) -> dict[str, Seen]:
    return {id_.split(":")[1].capitalize(): Seen(1, (KEYS.pseudonym(id_),)) for id_ in ids}


def test_imports_are_told_by_the_name_of_their_file(folder: Path) -> None:
    (folder / "links.csv").write_text("order,payment\n")
    (folder / "old.csv").write_text("source,kind,native_id,created_at\n")
    run(folder, "links", "--import", str(folder / "links.csv"), "--dry-run")
    run(folder, "index", "import", str(folder / "old.csv"))
    run(folder, "index", "forget", "stripe_eu:payment:pi_1", "stripe_eu:payment:pi_2")
    assert [(entry.action, entry.about) for entry in administered(folder)] == [
        ("links_imported", {"file": "links.csv", "dry_run": 1}),
        ("index_imported", {"file": "old.csv"}),
        ("index_forgotten", {"ids": 2}),
    ]


def test_nothing_is_administered_where_nothing_can_be_told(folder: Path) -> None:
    (folder / "audit").write_text("no folder")
    done = run(folder, "clients", "add", "shop", "--scope", "orders:read")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tillgate: audit: {folder}/audit: File exists\n"
    (folder / "audit").unlink()
    assert run(folder, "clients", "list").stdout == ""


def test_nothing_is_served_where_nothing_can_be_told(folder: Path) -> None:
    (folder / "audit").write_text("no folder")
    done = run(folder, "run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tillgate: audit: {folder}/audit: File exists\n"


def test_a_good_log_verifies(folder: Path) -> None:
    write(folder / "audit", 5)
    done = run(folder, "audit", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    # Two of them say that verifying began: it is in the log as well.
    assert done.stdout.endswith("files since 2025-11-23, 1 checkpoints compared, 0 files are bad\n")
    assert [entry.action for entry in administered(folder)] == ["audit_verified"]


def test_a_bad_log_is_told_and_is_exit_code_1(folder: Path) -> None:
    write(folder / "other", 5)
    path = only_file(folder / "other")
    path.write_bytes(path.read_bytes().replace(b"user 2", b"user 9"))
    done = run(folder, "audit", "verify", str(folder / "other"))
    assert done.returncode == 1
    first, last = done.stdout.splitlines()
    assert first == (
        "BAD   2025-11-23.node.0.jsonl:4: its hash is wrong: it was changed, or written with"
        " another key"
    )
    assert last.endswith("1 files are bad")


def test_checkpoints_that_were_kept_elsewhere_are_compared(folder: Path) -> None:
    write(folder / "other", 5)
    (kept,) = (folder / "other").glob("*.checkpoints")
    elsewhere = kept.rename(folder / "shipped")
    path = only_file(folder / "other")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    verify = ("audit", "verify", str(folder / "other"))
    assert run(folder, *verify).returncode == 0
    done = run(folder, *verify, "--checkpoint", str(elsewhere))
    assert done.returncode == 1
    assert "2025-11-23.node.0.jsonl:4: it had 7 entries" in done.stdout


@pytest.mark.parametrize("missing", ["nowhere", "tillgate.toml"])
def test_what_cannot_be_read_is_exit_code_2(folder: Path, missing: str) -> None:
    done = run(folder, "audit", "verify", str(folder / missing))
    assert done.returncode == 2
    assert missing in done.stderr


def test_without_a_table_there_is_nothing_to_verify(folder: Path) -> None:
    (folder / "tillgate.toml").write_text(STRIPE)
    done = run(folder, "audit", "verify")
    assert (done.returncode, done.stderr) == (2, "tillgate: audit: it is not configured\n")


def test_who_saw_a_record(folder: Path) -> None:
    writer = Writer(folder / "audit", KEYS, "node")
    writer.start()
    for client, record in (("shop", "crm:order:1"), ("bank", "crm:order:2")):
        writer.put(
            Event(
                action="query",
                origin=Origin.GRAPHQL,
                principal=Who(client_id=client),
                records={"Order": Seen(1, (KEYS.pseudonym(record),))},
            )
        )
    writer.close()

    def clients(*arguments: str) -> list[str]:
        lines = run(folder, "audit", "show", *arguments).stdout.splitlines()
        return [json.loads(line)["principal"]["client_id"] for line in lines]

    assert clients("--record", "crm:order:1") == ["shop"]
    assert clients("--client", "bank") == ["bank"]
    assert clients("--action", "query", "--since", "2025-01-01") == ["shop", "bank"]
    assert clients("--action", "query", "--since", "2999-01-01") == []
    shown = [entry for entry in administered(folder) if entry.action == "audit_shown"]
    assert shown[0].about == {"record": KEYS.pseudonym("crm:order:1")}


def test_what_is_old_enough_is_cleared_and_that_is_told(folder: Path) -> None:
    log = folder / "audit"
    write(log, 2, Clock(Clock().at - 800 * DAY))
    writer = Writer(log, KEYS, "node")
    writer.start()
    writer.note(event())
    writer.close()
    dry = run(folder, "audit", "clear", "--dry-run")
    assert dry.stdout.startswith("1 files are of before")
    assert len(told(log)) == 7
    done = run(folder, "audit", "clear")
    assert done.returncode == 0
    assert done.stdout.startswith("1 files of before")
    (cleared,) = administered(folder)
    assert cleared.about["files"] == 1
    assert "nothing was deleted" in run(folder, "audit", "clear").stdout


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("", "audit: .*`key`"),
        ('key = { env = "SHORT" }', "audit.key: shorter than 32 characters"),
        ('key = { env = "LONG" }\nkeep = 30', "audit.keep"),
        ('key = { env = "LONG" }\nmode = "lax"', "audit.mode"),
        ('key = { env = "LONG" }\nnode = "a/b"', "audit.node: letters, digits and hyphens"),
        ('key = { env = "LONG" }\nfolders = "a"', "audit.folders"),
    ],
)
def test_settings_that_are_wrong(table: str, fault: str) -> None:
    reader = Reader({"KEY": "k", "SHORT": "s", "LONG": "l" * 32})
    with pytest.raises(SettingsError, match=fault):
        parse(f"[audit]\n{table}\n{STRIPE}", Registry(), reader)


def test_what_cannot_be_shown_is_told(folder: Path) -> None:
    write(folder / "audit", 3)
    path = only_file(folder / "audit")
    path.write_bytes(path.read_bytes().replace(b'"user 1"', b"user 1"))
    done = run(folder, "audit", "show", "--action", "query")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.startswith("BAD   2025-11-23.node.0.jsonl:3: it is no entry")
