"""`tillgate encryption`, and the keys in the settings."""

from __future__ import annotations

import io
import os
import sqlite3
from base64 import b64decode
from contextlib import closing
from pathlib import Path

import pytest

from auth.sealing import key_id, make_key
from gateway.cli import main

OLD, NEW = make_key(), make_key()
TOML = """
[store]
url = "sqlite+aiosqlite:///{folder}/tillgate.db"
[auth]
resource = "https://graph.acme.example"
[auth.embedded]
keys = "{folder}/keys.json"
[sources.eu]
vendor = "stripe"
key = {{ env = "STRIPE" }}
[encryption]
keys = [{keys}]
"""
Said = tuple[int, str, str]


class Operator:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "tillgate.toml"
        self._capsys = capsys

    def keys(self, *names: str) -> None:
        """In their order; each is in the environment under its own name."""
        keys = ", ".join(f'{{ id = "{name}", key = {{ env = "KEY_{name}" }} }}' for name in names)
        self.config.write_text(TOML.format(folder=self.folder, keys=keys))

    def __call__(self, *arguments: str) -> Said:
        code = main([*arguments, "--config", str(self.config)])
        out, err = self._capsys.readouterr()
        assert OLD not in out + err
        assert NEW not in out + err
        return code, out, err


@pytest.fixture
def operator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Operator:
    for name, value in (("STRIPE", "sk"), ("KEY_old", OLD), ("KEY_new", NEW), ("KEY_bad", "c2g=")):
        monkeypatch.setenv(name, value)
    return Operator(tmp_path, capsys)


def test_a_key_is_made_and_how_it_is_used_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encryption", "key"]) == 0
    first, told = capsys.readouterr()
    assert len(b64decode(first, validate=False)) == 32
    assert "env = " in told
    assert first.strip() not in told
    assert main(["encryption", "key"]) == 0
    assert capsys.readouterr().out != first


def test_after_a_rotation_the_old_key_can_go(operator: Operator) -> None:
    operator.keys("old")
    assert operator("index", "show")[0] == 0
    assert operator("clients", "rekey")[0] == 0
    assert key_id((operator.folder / "keys.json").read_bytes()) == "old"
    operator.keys("new", "old")
    code, out, err = operator("encryption", "rotate")
    assert (code, out) == (0, "2 of 2 sealed anew; all are sealed with new now\n")
    assert err.splitlines() == [
        "sealed_secret: 1 of 1 sealed anew",
        f"{operator.folder}/keys.json: 1 of 1 sealed anew",
    ]
    assert operator("encryption", "rotate")[1].startswith("0 of 2 sealed anew;")
    operator.keys("new")
    assert operator("index", "show")[0] == 0
    assert operator("clients", "rekey")[0] == 0
    assert key_id((operator.folder / "keys.json").read_bytes()) == "new"


@pytest.mark.parametrize("command", [("index", "show"), ("encryption", "rotate")])
def test_a_key_that_is_gone_is_named(operator: Operator, command: tuple[str, str]) -> None:
    operator.keys("old")
    assert operator("index", "show")[0] == 0
    operator.keys("new")
    code, out, err = operator(*command)
    assert (code, out) == (2, "")
    assert "sealed with the key 'old', which encryption.keys has not" in err


def test_other_bytes_under_the_same_id_are_an_error(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.keys("old")
    assert operator("index", "show")[0] == 0
    monkeypatch.setenv("KEY_old", NEW)
    code, out, err = operator("encryption", "rotate")
    assert (code, out) == (2, "")
    assert "what is sealed with 'old' does not open: another key has this id" in err


def test_a_sealed_key_file_without_its_key_is_told(operator: Operator) -> None:
    operator.keys("old")
    assert operator("clients", "rekey")[0] == 0
    operator.keys("new")
    code, _, err = operator("clients", "rekey")
    assert code == 2
    assert "keys.json: it is sealed with the key 'old'" in err


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((), "encryption.keys: at least one"),
        (("bad",), "encryption.keys: the key 'bad' has 2 bytes instead of 32"),
        (("new", "new"), "encryption.keys: two keys have the same id"),
        (("none",), "the environment variable KEY_none is not set"),
    ],
)
def test_keys_that_cannot_be_used_are_settings_that_cannot(
    operator: Operator, names: tuple[str, ...], told: str
) -> None:
    operator.keys(*names)
    code, out, err = operator("index", "show")
    assert (code, out) == (2, "")
    assert told in err


def test_without_keys_there_is_nothing_to_rotate(operator: Operator) -> None:
    operator.keys("new")
    operator.config.write_text(operator.config.read_text().partition("[encryption]")[0])
    code, _, err = operator("encryption", "rotate")
    assert code == 2
    assert "encryption: it is not configured" in err


def erased(operator: Operator) -> None:
    """A tombstone as an earlier version wrote it; the next start binds it to the secret."""
    row = (os.urandom(32), 1_767_225_600)
    with closing(sqlite3.connect(operator.folder / "tillgate.db")) as store, store:
        store.execute("INSERT INTO tombstone (digest, erased_at) VALUES (?, ?)", row)


