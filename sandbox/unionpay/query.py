"""`queryTrans.do`: one transaction, as it stands."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from sandbox.simulator import Answer
from sandbox.unionpay.replies import Refusal, done
from sandbox.unionpay.transactions import Transaction, Transactions

SUCCESS = {"origRespCode": "00", "origRespMsg": "成功[0000000]"}


def query(book: Transactions, asked: dict[str, str]) -> Answer:
    """By orderId and txnTime, or with txnSubType 02 by queryId."""
    found = find(book, asked)
    if found is None:
        raise Refusal("34")
    told = {**transaction(found), **way(found)}
    return done({**told, "bizType": asked["bizType"], **SUCCESS})


def find(book: Transactions, asked: dict[str, str]) -> Transaction | None:
    if asked["txnSubType"] == "02":
        return book.by_query.get(wanted(asked, "queryId"))
    return book.by_native.get(f"{wanted(asked, 'orderId')}-{wanted(asked, 'txnTime')}")


def wanted(asked: dict[str, str], name: str) -> str:
    if not asked.get(name):
        raise Refusal("13")
    return asked[name]


def transaction(row: Transaction) -> dict[str, str]:
    """The fields of every transaction; the card number is encrypted for the merchant."""
    hidden = b"".join(sha256(f"{i}{row.native_id}".encode()).digest() for i in range(8))
    return {
        "orderId": row.order_id,
        "txnTime": row.sent,
        "txnType": row.kind,
        "txnAmt": str(row.amount),
        "currencyCode": "156",
        "settleAmt": str(row.amount),
        "settleCurrencyCode": "156",
        "settleDate": f"{row.day:%m%d}",
        "traceNo": row.trace,
        "traceTime": row.sent[4:],
        "queryId": row.query_id,
        "origQryId": row.original.query_id if row.original else "",
        "reqReserved": row.reserved,
        "issuerIdentifyMode": "0",
        "accNo": b64encode(hidden).decode(),
    }


def way(row: Transaction) -> dict[str, str]:
    """How it was paid."""
    if row.original:
        return {"txnSubType": "00"}
    payment = row.payment
    told = {"txnSubType": "03" if payment.instalments else "01", "payCardType": "02"}
    if payment.instalments:
        told["instalTransInfo"] = f"{{numberOfInstallments={payment.instalments}&instalFee=0}}"
    if payment.method == "qr":
        told["qrNo"] = f"62{row.query_id[-17:]}"
    return told
