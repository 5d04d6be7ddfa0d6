"""`python -m benchmarks`: exit code 0 when measured, 1 when the sides differ, 2 when it cannot."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks import clients, report, soak
from benchmarks.compare import PRICED, SIDES, Unequal, compare, progress
from benchmarks.processes import CannotMeasure, upstream
from benchmarks.workloads import AUTHORIZATION, WORKLOADS

EXAMPLES = """\
examples:
  python -m benchmarks                              all four workloads, about four minutes
  python -m benchmarks --only Q1 Q2 --seconds 1     two of them, shorter
  python -m benchmarks --json result.json           the figures of every round as well
  python -m benchmarks authorization                Tillgate with [auth] beside itself without
  python -m benchmarks clients                      what an upstream call costs, by HTTP client
  python -m benchmarks upstream                     the simulated vendors alone, until Ctrl-C
  python -m benchmarks soak --minutes 8             memory under mixed load, and 128 lists at once
  make bench ARGS="--rounds 5"                      the same through make
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.what == "upstream":
            return _vendors()
        if options.what == "soak":
            return soak.main(options.minutes)
        text, found = _clients(options) if options.what == "clients" else _gateways(options)
    except Unequal as error:
        progress(f"benchmarks: {error}")
        return 1
    except CannotMeasure as error:
        progress(f"benchmarks: {error}")
        return 2
    except KeyboardInterrupt:
        progress("benchmarks: interrupted, everything is shut down")
        return 130
    print(text)
    if options.json is not None:
        options.json.write_bytes(report.as_json(options.seconds, options.rounds, found))
    return 0


def _vendors() -> int:
    with upstream() as vendors:
        print(f"http://127.0.0.1:{vendors.port}", flush=True)
        signal.pause()
    return 0


def _gateways(options: argparse.Namespace) -> tuple[str, dict[str, object]]:
    known, sides = (
        (AUTHORIZATION, PRICED) if options.what == "authorization" else (WORKLOADS, SIDES)
    )
    chosen = [w for w in known if options.only is None or w.name in options.only]
    found = compare(chosen, options.seconds, options.rounds, sides)
    return report.comparison(found), msgspec.to_builtins(found)


def _clients(options: argparse.Namespace) -> tuple[str, dict[str, object]]:
    costs = clients.costs(options.seconds, options.rounds)
    return report.clients(costs), {"clients": msgspec.to_builtins(costs)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Tillgate beside a naive strawberry + aiodataloader + httpx gateway, measured"
        " in one run on this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = sorted({workload.name for workload in (*WORKLOADS, *AUTHORIZATION)})
    parser.add_argument(
        "what",
        nargs="?",
        choices=("gateways", "authorization", "clients", "upstream", "soak"),
        default="gateways",
        help="(gateways)",
    )
    parser.add_argument("--seconds", type=_seconds, default=2.0, help="of each window (2)")
    parser.add_argument("--minutes", type=_minutes, default=8.0, help="of a soak (8)")
    parser.add_argument("--rounds", type=_rounds, default=3, help="windows of each cell (3)")
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="Q", help=f"{' '.join(names)} (all there are)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 600:
        raise argparse.ArgumentTypeError("expected 0.01 to 600 seconds")
    return value


def _minutes(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 1440:
        raise argparse.ArgumentTypeError("expected 0.1 to 1440 minutes")
    return value


def _rounds(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError("expected 1 to 100 rounds")
    return value


if __name__ == "__main__":
    sys.exit(main())
