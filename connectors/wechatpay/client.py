"""What WeChat Pay answers to each batch method of the contract."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from connectors import records
from connectors.capabilities import Probe
from connectors.errors import Malformed
from connectors.ledger import Period, Told
from connectors.paging import Keyed
from connectors.rsa import expiry_notes
from connectors.transport import absent, gather_keyed
from connectors.vendor import Wiring
from connectors.wechatpay import mapping
from connectors.wechatpay.addresses import Addresses
from connectors.wechatpay.api import Api
from connectors.wechatpay.books import Books
from connectors.wechatpay.errors import judge_for
from connectors.wechatpay.payloads import Combination, Complaint, Refund, SubOrder, Transaction
from connectors.wechatpay.settings import WeChatPaySettings
from connectors.wechatpay.signing import Signer
from connectors.wechatpay.trust import Trust

BASE_URL = "https://api.mch.weixin.qq.com"
NOBODY = "TILLGATE-ASKS-FOR-NOTHING"
"""A number that no order has: to be told so takes a good signature."""
_ORDER_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,32}")
_TRANSACTION = msgspec.json.Decoder(Transaction)
_COMBINATION = msgspec.json.Decoder(Combination)
_REFUND = msgspec.json.Decoder(Refund)
_COMPLAINT = msgspec.json.Decoder(Complaint)

T = TypeVar("T")


def connect(wiring: Wiring, settings: WeChatPaySettings) -> WeChatPayConnector:
    """A connector of one merchant; the composition root closes its transport."""
    name, base_url = wiring.source.name, settings.base_url or BASE_URL
    api = Api(
        name,
        wiring.open(base_url, judge_for(name, wiring.clock), None),
        Signer(settings.mchid, settings.serial_no, settings.signing_key),
        Trust(name, settings, wiring.clock),
        wiring.clock,
        prefix=urlsplit(base_url).path.rstrip("/"),
        wishes=settings.public_key_id,
    )
    return WeChatPayConnector(api, wiring, settings)


class WeChatPayConnector:
    """One merchant. A payment's id is the merchant's own number, `out_trade_no`, which it has
    before it is paid; WeChat's number finds it too.
    """

    def __init__(self, api: Api, wiring: Wiring, settings: WeChatPaySettings) -> None:
        self._api = api
        self._source = wiring.source
        self._clock = wiring.clock
        self._addresses = Addresses(settings.mchid, settings.sub_mchid)
        self._rules = mapping.Rules(
            settings.reference, settings.pattern, frozenset(settings.ecny_bank_types)
        )
        self._combined = settings.combined
        self._certified = settings.apiv3_key is not None and not settings.public_keys
        own = settings.own_certificate
        self._ends = [("our API certificate", own.ends)] if own else []
        self._ends += [
            (f"the platform certificate {c.serial:X}", c.ends) for c in settings.known_certificates
        ]
        self._books = Books(
            api, self._addresses, wiring.source, self._rules, settings, wiring.clock
        )

    async def probe(self) -> Probe:
        """The platform certificates where they are used, else an order that nobody made."""
        if self._certified:
            await self._api.trust.renew(self._api.certificates)
        else:
            await absent(self._api.unproven(self._addresses.transaction(NOBODY)))
        return Probe(notes=expiry_notes(self._ends, self._clock()))

    async def payments(self, ids: Sequence[str]) -> Keyed[records.Payment]:
        """WeChat Pay has no batch: a call each. A key may be WeChat's own number."""
        return await gather_keyed(ids, self._payment)

    async def find_payments(self, references: Sequence[str]) -> Keyed[tuple[records.Payment, ...]]:
        """Payments whose own number is the order's; nothing can be found by `attach`."""
        if self._rules.reference != "out_trade_no":
            return {}
        asked = [number for number in references if _ORDER_NUMBER.fullmatch(number)]
        return await gather_keyed(asked, self._found)

    async def refunds(self, ids: Sequence[str]) -> Keyed[records.Refund]:
        return await gather_keyed(ids, self._refund)

    async def disputes(self, ids: Sequence[str]) -> Keyed[records.Dispute]:
        return await gather_keyed(ids, self._dispute)

    def periods(self, since: datetime, until: datetime) -> Sequence[Period]:
        return self._books.periods(since, until)

    def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        return self._books.entries(period)

    async def _payment(self, number: str) -> records.Payment | None:
        row = await absent(self._api.get(self._addresses.transaction(number), _TRANSACTION))
        if row is None:
            return None
        self._check(number in (row.out_trade_no, row.transaction_id), "another payment")
        own = row.mchid if self._addresses.sub_mchid is None else row.sub_mchid
        self._check(own == self._addresses.merchant, "another merchant")
        return self._fitting(partial(mapping.payment, self._source, row, self._rules))

    async def _found(self, number: str) -> tuple[records.Payment, ...] | None:
        """What was paid under a number that stands for another order (`reference_pattern`) is not
        of this one.
        """
        paid = await self._payment(number)
        parts = await self._parts(number) if self._combined else ()
        every = (paid, *parts) if paid else parts
        return tuple(payment for payment in every if payment.reference == number) or None

    async def _parts(self, number: str) -> tuple[records.Payment, ...]:
        """This merchant's payments in the combined order of that number."""
        path = self._addresses.combination(number)
        whole = await absent(self._api.get(path, _COMBINATION))
        if whole is None:
            return ()
        self._check(whole.combine_out_trade_no == number, "another order")
        own = [row for row in whole.sub_orders if self._is_own(row)]
        make = partial(mapping.sub_payment, self._source, number, rules=self._rules)
        return tuple(self._fitting(partial(make, row)) for row in own)

    def _is_own(self, row: SubOrder) -> bool:
        return self._addresses.merchant in (row.mchid, row.sub_mchid)

    async def _refund(self, number: str) -> records.Refund | None:
        path = self._addresses.refund(number)
        row = await absent(self._api.get(path, _REFUND, "refund"))
        if row is None:
            return None
        self._check(row.out_refund_no == number, "another refund")
        return self._fitting(partial(mapping.refund, self._source, row))

    async def _dispute(self, number: str) -> records.Dispute | None:
        complaint, _, _ = number.partition("-")
        row = await absent(self._api.get(self._addresses.complaint(complaint), _COMPLAINT))
        if row is None:
            return None
        made = self._fitting(lambda: list(mapping.disputes(self._source, row)))
        return next((dispute for dispute in made if dispute.native_id == number), None)

    def _fitting(self, make: Callable[[], T]) -> T:
        try:
            return make()
        except mapping.MISFITS as error:
            raise Malformed(self._api.source, f"the answer does not fit: {error}") from None

    def _check(self, fits: bool, whose: str) -> None:
        if not fits:
            raise Malformed(self._api.source, f"the answer is about {whose}")
