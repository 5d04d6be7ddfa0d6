"""Processes of a run: each ends when its standard input closes, so none outlives the run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import msgspec

from benchmarks.world import World

SOURCE = Path(__file__).with_name("upstream.c")
ROOT = SOURCE.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
MEASURED = ("auth", "benchmarks", "connectors", "gateway", "resolvers", "schema")


class CannotMeasure(Exception):
    """Something that a measurement needs is missing; the message says what."""


class Process(msgspec.Struct, frozen=True):
    """A running server on loopback."""

    pid: int
    port: int


def code_digest() -> str:
    """Tells one state of the measured code from another: each round starts from the files."""
    digest = hashlib.sha256()
    for path in sorted(p for room in MEASURED for p in (ROOT / room).rglob("*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def cores() -> tuple[int, int] | None:
    """A core for what is measured and one for everything else; None where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else None


@contextmanager
def running(command: Sequence[str], *, measured: bool = False) -> Iterator[Process]:
    """A server that prints its port; it is told to end by closing its standard input."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(  # noqa: S603 - our own programs
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            start_new_session=True,
        ) as child,
    ):
        try:
            pin(child.pid, measured)
            assert child.stdout is not None
            line = child.stdout.readline()
            if not line.strip().isdigit():
                log.seek(0)
                said = log.read().decode(errors="replace")[-2000:]
                raise CannotMeasure(f"{Path(command[-1]).name} did not start: {said}")
            yield Process(child.pid, int(line))
        finally:
            _end(child)


def pin(pid: int, measured: bool) -> None:
    """What is measured has a core of its own, so that the rest cannot take its time."""
    if (pair := cores()) is not None:
        os.sched_setaffinity(pid, {pair[0] if measured else pair[1]})


def _end(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()


@contextmanager
def upstream() -> Iterator[Process]:
    """The simulated vendors, compiled and running."""
    compiler = shutil.which("cc")
    if compiler is None or not Path("/proc/self/stat").exists():
        raise CannotMeasure("a C compiler (cc) and Linux's /proc are needed")
    with tempfile.TemporaryDirectory(prefix="tillgate-bench-") as folder:
        program, world = Path(folder, "upstream"), Path(folder, "world")
        build = [compiler, "-O2", "-pthread", "-o", str(program), str(SOURCE)]
        done = subprocess.run(build, capture_output=True, check=False)  # noqa: S603
        if done.returncode:
            raise CannotMeasure(f"{SOURCE.name}: {done.stderr.decode(errors='replace')[-2000:]}")
        World().write(world)
        with running([str(program), str(world)]) as process:
            yield process


def calls(port: int) -> int:
    """Calls that the simulated vendors have answered."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/_calls")
        return int(connection.getresponse().read())
    finally:
        connection.close()


def cpu_ticks(pid: int) -> int:
    """User and system time of a process with all its threads, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def peak_memory(pid: int) -> int:
    """The most resident memory so far, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def settle() -> None:
    """A moment for what the last measurement left to do."""
    time.sleep(0.05)
