"""clairvoyance, which recovers a schema from the errors of a server that hides it.

It demands a package `asyncio`, which has been part of Python for long, so it cannot stand in our
lock: it is installed into a virtual environment of its own, as `clairvoyance.txt` pins it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
PINNED = HERE / "clairvoyance.txt"
KEPT = HERE.parents[1] / ".venv" / "witnesses"
INSTALL_SECONDS = 300
RUN_SECONDS = 120
FEW_AT_ONCE = """
from clairvoyance.cli import cli
from clairvoyance.config import Config

Config.bucket_size = property(lambda self: 4)
cli()
"""
"""It asks for 64 names at once, and takes for a field what no error names. We tell five errors at
most, so as it is it takes everything for a field. Asking for four at once it does find out."""

Schema = Mapping[str, Mapping[str, frozenset[str]]]
"""Names of arguments by type and field; of an input the fields are its members."""


class Clairvoyance:
    """Installed once: again only when what is pinned has changed."""

    def __init__(self) -> None:
        KEPT.mkdir(parents=True, exist_ok=True)
        self._folder = KEPT / "clairvoyance"
        wanted = hashlib.sha256(PINNED.read_bytes() + sys.version.encode()).hexdigest()
        stamp = self._folder / ".pinned"
        with (KEPT / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stamp.is_file() or stamp.read_text() != wanted:
                self._install()
                stamp.write_text(wanted)

    @property
    def _python(self) -> str:
        return str(self._folder / "bin" / "python")

    def _install(self) -> None:
        venv.create(self._folder, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", self._python, "install", "--quiet"]
        chosen = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(PINNED)]
        _run([*pip, *chosen], INSTALL_SECONDS)

    def recovered(self, url: str, token: str, words: Iterable[str]) -> Schema:
        """What it finds out about the schema of a server, with these words to guess by."""
        with TemporaryDirectory(prefix="clairvoyance-") as folder:
            listed, found = Path(folder, "words.txt"), Path(folder, "schema.json")
            listed.write_text("\n".join(words))
            asked = ["-w", str(listed), "-o", str(found), "-c", "8", "--progress"]
            header = ["-H", f"Authorization: Bearer {token}"]
            _run([self._python, "-c", FEW_AT_ONCE, *asked, *header, url], RUN_SECONDS)
            return _schema(json.loads(found.read_text()))


def _schema(introspection: Any) -> Schema:
    types = introspection["data"]["__schema"]["types"]
    return {
        type_["name"]: {
            field["name"]: frozenset(argument["name"] for argument in field.get("args") or ())
            for field in (*(type_.get("fields") or ()), *(type_.get("inputFields") or ()))
        }
        for type_ in types
    }


def _run(command: list[str], seconds: int) -> None:
    # The order in which it guesses is that of a set: the same in every run.
    environ = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=seconds, env=environ, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"[-4000:])
