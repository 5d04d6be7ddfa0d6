"""A connector of one application of Jiandaoyun."""

from __future__ import annotations

from connectors.jiandaoyun.api import Api
from connectors.jiandaoyun.errors import judge_for
from connectors.jiandaoyun.forms import Forms
from connectors.jiandaoyun.settings import JiandaoyunSettings
from connectors.jiandaoyun.tables import JiandaoyunTables
from connectors.mapped import MappedCrm
from connectors.recoding import open_recoding
from connectors.tokens import StaticToken
from connectors.vendor import Wiring


def connect(wiring: Wiring, settings: JiandaoyunSettings) -> MappedCrm:
    """The composition root closes its transport."""
    name = wiring.source.name
    token = StaticToken("authorization", settings.key, "Bearer ")
    api = Api(
        name, settings.app_id, open_recoding(wiring, settings.address, judge_for(name), token)
    )
    tables = JiandaoyunTables(api, Forms(api, wiring.clock), settings, wiring.clock)
    return MappedCrm(wiring.source, settings, tables)
