"""`python -m sandbox`: the simulated vendors on loopback until interrupted."""

from __future__ import annotations

import argparse

from sandbox.server import serve


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=1000, help="customers; five orders each")
    parser.add_argument("--port", type=int, default=9999, help="0 takes a free one")
    parser.add_argument("--no-rate-limits", dest="rate_limits", action="store_false")
    parser.add_argument("--search-lag", type=float, default=5.0, help="seconds")
    return parser.parse_args()


if __name__ == "__main__":
    serve(**vars(arguments()))
