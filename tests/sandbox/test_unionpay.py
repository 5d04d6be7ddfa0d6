"""The simulated UnionPay: what it refuses, what it says, and what is in its files."""

from __future__ import annotations

import io
import zipfile
import zlib
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from sandbox.salesforce import VENDOR as SALESFORCE
from sandbox.server import Server
from sandbox.stripe import VENDOR as STRIPE
from sandbox.unionpay import VENDOR as UNIONPAY
from sandbox.unionpay.files import COLUMNS
from sandbox.unionpay.ids import MERCHANT
from sandbox.unionpay.keys import holder, ring, summed
from tests.connectors.unionpay_sandbox import UnionPaySandbox
from tests.sandbox.conftest import HandClock

FILE = {
    **{"txnType": "76", "txnSubType": "01", "fileType": "00"},
    "txnTime": "20261101080000",
}


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="module")
def sandbox(clock: HandClock) -> Iterator[UnionPaySandbox]:
    vendors = (SALESFORCE, STRIPE, UNIONPAY)
    with Server(size=40, vendors=vendors, rate_limits=False, clock=clock) as running:
        yield UnionPaySandbox(running)


def named(native_id: str) -> dict[str, str]:
    order_id, _, txn_time = native_id.partition("-")
    return {"orderId": order_id, "txnTime": txn_time}


@pytest.fixture(scope="module")
def known(sandbox: UnionPaySandbox) -> dict[str, str]:
    return named(sandbox.payments[0].native_id)


def test_a_payment_is_told_with_a_good_signature(
    sandbox: UnionPaySandbox, known: dict[str, str]
) -> None:
    told = sandbox.ask(**known)
    assert (told["respCode"], told["origRespCode"], told["txnType"]) == ("00", "00", "01")
    assert told["txnAmt"] == str(sandbox.payments[0].amount)
    assert {k: told[k] for k in known} == known
    assert ring().unionpay.signed(told, told["signature"])
    assert told["signPubKeyCert"].count("\r\n") > 10


def test_a_refund_names_the_query_id_of_its_payment(sandbox: UnionPaySandbox) -> None:
    payment = next(p for p in sandbox.payments if p.refunds)
    told = sandbox.ask(**named(payment.refunds[0].native_id))
    assert told["txnType"] == "04"
    assert told["origQryId"] == sandbox.ask(**named(payment.native_id))["queryId"]


def test_a_query_id_is_asked_with_its_own_sub_type(
    sandbox: UnionPaySandbox, known: dict[str, str]
) -> None:
    told = sandbox.ask(**known)
    again = sandbox.ask(txnSubType="02", queryId=told["queryId"])
    assert again["orderId"] == known["orderId"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"orderId": "NOBODY01"}, "34"),
        ({"txnTime": "20260101080000"}, "34"),
        ({"txnSubType": "02", "queryId": "1" * 21}, "34"),
        ({"orderId": ""}, "13"),
        ({"txnTime": ""}, "13"),
        ({"merId": ""}, "13"),
        ({"signature": "AAAA"}, "11"),
        ({"signature": "not base64"}, "11"),
        ({"certId": "12"}, "11"),
        ({"certId": "ff"}, "10"),
        ({"orderId": "SO-1001"}, "10"),
        ({"orderId": "SO_10012"}, "10"),
        ({"orderId": "SHORT"}, "10"),
        ({"txnTime": "20261301000000"}, "10"),
        ({"version": "5.0.0"}, "10"),
        ({"signMethod": "11"}, "10"),
        ({"bizType": "000201"}, "10"),
        ({"encoding": "GBK"}, "10"),
        ({"txnType": "01"}, "10"),
        ({"txnSubType": "07"}, "10"),
        ({"merId": "777290058110097"}, "31"),
    ],
)
def test_what_unionpay_refuses(
    sandbox: UnionPaySandbox, known: dict[str, str], fields: dict[str, str], code: str
) -> None:
    told = sandbox.ask(**{**known, **fields})
    assert told["respCode"] == code
    assert ring().unionpay.signed(told, told["signature"])


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/gateway/api/queryTrans.do", {"orderId": "NOBODY01", "txnTime": "20260101080000"}),
        ("/gateway/api/queryTrans.do", {"txnSubType": "02", "queryId": "1" * 21}),
        ("/filedownload/", {**FILE, "settleDate": "0230"}),
    ],
)
def test_a_refusal_tells_what_was_asked_for(
    sandbox: UnionPaySandbox, path: str, fields: dict[str, str]
) -> None:
    told = sandbox.ask(path, **fields)
    asked = {k: v for k, v in fields.items() if k != "fileType"}
    assert told["respCode"] in ("34", "98")
    assert {k: told[k] for k in asked} == asked


