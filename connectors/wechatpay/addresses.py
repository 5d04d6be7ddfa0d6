"""The paths of WeChat Pay, for a merchant or for one merchant of a service provider.

Each is written the way it goes out, because it is signed: `*` and `@` stand as they are (the HTTP
engine would put them so), everything else that is not plain is escaped.
"""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import quote, urlencode

import msgspec

TRANSACTION_ID = re.compile(r"4200[0-9]{6}20[0-9]{2}[01][0-9][0-3][0-9]{11}")
"""WeChat's own number: 28 digits with the day in them. A merchant's may have 28 digits too."""
PAGE = 50


class Addresses(msgspec.Struct, frozen=True):
    mchid: str
    sub_mchid: str | None = None

    @property
    def merchant(self) -> str:
        """Whose payments these are."""
        return self.sub_mchid or self.mchid

    def transaction(self, number: str) -> str:
        """By WeChat's number where it looks like one, else by the merchant's."""
        kind = "id" if TRANSACTION_ID.fullmatch(number) else "out-trade-no"
        if self.sub_mchid is None:
            return _with(f"/v3/pay/transactions/{kind}/{_plain(number)}", mchid=self.mchid)
        path = f"/v3/pay/partner/transactions/{kind}/{_plain(number)}"
        return _with(path, sp_mchid=self.mchid, sub_mchid=self.sub_mchid)

    def combination(self, number: str) -> str:
        return f"/v3/combine-transactions/out-trade-no/{_plain(number)}"

    def refund(self, number: str) -> str:
        return _with(f"/v3/refund/domestic/refunds/{_plain(number)}", **self._sub)

    def complaint(self, number: str) -> str:
        return f"/v3/merchant-service/complaints-v2/{_plain(number)}"

    def complaints(self, first: date, last: date, offset: int) -> str:
        """Both days count. At most 50 rows, 30 days."""
        return _with(
            "/v3/merchant-service/complaints-v2",
            limit=str(PAGE),
            offset=str(offset),
            begin_date=first.isoformat(),
            end_date=last.isoformat(),
            complainted_mchid=self.merchant,
        )

    def trade_bill(self, day: date) -> str:
        wanted = {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"}
        return _with("/v3/bill/tradebill", **wanted, **self._sub)

    @property
    def certificates(self) -> str:
        return "/v3/certificates"

    @property
    def _sub(self) -> dict[str, str]:
        return {"sub_mchid": self.sub_mchid} if self.sub_mchid else {}


def _with(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _plain(number: str) -> str:
    return quote(number, safe="*@")
