"""The benchmark works and is fair: same answers, known upstream calls. Times are not tested."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks import report
from benchmarks.compare import SIDES, Comparison, compare
from benchmarks.processes import ROOT
from benchmarks.vendor import CRM, ENTRY_POINTS, PAYMENTS
from benchmarks.workloads import ONE_ORDER_IDS, START, WORKLOADS, Contents
from benchmarks.world import Row, World
from connectors.registry import Registry
from tests.waiting import until

needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None or not sys.platform.startswith("linux"),
    reason="needs a C compiler and Linux",
)
WORLD = World()


@pytest.fixture(scope="module")
def measured() -> Comparison:
    return compare([w for w in WORKLOADS if w.name in ("Q1", "Q2")], seconds=0.05, rounds=1)


@needs_compiler
def test_both_sides_answer_what_the_vendors_hold(measured: Comparison) -> None:
    """Unequal answers would have raised; here they are counted against the data itself."""
    one = [order for order in WORLD.orders if order["id"] in ONE_ORDER_IDS]
    page = WORLD.orders[100 * (START + 1) :][:100]
    assert [check.contents for check in measured.checks] == [held(one), held(page)]
    assert [check.requests for check in measured.checks] == [300, 1]


@needs_compiler
def test_upstream_calls_per_query(measured: Comparison) -> None:
    """Order, customers, payments, refunds; 120 payments need two calls for their refunds."""
    for check, expected in zip(measured.checks, (4, 5), strict=True):
        assert check.calls == dict.fromkeys(SIDES, expected)
    for cell in measured.cells:
        assert cell.calls == [4 if cell.workload == "Q1" else 5]


@needs_compiler
def test_every_cell_is_measured_on_both_sides(measured: Comparison) -> None:
    cells = [(cell.workload, cell.concurrency, cell.side) for cell in measured.cells]
    assert cells == [(q, c, s) for q in ("Q1", "Q2") for c in (1, 32) for s in SIDES]
    table = report.comparison(measured)
    assert all(f"{q} c{c}" in table for q in ("Q1", "Q2") for c in (1, 32))
    written = msgspec.json.decode(report.as_json(0.05, 1, msgspec.to_builtins(measured)))
    assert len(written["cells"]) == 8
    assert written["versions"]["httpx"]


@needs_compiler
def test_an_interrupt_leaves_nothing_running() -> None:
    command = [sys.executable, "-m", "benchmarks", "--only", "Q2", "--seconds", "60"]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=_may_be_interrupted
    ) as run:
        assert run.stderr is not None
        while "round 1" not in run.stderr.readline():
            assert run.poll() is None
        started = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        run.send_signal(signal.SIGINT)
        said = run.stderr.read()
    assert len(started) >= 3
    assert run.returncode == 130, said
    assert "shut down" in said
    # What was killed may take a moment to end, and its entry stays until somebody collects it.
    until(lambda: not any(map(runs, started)))


def _may_be_interrupted() -> None:
    """Whoever runs the tests in the background may have had interrupts ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def runs(pid: str) -> bool:
    """Whether the process is more than an entry that nobody has collected yet."""
    try:
        state = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def test_the_vendors_come_from_outside_of_connectors() -> None:
    registry = Registry(extra=ENTRY_POINTS)
    assert registry["bench_crm"] is CRM
    assert registry["bench_payments"] is PAYMENTS
    assert "bench_crm" not in Registry(extra=()).names


def held(orders: list[Row]) -> Contents:
    numbers = {order["number"] for order in orders}
    payments = {p["id"] for p in WORLD.payments if p["reference"] in numbers}
    refunds = [r for r in WORLD.refunds if r["payment_id"] in payments]
    return Contents(len(orders), len(payments), len(refunds))