def test_a_signature_of_another_key_is_refused(
    sandbox: UnionPaySandbox, known: dict[str, str]
) -> None:
    told = sandbox.ask(**known, signature=holder("x", key=ring().middle.key).sign(known))
    assert told["respCode"] == "11"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/gateway/api/queryTrans.do"), ("POST", "/gateway/api/nothing.do"), ("POST", "/")],
)
def test_other_addresses_are_not_there(sandbox: UnionPaySandbox, method: str, path: str) -> None:
    assert httpx.request(method, sandbox.credentials["base_url"] + path).status_code == 404


def test_the_digest_leaves_out_what_is_empty() -> None:
    assert summed({"b": "2", "a": "1", "c": "", "signature": "x"}) == summed({"a": "1", "b": "2"})


def members(told: dict[str, str]) -> dict[str, bytes]:
    archived = zlib.decompress(b64decode(told["fileContent"]))
    with zipfile.ZipFile(io.BytesIO(archived)) as found:
        return {name: found.read(name) for name in found.namelist()}


def settle_date(sandbox: UnionPaySandbox, native_id: str) -> str:
    return sandbox.ask(**named(native_id))["settleDate"]


def test_a_file_holds_the_rows_of_its_day(sandbox: UnionPaySandbox) -> None:
    native_id = sandbox.payments[0].native_id
    day = settle_date(sandbox, native_id)
    told = sandbox.ask("/filedownload/", **FILE, settleDate=day)
    assert told["respCode"] == "00"
    assert ring().unionpay.signed(told, told["signature"])
    files = members(told)
    assert {name.partition("88")[2] for name in files} == {f"ZM_{MERCHANT}", f"ZME_{MERCHANT}"}
    rows = b"".join(files.values()).split(b"\r\n")[:-1]
    assert {len(row) for row in rows} == {sum(COLUMNS) + len(COLUMNS) - 1}
    assert any(native_id.partition("-")[0].encode() in row for row in rows)


def test_free_text_is_wide_and_does_not_shift_its_row(sandbox: UnionPaySandbox) -> None:
    days = {settle_date(sandbox, payment.native_id) for payment in sandbox.payments}
    texts = set()
    for day in days:
        for content in members(sandbox.ask("/filedownload/", **FILE, settleDate=day)).values():
            start = sum(COLUMNS[:30]) + 30
            rows = content.split(b"\r\n")[:-1]
            texts |= {row[start : start + 32].decode("gb18030").strip() for row in rows}
    assert {"花店🌸", "Ｃａｆé １２"} <= texts


@pytest.mark.parametrize("fields", [{"settleDate": ""}, {"fileType": ""}, {"txnTime": ""}])
def test_a_file_without_its_day_is_refused(
    sandbox: UnionPaySandbox, fields: dict[str, str]
) -> None:
    told = sandbox.ask("/filedownload/", **{**FILE, "settleDate": "0102", **fields})
    assert told["respCode"] == "13"


def test_a_query_is_no_file(sandbox: UnionPaySandbox) -> None:
    assert sandbox.ask("/filedownload/", settleDate="0102")["respCode"] == "10"


def test_a_file_is_there_on_the_next_morning(sandbox: UnionPaySandbox, clock: HandClock) -> None:
    day = settle_date(sandbox, sandbox.payments[0].native_id)
    paid = sandbox.payments[0].created_at
    codes = []
    before = clock.now
    for hours in (0, 60):
        clock.now = datetime(paid.year, paid.month, paid.day, tzinfo=UTC)
        clock.forward(hours * 3600)
        codes.append(sandbox.ask("/filedownload/", **FILE, settleDate=day)["respCode"])
    clock.now = before
    assert codes == ["98", "00"]


@pytest.mark.parametrize(("status", "code"), [(401, "11"), (403, "31"), (429, "37")])
def test_a_fault_is_a_code_of_unionpay(status: int, code: str) -> None:
    answer = UNIONPAY.error(status)
    told = dict(pair.split("=", 1) for pair in answer.body.decode().split("&"))
    assert (answer.status, told["respCode"]) == (200, code)
    assert ring().unionpay.signed(told, told["signature"])


def test_an_outage_is_a_page() -> None:
    assert UNIONPAY.error(503).status == 503
