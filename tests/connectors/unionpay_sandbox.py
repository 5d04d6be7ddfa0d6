"""The simulated merchant of UnionPay: its controls, and what it really holds."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx

from connectors.secret import Secret
from connectors.unionpay.settings import UnionPaySettings
from sandbox.server import Server
from sandbox.unionpay.ids import ACCOUNT, MERCHANT
from sandbox.unionpay.keys import ring
from sandbox.world import Payment, Refund
from tests.connectors.upstream import SandboxUpstream

SECRETS = ("private_key", "certificate", "root_certs", "pfx", "pfx_password")
QUERY = {
    **{"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "bizType": "000000"},
    **{"txnType": "00", "txnSubType": "00", "accessType": "0", "merId": MERCHANT},
}


def settings_from(credentials: dict[str, str], **more: Any) -> UnionPaySettings:
    given: dict[str, Any] = {**credentials, **more}
    secret = {k: Secret(v) for k, v in given.items() if k in SECRETS and isinstance(v, str)}
    return UnionPaySettings(vendor="unionpay", **{**given, **secret})


class UnionPaySandbox(SandboxUpstream):
    """The controls of a running sandbox, and what its merchant of UnionPay holds."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.origin, "unionpay", ACCOUNT)
        self.credentials = server.credentials[ACCOUNT]
        self.world = server.world

    def settings(self, **more: Any) -> UnionPaySettings:
        return settings_from(self.credentials, **more)

    @property
    def payments(self) -> list[Payment]:
        return self.world.payments_of(ACCOUNT)

    @property
    def refunds(self) -> list[Refund]:
        return [refund for payment in self.payments for refund in payment.refunds]

    def ask(self, path: str = "/gateway/api/queryTrans.do", **fields: str) -> dict[str, str]:
        """The answer to a request that the merchant signed, whatever is in it."""
        form = {**QUERY, "certId": ring().merchant.serial, **fields}
        form.setdefault("signature", ring().merchant.sign(form))
        answer = httpx.post(
            self.credentials["base_url"] + path,
            content=urlencode({k: v for k, v in form.items() if v}),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        pairs = answer.content.decode().split("&")
        return dict(pair.split("=", 1) for pair in pairs)
