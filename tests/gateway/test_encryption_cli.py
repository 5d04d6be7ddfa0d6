"""`tillgate encryption`, and the keys in the settings."""

from __future__ import annotations

from base64 import b64decode
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
