"""A bill into the index as Tillgate reads it: `python -m benchmarks.bills.tillgate` < job.

The real connector over HTTP, through `resolvers.index.sync`. Tells after each part how many
entries are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import uvloop

from benchmarks.bills.job import MIDNIGHT, SOURCE, Job, Run, Watch, given, told
from connectors.conformance_kit import connected
from connectors.ledger import Entry
from connectors.records import Source
from connectors.secret import Secret
from connectors.wechatpay import VENDOR
from connectors.wechatpay.settings import WeChatPaySettings
from resolvers.index.store import Index, Progress
from resolvers.index.sync import State, sync
from resolvers.sources import ConfiguredSource
from resolvers.store import open_store

BILL_IS_THERE = MIDNIGHT + timedelta(days=1, hours=10)
SECRETS = ("private_key", "apiv3_key", "certificate", "public_key")


class Telling(Index):
    """Tells of each part when it is written."""

    def __init__(self, engine: Any, watch: Watch) -> None:
        super().__init__(engine)
        self._watch = watch

    async def put_part(
        self, source: str, period: str, entries: Sequence[Entry], progress: Progress
    ) -> int:
        self._watch.read()
        left_out = await super().put_part(source, period, entries, progress)
        print(progress.written, flush=True)
        return left_out


async def read(job: Job) -> Run:
    settings = _settings(job.offer.keys)
    own = Source(SOURCE, VENDOR.name, VENDOR.kind)
    async with (
        open_store(job.store.url) as engine,
        connected(VENDOR, settings, name=SOURCE) as connector,
    ):
        source = ConfiguredSource(source=own, vendor=VENDOR, connector=connector, deadline=5.0)
        watch = Watch()
        index = Telling(engine, watch)
        (outcome,) = await sync(index, [source], MIDNIGHT, BILL_IS_THERE)
        run = watch.stop()
    if outcome.state is not State.WRITTEN:
        raise SystemExit(f"{outcome.period}: {outcome.state.value}: {outcome.error}")
    return run


def _settings(keys: dict[str, str]) -> WeChatPaySettings:
    """Without complaints, so that the bill is the one period."""
    own: dict[str, Any] = {n: Secret(key) if n in SECRETS else key for n, key in keys.items()}
    return WeChatPaySettings(vendor=VENDOR.name, complaints=False, **own)


if __name__ == "__main__":
    told(uvloop.run(read(given())))
