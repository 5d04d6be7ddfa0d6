"""What is asked of Alipay: each operation's name in v2, and its address in v3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

import msgspec

_PLACE = re.compile(r"\{(\w+)\}")
Content = Mapping[str, object]


class Operation(msgspec.Struct, frozen=True):
    """`path` may hold parameters, `{complain_event_id}`; "" is an operation that v3 has not."""

    method: str
    path: str = ""
    verb: Literal["GET", "POST"] = "POST"

    @property
    def node(self) -> str:
        """Under which v2 answers."""
        return self.method.replace(".", "_") + "_response"

    def address(self, content: Content) -> tuple[str, Content]:
        """The path with its parameters filled in, and what is left of the content."""
        named = set(_PLACE.findall(self.path))
        path = _PLACE.sub(lambda m: quote(str(content[m[1]]), safe=""), self.path)
        return path, {key: value for key, value in content.items() if key not in named}


TRADE = Operation("alipay.trade.query", "/v3/alipay/trade/query")
REFUND = Operation("alipay.trade.fastpay.refund.query", "/v3/alipay/trade/fastpay/refund/query")
ACCOUNT_LOG = Operation(
    "alipay.data.bill.accountlog.query", "/v3/alipay/data/bill/accountlog/query", "GET"
)
BALANCE = Operation("alipay.data.bill.balance.query", "/v3/alipay/data/bill/balance/query", "GET")
BILL = Operation(
    "alipay.data.dataservice.bill.downloadurl.query",
    "/v3/alipay/data/dataservice/bill/downloadurl/query",
    "GET",
)
COMPLAINTS = Operation(
    "alipay.merchant.tradecomplain.batchquery", "/v3/alipay/merchant/tradecomplain/batchquery"
)
COMPLAINT = Operation(
    "alipay.merchant.tradecomplain.query",
    "/v3/alipay/merchant/tradecomplain/{complain_event_id}",
    "GET",
)
ECNY_TRADE = Operation("mybank.ecny.trade.query")
ECNY_FLOWS = Operation("mybank.ecny.bizflow.batchquery")
