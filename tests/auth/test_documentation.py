"""The tables that the page shows are read as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from auth.hashed import hash_secret
from tests.auth.gate import read

ROOT = Path(__file__).parents[2]


def test_the_page_shows_tables_that_are_read() -> None:
    page = (ROOT / "docs/authentication.md").read_text(encoding="utf-8")
    tables = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    text = "\n".join(tables).replace("scrypt$14$8$1$...", str(hash_secret("x")))
    auth = read(text, {"SSO_SECRET": "s"}).auth
    assert auth is not None
    assert auth.issuers["sso"].introspection is not None
    assert auth.embedded is not None
    assert auth.mtls is not None
    assert set(auth.api_keys) == {"excel"}


def test_the_example_shows_tables_that_are_read() -> None:
    example = (ROOT / "tillgate.example.toml").read_text(encoding="utf-8")
    shown = example.split("# [auth]")[1].split("\n\n")[0]
    text = "[auth]" + re.sub(r"\n# ", "\n", shown)
    auth = read(text + "\n").auth
    assert auth is not None
    assert set(auth.issuers) == {"sso"}
