"""The connector: mapped lists, whose orders are completed only when they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.errors import SourceError
from connectors.grouping import Given
from connectors.mapped import MappedCrm
from connectors.mapper import Mapper
from connectors.mapping import OrderMap, Preset
from connectors.metadata import Rows
from connectors.paths import order_paths
from connectors.recoding import open_recoding
from connectors.records import Order
from connectors.tokens import FetchedToken
from connectors.vendor import Wiring
from connectors.yonyou.api import Api
from connectors.yonyou.errors import judge_for
from connectors.yonyou.login import Login
from connectors.yonyou.reading import YonyouTables
from connectors.yonyou.settings import YonyouSettings


def connect(wiring: Wiring, settings: YonyouSettings) -> YonyouCrm:
    """A connector of one company; the composition root closes its transports."""
    name = wiring.source.name
    judge = judge_for(name, settings.errcodes)
    login = Login(name, settings, open_recoding(wiring, settings.address, judge, None))
    transport = open_recoding(
        wiring, settings.address, judge, FetchedToken(login.fetch, sessions=True)
    )
    api = Api(name, settings, transport)
    return YonyouCrm(wiring, settings, YonyouTables(api, settings, wiring.clock))


class YonyouCrm(MappedCrm):
    """An order's amounts and lines cost a call for each order, so that of many found only those on
    the page are asked for."""

    def __init__(self, wiring: Wiring, settings: YonyouSettings, tables: YonyouTables) -> None:
        self._heads = tables
        super().__init__(wiring.source, settings, tables)

    def _maps(self, mapping: Preset, mapper: Mapper) -> None:
        super()._maps(mapping, mapper)
        self._heads.complete_later(mapping.orders)

    async def sample(self, table: str, columns: Sequence[str], by: str, most: int) -> Rows:
        rows = await super().sample(table, columns, by, most)
        found = await self._heads.completed(table, columns, rows)
        return [row for row in found if not isinstance(row, SourceError)]

    async def _orders_of(self, given: Sequence[Given[OrderMap]]) -> Sequence[Order | SourceError]:
        whole = await self._completed(given)
        good = [one for one in whole if isinstance(one, Given)]
        made = iter(await super()._orders_of(good))
        return [one if isinstance(one, SourceError) else next(made) for one in whole]

    async def _completed(
        self, given: Sequence[Given[OrderMap]]
    ) -> list[Given[OrderMap] | SourceError]:
        answer: dict[int, Given[OrderMap] | SourceError] = {}
        for declared in {id(one.declared): one.declared for one in given}.values():
            own = [one for one in given if one.declared is declared]
            rows = await self._heads.completed(
                declared.table, order_paths(declared), [one.row for one in own]
            )
            for one, row in zip(own, rows, strict=True):
                answer[id(one)] = row if isinstance(row, SourceError) else Given(row, declared)
        return [answer[id(one)] for one in given]
