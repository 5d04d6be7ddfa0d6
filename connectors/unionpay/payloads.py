"""What is read of a transaction, as `queryTrans.do` answers it: every value is a string.

Times are Beijing's; `traceTime` is `MMDDhhmmss`, without a year. Card numbers, which come masked
or encrypted, are not among the fields and are dropped before (`PRIVATE`).
"""

from __future__ import annotations

import msgspec

PRIVATE = frozenset(
    {"accNo", "payCardNo", "payCardIssueName", "customerInfo", "customerIp", "cardTransData"}
)


class Transaction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`txn_type` is the transaction's own; amounts are in fen."""

    order_id: str
    txn_time: str
    txn_type: str
    txn_amt: str
    currency_code: str = "156"
    query_id: str | None = None
    orig_resp_code: str | None = None
    orig_qry_id: str | None = None
    orig_order_id: str | None = None
    orig_txn_time: str | None = None
    trace_time: str | None = None
    req_reserved: str | None = None
    pay_card_type: str | None = None
    qr_no: str | None = None
    instal_trans_info: str | None = None
