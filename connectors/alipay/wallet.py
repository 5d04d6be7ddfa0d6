"""From MYbank's trades and flows of digital yuan to records and entries, without I/O.

There are no instalments, points, fees or complaints here. Raises Misfit.
"""

from __future__ import annotations

from connectors import records
from connectors.alipay.amounts import moment, whole
from connectors.alipay.mapping import payer, status_of, taken
from connectors.alipay.payloads import Flow, WalletTrade
from connectors.alipay.words import FLOW_STATUS
from connectors.ledger import Entry
from connectors.records import (
    Kind,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Provider,
    RefundStatus,
    Source,
)
from connectors.references import ReferencePattern


def payment(source: Source, trade: WalletTrade, pattern: ReferencePattern) -> records.Payment:
    amount = whole("total_amount", trade.total_amount)
    status = status_of(trade.trade_status, trade.gmt_payment)
    paid_at = moment("gmt_payment", trade.gmt_payment) if trade.gmt_payment else None
    return records.Payment(
        source=source,
        native_id=trade.trade_no,
        created_at=paid_at,
        provider=Provider.ALIPAY,
        channel=PaymentChannel.ECNY,
        status=status,
        provider_status=trade.trade_status,
        amount=amount,
        captured=taken(status, amount),
        refunded=amount if status is PaymentStatus.REFUNDED else None,
        reference=pattern.of(trade.out_trade_no),
        paid_at=paid_at,
        method=PaymentMethod(wallet="ecny"),
        payer=payer(trade.buyer_wallet_id, trade.buyer_wallet_name),
    )


def is_refund(flow: Flow, account: str) -> bool:
    """Whether money left the merchant's wallet."""
    return flow.payer_account_no == account


def refund_id(flow: Flow) -> str:
    """`trade_no-yyyymmddhhmmss-flow_no`: flows can be asked for by their time alone."""
    moment("biz_date", flow.biz_date)
    digits = "".join(letter for letter in flow.biz_date[:19] if letter.isdigit())
    return f"{flow.biz_no}-{digits}-{flow.flow_no}"


def refund(source: Source, flow: Flow) -> records.Refund:
    at = moment("biz_date", flow.biz_date)
    status = FLOW_STATUS.get(flow.order_status or "", RefundStatus.UNKNOWN)
    return records.Refund(
        source=source,
        native_id=refund_id(flow),
        created_at=at,
        status=status,
        provider_status=flow.order_status,
        amount=whole("amount", flow.amount),
        settled_at=at if status is RefundStatus.SUCCEEDED else None,
        payment_id=flow.biz_no,
    )


def entry(flow: Flow, account: str) -> Entry | None:
    """None for a flow between others, which a wallet's own list should not have."""
    if not is_refund(flow, account) and flow.payee_account_no != account:
        return None
    back = is_refund(flow, account)
    return Entry(
        kind=Kind.REFUND if back else Kind.PAYMENT,
        native_id=refund_id(flow) if back else flow.biz_no,
        created_at=moment("biz_date", flow.biz_date),
        payment=flow.biz_no if back else None,
        amount=whole("amount", flow.amount),
    )