def rows(operator: Operator) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(operator.folder / "tillgate.db")) as store:
        tables = ("tombstone", "sealed_secret")
        return {table: store.execute(f"SELECT * FROM {table}").fetchall() for table in tables}  # noqa: S608


@pytest.fixture
def locked_out(operator: Operator) -> Operator:
    """The key is lost, with a tombstone and signing keys."""
    operator.keys("old")
    assert operator("index", "show")[0] == 0
    assert operator("clients", "rekey")[0] == 0
    erased(operator)
    assert operator("index", "show")[0] == 0
    operator.keys("new")
    return operator


LOST = "1 tombstones of erasures from 2026-01-01 to 2026-01-01"
WARNING = "1 tombstones are of a lost secret since "


def test_a_lost_key_names_the_command_that_leads_out(locked_out: Operator) -> None:
    for command in (("index", "show"), ("clients", "rekey")):
        code, _, err = locked_out(*command)
        assert code == 2
        assert "if that key is lost, `tillgate encryption reset` says what is lost" in err


def test_without_a_terminal_a_reset_says_what_is_lost_and_changes_nothing(
    locked_out: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    before = rows(locked_out), (locked_out.folder / "keys.json").read_bytes()
    code, out, err = locked_out("encryption", "reset")
    assert (code, out) == (1, "")
    assert f"LOST {LOST}" in err
    assert "can come back by syncs, imports and lookups until it is erased again" in err
    assert "LOST the embedded issuer's signing keys" in err
    assert "sealed with the key 'old'" in err
    assert "Nothing was changed" in err
    assert (rows(locked_out), (locked_out.folder / "keys.json").read_bytes()) == before


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_at_a_terminal_a_reset_asks(
    locked_out: Operator, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "w") as keyboard, os.fdopen(theirs) as terminal:
        keyboard.write(answer)
        keyboard.flush()
        monkeypatch.setattr("sys.stdin", terminal)
        assert locked_out("encryption", "reset")[0] == code
    assert (locked_out("index", "show")[0] == 0) == (code == 0)


def test_after_a_reset_everything_starts_and_warns_until_it_is_forgotten(
    locked_out: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = (locked_out.folder / "keys.json").read_bytes()
    code, _, err = locked_out("encryption", "reset", "--yes")
    assert code == 0
    (kept,) = locked_out.folder.glob("keys.json.lost-*")
    assert str(kept) in err
    assert kept.read_bytes() == sealed
    assert not (locked_out.folder / "keys.json").exists()
    assert locked_out("clients", "rekey")[0] == 0
    for starts in (1, 2):
        assert locked_out("index", "show")[0] == 0
        assert caplog.text.count(WARNING) == starts
    assert "Nothing is lost" in locked_out("encryption", "reset", "--yes")[2]
    assert len(rows(locked_out)["tombstone"]) == 1
    code, _, err = locked_out("encryption", "reset", "--forget", "--yes")
    assert code == 0
    assert f"DELETED, without a warning from then on: {LOST}" in err
    assert rows(locked_out)["tombstone"] == []
    caplog.clear()
    assert locked_out("index", "show")[0] == 0
    assert WARNING not in caplog.text


@pytest.mark.parametrize("bound", [True, False])
def test_a_row_of_secrets_that_was_deleted_by_hand_is_noticed_at_every_start(
    operator: Operator, caplog: pytest.LogCaptureFixture, bound: bool
) -> None:
    operator.keys("old")
    assert operator("index", "show")[0] == 0
    erased(operator)
    if bound:
        assert operator("index", "show")[0] == 0
    with closing(sqlite3.connect(operator.folder / "tillgate.db")) as store, store:
        store.execute("DELETE FROM sealed_secret")
    for _ in range(2):
        code, _, err = operator("index", "show")
        assert code == 2
        assert "tombstones of another secret than the present one" in err
        assert "`tillgate encryption reset`" in err
    before = rows(operator)["sealed_secret"]
    code, _, err = operator("encryption", "reset", "--yes")
    assert (code, f"LOST {LOST}" in err) == (0, True)
    assert rows(operator)["sealed_secret"] == before
    assert operator("index", "show")[0] == 0
    assert WARNING in caplog.text


def test_where_nothing_is_lost_a_reset_changes_nothing(operator: Operator) -> None:
    operator.keys("old")
    assert operator("index", "show")[0] == 0
    assert operator("clients", "rekey")[0] == 0
    erased(operator)
    assert operator("index", "show")[0] == 0
    before = rows(operator), (operator.folder / "keys.json").read_bytes()
    code, _, err = operator("encryption", "reset", "--yes", "--forget")
    assert (code, err) == (0, "Nothing is lost, and nothing was changed.\n")
    assert (rows(operator), (operator.folder / "keys.json").read_bytes()) == before
