"""From settings to a connector: which protocol is spoken, which family, which books."""

from __future__ import annotations

from connectors.alipay.accountlog import AccountLog
from connectors.alipay.api import Api, Wire
from connectors.alipay.bills import Bills, file_judge
from connectors.alipay.client import AlipayConnector, Book, Shelf
from connectors.alipay.complaints import ComplaintBook
from connectors.alipay.ecny import EcnyConnector
from connectors.alipay.gateway import Gateway
from connectors.alipay.rest import Rest
from connectors.alipay.ring import Ring
from connectors.alipay.settings import AlipaySettings
from connectors.vendor import Wiring

BASE_URL = "https://openapi.alipay.com"


def connect(wiring: Wiring, settings: AlipaySettings) -> AlipayConnector | EcnyConnector:
    """A connector of one account; the composition root closes its transports."""
    name = wiring.source.name
    ring = Ring(settings)
    speaks = Gateway if settings.protocol == "v2" else Rest
    wire: Wire = speaks(name, settings, ring, wiring.clock)
    transport = wiring.open(settings.base_url or BASE_URL, wire.judge, None)
    api = Api(name, wire, transport)
    if settings.family == "ecny":
        return EcnyConnector(api, wiring, settings, ring)
    shelf = Shelf(_books(api, wiring, settings))
    return AlipayConnector(api, wiring.source, settings.pattern(), shelf, ring, wiring.clock)


def _books(api: Api, wiring: Wiring, settings: AlipaySettings) -> list[Book]:
    pattern = settings.pattern()
    books: list[Book] = []
    if settings.books == "bill":
        judge = file_judge(wiring.source.name)
        files = wiring.open(settings.base_url or BASE_URL, judge, None)
        books.append(Bills(api, files, pattern, wiring.vendor_clock))
    else:
        books.append(AccountLog(api, pattern, wiring.vendor_clock))
    if settings.complaints:
        books.append(ComplaintBook(api, wiring.vendor_clock))
    return books
