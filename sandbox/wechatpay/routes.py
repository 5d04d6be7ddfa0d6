"""What is answered at which path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from sandbox.wechatpay import reads, writes
from sandbox.wechatpay.desk import Call, Reply, Shop
from sandbox.wechatpay.errors import WeChatPayError, bad_parameter

Handler = Callable[[Call], Reply]
PAID = r"/v3/pay/(?:partner/)?transactions"
ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = tuple(
    (method, re.compile(pattern), handler)
    for method, pattern, handler in (
        ("GET", PAID + r"/out-trade-no/([^/]+)", reads.by_own_number),
        ("GET", PAID + r"/id/([^/]+)", reads.by_transaction),
        ("POST", PAID + r"/out-trade-no/([^/]+)/close", writes.close),
        ("POST", PAID + r"/native()", writes.place),
        ("GET", r"/v3/combine-transactions/out-trade-no/([^/]+)", reads.combination),
        ("GET", r"/v3/refund/domestic/refunds/([^/]+)", reads.refund),
        ("POST", r"/v3/refund/domestic/refunds()", writes.give_back),
        ("GET", r"/v3/bill/tradebill()", reads.trade_bill),
        ("GET", r"/v3/billdownload/file()", reads.bill_file),
        ("GET", r"/v3/merchant-service/complaints-v2()", reads.complaints),
        ("GET", r"/v3/merchant-service/complaints-v2/([^/]+)", reads.complaint),
        ("GET", r"/v3/certificates()", reads.certificates),
    )
)


def answer(shop: Shop, method: str, target: str, body: bytes) -> Reply:
    """The answer to a request whose sender is known."""
    path, _, query = target.partition("?")
    params = {name: values[0] for name, values in parse_qs(query).items()}
    for verb, pattern, handler in ROUTES:
        if verb == method and (found := pattern.fullmatch(path)):
            partner = "/partner/" in path
            return handler(Call(shop, unquote(found[1]), params, decoded(body), partner))
    raise WeChatPayError(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")


def decoded(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body) if body else {}
    except ValueError:
        raise bad_parameter("/", "body", "not JSON") from None
    if not isinstance(content, dict):
        raise bad_parameter("/", "body", "not an object")
    return content
