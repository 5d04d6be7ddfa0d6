"""Puts a connector of one Galaxy server together."""

from __future__ import annotations

from connectors.kingdee.api import Api
from connectors.kingdee.errors import judge_for
from connectors.kingdee.login import Login
from connectors.kingdee.settings import KingdeeSettings
from connectors.kingdee.tables import KingdeeTables
from connectors.mapped import MappedCrm
from connectors.recoding import open_recoding
from connectors.tokens import FetchedToken
from connectors.vendor import Wiring


def connect(wiring: Wiring, settings: KingdeeSettings) -> MappedCrm:
    """The composition root closes its transports."""
    name, judge = wiring.source.name, judge_for(wiring.source.name)
    tokens = None
    if settings.auth != "signature":
        door = open_recoding(wiring, settings.base_url, judge, None)
        tokens = FetchedToken(Login(name, settings, door, wiring.clock).fetch, sessions=True)
    transport = open_recoding(wiring, settings.base_url, judge, tokens)
    api = Api(name, settings, transport, wiring.clock)
    return MappedCrm(wiring.source, settings, KingdeeTables(name, settings, api, wiring.clock))
