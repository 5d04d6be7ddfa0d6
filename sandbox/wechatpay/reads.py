"""Orders, refunds, certificates, bills and complaints, as a gateway reads them."""

from __future__ import annotations

import gzip
import hashlib
import secrets
from datetime import timedelta

from sandbox.behaviour import MARK, has_odd_row
from sandbox.wechatpay import views
from sandbox.wechatpay.bills import beijing
from sandbox.wechatpay.desk import Call, Reply
from sandbox.wechatpay.errors import WeChatPayError, bad_parameter, missing, no_order
from sandbox.wechatpay.identity import SINCE, sealed
from sandbox.wechatpay.numbers import written

TOKEN_SECONDS = 300
WINDOW_DAYS = 30
MOST_COMPLAINTS = 50
BILL_HOUR = 9


def by_own_number(call: Call) -> Reply:
    who, payment = call.who(), call.shop.store.payments.get(call.number)
    if payment is None:
        raise no_order()
    return Reply(views.transaction(payment, who))


def by_transaction(call: Call) -> Reply:
    who, payment = call.who(), call.shop.store.by_transaction.get(call.number)
    if payment is None:
        raise no_order()
    return Reply(views.transaction(payment, who))


def combination(call: Call) -> Reply:
    payments = call.shop.store.combined(call.number)
    if not payments:
        raise no_order()
    mchid = call.shop.identity.mchid
    return Reply(
        {
            "combine_appid": "wxd678efh567hg6787",
            "combine_mchid": mchid,
            "combine_out_trade_no": call.number,
            "combine_transaction_id": "4200000000202601010000000000",
            "scene_info": {"device_id": "收银台１"},
            "sub_orders": [views.sub_order(payment, mchid) for payment in payments],
        }
    )


def refund(call: Call) -> Reply:
    if call.shop.limited:
        call.shop.pace.spend(call.shop.clock())
    found = call.shop.store.refunds.get(call.number)
    if found is None:
        raise missing("退款单不存在")
    return Reply(views.refund(*found))


def certificates(call: Call) -> Reply:
    if call.shop.manners.public_key_only:
        raise missing("无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。")
    identity = call.shop.identity
    rows = []
    for certificate in identity.platform:
        nonce = secrets.token_hex(6)
        text = sealed(identity.apiv3_key, certificate.pem, "certificate", nonce)
        rows.append(
            {
                "serial_no": certificate.serial,
                "effective_time": written(SINCE),
                "expire_time": written(certificate.ends),
                "encrypt_certificate": {
                    "algorithm": "AEAD_AES_256_GCM",
                    "nonce": nonce,
                    "associated_data": "certificate",
                    "ciphertext": text,
                },
            }
        )
    return Reply({"data": rows})


def trade_bill(call: Call) -> Reply:
    """There from the morning after; of a day without traffic there is none, ever."""
    shop, day = call.shop, call.day("bill_date")
    if call.query.get("bill_type", "ALL") != "ALL":
        raise bad_parameter("bill_type", "query", "the sandbox has ALL only")
    now = beijing(shop.clock())
    if day >= now.date():
        raise bad_parameter("bill_date", "query", "a day that is not over")
    early = day == now.date() - timedelta(days=1) and now.hour < BILL_HOUR
    if early or shop.manners.creating:
        raise WeChatPayError(400, "STATEMENT_CREATING", "账单生成中")
    text = shop.store.bill(day, call.query.get("sub_mchid", "0"))
    if text is None:
        raise WeChatPayError(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    text = shop.manners.announced(text)
    file = gzip.compress(text, 1) if call.query.get("tar_type") == "GZIP" else text
    token = secrets.token_urlsafe(32)
    shop.bills[token] = (shop.clock() + timedelta(seconds=TOKEN_SECONDS), file)
    return Reply(
        {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(text, usedforsecurity=False).hexdigest(),
            "download_url": f"{shop.origin}/wechatpay/v3/billdownload/file?token={token}",
        }
    )


def bill_file(call: Call) -> Reply:
    ends, file = call.shop.bills.pop(call.param("token"), (call.shop.clock(), b""))
    if ends <= call.shop.clock():
        raise bad_parameter("token", "query", "unknown, used or too old")
    return Reply(file=call.shop.manners.delivered(file))


def complaints(call: Call) -> Reply:
    first, last = call.day("begin_date"), call.day("end_date")
    if not timedelta(0) <= last - first < timedelta(days=WINDOW_DAYS):
        raise bad_parameter("end_date", "query", "at most 30 days")
    limit, offset = int(call.query.get("limit", "10")), int(call.query.get("offset", "0"))
    if not 1 <= limit <= MOST_COMPLAINTS:
        raise bad_parameter("limit", "query", "1 to 50")
    found, mchid = call.shop.store.complaints(first, last), call.shop.identity.mchid
    rows = [views.complaint(*pair, mchid) for pair in found]
    if rows and has_odd_row():
        rows.insert(1, rows[0] | {"complaint_id": MARK, "complaint_time": ""})
    shown = rows[offset : offset + limit]
    return Reply({"data": shown, "limit": limit, "offset": offset, "total_count": len(rows)})


def complaint(call: Call) -> Reply:
    found = call.shop.store.disputes.get(call.number)
    if found is None:
        raise missing("投诉单不存在")
    return Reply(views.complaint(*found, call.shop.identity.mchid))
