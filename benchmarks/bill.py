"""`python -m benchmarks.bill`: one long WeChat Pay bill into the index, killed and gone on with.

Exit code 0 when measured, 1 when rows are lost or doubled, 2 when it cannot be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec

from benchmarks.bills.job import Job, Offer, Run, Store
from benchmarks.bills.made import made
from benchmarks.bills.served import mchid, served
from benchmarks.bills.stores import Fresh, contents, postgresql, progress, sqlite
from benchmarks.compare import progress as say
from benchmarks.processes import ROOT, CannotMeasure, python
from benchmarks.report import shown, table
from resolvers.index.spool import PART
from resolvers.store import open_store

OpenStore = Callable[[], AbstractContextManager[Fresh]]
SHORT = 10
"""The short bill has so many times fewer rows: memory must not be less for it."""
HEAD = ["store", "", "rows written", "s", "reading s", "CPU s", "rows/s", "MiB idle", "MiB peak"]
HEAD += ["x rows/s", "x memory"]
EXAMPLES = """\
examples:
  python -m benchmarks.bill                         a million rows on SQLite
  python -m benchmarks.bill --postgresql            and on a PostgreSQL from its wheel
  python -m benchmarks.bill --rows 100000           a shorter bill
"""


class Lost(Exception):
    """Rows are missing, doubled or changed: then no time means anything."""


class Line(msgspec.Struct, frozen=True):
    """One reading of a bill; `written` are the entries that it wrote."""

    store: str
    what: str
    written: int
    run: Run

    @property
    def per_second(self) -> float:
        return self.written / self.run.seconds


class Bench:
    """One kind of database: an empty one for each reading."""

    def __init__(self, fresh: Fresh) -> None:
        self._fresh = fresh
        self._count = 0

    def whole(self, module: str, what: str, offer: Offer) -> Line:
        """A bill from its first row to its last."""
        job = self.job(offer)
        with reading(module, job) as child:
            _, run = child.rest()
        check(job)
        return Line(job.store.name, what, offer.bill.rows, run)

    def killed(self, what: str, offer: Offer, at: float) -> Line:
        """Killed with -9 when that part of the entries is written, and started again."""
        job, rows = self.job(offer), offer.bill.rows
        with reading("tillgate", job) as child:
            child.kill_after(at * rows)
        before = asyncio.run(half_written(job))
        with reading("tillgate", job) as child:
            parts, run = child.rest()
        if parts != [*range(before + PART, rows, PART), rows, rows]:
            raise Lost(f"after {before} entries other parts than the remaining ones were written")
        check(job)
        return Line(job.store.name, what, rows - before, run)

    def job(self, offer: Offer) -> Job:
        """Into a database of its own."""
        self._count += 1
        return Job(offer, asyncio.run(self._migrated(f"bill_{self._count}")))

    async def _migrated(self, name: str) -> Store:
        store = await self._fresh(name)
        async with open_store(store.url):
            return store


class Child:
    """A process that reads a bill."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def kill_after(self, entries: float) -> None:
        """SIGKILL as soon as that many are written."""
        for line in self._lines():
            if line.isdigit() and int(line) >= entries:
                break
        self._process.kill()

    def rest(self) -> tuple[list[int], Run]:
        """How many entries there were after each part, and what it took."""
        *parts, last = [*self._lines()] or [""]
        if self._process.wait() != 0:
            raise CannotMeasure("a bill could not be read, see above")
        return [int(part) for part in parts], msgspec.json.decode(last, type=Run)

    def _lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        return map(str.strip, self._process.stdout)


@contextmanager
def reading(module: str, job: Job) -> Iterator[Child]:
    """A process that reads the job's bill; it does not outlive the block."""
    with subprocess.Popen(  # noqa: S603 - our own programs
        python(f"benchmarks.bills.{module}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(job).decode())
            process.stdin.close()
            yield Child(process)
        finally:
            process.kill()


def check(job: Job) -> None:
    """Lost unless the index holds exactly what the bill tells."""
    found = asyncio.run(contents(job.store))
    if found != job.offer.bill.contents:
        raise Lost(f"{job.store.name}: {found} in the index, {job.offer.bill.contents} in the bill")


async def half_written(job: Job) -> int:
    """How many entries the killed process left: neither none nor all, and as many as it noted."""
    before, found = await progress(job.store), await contents(job.store)
    if before.finished or not 0 < before.written < before.entries:
        raise CannotMeasure(f"killed too early or too late: {before}")
    if found.entries != before.written:
        raise Lost(f"{found.entries} entries, but {before.written} are noted as written")
    return before.written


def measure(stores: Sequence[OpenStore], rows: int, at: float = 0.5) -> list[Line]:
    """All stores with the same bills. Raises Lost where an index is not what its bill tells."""
    with tempfile.TemporaryDirectory(prefix="tillgate-bench-") as folder:
        say(f"making a bill of {rows} rows and one of {rows // SHORT}")
        bills = [made(Path(folder, f"{n}.gz"), n, mchid()) for n in (rows, rows // SHORT)]
        with served(bills[0]) as offer, served(bills[1]) as short:
            return [line for store in stores for line in in_store(store, offer, short, at)]


def in_store(store: OpenStore, offer: Offer, short: Offer, at: float) -> Iterator[Line]:
    """The naive reading first: the others are held against it."""
    with store() as fresh:
        bench = Bench(fresh)
        for module, what, told in (
            ("naive", "naive", offer),
            ("tillgate", "Tillgate", offer),
            ("tillgate", "Tillgate, a tenth", short),
        ):
            line = bench.whole(module, what, told)
            say(f"{line.store}: {what}: {line.per_second:.0f} rows/s")
            yield line
        yield bench.killed("Tillgate, after kill -9", offer, at)


def as_table(found: Sequence[Line]) -> str:
    """The ratios are to the naive reading in the same store: above 1 Tillgate is better."""
    naive = {line.store: line for line in reversed(found) if line.what == "naive"}
    return table([HEAD, *(_row(line, naive[line.store]) for line in found)])


def _row(line: Line, naive: Line) -> list[str]:
    return [
        line.store,
        line.what,
        f"{line.written:,}",
        f"{line.run.seconds:.1f}",
        f"{line.run.reading:.1f}",
        f"{line.run.cpu:.1f}",
        f"{line.per_second:,.0f}",
        f"{line.run.idle_kib / 1024:.0f}",
        f"{line.run.peak_kib / 1024:.0f}",
        shown([line.per_second / naive.per_second]),
        shown([naive.run.peak_kib / line.run.peak_kib]),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    stores = [sqlite, postgresql] if options.postgresql else [sqlite]
    try:
        print(as_table(measure(stores, options.rows)))
    except Lost as error:
        say(f"benchmarks: {error}")
        return 1
    except CannotMeasure as error:
        say(f"benchmarks: {error}")
        return 2
    except KeyboardInterrupt:
        say("benchmarks: interrupted, everything is shut down")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bill",
        description="A long WeChat Pay bill into the index, beside a naive reader: rows per second,"
        " peak memory, and whether it goes on after kill -9 without a row lost or doubled.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=_rows, default=1_000_000, help="of the bill (1000000)")
    parser.add_argument("--postgresql", action="store_true", help="as well as SQLite")
    return parser


def _rows(text: str) -> int:
    value = int(text)
    if not 10 * PART <= value <= 5_000_000:
        raise argparse.ArgumentTypeError(f"expected {10 * PART} to 5000000 rows")
    return value


if __name__ == "__main__":
    sys.exit(main())
